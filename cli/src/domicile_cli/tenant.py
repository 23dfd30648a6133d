"""The CasinoTenant manifest, as docs/architecture.md gives it."""

from datetime import date
from typing import Annotated, Literal, Self

from domicile_catalog import Product, State
from pydantic import BaseModel, ConfigDict, Field, model_validator

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$", max_length=32)]
Text = Annotated[str, Field(min_length=1)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Metadata(_Part):
    """The tenant's name: at most 32 characters, for the names of its database and roles derive from it."""

    name: Name
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)


class Licence(_Part):
    """What the regulator gave the holder."""

    number: Text
    holder: Text
    validUntil: date


class Limits(_Part):
    """Limits stricter than the jurisdiction's. Stakes in minor units of its currency."""

    slotMaxStakeMinor: int | None = None
    minAgeYears: int | None = None
    sessionIdleTimeoutSeconds: int | None = None

    def given(self) -> dict[str, int]:
        """The limits that were set, by the names that tenant_rules() knows."""
        return self.model_dump(exclude_none=True)


class PaymentProvider(_Part):
    """A payment service provider of the cell, by name."""

    name: Name


class Studio(_Part):
    """An external studio of the cell, by name."""

    name: Name


class Suspension(_Part):
    """What the order of a suspension leaves: whether players are paid out all the same."""

    withdrawals: bool


class Spec(_Part):
    """What the platform team wants."""

    brand: Text
    jurisdiction: Text
    licence: Licence
    products: Annotated[tuple[Product, ...], Field(min_length=1)]
    size: Literal["small", "medium", "large"]
    limits: Limits = Limits()
    paymentProviders: tuple[PaymentProvider, ...] = ()
    studios: tuple[Studio, ...] = ()
    domains: tuple[Text, ...] = ()
    state: State = State.LIVE
    suspension: Suspension | None = None
    deletionPolicy: Literal["Retain", "Delete"] = "Retain"

    @model_validator(mode="after")
    def _suspension_is_of_the_suspended(self) -> Self:
        if self.suspension is not None and self.state is not State.SUSPENDED:
            raise ValueError("suspension is there only while state is Suspended: take it out, or suspend")
        return self


class CasinoTenant(_Part):
    """One brand in one jurisdiction under one licence."""

    apiVersion: Literal["casino.domicile.dev/v1alpha1"]
    kind: Literal["CasinoTenant"]
    metadata: Metadata
    spec: Spec


class Kustomization(_Part):
    """tenants/kustomization.yaml: the manifests that are applied."""

    apiVersion: Literal["kustomize.config.k8s.io/v1beta1"]
    kind: Literal["Kustomization"]
    resources: tuple[Text, ...] = ()

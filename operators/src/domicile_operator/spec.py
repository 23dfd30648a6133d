"""The typed spec of a CasinoTenant, parsed with all faults listed at once."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal

from domicile_catalog import State
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic.alias_generators import to_camel

from domicile_operator.errors import Refused

Host = Annotated[str, StringConstraints(max_length=253, pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$")]
Product = Literal["casino", "live_casino", "poker", "bingo", "sports"]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True)


class Licence(_Model):
    """The licence that the tenant plays under. `valid_until` is the last day of play where the licence is."""

    number: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    holder: Annotated[str, StringConstraints(min_length=1, max_length=128)]
    valid_until: date


class Limits(_Model):
    """What the operator of a brand sets stricter than its jurisdiction; None leaves the jurisdiction's."""

    slot_max_stake_minor: Annotated[int, Field(ge=1)] | None = None
    min_age_years: Annotated[int, Field(ge=18, le=120)] | None = None
    session_idle_timeout_seconds: Annotated[int, Field(ge=60)] | None = None


class ProviderReference(_Model):
    """A payment service provider of the cell, by name."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,31}$")]


class StudioReference(_Model):
    """An external studio of the cell, by name."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,23}$")]


class Suspension(_Model):
    """What the order of a suspension leaves."""

    withdrawals: bool


class Backups(_Model):
    """A schedule: to which store of the cell, and how often."""

    store: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,23}$")]
    every_hours: Annotated[int, Field(ge=1, le=168)] = 24


class TenantSpec(_Model):
    """`spec` of a CasinoTenant as the CRD admits it."""

    brand: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    jurisdiction: Annotated[str, StringConstraints(min_length=2, max_length=16)]
    licence: Licence
    products: Annotated[tuple[Product, ...], Field(min_length=1)]
    size: Literal["small", "medium", "large"] = "small"
    limits: Limits = Limits()
    payment_providers: Annotated[tuple[ProviderReference, ...], Field(min_length=1)]
    studios: tuple[StudioReference, ...] = ()
    domains: tuple[Host, ...] = ()
    state: State = State.LIVE
    suspension: Suspension | None = None
    backups: Backups | None = None
    deletion_policy: Literal["Retain", "Delete"] = "Retain"


def parse_spec(raw: Mapping[str, Any]) -> TenantSpec | Refused:
    """Parse `spec`. Gives the typed spec, or SPEC_INVALID with every fault in one message."""
    try:
        return TenantSpec.model_validate(raw)
    except ValidationError as error:
        faults = "; ".join(
            f"spec.{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in error.errors()
        )
        return Refused("SPEC_INVALID", f"The spec cannot be read: {faults}. Correct these fields and apply again.")

"""How a tenant stands before the law: its placement, its limits and its licence, and everything that stops it."""

from datetime import date

from domicile_catalog import (
    FACT_NAMES,
    Catalogue,
    Refusal,
    Rules,
    RulesError,
    TenantPlacement,
    TenantRequest,
    place_tenant,
    rules_for,
)
from domicile_catalog.attestation import answer
from domicile_catalog.environment import Surroundings
from domicile_catalog.forms import Frozen

from domicile_cli.tenant import CasinoTenant


class Stop(Frozen):
    """One thing that stops a tenant, and at which path of its manifest."""

    path: str
    refusal: Refusal


def request_of(tenant: CasinoTenant, around: Surroundings, *, on: date) -> TenantRequest:
    """What is to be placed for a manifest."""
    return TenantRequest(
        jurisdiction=tenant.spec.jurisdiction,
        products=tenant.spec.products,
        candidates=around.candidates,
        production=around.production,
        attestations=around.attestations,
        on=on,
    )


def stops(
    catalogue: Catalogue, tenant: CasinoTenant, request: TenantRequest, decision: TenantPlacement | Refusal
) -> tuple[Stop, ...]:
    """Everything that stops the tenant at once: where it may live, its limits, its licence."""
    found = [Stop(path=_path_of(one), refusal=one) for one in _placement(catalogue, request, decision)]
    return (*found, *_limits(catalogue, tenant, request), *_licence(tenant, request.on))


def lawful_rules(catalogue: Catalogue, request: TenantRequest, limits: dict[str, int]) -> Rules | None:
    """The rules of play under those limits, or None where there are none."""
    try:
        return rules_for(catalogue, request, limits)
    except RulesError:
        return None


def _path_of(refusal: Refusal) -> str:
    return "spec.products" if refusal.code == "PRODUCT_NOT_LICENSED" else "spec.jurisdiction"


def _placement(catalogue: Catalogue, request: TenantRequest, decision: TenantPlacement | Refusal) -> list[Refusal]:
    """Why it may live nowhere; of several products each is asked for itself, since an answer names one reason."""
    if not isinstance(decision, Refusal):
        return []
    alone = [
        place_tenant(catalogue, request.model_copy(update={"products": (product,)})) for product in request.products
    ]
    refused = {one.message: one for one in alone if isinstance(one, Refusal)}
    return list(refused.values()) or [decision]


def _limits(catalogue: Catalogue, tenant: CasinoTenant, request: TenantRequest) -> list[Stop]:
    """Why there are no rules of play, or which limits they do not allow, each by itself."""
    if request.jurisdiction not in catalogue.jurisdictions:
        return []
    without = _refused(catalogue, request, {})
    if without:
        return [Stop(path="spec.jurisdiction", refusal=without)]
    each = {name: _refused(catalogue, request, {name: value}) for name, value in tenant.spec.limits.given().items()}
    return [Stop(path=f"spec.limits.{name}", refusal=refused) for name, refused in each.items() if refused]


def _refused(catalogue: Catalogue, request: TenantRequest, limits: dict[str, int]) -> Refusal | None:
    try:
        rules_for(catalogue, request, limits)
    except RulesError as error:
        return _as_refusal(catalogue, request, error)
    return None


def _as_refusal(catalogue: Catalogue, request: TenantRequest, error: RulesError) -> Refusal:
    jurisdiction = catalogue.jurisdiction(request.jurisdiction, request.on)
    known = error.rule in FACT_NAMES and jurisdiction is not None
    fact = answer(jurisdiction, error.rule, request.attestations, request.on).fact if jurisdiction and known else None
    return Refusal(
        code=error.code,
        jurisdiction=request.jurisdiction,
        message=error.message,
        remedy=error.remedy,
        rule=error.rule if fact else None,
        confidence=fact.confidence if fact else None,
        source=fact.source if fact else None,
        law=jurisdiction.facts.law.value if jurisdiction else None,
    )


def _licence(tenant: CasinoTenant, on: date) -> list[Stop]:
    licence = tenant.spec.licence
    if licence.validUntil >= on:
        return []
    refusal = Refusal(
        code="LICENCE_EXPIRED",
        jurisdiction=tenant.spec.jurisdiction,
        message=f"The licence {licence.number} of {licence.holder} ended with {licence.validUntil}.",
        remedy="Have it renewed, and write its new last day in spec.licence.validUntil.",
    )
    return [Stop(path="spec.licence.validUntil", refusal=refusal)]

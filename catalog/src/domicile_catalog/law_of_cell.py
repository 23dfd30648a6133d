"""The law as one cell applies it: the parameters of the cluster's admission policies, as plain text by key.

A ConfigMap holds them, so that the API server can refuse what the catalogue forbids while nothing of ours runs.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from domicile_catalog.attestation import Attestation
from domicile_catalog.days import local_day
from domicile_catalog.model import Catalogue
from domicile_catalog.refusals import Refusal
from domicile_catalog.rule_errors import RulesError
from domicile_catalog.rules import rules_for
from domicile_catalog.tenancy import TenantRequest, place_tenant
from domicile_catalog.vocabulary import Product

CELL, PLACES, SERVED, VERSION, VALID = "cell", "places", "served", "catalogue", "validThrough"
"""Keys about the cell: its name, its places and the jurisdictions it serves (with commas), the catalogue's version, and
until when new tenants may be admitted by this law."""

VALIDITY = timedelta(days=1)
"""How old a law may be: longer than anybody takes to mend an operator, shorter than a change of law goes unnoticed."""

NAME, TODAY, REFUSED, PRODUCTS = "name", "today", "refused", "products"
MAX_STAKE, MIN_AGE, MAX_IDLE = "maxStakeMinor", "minAgeYears", "maxIdleSeconds"
"""Parts of the keys about a jurisdiction: `GB.products`. A limit that is not set has no key."""


def cell_law(
    catalogue: Catalogue,
    *,
    cell: str,
    places: tuple[str, ...],
    production: bool,
    attestations: Iterable[Attestation],
    now: datetime,
    copies: tuple[str, ...] = (),
    serves: tuple[str, ...] | None = None,
) -> dict[str, str]:
    """What may be admitted in a cell at an instant (aware), each jurisdiction on its own local day.

    `copies` are further places, for what need not rest in the cell. `serves` narrows the jurisdictions to those that
    the cell is for; None means every one that may lawfully live there. Of a jurisdiction that may not, `CODE.refused`
    has the reason; `CODE.refused.PRODUCT` of a product.
    """
    known = tuple(attestations)
    until = (now + VALIDITY).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    told = {VALID: until, CELL: cell, PLACES: ",".join(places), VERSION: catalogue.version}
    served: list[str] = []
    for code in sorted(catalogue.jurisdictions):
        request = TenantRequest(
            jurisdiction=code,
            products=(Product.CASINO,),
            candidates=tuple(dict.fromkeys((*places, *copies))),
            cells=places,
            production=production,
            attestations=known,
            on=local_day(catalogue, code, now, known),
        )
        about = {NAME: catalogue.jurisdictions[code].name, TODAY: request.on.isoformat()}
        about |= _jurisdiction(catalogue, request)
        if serves is not None and code not in serves:
            about = {NAME: about[NAME], REFUSED: f"NOT_SERVED: the cell {cell} serves {', '.join(serves)}."}
        if PRODUCTS in about:
            served.append(code)
        told |= {f"{code}.{key}": value for key, value in about.items()}
    return told | {SERVED: ",".join(served)}


def _jurisdiction(catalogue: Catalogue, request: TenantRequest) -> dict[str, str]:
    refused: dict[Product, str] = {}
    for product in Product:
        decision = place_tenant(catalogue, request.model_copy(update={"products": (product,)}))
        if isinstance(decision, Refusal):
            refused[product] = f"{decision.code}: {decision.message} {decision.remedy}"
    licensed = [product for product in Product if product not in refused]
    if not licensed:
        return {REFUSED: refused[Product.CASINO]}
    limits = _limits(catalogue, request)
    if REFUSED in limits:
        return limits
    reasons = {f"{REFUSED}.{product}": reason for product, reason in refused.items()}
    return {PRODUCTS: ",".join(licensed), **reasons, **limits}


def _limits(catalogue: Catalogue, request: TenantRequest) -> dict[str, str]:
    try:
        rules = rules_for(catalogue, request, {})
    except RulesError as error:
        return {REFUSED: str(error)}
    stakes = rules.slot_max_stake
    limits = {
        MAX_STAKE: max(band.stake_minor for band in stakes) if stakes else None,
        MIN_AGE: rules.min_age_years,
        MAX_IDLE: rules.session_idle_timeout_s,
    }
    return {key: str(value) for key, value in limits.items() if value is not None}

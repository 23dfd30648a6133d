"""Why something may not be placed: one constructor for each reason, with its stable code and its remedy."""

from typing import Any

from domicile_catalog.attestation import Attestation
from domicile_catalog.facts import Fact
from domicile_catalog.forms import Frozen
from domicile_catalog.model import Catalogue, Jurisdiction
from domicile_catalog.question import Reason
from domicile_catalog.vocabulary import Confidence, OnlineCasino, Product


class Refusal(Frozen):
    """What was refused, why, by which rule, and what to do next.

    `code` is stable. `rule` is the name of the fact that decided, `value` what it says, `confidence` and
    `source` how that is known; they are None where the request itself is at fault. `law` is the
    jurisdiction's gambling law. `needs` has every fact that must be sourced or attested before the answer
    can change. `warnings` tell of what else to know: attestations that no longer count, for one. `reasons` are the
    links that led here.
    """

    code: str
    jurisdiction: str
    message: str
    remedy: str
    rule: str | None = None
    value: str | None = None
    confidence: Confidence | None = None
    source: str | None = None
    law: str | None = None
    needs: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()


def _by_fact(
    jurisdiction: Jurisdiction, name: str, fact: Fact[Any], *, code: str, message: str, remedy: str
) -> Refusal:
    return Refusal(
        code=code,
        jurisdiction=jurisdiction.code,
        message=message,
        remedy=remedy,
        rule=name,
        value=spell(fact.value),
        confidence=fact.confidence,
        source=fact.source,
        law=jurisdiction.facts.law.value,
    )


def spell(value: Any) -> str | None:
    """A fact's value for a reader."""
    if value is None:
        return None
    return ", ".join(str(item) for item in value) if isinstance(value, tuple) else str(value)


def _how_to_answer(jurisdiction: Jurisdiction, name: str) -> str:
    return (
        f"Have a compliance officer record an attestation of {jurisdiction.code} {name} under the "
        "environment's attestations/, or add the sourced fact to the catalogue."
    )


def unknown_jurisdiction(catalogue: Catalogue, code: str) -> Refusal:
    """The catalogue has no such jurisdiction."""
    near = catalogue.suggest(code)
    return Refusal(
        code="JURISDICTION_UNKNOWN",
        jurisdiction=code,
        message=f"The catalogue has no jurisdiction {code!r}.",
        remedy=f"Did you mean {' or '.join(near)}?" if near else "`domicile catalog gaps` lists every jurisdiction.",
    )


def unknown_place(catalogue: Catalogue, jurisdiction: Jurisdiction, place: str) -> Refusal:
    """A candidate is neither an AWS region nor a site of the environment."""
    near = catalogue.suggest_place(place)
    return Refusal(
        code="PLACE_UNKNOWN",
        jurisdiction=jurisdiction.code,
        message=f"The catalogue has no place {place!r}.",
        remedy=f"Did you mean {' or '.join(near)}?" if near else "Name AWS regions or the environment's sites.",
        law=jurisdiction.facts.law.value,
    )


def no_candidates(jurisdiction: Jurisdiction) -> Refusal:
    """The caller named no place at all."""
    return Refusal(
        code="NO_CANDIDATES",
        jurisdiction=jurisdiction.code,
        message="No candidate place was named.",
        remedy="Name the cell's places; to consider all that the catalogue offers, leave candidates out.",
        law=jurisdiction.facts.law.value,
    )


def unknown_residence(catalogue: Catalogue, jurisdiction: Jurisdiction, residence: str) -> Refusal:
    """The player lives on ground that the catalogue does not know."""
    near = catalogue.suggest(residence)
    return Refusal(
        code="RESIDENCE_UNKNOWN",
        jurisdiction=jurisdiction.code,
        message=f"The catalogue has no territory {residence!r}.",
        remedy=f"Did you mean {' or '.join(near)}?" if near else "Name the residence by its ISO 3166 code.",
    )


def residence_unread(jurisdiction: Jurisdiction, residence: str) -> Refusal:
    """Nobody has read whether the data of people there must stay there, so that it must."""
    return Refusal(
        code="FACT_UNKNOWN",
        jurisdiction=jurisdiction.code,
        message=(
            f"personal_data_localisation of {residence} is unknown, and what is unknown is read as its strictest: "
            f"data of players who live in {residence} stays there, and no candidate may hold it there."
        ),
        remedy=(
            f"Have a compliance officer record an attestation of {residence} personal_data_localisation, add the "
            f"sourced fact to the catalogue, or do not accept players who live in {residence}."
        ),
        rule="personal_data_localisation",
        confidence=Confidence.UNKNOWN,
    )


def residence_conflict(
    jurisdiction: Jurisdiction, residence: str, rule: Reason | None, needed: str, candidates: tuple[str, ...]
) -> Refusal:
    """The licence and the law of the player's residence leave no place between them."""
    source = f" ({rule.source})" if rule and rule.source else ""
    return Refusal(
        code="RESIDENCE_CONFLICT",
        jurisdiction=jurisdiction.code,
        message=(
            f"The law of {residence} keeps {needed} of its residents at home{source}, and none of the candidates that "
            f"the licence of {jurisdiction.name} allows stands there: {_some(candidates)}."
        ),
        remedy=f"Add a place in {residence} if the licence allows one, or do not accept players who live there.",
        rule=rule.fact if rule else "personal_data_localisation",
        value=rule.text.rsplit(" ", 1)[-1] if rule else None,
        confidence=rule.confidence if rule else None,
        source=rule.source if rule else None,
        law=jurisdiction.facts.law.value,
    )


def not_licensed(jurisdiction: Jurisdiction, products: tuple[Product, ...], status: OnlineCasino) -> Refusal:
    """There is no licence for the product, so no attestation helps."""
    wanted = ", ".join(products)
    says = {
        OnlineCasino.PROHIBITED: "prohibits online casino",
        OnlineCasino.SPORTS_ONLY: "licenses sports betting online, and nothing else",
        OnlineCasino.POKER_ONLY: "licenses poker online, and nothing else",
    }
    return _by_fact(
        jurisdiction,
        "online_casino",
        jurisdiction.facts.online_casino.model_copy(update={"value": status}),
        code="PRODUCT_NOT_LICENSED",
        message=f"{jurisdiction.name} {says[status]}: {wanted} cannot be licensed there.",
        remedy=f"Take {wanted} out of the tenant, or do not serve {jurisdiction.name}. No attestation changes this.",
    )


def not_offered(jurisdiction: Jurisdiction, product: Product, name: str, fact: Fact[Any]) -> Refusal:
    """Licences exist, and this product is not among them, by the list of products or by its own fact."""
    return _by_fact(
        jurisdiction,
        name,
        fact,
        code="PRODUCT_NOT_LICENSED",
        message=f"{product} cannot be licensed in {jurisdiction.name}: {name} is {spell(fact.value)}.",
        remedy=f"Take {product} out of the tenant, or correct the fact in the catalogue with its source.",
    )


def unregulated(jurisdiction: Jurisdiction, fact: Fact[Any]) -> Refusal:
    """Nobody licenses online casino, and nobody forbids it."""
    return _by_fact(
        jurisdiction,
        "online_casino",
        fact,
        code="ONLINE_CASINO_UNREGULATED",
        message=f"{jurisdiction.name} does not regulate online casino: there is no licence to operate under.",
        remedy=f"If there is one by now: {_how_to_answer(jurisdiction, 'online_casino')}",
    )


def fact_unknown(jurisdiction: Jurisdiction, name: str, fact: Fact[Any]) -> Refusal:
    """A fact that the decision needs is unknown."""
    law = jurisdiction.facts.law.value or "the gambling law"
    return _by_fact(
        jurisdiction,
        name,
        fact,
        code="FACT_UNKNOWN",
        message=f"{name} of {jurisdiction.name} ({law}) is unknown, and what is unknown is refused.",
        remedy=_how_to_answer(jurisdiction, name),
    )


def recalled_in_production(jurisdiction: Jurisdiction, name: str, fact: Fact[Any]) -> Refusal:
    """A fact that the decision needs was never read in a source, and this is production."""
    return _by_fact(
        jurisdiction,
        name,
        fact,
        code="FACT_RECALLED",
        message=f"{name} of {jurisdiction.name} is recalled as {spell(fact.value)}, not sourced, "
        "and production relies on no memory.",
        remedy=_how_to_answer(jurisdiction, name),
    )


def contradicted(jurisdiction: Jurisdiction, name: str, fact: Fact[Any], attestation: Attestation) -> Refusal:
    """An attestation says otherwise than a sourced fact, or than another attestation."""
    return _by_fact(
        jurisdiction,
        name,
        fact,
        code="ATTESTATION_CONTRADICTS",
        message=f"{name} of {jurisdiction.name} is {spell(fact.value)} by {fact.source}, and "
        f"{spell(attestation.value)} by {attestation.reference}.",
        remedy="Settle which is right: withdraw the attestation, or correct the catalogue with its source.",
    )


def no_place_in_territory(
    catalogue: Catalogue,
    jurisdiction: Jurisdiction,
    residency: Fact[Any],
    needed: str,
    candidates: tuple[str, ...],
) -> Refusal:
    """No candidate stands on the jurisdiction's own ground, where `needed` must rest."""
    fitting = [
        code
        for code in catalogue.implicit_places
        if catalogue.is_within(catalogue.places[code].territory, jurisdiction.code)
    ]
    return _by_fact(
        jurisdiction,
        "data_residency",
        residency,
        code="NO_PLACE_IN_TERRITORY",
        message=f"{needed} must rest in {jurisdiction.name}, and no candidate stands there: {_some(candidates)}.",
        remedy=_how_to_widen(fitting, jurisdiction.name),
    )


def no_place_in_region(
    catalogue: Catalogue,
    jurisdiction: Jurisdiction,
    region: Fact[Any],
    needed: str,
    candidates: tuple[str, ...],
) -> Refusal:
    """No candidate stands in the region that the jurisdiction names, where `needed` must rest."""
    fitting = [
        code
        for code in catalogue.implicit_places
        if catalogue.is_in_region(catalogue.places[code].territory, region.given)
    ]
    return _by_fact(
        jurisdiction,
        "primary_region",
        region,
        code="NO_PLACE_IN_REGION",
        message=f"{needed} must rest in the {region.value}, and no candidate stands there: {_some(candidates)}.",
        remedy=_how_to_widen(fitting, f"the {region.value}"),
    )


def _how_to_widen(fitting: list[str], where: str) -> str:
    if fitting:
        return f"Add {' or '.join(fitting)} to the candidates, or a site in {where}."
    return f"No AWS region stands in {where}: add a site there, under `sites` of the environment and of its cell."


def _some(places: tuple[str, ...]) -> str:
    shown = ", ".join(places[:5])
    return shown if len(places) <= 5 else f"{shown} and {len(places) - 5} more"

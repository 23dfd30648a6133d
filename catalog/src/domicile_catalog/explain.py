"""What the catalogue says of a jurisdiction, all at once, and what it lacks."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from domicile_catalog import refusals
from domicile_catalog.attestation import Attestation, answer
from domicile_catalog.facts import FACT_NAMES, Frozen
from domicile_catalog.model import Catalogue, Jurisdiction
from domicile_catalog.placement import Placement, PlacementRequest, Rest, place, resting_places
from domicile_catalog.refusals import Refusal
from domicile_catalog.rules import Rules, RulesError, tenant_rules
from domicile_catalog.vocabulary import Confidence, DataClass, OnlineCasino, Product, Residency, SourceKind

_LICENSABLE = (OnlineCasino.LEGAL, OnlineCasino.UNREGULATED)
_PLAY_NEEDS = ("currency", "timezone", "min_age")


class ExplainedFact(Frozen):
    """One fact as it stands. `value` is None both for an unknown fact and for a rule known not to exist."""

    name: str
    value: Any
    confidence: Confidence
    source: str | None = None
    source_kind: SourceKind | None = None
    note: str | None = None


class Explanation(Frozen):
    """Everything that the catalogue says of one jurisdiction on one day.

    `resting_places` is by the residency rule alone and None while that is unknown. `rules` is None where
    `rules_refused` says why there are none. `decision` is for the kind of environment that was asked about.
    """

    jurisdiction: str
    name: str
    catalogue_version: str
    production: bool
    facts: tuple[ExplainedFact, ...]
    decision: Placement | Refusal
    resting_places: dict[DataClass, Rest] | None
    rules: Rules | None
    rules_refused: str | None


class Gap(Frozen):
    """A fact that nobody has read in a source. `stops` is what cannot be until somebody does."""

    jurisdiction: str
    fact: str
    confidence: Confidence
    stops: str | None


def explain(
    catalogue: Catalogue,
    jurisdiction: str,
    *,
    on: date,
    production: bool = False,
    products: tuple[Product, ...] = (Product.CASINO,),
    attestations: Iterable[Attestation] = (),
) -> Explanation | Refusal:
    """All of the catalogue on one jurisdiction, over every place that it offers without being asked."""
    found = catalogue.jurisdictions.get(jurisdiction)
    if found is None:
        return refusals.unknown_jurisdiction(catalogue, jurisdiction)
    known = tuple(attestations)
    request = PlacementRequest(
        jurisdiction=jurisdiction, products=products, production=production, attestations=known, on=on
    )
    # Where data may rest is worth showing even where production would not yet rely on it.
    rests = resting_places(catalogue, request.model_copy(update={"production": False}))
    rules: Rules | None = None
    refused: str | None = None
    try:
        rules = tenant_rules(catalogue, jurisdiction, {}, on, known)
    except RulesError as error:
        refused = str(error)
    return Explanation(
        jurisdiction=jurisdiction,
        name=found.name,
        catalogue_version=catalogue.version,
        production=production,
        facts=tuple(_explained(found, name, known, on) for name in FACT_NAMES),
        decision=place(catalogue, request),
        resting_places=None if isinstance(rests, Refusal) else rests,
        rules=rules,
        rules_refused=refused,
    )


def gaps(catalogue: Catalogue) -> tuple[Gap, ...]:
    """Every fact that is unknown or recalled, by jurisdiction, in the order of the facts."""
    return tuple(
        Gap(jurisdiction=code, fact=name, confidence=fact.confidence, stops=_stops(jurisdiction, name))
        for code, jurisdiction in sorted(catalogue.jurisdictions.items())
        for name, fact in jurisdiction.facts.items()
        if fact.confidence in (Confidence.UNKNOWN, Confidence.RECALLED)
    )


def _stops(jurisdiction: Jurisdiction, name: str) -> str | None:
    """What the gap stops: nothing, where online casino has no licence or nobody relies on the fact."""
    facts = jurisdiction.facts
    if facts.online_casino.known and facts.online_casino.value not in _LICENSABLE:
        return None
    unknown = not facts.get(name).known
    if name in _PLAY_NEEDS:
        return "the casino's rules" if unknown else None
    bound = facts.data_residency.value is Residency.IN_REGION or facts.primary_region.known
    if name in ("online_casino", "data_residency") or (name == "primary_region" and bound):
        return "any environment" if unknown else "production"
    return None


def _explained(jurisdiction: Jurisdiction, name: str, attestations: tuple[Attestation, ...], on: date) -> ExplainedFact:
    fact = answer(jurisdiction, name, attestations, on).fact
    return ExplainedFact(
        name=name,
        value=fact.value,
        confidence=fact.confidence,
        source=fact.source,
        source_kind=fact.source_kind,
        note=fact.note,
    )

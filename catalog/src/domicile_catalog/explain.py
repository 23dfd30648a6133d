"""What the catalogue says of a jurisdiction, all at once, and what it lacks."""

from collections.abc import Iterable, Iterator
from datetime import date
from enum import StrEnum
from typing import Any

from domicile_catalog import refusals
from domicile_catalog.attestation import Attestation, answer
from domicile_catalog.facts import FACT_NAMES, Fact, Finding
from domicile_catalog.forms import Frozen
from domicile_catalog.model import Catalogue, Jurisdiction
from domicile_catalog.play_law import BINDING, NEEDED
from domicile_catalog.refusals import Refusal
from domicile_catalog.residency import Rest
from domicile_catalog.resolution import rank
from domicile_catalog.rule_errors import RulesError
from domicile_catalog.rules import Rules, tenant_rules
from domicile_catalog.strictness import STRICTEST
from domicile_catalog.tenancy import TenantPlacement, TenantRequest, place_tenant, resting_places
from domicile_catalog.vocabulary import Confidence, DataClass, OnlineCasino, Product, Residency, SourceKind

_LICENSABLE = (OnlineCasino.LEGAL, OnlineCasino.UNREGULATED)


class ExplainedFact(Frozen):
    """One fact as it stands. `value` is None both for an unknown fact and for a rule known not to exist.

    `others` is what further sources say, which were outranked or are less strict.
    """

    name: str
    value: Any
    confidence: Confidence
    source: str | None = None
    source_kind: SourceKind | None = None
    note: str | None = None
    clause: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    others: tuple[Finding[Any], ...] = ()


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
    decision: TenantPlacement | Refusal
    resting_places: dict[DataClass, Rest] | None
    rules: Rules | None
    rules_refused: str | None


class Gap(Frozen):
    """A fact that nobody has read in a source. `stops` is what cannot be until somebody does."""

    jurisdiction: str
    fact: str
    confidence: Confidence
    stops: str | None


COMPARABLE = frozenset({*STRICTEST, "primary_region", "currency", "timezone"})


class Resolution(StrEnum):
    """Why one of several sources binds: it has more authority, it is the strictest, or it is the newest."""

    AUTHORITY = "authority"
    STRICTNESS = "strictness"
    ORDER = "order"


class Conflict(Frozen):
    """Sources that say different things of one fact: what binds, what else was read, and why the first binds."""

    jurisdiction: str
    fact: str
    binds: Finding[Any]
    others: tuple[Finding[Any], ...]
    because: Resolution


def explain(
    catalogue: Catalogue,
    jurisdiction: str,
    *,
    on: date,
    production: bool = False,
    products: tuple[Product, ...] = (Product.CASINO,),
    candidates: tuple[str, ...] | None = None,
    attestations: Iterable[Attestation] = (),
) -> Explanation | Refusal:
    """All of the catalogue on one jurisdiction; of every place that it offers without being asked, by default."""
    found = catalogue.jurisdiction(jurisdiction, on)
    if found is None:
        return refusals.unknown_jurisdiction(catalogue, jurisdiction)
    known = tuple(attestations)
    request = TenantRequest(
        jurisdiction=jurisdiction,
        products=products,
        candidates=candidates,
        production=production,
        attestations=known,
        on=on,
    )
    # Where data may rest is worth showing even where production would not yet rely on it.
    rests = resting_places(catalogue, request.model_copy(update={"production": False}))
    rules: Rules | None = None
    refused: str | None = None
    try:
        rules = tenant_rules(catalogue, jurisdiction, {}, on, known, production=production)
    except RulesError as error:
        refused = str(error)
    return Explanation(
        jurisdiction=jurisdiction,
        name=found.name,
        catalogue_version=catalogue.version,
        production=production,
        facts=tuple(_explained(found, name, known, on) for name in FACT_NAMES),
        decision=place_tenant(catalogue, request),
        resting_places=None if isinstance(rests, Refusal) else rests,
        rules=rules,
        rules_refused=refused,
    )


def gaps(catalogue: Catalogue, on: date) -> tuple[Gap, ...]:
    """Every fact that is unknown or recalled on a day, by jurisdiction, in the order of the facts."""
    return tuple(
        Gap(jurisdiction=jurisdiction.code, fact=name, confidence=fact.confidence, stops=_stops(jurisdiction, name))
        for jurisdiction in _all(catalogue, on)
        for name, fact in jurisdiction.facts.items()
        if fact.confidence in (Confidence.UNKNOWN, Confidence.RECALLED)
    )


def conflicts(catalogue: Catalogue, on: date) -> tuple[Conflict, ...]:
    """Every fact of which sources that were read say different things on a day, and what was done about it.

    Of facts whose values can be held against each other: two texts say more than one, and need not disagree.
    """
    return tuple(
        Conflict(jurisdiction=jurisdiction.code, fact=name, binds=_as_finding(fact), others=read, because=because)
        for jurisdiction in _all(catalogue, on)
        for name, fact in jurisdiction.facts.items()
        if name in COMPARABLE
        if (read := tuple(other for other in fact.others if other.confidence is Confidence.SOURCED))
        for because in [_why_it_binds(name, fact, read)]
    )


def _why_it_binds(name: str, fact: Fact[Any], others: tuple[Finding[Any], ...]) -> Resolution:
    if all(rank(other) > rank(fact) for other in others):
        return Resolution.AUTHORITY
    return Resolution.STRICTNESS if name in STRICTEST else Resolution.ORDER


def _as_finding(fact: Fact[Any]) -> Finding[Any]:
    return Finding[Any].model_construct(**{name: getattr(fact, name) for name in Finding.model_fields})


def _all(catalogue: Catalogue, on: date) -> Iterator[Jurisdiction]:
    for code in sorted(catalogue.jurisdictions):
        found = catalogue.jurisdiction(code, on)
        assert found is not None
        yield found


def _stops(jurisdiction: Jurisdiction, name: str) -> str | None:
    """What the gap stops: nothing, where online casino has no licence or nobody relies on the fact."""
    facts = jurisdiction.facts
    if facts.online_casino.known and facts.online_casino.value not in _LICENSABLE:
        return None
    unknown = not facts.get(name).known
    if name in NEEDED and unknown:
        return "the casino's rules"
    if name in BINDING:
        return "production"
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
        clause=fact.clause,
        valid_from=fact.valid_from,
        valid_to=fact.valid_to,
        others=fact.others,
    )

"""Where a tenant may lawfully live: the one function that everything else calls."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from pydantic import Field

from domicile_catalog import refusals
from domicile_catalog.attestation import Attestation
from domicile_catalog.facts import Fact, Frozen
from domicile_catalog.licence import licence_needs, licence_refusal
from domicile_catalog.model import Catalogue, ClassRule, Jurisdiction, Place
from domicile_catalog.reading import Reading
from domicile_catalog.refusals import Refusal
from domicile_catalog.vocabulary import (
    Confidence,
    DataClass,
    Product,
    Residency,
    Scope,
)


class PlacementRequest(Frozen):
    """What is to be placed, and what may be relied on.

    `candidates` are codes of places; None means every place that the catalogue offers without being asked,
    which leaves out separate partitions. `on` decides which attestations hold.
    """

    jurisdiction: str
    products: Annotated[tuple[Product, ...], Field(min_length=1)]
    candidates: tuple[str, ...] | None = None
    production: bool
    attestations: tuple[Attestation, ...] = ()
    on: date


class Rest(Frozen):
    """Where one class of data may rest: how far from the jurisdiction, in which candidates, and why."""

    scope: Scope
    allowed: tuple[str, ...]
    why: str


class ClassPlacement(Rest):
    """Where one class of data does rest, among the places where it may."""

    place: str


class Placement(Frozen):
    """The place that was chosen, for every class of data.

    `attested` is true where every fact relied on is sourced or attested: the tenant's condition Attested.
    `relied_on` has those facts with their confidence. `expiring` tells of attestations relied on that end soon.
    """

    jurisdiction: str
    place: str
    attested: bool
    warnings: tuple[str, ...]
    by_data_class: dict[DataClass, ClassPlacement]
    relied_on: dict[str, Confidence]
    expiring: tuple[str, ...] = ()


def place(catalogue: Catalogue, request: PlacementRequest) -> Placement | Refusal:
    """Decides where the tenant's data may rest, or why it may rest nowhere.

    Pure and total: the same catalogue and request give the same answer, for any jurisdiction, and nothing is
    raised. A place on the jurisdiction's own ground is preferred, then one of the same state, then one in a
    region that both belong to; the order of the candidates does not matter.
    """
    jurisdiction = catalogue.jurisdiction(request.jurisdiction, request.on)
    if jurisdiction is None:
        return refusals.unknown_jurisdiction(catalogue, request.jurisdiction)
    reading = _read(jurisdiction, request)
    decision = _decide(catalogue, reading, request)
    if isinstance(decision, Refusal):
        decision = decision.model_copy(update={"needs": _needs(jurisdiction, request)})
    ending = {"expiring": tuple(reading.expiring)} if isinstance(decision, Placement) else {}
    return decision.model_copy(update={"warnings": (*reading.warnings, *decision.warnings), **ending})


def _decide(catalogue: Catalogue, reading: Reading, request: PlacementRequest) -> Placement | Refusal:
    """The licence first, then the residency rule, then the places: the order in which a lawyer would ask."""
    refusal = licence_refusal(reading, request.products)
    if refusal:
        return refusal
    rules = _rules(catalogue, reading)
    if isinstance(rules, Refusal):
        return rules
    candidates = _candidates(catalogue, reading.jurisdiction, request)
    if isinstance(candidates, Refusal):
        return candidates
    return _choose(catalogue, reading, rules, candidates)


def _read(jurisdiction: Jurisdiction, request: PlacementRequest) -> Reading:
    return Reading(jurisdiction, request.production, request.attestations, request.on)


def _needs(jurisdiction: Jurisdiction, request: PlacementRequest) -> tuple[str, ...]:
    """Every fact that must be sourced or attested first, so that nobody learns of them one refusal at a time."""
    reading = _read(jurisdiction, request)
    licence = licence_needs(reading, request.products)
    if licence is None:
        return ()
    region, residency = reading.look("primary_region"), reading.look("data_residency")
    named = isinstance(region, Fact) and region.known
    bound = isinstance(residency, Fact) and residency.value is Residency.IN_REGION
    names = ("data_residency", "primary_region") if named or bound else ("data_residency",)
    return (*licence, *(name for name in names if isinstance(reading.require(name), Refusal)))


@dataclass(frozen=True)
class _Rules:
    """The residency rule of a jurisdiction, ready to be held against a place."""

    residency: Fact[Any]
    region: Fact[Any] | None
    by_class: Mapping[DataClass, ClassRule]

    def rule(self, data_class: DataClass) -> ClassRule:
        """The class's rule; where a jurisdiction names a region, that binds what is otherwise free."""
        rule = self.by_class[data_class]
        if rule.scope is Scope.ANYWHERE and self.region:
            return ClassRule(scope=Scope.REGION, why=f"primary systems are kept in the {self.region.value}")
        return rule


def _rules(catalogue: Catalogue, reading: Reading) -> _Rules | Refusal:
    residency = reading.require("data_residency")
    if isinstance(residency, Refusal):
        return residency
    region = reading.look("primary_region")
    if isinstance(region, Refusal):
        return region
    by_class = catalogue.residency[residency.given]
    if not region.known and residency.value is not Residency.IN_REGION:
        return _Rules(residency, None, by_class)
    region = reading.require("primary_region")
    return region if isinstance(region, Refusal) else _Rules(residency, region, by_class)


def _candidates(
    catalogue: Catalogue, jurisdiction: Jurisdiction, request: PlacementRequest
) -> tuple[Place, ...] | Refusal:
    codes = catalogue.implicit_places if request.candidates is None else tuple(sorted(set(request.candidates)))
    if not codes:
        return refusals.no_candidates(jurisdiction)
    for code in codes:
        if code not in catalogue.places:
            return refusals.unknown_place(catalogue, jurisdiction, code)
    return tuple(sorted((catalogue.places[code] for code in codes), key=_nearness(catalogue, jurisdiction)))


def _nearness(catalogue: Catalogue, jurisdiction: Jurisdiction) -> Any:
    """A sort key: own ground, own state, a region in common, elsewhere; then by code."""
    country = catalogue.country(jurisdiction.code)
    regions = [code for code in catalogue.regions if catalogue.is_in_region(jurisdiction.code, code)]

    def key(place: Place) -> tuple[int, str]:
        if catalogue.is_within(place.territory, jurisdiction.code):
            return 0, place.code
        if catalogue.country(place.territory) == country:
            return 1, place.code
        shared = any(catalogue.is_in_region(place.territory, code) for code in regions)
        return 2 if shared else 3, place.code

    return key


def resting_places(catalogue: Catalogue, request: PlacementRequest) -> dict[DataClass, Rest] | Refusal:
    """Where each class of data may rest by the residency rule alone, whatever can be licensed.

    `allowed` is empty for a class that no candidate may hold. For explaining; to decide, use `place()`.
    """
    jurisdiction = catalogue.jurisdiction(request.jurisdiction, request.on)
    if jurisdiction is None:
        return refusals.unknown_jurisdiction(catalogue, request.jurisdiction)
    rules = _rules(catalogue, _read(jurisdiction, request))
    if isinstance(rules, Refusal):
        return rules
    candidates = _candidates(catalogue, jurisdiction, request)
    if isinstance(candidates, Refusal):
        return candidates
    return _rests(catalogue, jurisdiction, rules, candidates)


def _rests(
    catalogue: Catalogue, jurisdiction: Jurisdiction, rules: _Rules, candidates: tuple[Place, ...]
) -> dict[DataClass, Rest]:
    return {
        data_class: Rest(
            scope=rules.rule(data_class).scope,
            allowed=tuple(
                found.code for found in candidates if _meets(catalogue, jurisdiction, rules, data_class, found)
            ),
            why=rules.rule(data_class).why,
        )
        for data_class in DataClass
    }


def _choose(
    catalogue: Catalogue, reading: Reading, rules: _Rules, candidates: tuple[Place, ...]
) -> Placement | Refusal:
    """The nearest place that the game server may stand in, and for every class that place if it may be."""
    jurisdiction = reading.jurisdiction
    rests = _rests(catalogue, jurisdiction, rules, candidates)
    homeless = [data_class for data_class, rest in rests.items() if not rest.allowed]
    if homeless:
        return _nowhere(catalogue, jurisdiction, rules, homeless, candidates)
    primary = rests[DataClass.GAME_SERVER].allowed[0]
    return Placement(
        jurisdiction=jurisdiction.code,
        place=primary,
        attested=Confidence.RECALLED not in reading.relied_on.values(),
        warnings=_transfer(catalogue, jurisdiction, catalogue.places[primary]),
        by_data_class={
            data_class: ClassPlacement(
                place=primary if primary in rest.allowed else rest.allowed[0],
                scope=rest.scope,
                allowed=rest.allowed,
                why=rest.why,
            )
            for data_class, rest in rests.items()
        },
        relied_on=dict(reading.relied_on),
    )


def _meets(
    catalogue: Catalogue, jurisdiction: Jurisdiction, rules: _Rules, data_class: DataClass, candidate: Place
) -> bool:
    match rules.rule(data_class).scope:
        case Scope.TERRITORY:
            return catalogue.is_within(candidate.territory, jurisdiction.code)
        case Scope.REGION:
            return rules.region is not None and catalogue.is_in_region(candidate.territory, rules.region.given)
        case Scope.ANYWHERE:
            return True


def _nowhere(
    catalogue: Catalogue,
    jurisdiction: Jurisdiction,
    rules: _Rules,
    homeless: list[DataClass],
    candidates: tuple[Place, ...],
) -> Refusal:
    """The refusal for the classes that no candidate may hold; the ground before the region around it."""
    codes = tuple(sorted(found.code for found in candidates))
    bound = [name for name in homeless if rules.rule(name).scope is Scope.TERRITORY]
    if bound or rules.region is None:
        return refusals.no_place_in_territory(catalogue, jurisdiction, rules.residency, ", ".join(bound), codes)
    return refusals.no_place_in_region(catalogue, jurisdiction, rules.region, ", ".join(homeless), codes)


def _transfer(catalogue: Catalogue, jurisdiction: Jurisdiction, primary: Place) -> tuple[str, ...]:
    """A warning where player data leaves the jurisdiction: the law on personal data has its own say."""
    if catalogue.is_within(primary.territory, jurisdiction.code):
        return ()
    law = jurisdiction.facts.personal_data_law.value or "the law on personal data"
    return (
        f"Player data leaves {jurisdiction.name} for {primary.code} in {primary.territory}. The licence "
        f"allows that; what {law} asks of the transfer is not in the catalogue.",
    )

"""The residency rule of a jurisdiction, held against places."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from domicile_catalog import refusals
from domicile_catalog.facts import Fact
from domicile_catalog.forms import Frozen
from domicile_catalog.model import Catalogue, ClassRule, Jurisdiction, Place
from domicile_catalog.reading import Reading
from domicile_catalog.refusals import Refusal
from domicile_catalog.vocabulary import DataClass, Residency, Scope


class Rest(Frozen):
    """Where one class of data may rest: how far from the jurisdiction, in which candidates, and why."""

    scope: Scope
    allowed: tuple[str, ...]
    why: str


@dataclass(frozen=True)
class ResidencyRule:
    """What the licence asks, ready to be held against a place. `region` is None where none is named."""

    jurisdiction: Jurisdiction
    residency: Fact[Any]
    region: Fact[Any] | None
    by_class: Mapping[DataClass, ClassRule]

    def of(self, data_class: DataClass) -> ClassRule:
        """The class's rule; where a jurisdiction names a region, that binds what is otherwise free."""
        rule = self.by_class[data_class]
        if rule.scope is Scope.ANYWHERE and self.region:
            why = f"primary systems are kept in the {self.region.value}"
            return rule.model_copy(update={"scope": Scope.REGION, "why": why})
        return rule

    def allows(self, catalogue: Catalogue, scope: Scope, candidate: Place) -> bool:
        """Whether a place is near enough for a scope."""
        match scope:
            case Scope.TERRITORY:
                return catalogue.is_within(candidate.territory, self.jurisdiction.code)
            case Scope.REGION:
                return self.region is not None and catalogue.is_in_region(candidate.territory, self.region.given)
            case Scope.ANYWHERE:
                return True

    def rest(self, catalogue: Catalogue, data_class: DataClass, candidates: tuple[Place, ...]) -> Rest:
        """Which of the candidates may hold the class, in their order."""
        rule = self.of(data_class)
        allowed = tuple(found.code for found in candidates if self.allows(catalogue, rule.scope, found))
        return Rest(scope=rule.scope, allowed=allowed, why=rule.why)


def residency_rule(catalogue: Catalogue, reading: Reading) -> ResidencyRule | Refusal:
    """The jurisdiction's rule, from facts that this environment may rely on."""
    residency = reading.require("data_residency")
    if isinstance(residency, Refusal):
        return residency
    region = reading.look("primary_region")
    if isinstance(region, Refusal):
        return region
    by_class = catalogue.residency[residency.given]
    if not region.known and residency.value is not Residency.IN_REGION:
        return ResidencyRule(reading.jurisdiction, residency, None, by_class)
    region = reading.require("primary_region")
    if isinstance(region, Refusal):
        return region
    return ResidencyRule(reading.jurisdiction, residency, region, by_class)


def candidate_places(
    catalogue: Catalogue, jurisdiction: Jurisdiction, named: tuple[str, ...] | None
) -> tuple[Place, ...] | Refusal:
    """The places to choose from, nearest first; None means all that are candidates without being named."""
    codes = catalogue.implicit_places if named is None else tuple(sorted(set(named)))
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


def nowhere(
    catalogue: Catalogue, rule: ResidencyRule, homeless: list[DataClass], candidates: tuple[Place, ...]
) -> Refusal:
    """The refusal for the classes that no candidate may hold; the ground before the region around it."""
    codes = tuple(sorted(found.code for found in candidates))
    bound = [name for name in homeless if rule.of(name).scope is Scope.TERRITORY]
    if bound or rule.region is None:
        return refusals.no_place_in_territory(catalogue, rule.jurisdiction, rule.residency, ", ".join(bound), codes)
    return refusals.no_place_in_region(catalogue, rule.jurisdiction, rule.region, ", ".join(homeless), codes)

"""What the catalogue's files must say of each other, beyond what each says alone."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from domicile_catalog.documents import Fault
from domicile_catalog.model import ClassRule, Jurisdiction, Place, Region, Territory
from domicile_catalog.vocabulary import Confidence, DataClass, Residency

JurisdictionFiles = Mapping[str, Jurisdiction | None]
ResidencyRules = Mapping[Residency, Mapping[DataClass, ClassRule]]

GROUND = "territories.yaml"


def cross_check(
    *,
    jurisdictions: JurisdictionFiles,
    territories: Sequence[Territory],
    regions: Sequence[Region],
    places: Sequence[Place],
    partitions: Collection[str],
    residency: ResidencyRules | None,
    currencies: Mapping[str, int] | None,
    ground_was_read: bool,
) -> Iterator[Fault]:
    """Every contradiction between files. A file that could not be read (None) is not blamed on others."""
    ground = {*jurisdictions, *(territory.code for territory in territories)}
    region_codes = {region.code for region in regions}
    for stem, jurisdiction in jurisdictions.items():
        if jurisdiction is None:
            continue
        file = f"jurisdictions/{stem}.yaml"
        if jurisdiction.code != stem:
            yield Fault(file, "code", f"is {jurisdiction.code}; a file is named after its code", stem)
        facts = jurisdiction.facts
        for name, fact in facts.items():
            if fact.confidence is Confidence.ATTESTED:
                yield Fault(
                    file,
                    f"facts.{name}.confidence",
                    "an attestation belongs to an environment, not to the catalogue",
                    "sourced, recalled, unknown",
                )
        if currencies is not None and facts.currency.value and facts.currency.value not in currencies:
            yield Fault(file, "facts.currency", f"unknown currency {facts.currency.value}", "a key of currencies.yaml")
        if ground_was_read:
            if jurisdiction.parent and jurisdiction.parent not in ground:
                yield Fault(
                    file,
                    "parent",
                    f"unknown parent {jurisdiction.parent}",
                    f"a jurisdiction, or a code in {GROUND}",
                )
            region = facts.primary_region.value
            if region and region not in region_codes:
                yield Fault(file, "facts.primary_region", f"unknown region {region}", ", ".join(sorted(region_codes)))
        bands = facts.slot_max_stake.value
        if bands and facts.min_age.value and bands[0].min_age > facts.min_age.value:
            yield Fault(file, "facts.slot_max_stake", f"sets no stake from min_age {facts.min_age.value} on")
    if ground_was_read:
        yield from _ground(jurisdictions, territories, regions, places, ground)
    yield from _places(places, partitions)
    if residency is not None:
        yield from _residency(residency)


def _ground(
    jurisdictions: JurisdictionFiles,
    territories: Sequence[Territory],
    regions: Sequence[Region],
    places: Sequence[Place],
    ground: Collection[str],
) -> Iterator[Fault]:
    for code in _repeated([*jurisdictions, *(territory.code for territory in territories)]):
        yield Fault(GROUND, f"territories.{code}", "stands twice, here or as a jurisdiction")
    for code in _repeated(region.code for region in regions):
        yield Fault(GROUND, f"regions.{code}", "stands twice")
    for territory in territories:
        if territory.parent and territory.parent not in ground:
            yield Fault(GROUND, f"territories.{territory.code}.parent", f"unknown parent {territory.parent}")
    for region in regions:
        for code in region.territories:
            if code not in ground:
                yield Fault(GROUND, f"regions.{region.code}", f"unknown territory {code}")
    for place in places:
        if place.territory not in ground:
            yield Fault("places", f"{place.code}.territory", f"unknown territory {place.territory}")
    yield from _circles(jurisdictions, territories)


def _circles(jurisdictions: JurisdictionFiles, territories: Sequence[Territory]) -> Iterator[Fault]:
    parents = {code: found.parent for code, found in jurisdictions.items() if found}
    parents |= {territory.code: territory.parent for territory in territories}
    for start in parents:
        seen, code = {start}, parents[start]
        while code is not None and code not in seen:
            seen.add(code)
            code = parents.get(code)
        if code == start:
            yield Fault(
                f"jurisdictions/{start}.yaml" if start in jurisdictions else GROUND,
                "parent",
                f"{start} is its own ancestor",
            )


def _places(places: Sequence[Place], partitions: Collection[str]) -> Iterator[Fault]:
    for code in _repeated(place.code for place in places):
        yield Fault("places", code, "stands twice")
    for place in places:
        if place.partition is not None and place.partition not in partitions:
            yield Fault(
                "places",
                f"{place.code}.partition",
                f"unknown partition {place.partition}",
                ", ".join(sorted(partitions)),
            )


def _residency(residency: ResidencyRules) -> Iterator[Fault]:
    for kind in Residency:
        for data_class in DataClass:
            if data_class not in residency.get(kind, {}):
                yield Fault("residency.yaml", f"{kind}.{data_class}", "is missing: every class needs a scope")


def _repeated(codes: Iterable[str]) -> list[str]:
    return [code for code, count in Counter(codes).items() if count > 1]

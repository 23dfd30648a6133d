"""What the catalogue's files must say of each other, beyond what each says alone."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from domicile_catalog.controls import Control
from domicile_catalog.documents import Fault
from domicile_catalog.facts import RecordsBase
from domicile_catalog.model import (
    ClassRule,
    ClassTraits,
    JurisdictionRecord,
    MethodTraits,
    PersonalDataLaw,
    Place,
    Region,
    Territory,
)
from domicile_catalog.vocabulary import Confidence, DataClass, PaymentMethod, Residency

JurisdictionFiles = Mapping[str, JurisdictionRecord | None]
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
    data_classes: Mapping[DataClass, ClassTraits] | None,
    payment_methods: Mapping[PaymentMethod, MethodTraits] | None,
    personal_data_laws: Sequence[PersonalDataLaw],
    controls: Mapping[str, Control],
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
        yield from _money_and_ages(file, jurisdiction, currencies)
        if ground_was_read:
            yield from _position(file, jurisdiction, ground, region_codes)
    if ground_was_read:
        yield from _ground(jurisdictions, territories, regions, places, ground)
        yield from _laws(personal_data_laws, ground | region_codes)
    yield from _places(places, partitions)
    if residency is not None:
        yield from _residency(residency)
    for fact in _repeated(control.fact for control in controls.values()):
        yield Fault("controls.yaml", "", f"{fact} is the parameter of two controls", "one control for each fact")
    for name, control in controls.items():
        if bool(control.code) != bool(control.tests):
            yield Fault("controls.yaml", name, "has code without tests, or tests without code", "both, or neither")
    yield from _whole("data_classes.yaml", DataClass, data_classes)
    yield from _whole("payment_methods.yaml", PaymentMethod, payment_methods)


def _money_and_ages(
    file: str, jurisdiction: JurisdictionRecord, currencies: Mapping[str, int] | None
) -> Iterator[Fault]:
    """What the facts of one jurisdiction must say of each other."""
    facts: RecordsBase = jurisdiction.facts
    for name, findings in (*facts.items(), *jurisdiction.further.items()):
        if any(finding.confidence is Confidence.ATTESTED for finding in findings):
            yield Fault(
                file,
                f"facts.{name}.confidence",
                "an attestation belongs to an environment, not to the catalogue",
                "sourced, recalled, unknown",
            )
    for currency in _values(facts, "currency"):
        if currencies is not None and currency not in currencies:
            yield Fault(file, "facts.currency", f"unknown currency {currency}", "a key of currencies.yaml")
    if _values(facts, "slot_max_stake") and not _values(facts, "currency"):
        yield Fault(file, "facts.slot_max_stake", "is money without a currency", "a fact `currency`")
    # A stake that begins above the age at which play does leaves the youngest without a limit.
    for day in (date.min, *jurisdiction.changes()):
        then = jurisdiction.on(day).facts
        bands, age = then.slot_max_stake.value, then.min_age.value
        if bands and age and bands[0].min_age > age:
            yield Fault(file, "facts.slot_max_stake", f"sets no stake from min_age {age} on")


def _position(
    file: str, jurisdiction: JurisdictionRecord, ground: Collection[str], regions: Collection[str]
) -> Iterator[Fault]:
    if jurisdiction.parent and jurisdiction.parent not in ground:
        allowed = f"a jurisdiction, or a code in {GROUND}"
        yield Fault(file, "parent", f"unknown parent {jurisdiction.parent}", allowed)
    for region in _values(jurisdiction.facts, "primary_region"):
        if region not in regions:
            yield Fault(file, "facts.primary_region", f"unknown region {region}", ", ".join(sorted(regions)))


def _values(facts: RecordsBase, name: str) -> list[Any]:
    """What any source says of a fact, at any time."""
    return [finding.value for finding in facts.get(name) if finding.value is not None]


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


def _whole(file: str, names: Iterable[str], found: Collection[str] | None) -> Iterator[Fault]:
    for name in names if found is not None else ():
        if name not in (found or ()):
            yield Fault(file, name, "is missing: every one has its traits")


def _laws(laws: Sequence[PersonalDataLaw], known: Collection[str]) -> Iterator[Fault]:
    for code in _repeated(law.code for law in laws):
        yield Fault("transfers.yaml", f"laws.{code}", "stands twice")
    for law in laws:
        for code in law.protects:
            if code not in known:
                yield Fault("transfers.yaml", f"laws.{law.code}.protects", f"unknown territory or region {code}")
        for free in law.free_to:
            if free.value not in known:
                yield Fault("transfers.yaml", f"laws.{law.code}.free_to", f"unknown territory or region {free.value}")


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

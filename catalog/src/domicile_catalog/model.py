"""The catalogue as one immutable value."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, StrictInt, model_validator

from domicile_catalog.controls import Control
from domicile_catalog.facts import FACT_NAMES, Facts, Finding, Records, one_or_many
from domicile_catalog.forms import Frozen, Text
from domicile_catalog.resolution import resolve
from domicile_catalog.vocabulary import DataClass, Level, Localisation, PaymentMethod, Residency, Scope

# ISO 3166-1 alpha-2, then any number of subdivisions; X marks one that ISO does not list.
TerritoryCode = Annotated[str, Field(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,4})*$")]
FactName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,60}$")]
TextFindings = Annotated[tuple[Finding[Text], ...], BeforeValidator(one_or_many)]
Latitude = Annotated[float, Field(strict=True, ge=-90, le=90, allow_inf_nan=False)]
Longitude = Annotated[float, Field(strict=True, ge=-180, le=180, allow_inf_nan=False)]
# At most 63 characters: a tenant's objects carry it as a label.
PlaceCode = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*[a-z0-9]$", max_length=63)]
ZoneLetter = Annotated[str, Field(pattern=r"^[a-z]$")]


class _Jurisdiction(Frozen):
    """Who licenses the play.

    `parent` is the state that it belongs to. `inside_parent` is false where its ground does not count as the
    parent's for a rule on where data rests: a crown dependency, a constituent country, a special region.
    `aliases` are what people write for it; they are suggested, never accepted.
    """

    code: TerritoryCode
    name: Text
    aliases: tuple[Text, ...] = ()
    level: Level
    parent: TerritoryCode | None = None
    inside_parent: bool = True


class Jurisdiction(_Jurisdiction):
    """A jurisdiction on one day, and the facts of its licence."""

    facts: Facts


class JurisdictionRecord(_Jurisdiction):
    """A jurisdiction and all that sources say of it, through all time: a file of the catalogue.

    `further` are facts that nothing decides on yet.
    """

    facts: Records
    further: dict[FactName, TextFindings] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _further_facts_are_not_facts(self) -> Self:
        if known := sorted(set(self.further) & set(FACT_NAMES)):
            raise ValueError(f"{', '.join(known)} under further belongs under facts")
        return self

    def on(self, day: date) -> Jurisdiction:
        """The jurisdiction as it stands on a day there."""
        about = {name: getattr(self, name) for name in _Jurisdiction.model_fields}
        facts = {name: resolve(name, findings, day) for name, findings in self.facts.items()}
        # Everything was checked when the record was read: checking each fact of each day again would be in vain.
        return Jurisdiction.model_construct(None, **about, facts=Facts.model_construct(None, **facts))

    def changes(self) -> tuple[date, ...]:
        """The days on which a rule begins, or the first without it, in order."""
        days: set[date] = set()
        for _, findings in self.facts.items():
            days |= {found.valid_from for found in findings if found.valid_from}
            days |= {
                found.valid_to + timedelta(days=1) for found in findings if found.valid_to and found.valid_to < date.max
            }
        return tuple(sorted(days))


class Territory(Frozen):
    """Ground that is nobody's jurisdiction here: a state that regulates through its provinces, say."""

    code: TerritoryCode
    name: Text
    parent: TerritoryCode | None = None
    inside_parent: bool = True


class Region(Frozen):
    """A named set of territories, such as a customs or economic area."""

    code: Annotated[str, Field(pattern=r"^[A-Z]{2,8}$")]
    name: Text
    territories: Annotated[tuple[TerritoryCode, ...], Field(min_length=1)]


class Place(Frozen):
    """Somewhere data can rest: an AWS region, or a site.

    `latitude` and `longitude` are in degrees, north and east positive, of the city and not of a building. They are
    for drawing: what may rest there is decided by `territory` alone. `zones` are the letters of the availability
    zones that an account gets in an AWS region, in order; empty where they are not known.
    """

    code: PlaceCode
    territory: TerritoryCode
    city: Text
    kind: Literal["aws", "site"] = "aws"
    partition: str | None = None
    opt_in: bool = False
    zones: tuple[ZoneLetter, ...] = ()
    latitude: Latitude | None = None
    longitude: Longitude | None = None

    @model_validator(mode="after")
    def _partition_is_a_clouds(self) -> Self:
        if (self.kind == "aws") != (self.partition is not None):
            raise ValueError("an AWS region names its partition, and a site has none")
        return self

    @property
    def availability_zones(self) -> tuple[str, ...]:
        """The names of the availability zones that an account gets: eu-west-2a, eu-west-2b, eu-west-2c."""
        return tuple(f"{self.code}{letter}" for letter in self.zones)

    @model_validator(mode="after")
    def _zones_differ(self) -> Self:
        if list(self.zones) != sorted(set(self.zones)):
            raise ValueError("the letters of zones stand in order, each once")
        return self

    @model_validator(mode="after")
    def _coordinates_are_a_pair(self) -> Self:
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError("latitude and longitude go together: give both or neither")
        return self


class Partition(Frozen):
    """A part of the cloud with its own accounts. One that is not implicit must be named to be a candidate."""

    implicit: bool


class ClassRule(Frozen):
    """How far from the jurisdiction one class of data may rest, and why.

    `copied_as` is the class under whose rule a copy must exist wherever the original is not on the ground.
    """

    scope: Scope
    why: Text
    copied_as: DataClass | None = None


class ClassTraits(Frozen):
    """What kind of thing a class of data is.

    `in_cell`: it rests beside the cluster. `personal`: it tells of a player. `payment`: it tells of payments.
    `copy`: it is a copy of what rests elsewhere as its original.
    """

    title: Text
    in_cell: bool
    personal: bool
    payment: bool
    copy_of_another: Annotated[bool, Field(alias="copy")]


class MethodTraits(Frozen):
    """What kind of thing a payment method is.

    `credit`: the player pays with borrowed money. `reversible`: a payment can be taken back later. `anonymous`: it
    carries no name that could be held against the player's.
    """

    title: Text
    credit: bool
    reversible: bool
    anonymous: bool


class FreeTransfer(Finding[str]):
    """Ground to which a law lets personal data go without more, or on `terms`: `value` is a territory or a region."""

    terms: Text | None = None


class PersonalDataLaw(Frozen):
    """A law on personal data: whom it protects, and where their data may go.

    `safeguards` is what it asks of a transfer to anywhere else. `localisation` stands where the facts of a
    protected state say nothing.
    """

    code: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9-]{1,15}$")]
    name: Text
    protects: Annotated[tuple[str, ...], Field(min_length=1)]
    safeguards: Text
    localisation: Finding[Localisation]
    free_to: tuple[FreeTransfer, ...]


CurrencyExponent = Annotated[StrictInt, Field(ge=0, le=4)]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Every jurisdiction, place and rule, checked against each other. `load_catalogue()` makes one.

    `version` is the sha256 of the canonical data: two catalogues with one version say the same.
    """

    jurisdictions: Mapping[str, JurisdictionRecord]
    territories: Mapping[str, Territory]
    regions: Mapping[str, Region]
    places: Mapping[str, Place]
    partitions: Mapping[str, Partition]
    residency: Mapping[Residency, Mapping[DataClass, ClassRule]]
    currencies: Mapping[str, int]
    data_classes: Mapping[DataClass, ClassTraits]
    payment_methods: Mapping[PaymentMethod, MethodTraits]
    personal_data_laws: tuple[PersonalDataLaw, ...]
    controls: Mapping[str, Control]
    version: str = field(default="")
    # Not carried over by dataclasses.replace(): another catalogue says other things of a day.
    _days: dict[tuple[str, date], Jurisdiction] = field(default_factory=dict, init=False, compare=False, repr=False)

    def jurisdiction(self, code: str, on: date) -> Jurisdiction | None:
        """The jurisdiction as it stands on a day there, or None where there is none of that code."""
        if code not in self.jurisdictions:
            return None
        if (code, on) not in self._days:
            self._days[code, on] = self.jurisdictions[code].on(on)
        return self._days[code, on]

    @property
    def implicit_places(self) -> tuple[str, ...]:
        """The places that are candidates without being named: sites, and regions of implicit partitions."""
        return tuple(
            sorted(
                place.code
                for place in self.places.values()
                if place.partition is None or self.partitions[place.partition].implicit
            )
        )

    def with_sites(self, sites: Iterable[Place]) -> Self:
        """This catalogue and an environment's sites. ValueError where a code is taken or ground unknown."""
        places = dict(self.places)
        for site in sites:
            if site.code in places:
                raise ValueError(f"place {site.code} exists already; a site needs a name of its own")
            if site.territory not in self.jurisdictions and site.territory not in self.territories:
                raise ValueError(f"site {site.code} stands in {site.territory}, which the catalogue lacks")
            places[site.code] = site
        return replace(self, places=places)

    def at_version(self, version: str) -> Self:
        """This catalogue, under the digest of its data."""
        return replace(self, version=version)

    def lineage(self, code: str) -> tuple[str, ...]:
        """The territory and all whose ground contains it, nearest first: (BR-SP, BR)."""
        found = [code]
        while (ground := self._ground(found[-1])) and ground.inside_parent and ground.parent:
            found.append(ground.parent)
        return tuple(found)

    def country(self, code: str) -> str:
        """The state that the territory belongs to in the end, whether or not it is inside it."""
        ground = self._ground(code)
        return self.country(ground.parent) if ground and ground.parent else code

    def is_within(self, territory: str, container: str) -> bool:
        """Whether ground in `territory` is ground in `container`. US-VA is in US, and not in US-NJ."""
        return container in self.lineage(territory)

    def is_in_region(self, territory: str, region: str) -> bool:
        """Whether the territory, or one that contains it, belongs to the region."""
        members = self.regions[region].territories if region in self.regions else ()
        return any(code in members for code in self.lineage(territory))

    def is_ground_of(self, territory: str, code: str) -> bool:
        """Whether the territory lies in another, or in a region, of that code."""
        return self.is_in_region(territory, code) if code in self.regions else self.is_within(territory, code)

    def knows_ground(self, code: str) -> bool:
        """Whether the code is a jurisdiction's or a territory's."""
        return self._ground(code) is not None

    def suggest(self, written: str) -> tuple[str, ...]:
        """At most three jurisdictions whose code, name or alias looks like what was written, best first."""
        wanted = written.strip().casefold()
        if not wanted:
            return ()
        spelt = {code.casefold(): code for code in self.jurisdictions}
        named = {
            name.casefold(): jurisdiction.code
            for jurisdiction in self.jurisdictions.values()
            for name in (jurisdiction.name, *jurisdiction.aliases)
        }
        found = [
            *([named[wanted]] if wanted in named else []),
            *(spelt[near] for near in difflib.get_close_matches(wanted, spelt, n=3, cutoff=0.6)),
            *(named[near] for near in difflib.get_close_matches(wanted, named, n=3, cutoff=0.7)),
            *(code for name, code in sorted(named.items()) if len(wanted) > 2 and name.startswith(wanted)),
        ]
        return tuple(dict.fromkeys(found))[:3]

    def suggest_place(self, written: str) -> tuple[str, ...]:
        """At most three places whose code looks like what was written, best first."""
        return tuple(difflib.get_close_matches(written.strip().casefold(), self.places, n=3, cutoff=0.6))

    def _ground(self, code: str) -> JurisdictionRecord | Territory | None:
        return self.jurisdictions.get(code) or self.territories.get(code)

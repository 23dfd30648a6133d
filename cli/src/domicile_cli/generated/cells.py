"""Where each jurisdiction's cell may stand, for the pages and the map: a casino outside production."""

from dataclasses import dataclass
from datetime import date

from domicile_catalog import (
    Catalogue,
    DataClass,
    Product,
    Refusal,
    Rest,
    TenantPlacement,
    TenantRequest,
    cell_places,
    place_tenant,
    resting_places,
)
from domicile_catalog.vocabulary import Scope


@dataclass(frozen=True, slots=True)
class Standing:
    """What the catalogue decides of one jurisdiction's casino on one day.

    `outside` and `production` are the decisions over all candidates that need not be named. `implicit` are AWS
    regions that may hold its cell without being named, `named` those of separate partitions, by code. `rests` is
    where each class of data may rest by the residency rule alone, among all places, or why that is not known.
    """

    code: str
    outside: TenantPlacement | Refusal
    production: TenantPlacement | Refusal
    implicit: tuple[str, ...]
    named: tuple[str, ...]
    rests: dict[DataClass, Rest] | Refusal

    @property
    def regions(self) -> tuple[str, ...]:
        """Every AWS region that may hold its cell, by code."""
        return tuple(sorted((*self.implicit, *self.named)))

    @property
    def without_ground(self) -> tuple[DataClass, ...]:
        """The classes that must rest in the territory, where no place stands: they need a site."""
        if isinstance(self.rests, Refusal):
            return ()
        return tuple(name for name, rest in self.rests.items() if rest.scope is Scope.TERRITORY and not rest.allowed)


def standings(catalogue: Catalogue, on: date) -> tuple[Standing, ...]:
    """The standing of every jurisdiction on a day, by code."""
    return tuple(_standing(catalogue, code, on) for code in sorted(catalogue.jurisdictions))


def separate_partitions(catalogue: Catalogue) -> dict[str, tuple[str, ...]]:
    """The places of each partition that is a candidate only where it is named, by partition."""
    return {
        name: tuple(sorted(place.code for place in catalogue.places.values() if place.partition == name))
        for name, partition in sorted(catalogue.partitions.items())
        if not partition.implicit
    }


def _standing(catalogue: Catalogue, code: str, on: date) -> Standing:
    request = TenantRequest(jurisdiction=code, products=(Product.CASINO,), production=False, on=on)
    outside = place_tenant(catalogue, request)
    named: list[str] = []
    for places in separate_partitions(catalogue).values():
        # One partition at a time: an account in one is no account in another.
        wider = request.model_copy(update={"candidates": (*catalogue.implicit_places, *places)})
        named += [one for one in _cells(catalogue, place_tenant(catalogue, wider)) if one in places]
    return Standing(
        code=code,
        outside=outside,
        production=place_tenant(catalogue, request.model_copy(update={"production": True})),
        implicit=tuple(sorted(_cells(catalogue, outside))),
        named=tuple(sorted(named)),
        rests=resting_places(catalogue, request.model_copy(update={"candidates": tuple(sorted(catalogue.places))})),
    )


def _cells(catalogue: Catalogue, decision: TenantPlacement | Refusal) -> tuple[str, ...]:
    if isinstance(decision, Refusal):
        return ()
    return tuple(one for one in cell_places(catalogue, decision.by_data_class) if catalogue.places[one].kind == "aws")

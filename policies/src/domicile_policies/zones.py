"""Residency zones: jurisdictions that may keep a cell in the same places, and those places."""

from collections.abc import Iterable
from datetime import date

from domicile_catalog import (
    Attestation,
    Catalogue,
    DataClass,
    Placement,
    Product,
    Refusal,
    TenantRequest,
    cell_places,
    place,
    resting_places,
)
from domicile_catalog.forms import Frozen

EVERYWHERE = "anywhere"
"""The zone of every region: its jurisdictions name no place."""


class ResidencyZone(Frozen):
    """A set of cloud regions of one partition, and the jurisdictions whose cells may stand in exactly those.

    `name` is short, stable while the set is the same, and fit for an organisational unit: `br`, `eea`, `anywhere`.
    """

    name: str
    places: tuple[str, ...]
    jurisdictions: tuple[str, ...]


def residency_zones(
    catalogue: Catalogue, on: date, *, production: bool, attestations: Iterable[Attestation] = ()
) -> tuple[ResidencyZone, ...]:
    """Every zone of the commercial partition on a day, by name. A jurisdiction that needs a site is in none."""
    known = tuple(attestations)
    grouped: dict[tuple[str, ...], list[str]] = {}
    for code in sorted(catalogue.jurisdictions):
        places = _cells(catalogue, code, on, production, known)
        if places:
            grouped.setdefault(places, []).append(code)
    zones = [
        ResidencyZone(name=_name(catalogue, places), places=places, jurisdictions=tuple(codes))
        for places, codes in grouped.items()
    ]
    return tuple(sorted(zones, key=lambda zone: zone.name))


def zone_of(
    catalogue: Catalogue,
    jurisdictions: Iterable[str],
    on: date,
    *,
    production: bool,
    attestations: Iterable[Attestation] = (),
) -> ResidencyZone | None:
    """The zone of a cell that serves these jurisdictions: where all may keep one, or None."""
    known, codes = tuple(attestations), tuple(sorted(set(jurisdictions)))
    each = [_cells(catalogue, code, on, production, known) for code in codes]
    places = tuple(one for one in (each[0] if each else ()) if all(one in other for other in each))
    return ResidencyZone(name=_name(catalogue, places), places=places, jurisdictions=codes) if places else None


def _cells(
    catalogue: Catalogue, code: str, on: date, production: bool, attestations: tuple[Attestation, ...]
) -> tuple[str, ...]:
    """The regions that may hold everything that rests in a cell; a copy that must stay at home may stand on a site."""
    request = TenantRequest(
        jurisdiction=code, products=(Product.CASINO,), production=production, attestations=attestations, on=on
    )
    questions = (request.question(product, DataClass.GAME_SERVER) for product in Product)
    licensed = any(isinstance(place(catalogue, asked, None, attestations), Placement) for asked in questions)
    rests = resting_places(catalogue, request)
    if not licensed or isinstance(rests, Refusal):
        return ()
    return tuple(sorted(one for one in cell_places(catalogue, rests) if catalogue.places[one].kind == "aws"))


def _name(catalogue: Catalogue, places: tuple[str, ...]) -> str:
    """The smallest ground that has exactly these places, or the places themselves."""
    if places == tuple(one for one in catalogue.implicit_places if catalogue.places[one].kind == "aws"):
        return EVERYWHERE
    grounds = [*catalogue.jurisdictions, *catalogue.territories, *catalogue.regions]
    for ground in sorted(grounds, key=lambda code: (len(code), code)):
        inside = tuple(
            one
            for one in catalogue.implicit_places
            if catalogue.places[one].kind == "aws" and catalogue.is_ground_of(catalogue.places[one].territory, ground)
        )
        if inside == places:
            return ground.lower()
    return "-and-".join(places)

"""Residency zones: jurisdictions that may keep a cell in the same places, and those places."""

from collections.abc import Iterable
from datetime import date

from domicile_catalog import Attestation, Catalogue, Product, TenantPlacement, TenantRequest, cell_places, place_tenant
from domicile_catalog.forms import Frozen

_ASKED = ((Product.CASINO,), (Product.SPORTS,), (Product.POKER,))
"""Where a cell may stand does not depend on the product; a jurisdiction counts if it licenses any of these."""


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


def _cells(
    catalogue: Catalogue, code: str, on: date, production: bool, attestations: tuple[Attestation, ...]
) -> tuple[str, ...]:
    for products in _ASKED:
        request = TenantRequest(
            jurisdiction=code, products=products, production=production, attestations=attestations, on=on
        )
        # A copy that must stay at home may stand on a site: where the cell stands is asked class by class.
        decision = place_tenant(catalogue, request)
        if isinstance(decision, TenantPlacement):
            cells = cell_places(catalogue, decision)
            return tuple(sorted(one for one in cells if catalogue.places[one].kind == "aws"))
    return ()


def _name(catalogue: Catalogue, places: tuple[str, ...]) -> str:
    """The smallest ground that has exactly these places, or the places themselves."""
    if places == tuple(one for one in catalogue.implicit_places if catalogue.places[one].kind == "aws"):
        return "anywhere"
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

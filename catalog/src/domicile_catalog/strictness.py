"""What is stricter, for each fact whose values have an order. A known None (no such rule) is laxer than any value."""

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Any

from domicile_catalog.facts import StakeBand
from domicile_catalog.vocabulary import Kyc, LicenceRegime, OnlineCasino, Product, Residency

Combine = Callable[[list[Any]], Any]


def _first(order: Iterable[StrEnum]) -> Combine:
    """Whichever of the values stands first in an order from strict to lax."""
    ranks = {value: rank for rank, value in enumerate(order)}
    return lambda values: min(values, key=ranks.__getitem__)


def _residency(values: list[Residency]) -> Residency:
    """A region for the system and a copy in the territory are met together only in the territory."""
    if {Residency.IN_REGION, Residency.COPY_IN_TERRITORY} <= set(values):
        return Residency.IN_TERRITORY
    return _RESIDENCY(values)  # type: ignore[no-any-return]


def _online_casino(values: list[OnlineCasino]) -> OnlineCasino:
    """What every source permits: where one licenses poker alone and another sports alone, that is nothing."""
    found = set(values) - {OnlineCasino.LEGAL}
    if not found:
        return OnlineCasino.LEGAL
    return found.pop() if len(found) == 1 else OnlineCasino.PROHIBITED


def _in_all(values: list[tuple[Product, ...]]) -> tuple[Product, ...]:
    """The products that every source lists."""
    return tuple(product for product in values[0] if all(product in other for other in values))


def _lowest_bands(values: list[tuple[StakeBand, ...]]) -> tuple[StakeBand, ...]:
    """The lowest stake that any source allows, at every age at which one of them changes it."""

    def stake(bands: tuple[StakeBand, ...], age: int) -> int:
        reached = [band for band in bands if band.min_age <= age]
        return (reached[-1] if reached else bands[0]).stake_minor

    ages = sorted({band.min_age for bands in values for band in bands})
    found: list[StakeBand] = []
    for age in ages:
        lowest = min(stake(bands, age) for bands in values)
        if not found or found[-1].stake_minor != lowest:
            found.append(StakeBand(min_age=age, stake_minor=lowest))
    return tuple(found)


_RESIDENCY = _first(
    [
        Residency.IN_TERRITORY,
        Residency.COPY_IN_TERRITORY,
        Residency.IN_REGION,
        Residency.REGULATOR_ACCESS,
        Residency.NONE,
    ]
)

STRICTEST: dict[str, Combine] = {
    "licence_regime": _first(
        [
            LicenceRegime.PROHIBITED,
            LicenceRegime.MONOPOLY,
            LicenceRegime.CONCESSION,
            LicenceRegime.GREY,
            LicenceRegime.OPEN,
        ]
    ),
    "online_casino": _online_casino,
    "licensed_products": _in_all,
    "data_residency": _residency,
    "record_retention_years": max,
    "aml_retention_years": max,
    "min_age": max,
    "slot_max_stake": _lowest_bands,
    "slot_min_cycle_seconds": max,
    "other_games_min_cycle_seconds": max,
    "rtp_minimum_percent": max,
    "session_idle_minutes": min,
    "kyc_before_play": _first([Kyc.YES, Kyc.DEFERRED]),
}
"""The strictest of several values, by fact. Facts that are missing here have no order."""


def strictest(name: str, values: list[Any]) -> Any:
    """The strictest of at least one value of a fact that has an order."""
    given = [value for value in values if value is not None]
    return STRICTEST[name](given) if given else None

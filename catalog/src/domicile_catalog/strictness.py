"""What is stricter, for each fact whose values have an order. A known None (no such rule) is laxer than any value."""

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Any

from domicile_catalog.forms import Lockout, MoneyCap, Pause, StakeBand, TimeOut
from domicile_catalog.vocabulary import (
    AccessNotice,
    Demand,
    Frequency,
    Kyc,
    LicenceRegime,
    Localisation,
    OnlineCasino,
    Permission,
    Product,
    Residency,
)

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


def _lowest(tables: list[dict[int, int]], *, below: bool) -> dict[int, int]:
    """The lowest amount that any table allows, by the age from which on it does.

    Of each table the highest band reached counts. Below its first band a table allows that band's amount, or, where
    not `below`, sets no limit.
    """

    def amount(table: dict[int, int], age: int) -> int | None:
        reached = [from_age for from_age in table if from_age <= age]
        return table[max(reached)] if reached else table[min(table)] if below else None

    found: dict[int, int] = {}
    for age in sorted({age for table in tables for age in table}):
        lowest = min(told for table in tables if (told := amount(table, age)) is not None)
        if not found or found[max(found)] != lowest:
            found[age] = lowest
    return found


def _lowest_bands(values: list[tuple[StakeBand, ...]]) -> tuple[StakeBand, ...]:
    """The lowest stake that any source allows, at every age at which one of them changes it."""
    tables = [{band.min_age: band.stake_minor for band in bands} for bands in values]
    return tuple(StakeBand(min_age=age, stake_minor=stake) for age, stake in _lowest(tables, below=True).items())


def _all_of(values: list[tuple[Any, ...]]) -> tuple[Any, ...]:
    """Everything that any source asks for."""
    return tuple(dict.fromkeys(item for value in values for item in value))


def _lowest_caps(values: list[tuple[MoneyCap, ...]]) -> tuple[MoneyCap, ...]:
    """Of every period that any source caps, the lowest cap at every age."""
    found: list[MoneyCap] = []
    for period in dict.fromkeys(cap.period for caps in values for cap in caps):
        tables = [{cap.min_age: cap.amount_minor for cap in caps if cap.period is period} for caps in values]
        lowest = _lowest([table for table in tables if table], below=False)
        found += [MoneyCap(period=period, min_age=age, amount_minor=most) for age, most in lowest.items()]
    return tuple(found)


def _soonest_and_longest(values: list[Pause]) -> Pause:
    return Pause(
        after_minutes=min(value.after_minutes for value in values), minutes=max(value.minutes for value in values)
    )


def _longest_lock(values: list[Lockout]) -> Lockout:
    """A reset is more than any time: whoever waits has not shown who they are."""
    resets = [value for value in values if value.until_reset]
    return resets[0] if resets else max(values, key=lambda value: value.minutes or 0)


def _widest(values: list[TimeOut]) -> TimeOut:
    """The choice that holds every source's."""
    minimum = [value.minimum_hours for value in values if value.minimum_hours]
    maximum = [value.maximum_hours for value in values if value.maximum_hours]
    return TimeOut(minimum_hours=min(minimum) if minimum else None, maximum_hours=max(maximum) if maximum else None)


_PERMISSION = _first([Permission.BANNED, Permission.LIMITED, Permission.ALLOWED])
_LOCALISATION = _first([Localisation.ONLY, Localisation.PRIMARY, Localisation.COPY, Localisation.NONE])

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
    "live_casino": _PERMISSION,
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
    "autoplay": _PERMISSION,
    "speed_features": _PERMISSION,
    "concurrent_games": _PERMISSION,
    "concurrent_sessions": _PERMISSION,
    "bonus": _PERMISSION,
    "game_approval": _first(Demand),
    "reality_check_minutes": min,
    "reality_check_acknowledgement": _first(Demand),
    "forced_pause": _soonest_and_longest,
    "limits_required": _all_of,
    "limits_offered": _all_of,
    "limit_increase_hours": max,
    "limit_increase_confirmation": _first(Demand),
    "deposit_cap": _lowest_caps,
    "loss_cap": _lowest_caps,
    "time_out": _widest,
    "self_exclusion_minimum_months": max,
    "register_check_moments": _all_of,
    "kyc_deadline_hours": min,
    "bonus_wagering_maximum": min,
    "payment_methods_banned": _all_of,
    "geolocation_moments": _all_of,
    "geolocation_recheck_minutes": min,
    "login_failures_maximum": min,
    "login_lockout": _longest_lock,
    "login_notice": _first(AccessNotice),
    "identity_data": _all_of,
    "dormancy_months": min,
    "withdrawal_reversal_hours": min,
    "reporting_frequency": _first(Frequency),
    "personal_data_localisation": _LOCALISATION,
    "payment_data_localisation": _LOCALISATION,
}
"""The strictest of several values, by fact. Facts that are missing here have no order."""


def strictest(name: str, values: list[Any]) -> Any:
    """The strictest of at least one value; the first that is a rule, of a fact that has no order."""
    given = [value for value in values if value is not None]
    if not given:
        return None
    return STRICTEST[name](given) if name in STRICTEST else given[0]

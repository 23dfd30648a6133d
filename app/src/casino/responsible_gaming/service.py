"""Which limits bind a player. Pure: the ledger enforces what this decides."""

from __future__ import annotations

from datetime import date

from casino.compliance.api import Rules, age_on
from casino.responsible_gaming.models import PlayLimits

SLOTS = frozenset({"line_slot", "video_slot"})


def slot_limits(rules: Rules, date_of_birth: date, today: date) -> PlayLimits:
    """The stake cap (minor units) of the player's age band and the shortest game cycle (milliseconds).

    Source: `slot_max_stake` and `slot_min_cycle_ms` of rules.json. Somebody below every band is held to the
    lowest cap, never to none.
    """
    return PlayLimits(_stake_cap(rules, age_on(date_of_birth, today)), rules.slot_min_cycle_ms)


def round_limits(kind: str, rules: Rules, date_of_birth: date, today: date) -> PlayLimits:
    """Which limits bind a round of a game of that kind: slots by `slot_limits`.

    Other games are bound by `parameters.other_games_min_cycle_seconds`; the catalogue knows no stake limit for them.
    """
    if kind in SLOTS:
        return slot_limits(rules, date_of_birth, today)
    seconds = rules.parameters.get("other_games_min_cycle_seconds")
    return PlayLimits(None, round(seconds * 1000) if isinstance(seconds, int | float) else None)


def _stake_cap(rules: Rules, age: int) -> int | None:
    if rules.slot_max_stake is None:
        return None
    reached = [band for band in rules.slot_max_stake if band.min_age_years <= age]
    if not reached:
        return min(band.stake_minor for band in rules.slot_max_stake)
    return max(reached, key=lambda band: band.min_age_years).stake_minor

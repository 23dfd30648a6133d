"""Which limits bind a round, by the kind of its game. Pure."""

from __future__ import annotations

from datetime import date

from casino.compliance.api import Rules
from casino.responsible_gaming.api import PlayLimits, slot_limits

SLOTS = frozenset({"line_slot", "video_slot"})


def round_limits(kind: str, rules: Rules, date_of_birth: date, today: date) -> PlayLimits:
    """Slots are bound by `slot_max_stake` and `slot_min_cycle_ms`.

    Other games are bound by `parameters.other_games_min_cycle_seconds`; the catalogue knows no stake limit for them.
    """
    if kind in SLOTS:
        return slot_limits(rules, date_of_birth, today)
    seconds = rules.parameters.get("other_games_min_cycle_seconds")
    return PlayLimits(None, round(seconds * 1000) if isinstance(seconds, int | float) else None)

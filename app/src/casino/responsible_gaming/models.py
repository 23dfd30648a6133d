"""Limits of play as values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PlayLimits:
    """What binds one player's next round on a slot. `None` means no limit."""

    stake_cap_minor: int | None
    min_cycle_ms: int | None

"""Bets on a wheel with one zero, and what they bring back. Pure.

Each bet brings back `36 / numbers` times its stake on its numbers, stake included, and nothing else: over the 37
pockets that is 36/37 of what is staked (97.30 %), whatever the bet.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

POCKETS = 37
RED = frozenset({1, 3, 5, 7, 9, 12, 14, 16, 18, 19, 21, 23, 25, 27, 30, 32, 34, 36})
_NUMBERS = range(1, POCKETS)
EVEN_CHANCES: Mapping[str, frozenset[int]] = {
    "red": RED,
    "black": frozenset(_NUMBERS) - RED,
    "even": frozenset(n for n in _NUMBERS if n % 2 == 0),
    "odd": frozenset(n for n in _NUMBERS if n % 2),
    "low": frozenset(range(1, 19)),
    "high": frozenset(range(19, 37)),
}
SELECTIONS: Mapping[str, frozenset[int]] = dict(EVEN_CHANCES) | {
    f"straight:{number}": frozenset({number}) for number in range(POCKETS)
}


@dataclass(slots=True)
class Outcome:
    """What a player's bets on a round come to, and for each bet what it brings back."""

    staked_minor: int = 0
    win_minor: int = 0
    wins: dict[uuid.UUID, int] = field(default_factory=dict)


def brings_back(selection: str, stake_minor: int, pocket: int) -> int:
    """Minor units that come back, stake included; 0 for a bet that is lost. Raises KeyError for an unknown one."""
    numbers = SELECTIONS[selection]
    if pocket not in range(POCKETS):
        raise ValueError(f"the wheel has no pocket {pocket}")
    return stake_minor * (36 // len(numbers)) if pocket in numbers else 0


def outcomes(bets: Iterable[tuple[uuid.UUID, int, str, int]], pocket: int) -> dict[int, Outcome]:
    """By account, from bets `(name, account, selection, stake)`."""
    found: dict[int, Outcome] = {}
    for name, account, selection, stake in bets:
        outcome = found.setdefault(account, Outcome())
        win = brings_back(selection, stake, pocket)
        outcome.staked_minor += stake
        outcome.win_minor += win
        outcome.wins[name] = win
    return found

"""Exact figures of a slot with free spins.

One spin by dynamic programming over the reels: what matters of the reels so far is the state of each line that can
still win, and the scatters. The round by the branching process of its free spins: each one's win and what it awards
hang together, but one free spin and the next do not.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from casino.game_control.figures import Figures

Strips = tuple[tuple[str, ...], ...]
Lines = tuple[tuple[int, str, int, int], ...]
"""The lines that may still win: index, first symbol that is not wild ("" for none yet), run, wilds in front."""


class Sheet(Protocol):
    """What of a definition the maths need."""

    @property
    def rows(self) -> int: ...
    @property
    def reels(self) -> Strips: ...
    @property
    def free_reels(self) -> Strips: ...
    @property
    def paylines(self) -> tuple[tuple[int, ...], ...]: ...
    @property
    def wild(self) -> str: ...
    @property
    def scatter(self) -> str: ...
    @property
    def paytable(self) -> dict[str, dict[int, int]]: ...
    @property
    def scatter_pays(self) -> dict[int, int]: ...
    @property
    def free_spins(self) -> dict[int, int]: ...
    @property
    def free_multiplier(self) -> int: ...


@dataclass(slots=True)
class Moments:
    """Of the ways that lead to a state: how many, the sums of their wins and of the squares, how many won nothing."""

    ways: int = 0
    wins: int = 0
    squares: int = 0
    without: int = 0

    def add(self, other: Moments, times: int, win: int) -> None:
        """Add the ways of `other`, each `times` over and with a further win."""
        self.ways += times * other.ways
        self.wins += times * (other.wins + win * other.ways)
        self.squares += times * (other.squares + 2 * win * other.wins + win * win * other.ways)
        self.without += 0 if win else times * other.without


@dataclass(frozen=True, slots=True)
class Spin:
    """One spin in units of the whole stake: free spins awarded -> `(P[.], E[W; .], E[W**2; .], P[W = 0; .])`."""

    by_award: dict[int, tuple[Fraction, Fraction, Fraction, Fraction]]

    def mean(self, award_power: int, win_power: int) -> Fraction:
        """E[award ** award_power * win ** win_power]."""
        return sum((moments[win_power] * award**award_power for award, moments in self.by_award.items()), Fraction(0))

    @property
    def nothing(self) -> Fraction:
        return sum((moments[3] for moments in self.by_award.values()), Fraction(0))


def spin(sheet: Sheet, strips: Strips) -> Spin:
    """The exact moments of one spin of these strips, before any multiplier."""
    states: dict[tuple[Lines, int], Moments] = {
        (tuple((index, "", 0, 0) for index in range(len(sheet.paylines))), 0): Moments(1, 0, 0, 1)
    }
    for reel, strip in enumerate(strips):
        windows = Counter(
            tuple(strip[(stop + r) % len(strip)] for r in range(sheet.rows)) for stop in range(len(strip))
        )
        after: defaultdict[tuple[Lines, int], Moments] = defaultdict(Moments)
        for (lines, scatters), moments in states.items():
            for shown, times in windows.items():
                alive, win = _advance(sheet, lines, reel, shown)
                after[alive, scatters + shown.count(sheet.scatter)].add(moments, times, win)
        states = after
    total: defaultdict[int, Moments] = defaultdict(Moments)
    for (lines, scatters), moments in states.items():
        win = sum(_pay(sheet, line) for line in lines) + sheet.scatter_pays.get(scatters, 0) * len(sheet.paylines)
        total[sheet.free_spins.get(scatters, 0)].add(moments, 1, win)
    whole, unit = sum(m.ways for m in total.values()), len(sheet.paylines)
    return Spin(
        {
            award: (
                Fraction(m.ways, whole),
                Fraction(m.wins, whole * unit),
                Fraction(m.squares, whole * unit**2),
                Fraction(m.without, whole),
            )
            for award, m in total.items()
        }
    )


def spins(sheet: Sheet) -> tuple[Spin, Spin]:
    """A paid spin and a free one; where both have the same strips it is worked out once."""
    paid = spin(sheet, sheet.reels)
    return paid, paid if sheet.free_reels == sheet.reels else spin(sheet, sheet.free_reels)


def _advance(sheet: Sheet, lines: Lines, reel: int, shown: tuple[str, ...]) -> tuple[Lines, int]:
    """The lines after one more reel, and what those pay that end on it."""
    alive, win = [], 0
    for line in lines:
        index, first, run, wilds = line
        symbol = shown[sheet.paylines[index][reel]]
        if symbol == sheet.wild:
            alive.append((index, first, run + 1, wilds if first else wilds + 1))
        elif symbol != sheet.scatter and first in ("", symbol):
            alive.append((index, symbol, run + 1, wilds))
        else:
            win += _pay(sheet, line)
    return tuple(alive), win


def _pay(sheet: Sheet, line: tuple[int, str, int, int]) -> int:
    _, first, run, wilds = line
    return max(_best(sheet.paytable.get(sheet.wild, {}), wilds), _best(sheet.paytable.get(first, {}), run))


def _best(pays: dict[int, int], run: int) -> int:
    """As the game pays: the longest count that the run reaches."""
    return pays[max(reached)] if (reached := [n for n in pays if n <= run]) else 0


def round_figures(sheet: Sheet) -> Figures:
    """The figures of a round with all its free spins.

    With W and K the win and the award of one free spin and T all that comes of it, T = mW + T_1 + ... + T_K, the T_i
    independent: that gives its mean and its second moment. Raises ValueError when free spins award one or more in
    the mean: a round would then not end.
    """
    (paid, free), m = spins(sheet), sheet.free_multiplier
    ends = 1 - free.mean(1, 0)
    if ends <= 0:
        raise ValueError("a free spin awards one or more in the mean: the round does not end")
    first = m * free.mean(0, 1) / ends
    pairs = free.mean(2, 0) - free.mean(1, 0)
    second = (m * m * free.mean(0, 2) + 2 * m * first * free.mean(1, 1) + pairs * first**2) / ends
    mean = paid.mean(0, 1) + paid.mean(1, 0) * first
    paid_pairs = paid.mean(2, 0) - paid.mean(1, 0)
    square = paid.mean(0, 2) + 2 * first * paid.mean(1, 1) + paid.mean(1, 0) * second + paid_pairs * first**2
    # Whatever awards free spins pays as well, so a round pays nothing exactly when its paid spin does.
    return Figures(rtp=mean, hit_rate=1 - paid.nothing, variance=square - mean**2)


def mean_free_spins(sheet: Sheet) -> Iterator[Fraction]:
    """The chance of the feature, and how many free spins it has in the mean, won again among them."""
    paid, free = spins(sheet)
    chance = 1 - paid.by_award.get(0, (Fraction(0),))[0]
    yield chance
    yield paid.mean(1, 0) / chance / (1 - free.mean(1, 0)) if chance else Fraction(0)

"""Win computation: pure functions of a par sheet and stops. No I/O, no randomness, no floats."""

from __future__ import annotations

import itertools
from collections.abc import Set
from fractions import Fraction

from casino.game_control.models import LineWin, Outcome, ParSheet


def window(par: ParSheet, stops: tuple[int, ...]) -> tuple[tuple[str, ...], ...]:
    """The visible symbols, reel by reel from the top; strips wrap around."""
    return tuple(
        tuple(strip[(stop + row) % len(strip)] for row in range(par.rows))
        for strip, stop in zip(par.reels, stops, strict=True)
    )


def line_pay(par: ParSheet, symbols: tuple[str, ...]) -> tuple[str, int, int]:
    """The best pay of one line read from the left: `(symbol, count, multiple of the line's stake)`.

    The wild stands for any symbol. A line that begins with wilds may pay as wilds or as what follows, whichever
    is more; never both.
    """
    best = ("", 0, 0)
    candidates = {symbols[0]}
    if symbols[0] == par.wild:
        candidates.add(next((symbol for symbol in symbols if symbol != par.wild), par.wild))
    for candidate in sorted(candidates):
        run = _run(symbols, {candidate} if candidate == par.wild else {candidate, par.wild})
        pays = par.paytable.get(candidate, {})
        count = max((n for n in pays if n <= run), default=0)
        if count and pays[count] > best[2]:
            best = (candidate, count, pays[count])
    return best


def _run(symbols: tuple[str, ...], matching: Set[str | None]) -> int:
    """How many symbols from the left are among `matching`."""
    return sum(1 for _ in itertools.takewhile(lambda symbol: symbol in matching, symbols))


class LinePays(dict[tuple[str, ...], tuple[str, int, int]]):
    """`line_pay` of one par sheet, worked out once for each line that is seen."""

    def __init__(self, par: ParSheet) -> None:
        super().__init__()
        self.par = par

    def __missing__(self, symbols: tuple[str, ...]) -> tuple[str, int, int]:
        pay = self[symbols] = line_pay(self.par, symbols)
        return pay


def evaluate(pays: LinePays, stops: tuple[int, ...], stake_minor: int) -> Outcome:
    """What the stops show and pay for a stake. Raises ValueError when the stake does not spread over the lines."""
    par = pays.par
    per_line, rest = divmod(stake_minor, len(par.paylines))
    if rest or stake_minor <= 0:
        raise ValueError(f"a stake of {stake_minor} does not spread over {len(par.paylines)} lines")
    shown = window(par, stops)
    wins = []
    for number, line in enumerate(par.paylines, start=1):
        symbol, count, multiple = pays[tuple([reel[row] for reel, row in zip(shown, line, strict=True)])]
        if multiple:
            wins.append(LineWin(number, symbol, count, multiple * per_line))
    return Outcome(stops, shown, tuple(wins))


def exact_rtp(par: ParSheet) -> Fraction:
    """The return to player as an exact fraction: every combination of stops is played once."""
    pays = LinePays(par)
    total = plays = 0
    for stops in itertools.product(*(range(len(strip)) for strip in par.reels)):
        shown = window(par, stops)
        total += sum(pays[tuple(shown[reel][row] for reel, row in enumerate(line))][2] for line in par.paylines)
        plays += 1
    return Fraction(total, plays * len(par.paylines))

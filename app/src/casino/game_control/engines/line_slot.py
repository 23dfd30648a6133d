"""The slot on paylines without features, under the protocol of all games; its maths are in slot.py."""

from __future__ import annotations

import itertools
from collections import Counter
from fractions import Fraction

from casino.game_control.definition import Definition, ReferencePlayer, never_asked, offered_stake, only
from casino.game_control.figures import Figures, figures_of_wins
from casino.game_control.models import ParSheet
from casino.game_control.rounds import Draw, Json, RoundState
from casino.game_control.slot import LinePays, evaluate, window

WAGER = "spin"


class LineSlot(ParSheet, Definition):
    """A par sheet that is played as a round of one step. It takes no choices."""

    def open(self, stake_minor: int, choices: Json, draw: Draw) -> RoundState:
        offered_stake(self, stake_minor)
        only(choices)
        stops = tuple(draw.below(len(strip)) for strip in self.reels)
        outcome = evaluate(LinePays(self), stops, stake_minor)
        reels = [list(reel) for reel in outcome.reels]
        wins = [{"line": w.line, "symbol": w.symbol, "count": w.count, "win_minor": w.win_minor} for w in outcome.wins]
        return self.new_round(
            stake_minor,
            {"phase": "spin", "stops": list(stops), "reels": reels, "win_minor": outcome.win_minor},
            win_minor=outcome.win_minor,
            data={"stops": list(stops), "reels": reels, "wins": wins},
        )

    def exact_figures(self) -> dict[str, Figures]:
        """Every combination of stops is played once."""
        pays = LinePays(self)
        wins: Counter[int] = Counter()
        for stops in itertools.product(*(range(len(strip)) for strip in self.reels)):
            shown = window(self, stops)
            wins[sum(pays[tuple(shown[r][row] for r, row in enumerate(line))][2] for line in self.paylines)] += 1
        whole, lines = sum(wins.values()), len(self.paylines)
        return {WAGER: figures_of_wins({Fraction(win, lines): Fraction(n, whole) for win, n in wins.items()})}

    def reference_player(self, wager: str) -> ReferencePlayer:
        return ReferencePlayer(min(self.stakes_minor), {}, never_asked)

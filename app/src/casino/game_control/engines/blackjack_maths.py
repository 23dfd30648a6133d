"""Exact figures of blackjack from an endless shoe, by dynamic programming in fractions.

Every card is independent of all others, so the dealer's end is independent of the player's cards, and the hands of a
split differ from each other only by how many there may be: that makes the distribution of a whole round exact.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import TypeVar

from casino.game_control.engines.blackjack_hands import UPCARDS, WEIGHTS, Hand, Rules, Strategy, hand_of, is_natural
from casino.game_control.figures import Figures, figures_of, figures_of_wins

CHANCES = {card: Fraction(weight, 13) for card, weight in WEIGHTS.items()}
Key = TypeVar("Key")
BUST = 0
"""The end of a hand that went over 21."""

Ends = dict[tuple[int, int], Fraction]
"""How a hand ends: `(stakes on it, total or BUST) -> probability`."""
Result = dict[tuple[int, int], Fraction]
"""`(staked, won) -> probability`, in parts of the first stake, as many as a blackjack's pay has in its denominator."""


def dealer_ends(rules: Rules, upcard: int) -> dict[int, Fraction]:
    """The dealer's totals (BUST or 17 to 21), given that there is no blackjack where the dealer has looked."""
    excluded = {10: 1, 1: 10}.get(upcard)
    seen = {card: chance for card, chance in CHANCES.items() if card != excluded}
    whole = sum(seen.values())

    @cache
    def drawn(hand: Hand) -> dict[int, Fraction]:
        if hand.total > 21:
            return {BUST: Fraction(1)}
        if not rules.dealer_draws(hand):
            return {hand.total: Fraction(1)}
        return _mixed((chance, drawn(hand.hit(card))) for card, chance in CHANCES.items())

    return _mixed((chance / whole, drawn(hand_of((upcard, hole)))) for hole, chance in seen.items())


def _mixed(parts: Iterable[tuple[Fraction, dict[Key, Fraction]]]) -> dict[Key, Fraction]:
    """Distributions, each with its chance, as one."""
    mixed: defaultdict[Key, Fraction] = defaultdict(Fraction)
    for chance, ends in parts:
        for end, more in ends.items():
            mixed[end] += chance * more
    return mixed


class Player:
    """The stated strategy against one card of the dealer."""

    def __init__(self, rules: Rules, strategy: Strategy, upcard: int) -> None:
        self.rules, self.strategy, self.upcard = rules, strategy, upcard
        self.parts = rules.blackjack_pays_denominator
        self.drawn = cache(self._drawn)

    def _drawn(self, hand: Hand) -> Ends:
        """A hand that may no longer double, played to its end."""
        if hand.total > 21:
            return {(1, BUST): Fraction(1)}
        if self.strategy.play(hand, self.upcard, may_double=False) == "stand":
            return {(1, hand.total): Fraction(1)}
        return _mixed((chance, self.drawn(hand.hit(card))) for card, chance in CHANCES.items())

    def two_cards(self, hand: Hand, split: bool) -> Ends:
        """A hand of two cards that is not split."""
        if self.strategy.play(hand, self.upcard, self.rules.may_double(hand, split)) != "double":
            return self.drawn(hand)
        after = ((chance, hand.hit(card)) for card, chance in CHANCES.items())
        return _mixed((chance, {(2, BUST if h.total > 21 else h.total): Fraction(1)}) for chance, h in after)

    def after_split(self, card: int, second: int) -> Ends:
        """A hand after a split with its second card; aces get no more than that."""
        hand = hand_of((card, second))
        return {(1, hand.total): Fraction(1)} if card == 1 else self.two_cards(hand, split=True)

    def round(self, first: int, second: int, dealer: int) -> Result:
        """All hands that come of two cards, against one end of the dealer."""
        if is_natural((first, second)):
            return {(self.parts, self.parts + self.rules.blackjack_pays_numerator): Fraction(1)}
        if first == second and self.rules.may_split(first, 1) and self.strategy.splits(first, self.upcard):
            return self.split(first, dealer)
        return against(self.two_cards(hand_of((first, second)), split=False), dealer, self.parts)

    def split(self, card: int, dealer: int) -> Result:
        """A pair of `card`: hands are filled up in turn, and a new pair is split again while the rules allow."""
        results = {second: against(self.after_split(card, second), dealer, self.parts) for second in CHANCES}
        whole = _Ways.of(_mixed((CHANCES[second], result) for second, result in results.items()))
        unpaired = _Ways.of(_mixed((CHANCES[second], result) for second, result in results.items() if second != card))
        paired = _Ways({(0, 0): CHANCES[card].numerator}, CHANCES[card].denominator)

        @cache
        def pending(waiting: int, hands: int) -> _Ways:
            if not waiting:
                return _Ways({(0, 0): 1}, 1)
            rest = pending(waiting - 1, hands)
            if not self.rules.may_split(card, hands):
                return whole.then(rest)
            return unpaired.then(rest).plus(paired.then(pending(waiting + 1, hands + 1)))

        return pending(2, 2).result()


@dataclass(frozen=True, slots=True)
class _Ways:
    """A result as whole numbers over one denominator: fractions that are reduced at every step take far longer."""

    ways: dict[tuple[int, int], int]
    whole: int

    @staticmethod
    def of(result: Result) -> _Ways:
        whole = math.lcm(*(chance.denominator for chance in result.values()))
        return _Ways({outcome: int(chance * whole) for outcome, chance in result.items()}, whole)

    def then(self, other: _Ways) -> _Ways:
        """Both, one independent of the other: stakes and wins add up."""
        ways: defaultdict[tuple[int, int], int] = defaultdict(int)
        for (staked, won), count in self.ways.items():
            for (more, further), also in other.ways.items():
                ways[staked + more, won + further] += count * also
        return _Ways(ways, self.whole * other.whole)

    def plus(self, other: _Ways) -> _Ways:
        """Either, one excluding the other."""
        whole = math.lcm(self.whole, other.whole)
        ways: defaultdict[tuple[int, int], int] = defaultdict(int)
        for part in (self, other):
            for outcome, count in part.ways.items():
                ways[outcome] += count * (whole // part.whole)
        return _Ways(ways, whole)

    def result(self) -> Result:
        return {outcome: Fraction(count, self.whole) for outcome, count in self.ways.items()}


def against(ends: Ends, dealer: int, parts: int) -> Result:
    """What a hand's ends are worth against one end of the dealer, `parts` to the stake."""
    result: defaultdict[tuple[int, int], Fraction] = defaultdict(Fraction)
    for (stakes, total), chance in ends.items():
        won = 0 if total == BUST or total < dealer else stakes if total == dealer else 2 * stakes
        result[stakes * parts, won * parts] += chance
    return result


def distribution(rules: Rules, strategy: Strategy) -> Result:
    """The exact distribution of a round by the stated strategy."""
    result: defaultdict[tuple[int, int], Fraction] = defaultdict(Fraction)
    parts = rules.blackjack_pays_denominator
    natural = 2 * CHANCES[1] * CHANCES[10]
    for upcard in UPCARDS:
        dealer_natural = {10: CHANCES[1], 1: CHANCES[10]}.get(upcard, Fraction(0))
        result[parts, parts] += CHANCES[upcard] * dealer_natural * natural
        result[parts, 0] += CHANCES[upcard] * dealer_natural * (1 - natural)
        player = Player(rules, strategy, upcard)
        for end, chance in dealer_ends(rules, upcard).items():
            reached = CHANCES[upcard] * (1 - dealer_natural) * chance
            for (first, one), (second, two) in itertools.combinations_with_replacement(CHANCES.items(), 2):
                twice = 1 if first == second else 2
                for outcome, more in player.round(first, second, end).items():
                    result[outcome] += reached * one * two * twice * more
    return result


def main_figures(rules: Rules, strategy: Strategy) -> Figures:
    """Raises ValueError when the distribution is not one: a fault of the maths."""
    parts = rules.blackjack_pays_denominator
    exact = distribution(rules, strategy)
    return figures_of({(Fraction(s, parts), Fraction(w, parts)): chance for (s, w), chance in exact.items()})


def insurance_figures() -> Figures:
    """Insurance as a wager of its own: it pays two to one when the dealer's ace hides a ten."""
    return figures_of_wins({Fraction(3): CHANCES[10], Fraction(0): 1 - CHANCES[10]})

"""The exact return of video poker by optimal play: every deal, every hold, every draw.

For each set of up to five cards it is summed once what all hands that contain it pay. What a hold is worth follows by
inclusion and exclusion over the discarded cards: hands with the held cards and without the others.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cache

from casino.game_control.engines.poker_hands import poker_hand
from casino.game_control.figures import Figures

Card = tuple[int, int]
SUITS = 4
_SUBSETS = [[place for place in range(5) if mask >> place & 1] for mask in range(32)]
_ORDERS = list(itertools.permutations(range(SUITS)))
# Three sums travel in one integer, so that one pass of inclusion and exclusion serves all: the number of hands that
# pay, their pays, and the squares of these. Each of them stays below 2 ** 40.
_FIELD = 40
_MASK = (1 << _FIELD) - 1


class Optimum:
    """What each hold is worth, for a deck of these ranks and a paytable."""

    def __init__(self, ranks: Sequence[int], pays: Mapping[str, int]) -> None:
        self.ranks = tuple(ranks)
        cards = [(rank, suit) for rank in sorted(ranks) for suit in range(SUITS)]
        # Numbered from 1: the empty set is 0.
        self._number = {card: number for number, card in enumerate(cards, start=1)}
        self._sums: defaultdict[int, int] = defaultdict(int)
        for hand in itertools.combinations(cards, 5):
            pay = pays.get(poker_hand(hand), 0)
            if pay:
                packed = pay * pay << 2 * _FIELD | pay << _FIELD | 1
                for key in self._keys(hand):
                    self._sums[key] += packed
        self.draws = [math.comb(len(cards) - 5, 5 - len(subset)) for subset in _SUBSETS]
        # Holds of different sizes have different numbers of draws: all are compared in a common multiple.
        self.common = math.lcm(*self.draws)
        self._weights = [self.common // draws for draws in self.draws]

    def _keys(self, hand: Sequence[Card]) -> list[int]:
        """A number for each subset of five sorted cards, in the order of masks."""
        keys = [0]
        for card in hand:
            number = self._number[card]
            keys += [key << 6 | number for key in keys]
        return keys

    def sums(self, hand: Sequence[Card]) -> list[int]:
        """For each mask of held places of a sorted hand, the packed sums over all its draws."""
        sums = [self._sums.get(key, 0) for key in self._keys(hand)]
        for bit in (1, 2, 4, 8, 16):
            for mask in range(32):
                if not mask & bit:
                    sums[mask] -= sums[mask | bit]
        return sums

    def best_mask(self, sums: Sequence[int]) -> int:
        """The hold with the highest mean pay; among equals the first, which changes no figure but the variance."""
        values = [(packed >> _FIELD & _MASK) * weight for packed, weight in zip(sums, self._weights, strict=True)]
        return values.index(max(values))

    def mean_pays(self, hand: Sequence[Card]) -> list[Fraction]:
        """The mean pay of each hold of a sorted hand."""
        return [Fraction(p >> _FIELD & _MASK, draws) for p, draws in zip(self.sums(hand), self.draws, strict=True)]

    def best_hold(self, hand: Sequence[Card]) -> list[int]:
        """The places to hold of a hand in the order in which it was dealt."""
        ordered = sorted(hand)
        return sorted(hand.index(ordered[place]) for place in _SUBSETS[self.best_mask(self.sums(ordered))])

    def figures(self) -> Figures:
        """Every deal once, deals that differ in the suits' names together."""
        deals = pays = squares = hits = 0
        for hand, times in classes(self.ranks):
            sums = self.sums(hand)
            best = self.best_mask(sums)
            packed, weight = sums[best], times * self._weights[best]
            deals += times
            pays += (packed >> _FIELD & _MASK) * weight
            squares += (packed >> 2 * _FIELD) * weight
            hits += (packed & _MASK) * weight
        if deals != math.comb(len(self._number), 5):
            raise ValueError(f"{deals} deals were counted, not every one")
        whole = deals * self.common
        mean = Fraction(pays, whole)
        return Figures(rtp=mean, hit_rate=Fraction(hits, whole), variance=Fraction(squares, whole) - mean**2)


def classes(ranks: Sequence[int]) -> Iterator[tuple[tuple[Card, ...], int]]:
    """One sorted hand for all those that differ only in the suits' names, with how many they are."""
    for chosen in itertools.combinations_with_replacement(sorted(ranks), 5):
        sizes = tuple(len(list(group)) for _, group in itertools.groupby(chosen))
        if max(sizes) <= SUITS:
            for suits, times in _suits(sizes).items():
                yield tuple(zip(chosen, suits, strict=True)), times


@cache
def _suits(sizes: tuple[int, ...]) -> Counter[tuple[int, ...]]:
    """The suits of cards grouped by rank, up to the suits' names, each with how many it stands for."""
    counts: Counter[tuple[int, ...]] = Counter()
    for groups in itertools.product(*(itertools.combinations(range(SUITS), size) for size in sizes)):
        renamed = (tuple(tuple(sorted(order[suit] for suit in group)) for group in groups) for order in _ORDERS)
        counts[tuple(itertools.chain.from_iterable(min(renamed)))] += 1
    return counts


def optimal_figures(ranks: Sequence[int], pays: Mapping[str, int]) -> Figures:
    return Optimum(ranks, pays).figures()

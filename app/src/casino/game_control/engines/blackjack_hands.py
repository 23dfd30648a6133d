"""Hands of blackjack, and what the stated strategy does with them. Shared by the game and by its maths."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, model_validator

UPCARDS = (2, 3, 4, 5, 6, 7, 8, 9, 10, 1)
"""The dealer's card by value, in the order of a strategy's columns; 1 is the ace."""
WEIGHTS = {1: 1, 2: 1, 3: 1, 4: 1, 5: 1, 6: 1, 7: 1, 8: 1, 9: 1, 10: 4}
"""How many of thirteen ranks have a value."""


class Hand(NamedTuple):
    """A total, and whether an ace in it counts eleven."""

    total: int
    soft: bool

    def hit(self, card: int) -> Hand:
        """The hand with one more card, its value 1 to 10."""
        total, soft = self.total + card, self.soft
        if card == 1 and total + 10 <= 21:
            return Hand(total + 10, True)
        if total > 21 and soft:
            return Hand(total - 10, False)
        return Hand(total, soft)


def value(card: str) -> int:
    """1 for an ace, 10 for ten and pictures."""
    return {"A": 1, "T": 10, "J": 10, "Q": 10, "K": 10}.get(card[0]) or int(card[0])


def hand_of(values: Iterable[int]) -> Hand:
    hand = Hand(0, False)
    for card in values:
        hand = hand.hit(card)
    return hand


def is_natural(values: tuple[int, ...]) -> bool:
    return sorted(values) == [1, 10]


Row = Annotated[str, Field(pattern=r"^[HSDdP.]{10}$")]


class Strategy(BaseModel):
    """The strategy that the figures are stated for, a column for each of the dealer's cards 2 to 10 and ace.

    H hits, S stands, D doubles or else hits, d doubles or else stands, P splits, and "." in `pairs` plays on as the
    total. Insurance is never taken.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    hard: dict[int, Row]
    soft: dict[int, Row]
    pairs: dict[int, Row]

    @model_validator(mode="after")
    def _whole(self) -> Strategy:
        if set(self.hard) != set(range(4, 22)) or set(self.soft) != set(range(12, 22)):
            raise ValueError("a strategy has rows for hard totals 4 to 21 and soft totals 12 to 21")
        if set(self.pairs) != set(range(1, 11)):
            raise ValueError("a strategy has a row for each pair, 1 (aces) to 10")
        if any(mark in "P." for rows in (self.hard, self.soft) for row in rows.values() for mark in row):
            raise ValueError("only the rows of pairs split")
        if {self.hard[21], self.soft[21]} != {"S" * 10}:
            raise ValueError("a hand of 21 stands: the game does not ask")
        return self

    def splits(self, card: int, upcard: int) -> bool:
        return self.pairs[card][UPCARDS.index(upcard)] == "P"

    def play(self, hand: Hand, upcard: int, may_double: bool) -> str:
        """hit, stand or double: what to do with a hand that is not split."""
        mark = (self.soft if hand.soft else self.hard)[hand.total][UPCARDS.index(upcard)]
        if mark in "Dd":
            return "double" if may_double else "hit" if mark == "D" else "stand"
        return "hit" if mark == "H" else "stand"


class Rules(BaseModel):
    """The table's rules.

    The dealer looks at the hole card under an ace or a ten and ends the round at once with a blackjack. Blackjack
    pays `blackjack_pays` and loses to none; a hand after a split is none. A pair is split to at most `max_hands`
    hands. Split aces get one card each.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    dealer_hits_soft_17: bool
    blackjack_pays_numerator: int = Field(ge=1, le=10)
    blackjack_pays_denominator: int = Field(ge=1, le=5)
    double_totals: tuple[int, ...]
    double_after_split: bool
    max_hands: int = Field(ge=1, le=4)
    resplit_aces: bool
    insurance: bool

    def dealer_draws(self, hand: Hand) -> bool:
        return hand.total < 17 or (hand == Hand(17, True) and self.dealer_hits_soft_17)

    def may_double(self, hand: Hand, split: bool) -> bool:
        """With two cards: hard totals as listed, and soft ones by what they count."""
        return hand.total in self.double_totals and (self.double_after_split or not split)

    def may_split(self, card: int, hands: int) -> bool:
        return hands < self.max_hands and (card != 1 or hands == 1 or self.resplit_aces)

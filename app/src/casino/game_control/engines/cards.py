"""Cards: `"A"` to `"K"` with `"s" "h" "d" "c"`, ten as `"T"`; and the ways to draw them."""

from __future__ import annotations

from casino.game_control.rounds import Draw

RANKS = "A23456789TJQK"
SUITS = "shdc"
DECK = tuple(rank + suit for rank in RANKS for suit in SUITS)


class ShoeDraw:
    """Cards without replacement from a freshly shuffled shoe.

    The next card is drawn among those left: the same distribution as a shuffle of the whole shoe beforehand, with a
    draw for each card that is seen and none for the rest.
    """

    def __init__(self, draw: Draw, decks: int = 1, without: tuple[str, ...] = (), deck: tuple[str, ...] = DECK) -> None:
        self._draw = draw
        self._left = list(deck) * decks
        for card in without:
            self._left.remove(card)

    def card(self) -> str:
        chosen = self._draw.below(len(self._left))
        self._left[chosen], self._left[-1] = self._left[-1], self._left[chosen]
        return self._left.pop()


def endless_card(draw: Draw) -> str:
    """A card of a shoe that is shuffled after every card: each of the 52 with equal chance."""
    return DECK[draw.below(len(DECK))]

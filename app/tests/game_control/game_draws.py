"""Draws that tests choose, and draws that are quick."""

from __future__ import annotations

import random
from collections.abc import Iterable
from functools import cache

from casino.game_control.catalogue import load_catalogue
from casino.game_control.engines.cards import DECK
from casino.game_control.figures import Figures
from casino.game_control.rounds import Drawing


class FixedDraw(Drawing):
    """Gives these numbers in turn. A number that the bound does not admit is a fault of the test."""

    def __init__(self, numbers: Iterable[int]) -> None:
        self.numbers = list(numbers)

    def below(self, bound: int) -> int:
        number = self.numbers.pop(0)
        assert 0 <= number < bound, f"{number} is not below {bound}"
        return number


class SeededDraw(Drawing):
    """A seeded generator of the standard library: for simulations that must come out the same each time."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.below = self._random.randrange  # type: ignore[method-assign]


def cards(*names: str) -> FixedDraw:
    """Cards of an endless shoe in the order in which they are drawn."""
    return FixedDraw(DECK.index(name) for name in names)


@cache
def exact_figures(game: str) -> dict[str, Figures]:
    """The exact figures of a game of the catalogue, worked out once."""
    return load_catalogue()[game].exact_figures()

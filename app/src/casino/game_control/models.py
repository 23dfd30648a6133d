"""A slot as data: the par sheet, and what a spin of it shows."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from casino.game_control.figures import Figures
from casino.game_control.jackpots import Jackpot


class ParSheet(BaseModel):
    """Everything that decides a slot's outcomes and wins. Changing any of it makes a new version of the game.

    `reels` are strips of symbols, each stop equally likely; the window shows `rows` symbols from the stop on.
    A payline names a row for each reel. `paytable` gives, per symbol and count from the left, the win in
    multiples of the stake on one line; the stake is spread evenly over all lines.
    `theoretical_rtp` and `figures` are what was certified, as exact fractions; loading computes them again and refuses
    others. They are of the reels alone: what a `jackpot` returns besides is stated in it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    kind: Literal["line_slot"] = "line_slot"
    game_id: str = Field(pattern=r"^[a-z][a-z0-9-]{1,31}$")
    name: str
    version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    rows: int = Field(ge=1, le=5)
    reels: Annotated[tuple[tuple[str, ...], ...], Field(min_length=1)]
    paylines: Annotated[tuple[tuple[int, ...], ...], Field(min_length=1)]
    wild: str | None
    paytable: dict[str, dict[int, int]]
    stakes_minor: Annotated[tuple[int, ...], Field(min_length=1)]
    theoretical_rtp: str = Field(pattern=r"^\d+/\d+$")
    figures: dict[str, Figures] = Field(default_factory=dict)
    jackpot: Jackpot | None = None

    @model_validator(mode="after")
    def _coherent(self) -> ParSheet:
        symbols = {symbol for reel in self.reels for symbol in reel}
        if unknown := set(self.paytable) - symbols:
            raise ValueError(f"the paytable pays for symbols on no reel: {sorted(unknown)}")
        if self.wild is not None and self.wild not in symbols:
            raise ValueError(f"the wild {self.wild!r} is on no reel")
        if any(len(reel) < self.rows for reel in self.reels):
            raise ValueError("a reel is shorter than the window")
        for line in self.paylines:
            if len(line) != len(self.reels) or not all(0 <= row < self.rows for row in line):
                raise ValueError(f"payline {list(line)} does not name one visible row for each reel")
        if any(
            not 1 <= count <= len(self.reels) or pay < 0 for p in self.paytable.values() for count, pay in p.items()
        ):
            raise ValueError("the paytable has an impossible count or a negative pay")
        if any(stake <= 0 or stake % len(self.paylines) for stake in self.stakes_minor):
            raise ValueError("each stake must divide evenly over the paylines: a win is then a whole amount")
        one_in = self.jackpot.one_in_minor if self.jackpot is not None else None
        if one_in is not None and max(self.stakes_minor) > one_in:
            raise ValueError("a stake is above the jackpot's one_in_minor: its chance would be more than certain")
        return self

    @property
    def certified_rtp(self) -> Fraction:
        return Fraction(self.theoretical_rtp)


@dataclass(frozen=True, slots=True)
class LineWin:
    """A win on one line, in minor units. `line` counts from 1."""

    line: int
    symbol: str
    count: int
    win_minor: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a spin shows: the visible symbols reel by reel from the top, and its wins."""

    stops: tuple[int, ...]
    reels: tuple[tuple[str, ...], ...]
    wins: tuple[LineWin, ...]

    @property
    def win_minor(self) -> int:
        return sum(win.win_minor for win in self.wins)

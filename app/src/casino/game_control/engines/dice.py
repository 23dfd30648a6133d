"""Dice: the player names how many of ten thousand faces win, above or below; the fewer, the more they pay."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from casino.game_control.definition import Definition, ReferencePlayer, never_asked, offered_stake, only
from casino.game_control.figures import Figures, figures_of_wins
from casino.game_control.rounds import ChoiceInvalid, Draw, Json, RoundState


class Dice(Definition):
    """`multipliers` maps the number of winning faces to the pay in hundredths of the stake, the stake included.

    The choices are `{"side": "under" | "over", "faces": n}`: under wins on 0 to n-1, over on the n highest faces.
    Stakes are multiples of 100 minor units, so that a win is a whole amount.
    """

    kind: Literal["dice"]
    faces: int = Field(ge=2, le=1_000_000)
    multipliers: Annotated[dict[int, Annotated[int, Field(gt=100)]], Field(min_length=1)]

    @model_validator(mode="after")
    def _coherent(self) -> Dice:
        if any(not 1 <= faces < self.faces for faces in self.multipliers):
            raise ValueError("a wager wins on at least one face and not on all")
        if any(stake % 100 for stake in self.stakes_minor):
            raise ValueError("multipliers are in hundredths: each stake must be a multiple of 100 minor units")
        return self

    def open(self, stake_minor: int, choices: Json, draw: Draw) -> RoundState:
        offered_stake(self, stake_minor)
        only(choices, "side", "faces")
        side, faces = choices.get("side"), choices.get("faces")
        if side not in ("under", "over") or type(faces) is not int or faces not in self.multipliers:
            raise ChoiceInvalid("Choose a side, under or over, and a number of winning faces that the game offers.")
        face = draw.below(self.faces)
        won = face < faces if side == "under" else face >= self.faces - faces
        return self.new_round(
            stake_minor,
            {"phase": "roll", "choices": {"side": side, "faces": faces}, "face": face},
            win_minor=stake_minor // 100 * self.multipliers[faces] if won else 0,
            data={"face": face, "side": side, "faces": faces, "multiplier": self.multipliers[faces]},
        )

    def offered_choices(self) -> dict[str, Any]:
        """`faces`: the pay in hundredths of the stake by the number of winning faces."""
        return {"side": ["under", "over"], "faces": {str(faces): pays for faces, pays in self.multipliers.items()}}

    def exact_figures(self) -> dict[str, Figures]:
        figures = {}
        for faces, multiplier in self.multipliers.items():
            chance = Fraction(faces, self.faces)
            figures[str(faces)] = figures_of_wins({Fraction(multiplier, 100): chance, Fraction(0): 1 - chance})
        return figures

    def reference_player(self, wager: str) -> ReferencePlayer:
        return ReferencePlayer(min(self.stakes_minor), {"side": "over", "faces": int(wager)}, never_asked)

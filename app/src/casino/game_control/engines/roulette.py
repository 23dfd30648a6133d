"""Roulette: a wheel of equal pockets, and bets as sets of pockets."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from casino.game_control.definition import Definition, ReferencePlayer, never_asked, only
from casino.game_control.figures import Figures, figures_of_wins
from casino.game_control.rounds import ChoiceInvalid, Draw, Json, RoundState

MAX_BETS = 200


class Bet(BaseModel):
    """A kind of bet: what it pays besides the stake, and the sets of pockets it may be placed on."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    pays: int = Field(ge=1)
    places: Annotated[tuple[tuple[int, ...], ...], Field(min_length=1)]


class Roulette(Definition):
    """`pockets` is how many pockets the wheel has, numbered from 0; `stakes_minor` are the chips.

    The choices are `{"bets": [{"bet": kind, "place": [pockets], "stake_minor": n}, ...]}`, each stake a multiple of
    the smallest chip and at most the largest; a round's stake is their sum.
    """

    kind: Literal["roulette"]
    pockets: int = Field(ge=2, le=100)
    bets: Annotated[dict[str, Bet], Field(min_length=1)]

    @model_validator(mode="after")
    def _coherent(self) -> Roulette:
        for name, bet in self.bets.items():
            if any(len(set(place)) != len(place) or place != tuple(sorted(place)) for place in bet.places):
                raise ValueError(f"bet {name}: a place lists its pockets once each, in ascending order")
            if len({len(place) for place in bet.places}) != 1:
                raise ValueError(f"bet {name}: its places cover different numbers of pockets for the same pay")
            if any(not 0 <= pocket < self.pockets for place in bet.places for pocket in place):
                raise ValueError(f"bet {name} names a pocket that the wheel does not have")
        return self

    def open(self, stake_minor: int, choices: Json, draw: Draw) -> RoundState:
        only(choices, "bets")
        bets = self._checked(choices.get("bets"), stake_minor)
        pocket = draw.below(self.pockets)
        placed = [bet | {"win_minor": self._win(bet, pocket)} for bet in bets]
        return self.new_round(
            stake_minor,
            {"phase": "spin", "choices": {"bets": bets}, "pocket": pocket},
            win_minor=sum(bet["win_minor"] for bet in placed),
            data={"pocket": pocket, "bets": placed},
        )

    def _win(self, bet: dict[str, Any], pocket: int) -> int:
        return bet["stake_minor"] * (self.bets[bet["bet"]].pays + 1) if pocket in bet["place"] else 0

    def _checked(self, bets: object, stake_minor: int) -> list[dict[str, Any]]:
        if not isinstance(bets, list) or not 1 <= len(bets) <= MAX_BETS:
            raise ChoiceInvalid(f"A round of {self.name} takes 1 to {MAX_BETS} bets.")
        checked = [self._checked_bet(bet) for bet in bets]
        if sum(bet["stake_minor"] for bet in checked) != stake_minor:
            raise ChoiceInvalid("The round's stake is not the sum of its bets.")
        return checked

    def _checked_bet(self, bet: object) -> dict[str, Any]:
        if not isinstance(bet, dict) or set(bet) != {"bet", "place", "stake_minor"}:
            raise ChoiceInvalid("A bet has bet, place and stake_minor.")
        kind = self.bets.get(bet["bet"]) if isinstance(bet["bet"], str) else None
        place, stake = bet["place"], bet["stake_minor"]
        # JSON's true and 1.0 are equal to 1, and no pockets.
        pockets = isinstance(place, list) and all(type(pocket) is int for pocket in place)
        if kind is None or not pockets or tuple(place) not in kind.places:
            raise ChoiceInvalid(f"{self.name} has no such bet on these pockets.")
        smallest, largest = min(self.stakes_minor), max(self.stakes_minor)
        if type(stake) is not int or not smallest <= stake <= largest or stake % smallest:
            raise ChoiceInvalid(
                f"A bet is a multiple of {smallest} and at most {largest} minor units.", rule="the game's stakes_minor"
            )
        return {"bet": bet["bet"], "place": list(place), "stake_minor": stake}

    def offered_choices(self) -> dict[str, Any]:
        """`bets`: what each kind pays besides the stake, and the pockets that it may be placed on."""
        return {"bets": {name: bet.model_dump(mode="json") for name, bet in self.bets.items()}}

    def exact_figures(self) -> dict[str, Figures]:
        figures = {}
        for name, bet in self.bets.items():
            chance = Fraction(len(bet.places[0]), self.pockets)
            figures[name] = figures_of_wins({Fraction(bet.pays + 1): chance, Fraction(0): 1 - chance})
        return figures

    def reference_player(self, wager: str) -> ReferencePlayer:
        stake = min(self.stakes_minor)
        bet = {"bet": wager, "place": list(self.bets[wager].places[-1]), "stake_minor": stake}
        return ReferencePlayer(stake, {"bets": [bet]}, never_asked)

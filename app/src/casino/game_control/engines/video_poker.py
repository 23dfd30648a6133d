"""Video poker: five cards, any of them held, the rest drawn once more."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from casino.game_control.definition import Definition, ReferencePlayer, offered_stake, only
from casino.game_control.engines.cards import ShoeDraw
from casino.game_control.engines.poker_hands import HANDS, NOTHING, RANK_ORDER, poker_hand
from casino.game_control.engines.video_poker_maths import Optimum, optimal_figures
from casino.game_control.figures import Figures
from casino.game_control.rounds import ActionInvalid, Draw, Json, RoundState

WAGER = "optimal"
SUITS = "shdc"


class VideoPoker(Definition):
    """`pays` maps each of the hands of poker_hands.py to what it pays in multiples of the stake, the stake included.

    `ranks` are the deck's, all thirteen in a real game. The round starts without choices; then `{"action": "draw",
    "hold": [positions 0 to 4]}` keeps those cards and replaces the rest from what is left of the deck.
    """

    SLOW: ClassVar[bool] = True
    ACTIONS: ClassVar[tuple[str, ...]] = ("draw",)

    kind: Literal["video_poker"]
    ranks: Annotated[str, Field(pattern=r"^[2-9TJQKA]{4,13}$")]
    pays: dict[str, Annotated[int, Field(ge=1)]]

    @model_validator(mode="after")
    def _coherent(self) -> VideoPoker:
        if unknown := set(self.pays) - set(HANDS):
            raise ValueError(f"the paytable pays for hands that there are not: {sorted(unknown)}")
        if list(self.ranks) != sorted(set(self.ranks), key=RANK_ORDER.index):
            raise ValueError("the deck's ranks are in ascending order, once each")
        return self

    @property
    def deck(self) -> tuple[str, ...]:
        return tuple(rank + suit for rank in self.ranks for suit in SUITS)

    def open(self, stake_minor: int, choices: Json, draw: Draw) -> RoundState:
        offered_stake(self, stake_minor)
        only(choices)
        shoe = ShoeDraw(draw, deck=self.deck)
        cards = [shoe.card() for _ in range(5)]
        return self.new_round(
            stake_minor, {"phase": "deal", "cards": cards}, actions=("draw",), data={"dealt": cards, "cards": cards}
        )

    def proceed(self, state: RoundState, action: Json, draw: Draw) -> RoundState:
        only(action, "action", "hold")
        hold = action.get("hold")
        if not isinstance(hold, list) or any(type(place) is not int or not 0 <= place < 5 for place in hold):
            raise ActionInvalid("Name the cards to hold by their places, 0 to 4.")
        dealt = state.data["dealt"]
        shoe = ShoeDraw(draw, without=tuple(dealt), deck=self.deck)
        cards = [card if place in hold else shoe.card() for place, card in enumerate(dealt)]
        hand = poker_hand([card_of(card) for card in cards])
        return state.step(
            {"phase": "draw", "choices": {"hold": sorted(set(hold))}, "cards": cards, "hand": hand},
            win_minor=self.pays.get(hand, 0) * state.stake_minor,
            actions=(),
            data={"dealt": dealt, "cards": cards, "hand": None if hand == NOTHING else hand},
        )

    def default_action(self, state: RoundState) -> Json | None:
        """The cards as they were dealt."""
        return {"action": "draw", "hold": list(range(5))}

    def exact_figures(self) -> dict[str, Figures]:
        return {WAGER: optimal_figures(self._ranks(), self.pays)}

    def reference_player(self, wager: str) -> ReferencePlayer:
        """The optimal strategy, worked out first: that takes as long as the figures."""
        optimum = Optimum(self._ranks(), self.pays)

        def decide(state: RoundState) -> Json:
            return {"action": "draw", "hold": optimum.best_hold([card_of(card) for card in state.data["dealt"]])}

        return ReferencePlayer(min(self.stakes_minor), {}, decide)

    def _ranks(self) -> tuple[int, ...]:
        return tuple(RANK_ORDER.index(rank) for rank in self.ranks)


def card_of(card: str) -> tuple[int, int]:
    """Rank and suit as numbers."""
    return RANK_ORDER.index(card[0]), SUITS.index(card[1])

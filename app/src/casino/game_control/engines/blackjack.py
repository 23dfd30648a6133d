"""Blackjack from an endless shoe: every card is drawn from a whole deck, as if shuffled after each."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from casino.game_control.definition import Definition, ReferencePlayer, offered_stake, only
from casino.game_control.engines.blackjack_hands import Rules, Strategy, hand_of, is_natural, value
from casino.game_control.engines.blackjack_maths import insurance_figures, main_figures
from casino.game_control.engines.cards import endless_card
from casino.game_control.figures import Figures
from casino.game_control.rounds import Draw, Json, RoundState

MAIN, INSURANCE = "main", "insurance"


class Blackjack(Definition):
    """The rules and the strategy that its figures are stated for.

    A round starts with the first stake; `double`, `split` and `insurance` take further ones, told in
    `step_stake_minor`. `data.hands` are the player's hands, `data.current` the one that is asked, `data.dealer` the
    dealer's cards, of which the hole card stays hidden (`data.dealer_shown` is what the player sees) until the round
    is closed. Figures: `main` is a round by the stated strategy, `insurance` that wager alone.
    """

    SLOW: ClassVar[bool] = True
    ACTIONS: ClassVar[tuple[str, ...]] = ("insurance", "decline", "hit", "stand", "double", "split")
    MOST_STAKES: ClassVar[int] = 9  # four hands that are doubled, and insurance

    kind: Literal["blackjack"]
    rules: Rules
    strategy: Strategy = Field(repr=False)

    @model_validator(mode="after")
    def _coherent(self) -> Blackjack:
        step = 2 if self.rules.insurance else 1
        pays = self.rules.blackjack_pays_numerator
        if any(s % step or s * pays % self.rules.blackjack_pays_denominator for s in self.stakes_minor):
            raise ValueError("each stake must be even for insurance and make a blackjack's win a whole amount")
        return self

    def open(self, stake_minor: int, choices: Json, draw: Draw) -> RoundState:
        offered_stake(self, stake_minor)
        only(choices)
        cards = [endless_card(draw) for _ in range(4)]
        hand = {"cards": [cards[0], cards[2]], "stake_minor": stake_minor, "split": False, "done": False}
        data = {
            "hands": [hand],
            "current": 0,
            "dealer": [cards[1], cards[3]],
            "dealer_shown": [cards[1]],
            "insurance_minor": 0,
        }
        state = self.new_round(
            stake_minor,
            {"phase": "deal", "player": hand["cards"], "dealer_shown": [cards[1]]},
            data=data,
            hidden=("dealer",),
        )
        if self.rules.insurance and value(cards[1]) == 1:
            return _changed(state, actions=("insurance", "decline"))
        return self._after_insurance(state, draw)

    def proceed(self, state: RoundState, action: Json, draw: Draw) -> RoundState:
        only(action, "action")
        name = action["action"]
        if name in ("insurance", "decline"):
            insured = state.stake_minor // 2 if name == "insurance" else 0
            taken = state.step(
                {"phase": name}, step_stake_minor=insured, data=dict(state.data) | {"insurance_minor": insured}
            )
            return self._after_insurance(taken, draw)
        hands = [dict(hand) for hand in state.data["hands"]]
        current = state.data["current"]
        hand = hands[current]
        event: dict[str, Any] = {"phase": name, "hand": current}
        further = hand["stake_minor"] if name in ("double", "split") else 0
        if name in ("hit", "double"):
            hand["cards"] = [*hand["cards"], endless_card(draw)]
            event["card"] = hand["cards"][-1]
        if name == "split":
            other = dict(hand) | {"cards": [hand["cards"][1]], "split": True}
            hand |= {"cards": [hand["cards"][0], endless_card(draw)], "split": True}
            hands.insert(current + 1, other)
            event["card"] = hand["cards"][1]
        if name == "double":
            hand["stake_minor"] *= 2
        hand["done"] = name in ("stand", "double")
        stepped = state.step(event, step_stake_minor=further, data=dict(state.data) | {"hands": hands})
        return self._next(stepped, draw)

    def default_action(self, state: RoundState) -> Json | None:
        return {"action": "decline" if "decline" in state.actions else "stand"}

    def _after_insurance(self, state: RoundState, draw: Draw) -> RoundState:
        """The dealer looks; a blackjack on either side ends the round."""
        dealer = _values(state.data["dealer"])
        if is_natural(dealer) or is_natural(_values(state.data["hands"][0]["cards"])):
            return self._close(state)
        return self._next(state, draw)

    def _next(self, state: RoundState, draw: Draw) -> RoundState:
        """Ask for the first hand that is not finished, or let the dealer draw."""
        hands = [dict(hand) for hand in state.data["hands"]]
        data = dict(state.data) | {"hands": hands}
        for index, hand in enumerate(hands):
            if len(hand["cards"]) == 1:
                hand["cards"] = [*hand["cards"], endless_card(draw)]
                state = _noted(state, {"phase": "second_card", "hand": index, "card": hand["cards"][1]})
            actions = self._actions(hand, len(hands))
            if actions:
                return _changed(state, actions=actions, data=data | {"current": index})
            hand["done"] = True
        state = _changed(state, data=data)
        if all(hand_of(_values(hand["cards"])).total > 21 for hand in hands):
            return self._close(state)
        dealer = list(data["dealer"])
        while self.rules.dealer_draws(hand_of(_values(dealer))):
            dealer.append(endless_card(draw))
        return self._close(_changed(state, data=data | {"dealer": dealer}))

    def _actions(self, hand: dict[str, Any], hands: int) -> tuple[str, ...]:
        cards = _values(hand["cards"])
        held = hand_of(cards)
        if hand["done"] or held.total >= 21:
            return ()
        two = len(cards) == 2
        pair = two and cards[0] == cards[1] and self.rules.may_split(cards[0], hands)
        if hand["split"] and cards[0] == 1:
            return ("stand", "split") if pair else ()
        actions = ["hit", "stand"]
        if two and self.rules.may_double(held, hand["split"]):
            actions.append("double")
        if pair:
            actions.append("split")
        return tuple(actions)

    def _close(self, state: RoundState) -> RoundState:
        dealer = _values(state.data["dealer"])
        wins = [self._win(hand, dealer) for hand in state.data["hands"]]
        insurance = 3 * state.data["insurance_minor"] if is_natural(dealer) else 0
        hands = [dict(hand) | {"win_minor": win} for hand, win in zip(state.data["hands"], wins, strict=True)]
        data = dict(state.data) | {
            "hands": hands,
            "dealer_shown": list(state.data["dealer"]),
            "insurance_win_minor": insurance,
        }
        noted = _noted(state, {"phase": "settle", "dealer": data["dealer"], "wins_minor": wins})
        return _changed(noted, actions=(), win_minor=sum(wins) + insurance, data=data)

    def _win(self, hand: dict[str, Any], dealer: tuple[int, ...]) -> int:
        cards, stake = _values(hand["cards"]), hand["stake_minor"]
        natural = is_natural(cards) and not hand["split"]
        if natural or is_natural(dealer):
            if natural and is_natural(dealer):
                return int(stake)
            rules = self.rules
            return int(
                stake + stake * rules.blackjack_pays_numerator // rules.blackjack_pays_denominator if natural else 0
            )
        total, against = hand_of(cards).total, hand_of(dealer).total
        if total > 21 or total < against <= 21:
            return 0
        return int(stake if total == against else 2 * stake)

    def exact_figures(self) -> dict[str, Figures]:
        figures = {MAIN: main_figures(self.rules, self.strategy)}
        return figures | ({INSURANCE: insurance_figures()} if self.rules.insurance else {})

    def reference_player(self, wager: str) -> ReferencePlayer:
        return ReferencePlayer(min(self.stakes_minor), {}, self.decide)

    @property
    def simulated(self) -> tuple[str, ...]:
        return (MAIN,)

    def decide(self, state: RoundState) -> Json:
        """The stated strategy. It sees what a player sees."""
        if "decline" in state.actions:
            return {"action": "decline"}
        hand = state.data["hands"][state.data["current"]]
        cards, upcard = _values(hand["cards"]), value(state.data["dealer_shown"][0])
        if "split" in state.actions and self.strategy.splits(cards[0], upcard):
            return {"action": "split"}
        if "hit" not in state.actions:
            return {"action": "stand"}
        return {"action": self.strategy.play(hand_of(cards), upcard, "double" in state.actions)}


def _values(cards: list[str]) -> tuple[int, ...]:
    return tuple(value(card) for card in cards)


def _changed(state: RoundState, **changes: Any) -> RoundState:
    """The same step with more of its consequences."""
    return replace(state, **changes)


def _noted(state: RoundState, event: Json) -> RoundState:
    return _changed(state, steps=(*state.steps, event))

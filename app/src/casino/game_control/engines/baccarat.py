"""Baccarat (punto banco): two hands from a freshly shuffled shoe, the third cards by fixed rules."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from casino.game_control.definition import Definition, ReferencePlayer, never_asked, offered_stake, only
from casino.game_control.engines.cards import RANKS, ShoeDraw
from casino.game_control.figures import ExactFraction, Figures, figures_of_wins
from casino.game_control.rounds import ChoiceInvalid, Draw, Json, RoundState

NATURAL = 8
VALUES = {rank: min(index + 1, 10) % 10 for index, rank in enumerate(RANKS)}


def banker_draws(total: int, player_third: int | None) -> bool:
    """The banker's rule: `total` of its two cards, the value of the player's third card or None when there is none."""
    if player_third is None:
        return total <= 5
    lowest, highest = {3: (0, 9), 4: (2, 7), 5: (4, 7), 6: (6, 7)}.get(total, (0, 9 if total <= 2 else -1))
    return lowest <= player_third <= highest and not (total == 3 and player_third == 8)


class Baccarat(Definition):
    """`pays` are what the wagers pay besides the stake; player and banker are returned on a tie.

    A pair wager wins when the first two cards of that hand have one rank. The choice is `{"wager": name}`. Every
    round is dealt from a whole shoe of `decks` decks: that makes its figures exact for each round.
    """

    SLOW: ClassVar[bool] = True

    kind: Literal["baccarat"]
    decks: int = Field(ge=1, le=8)
    pays: Annotated[
        dict[Literal["player", "banker", "tie", "player_pair", "banker_pair"], ExactFraction], Field(min_length=1)
    ]

    @model_validator(mode="after")
    def _coherent(self) -> Baccarat:
        if any(pays <= 0 for pays in self.pays.values()):
            raise ValueError("a wager pays more than nothing")
        if any(stake * pays % 1 for stake in self.stakes_minor for pays in self.pays.values()):
            raise ValueError("each stake must make every win a whole amount")
        return self

    def open(self, stake_minor: int, choices: Json, draw: Draw) -> RoundState:
        offered_stake(self, stake_minor)
        only(choices, "wager")
        wager = choices.get("wager")
        if not isinstance(wager, str) or wager not in self.pays:
            raise ChoiceInvalid(f"Choose a wager: {', '.join(self.pays)}.")
        hands = deal(ShoeDraw(draw, self.decks))
        data = {name: list(cards) for name, cards in hands.items()} | result(hands) | {"wager": wager}
        return self.new_round(
            stake_minor,
            {"phase": "deal", "choices": {"wager": wager}} | {name: list(cards) for name, cards in hands.items()},
            win_minor=int(stake_minor * self.returns(wager, data)),
            data=data,
        )

    def returns(self, wager: str, outcome: Json) -> Fraction:
        """What a unit on the wager returns."""
        if outcome[wager] if wager.endswith("pair") else outcome["winner"] == wager:
            return 1 + self.pays[wager]  # type: ignore[index]
        return Fraction(int(outcome["winner"] == "tie" and wager in ("player", "banker")))

    def offered_choices(self) -> dict[str, Any]:
        """`wager`: what each pays besides the stake."""
        return {"wager": {name: f"{pays.numerator}/{pays.denominator}" for name, pays in self.pays.items()}}

    def exact_figures(self) -> dict[str, Figures]:
        winners: defaultdict[str, int] = defaultdict(int)
        for winner, ways in winner_counts(self.decks):
            winners[winner] += ways
        whole = sum(winners.values())
        cards = 52 * self.decks
        pair = Fraction(4 * self.decks - 1, cards - 1)
        figures: dict[str, Figures] = {}
        for wager in self.pays:
            chances: defaultdict[Fraction, Fraction] = defaultdict(Fraction)
            if wager.endswith("pair"):
                for hit, chance in ((True, pair), (False, 1 - pair)):
                    chances[self.returns(wager, {wager: hit, "winner": ""})] += chance
            else:
                for winner, ways in winners.items():
                    chances[self.returns(wager, {"winner": winner})] += Fraction(ways, whole)
            figures[wager] = figures_of_wins(chances)
        return figures

    def reference_player(self, wager: str) -> ReferencePlayer:
        return ReferencePlayer(min(self.stakes_minor), {"wager": wager}, never_asked)


def deal(shoe: ShoeDraw) -> dict[str, list[str]]:
    """The two hands, cards as rank and suit."""
    first = [shoe.card() for _ in range(4)]
    hands = {"player_cards": [first[0], first[2]], "banker_cards": [first[1], first[3]]}
    player, banker = total(hands["player_cards"]), total(hands["banker_cards"])
    if max(player, banker) >= NATURAL:
        return hands
    third = None
    if player <= 5:
        hands["player_cards"].append(shoe.card())
        third = VALUES[hands["player_cards"][-1][0]]
    if banker_draws(banker, third):
        hands["banker_cards"].append(shoe.card())
    return hands


def total(cards: list[str]) -> int:
    return sum(VALUES[card[0]] for card in cards) % 10


def result(hands: dict[str, list[str]]) -> dict[str, Any]:
    """Who won, and whether each hand began with a pair."""
    player, banker = total(hands["player_cards"]), total(hands["banker_cards"])
    return {
        "winner": "tie" if player == banker else "player" if player > banker else "banker",
        "player_pair": hands["player_cards"][0][0] == hands["player_cards"][1][0],
        "banker_pair": hands["banker_cards"][0][0] == hands["banker_cards"][1][0],
    }


def winner_counts(decks: int) -> Iterator[tuple[str, int]]:
    """Every way in which a shoe deals a round: `(winner, ways)`, each way six cards in order from the whole shoe.

    Rounds of four and five cards count with every continuation to six, so that all ways weigh alike. Cards are told
    apart by value; the order within the first two cards of a hand does not matter and is counted twice.
    """
    shoe = [16 * decks if value == 0 else 4 * decks for value in range(10)]
    for p1, p2, b1, b2, ways in _first_four(shoe):
        yield from _third_cards(shoe, (p1 + p2) % 10, (b1 + b2) % 10, ways)


def _first_four(shoe: list[int]) -> Iterator[tuple[int, int, int, int, int]]:
    """Two cards each; while a deal is out, its cards are out of the shoe."""
    for p1 in range(10):
        for p2 in range(p1, 10):
            for b1 in range(10):
                for b2 in range(b1, 10):
                    ways = (1 if p1 == p2 else 2) * (1 if b1 == b2 else 2)
                    for value in (p1, p2, b1, b2):
                        ways *= shoe[value]
                        shoe[value] -= 1
                    yield p1, p2, b1, b2, ways
                    for value in (p1, p2, b1, b2):
                        shoe[value] += 1


def _third_cards(shoe: list[int], player: int, banker: int, ways: int) -> Iterator[tuple[str, int]]:
    left = sum(shoe)
    if max(player, banker) >= NATURAL or (player >= 6 and banker >= 6):
        yield _winner(player, banker), ways * left * (left - 1)
    elif player >= 6:
        for third, count in enumerate(shoe):
            yield _winner(player, (banker + third) % 10), ways * count * (left - 1)
    else:
        for third, count in enumerate(shoe):
            if banker_draws(banker, third):
                for fourth, more in enumerate(shoe):
                    yield (
                        _winner((player + third) % 10, (banker + fourth) % 10),
                        ways * count * (more - (third == fourth)),
                    )
            else:
                yield _winner((player + third) % 10, banker), ways * count * (left - 1)


def _winner(player: int, banker: int) -> str:
    return "tie" if player == banker else "player" if player > banker else "banker"


def ways_in_all(decks: int) -> int:
    """Six cards in order from the shoe: what the counts must sum to."""
    return math.perm(52 * decks, 6)

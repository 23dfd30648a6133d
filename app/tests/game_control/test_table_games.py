"""Roulette and baccarat."""

from __future__ import annotations

import itertools
import json
import math
from collections import Counter
from fractions import Fraction
from typing import Any

import pytest
from casino.game_control.catalogue import GameRefused, definition_texts, load_catalogue, parse_definition
from casino.game_control.definition import start
from casino.game_control.engines.baccarat import VALUES, banker_draws, deal, result, ways_in_all, winner_counts
from casino.game_control.engines.cards import DECK, RANKS, ShoeDraw
from casino.game_control.rounds import ChoiceInvalid
from game_draws import FixedDraw, SeededDraw
from hypothesis import given
from hypothesis import strategies as st

GAMES = load_catalogue()
ROULETTE, BACCARAT = GAMES["harbour-roulette"], GAMES["quayside-baccarat"]
PLACES = [(name, list(place)) for name, bet in ROULETTE.bets.items() for place in bet.places]  # type: ignore[attr-defined]


def bet(name: str, place: list[int], stake: Any = 10) -> dict[str, Any]:
    return {"bet": name, "place": place, "stake_minor": stake}


def test_every_place_of_a_roulette_table_returns_36_of_37() -> None:
    """All pockets in turn, on each of the 157 places."""
    assert len(PLACES) == 37 + 60 + 14 + 23 + 11 + 3 + 3 + 6
    for name, place in PLACES:
        won = sum(start(ROULETTE, 10, {"bets": [bet(name, place)]}, FixedDraw([n])).win_minor for n in range(37))
        assert Fraction(won, 37 * 10) == Fraction(36, 37) == ROULETTE.figures[name].rtp


@given(st.lists(st.sampled_from(PLACES), min_size=1, max_size=20), st.integers(0, 36))
def test_bets_of_a_round_are_paid_each_by_itself(places: list[tuple[str, list[int]]], pocket: int) -> None:
    bets = [bet(name, place) for name, place in places]
    state = start(ROULETTE, 10 * len(bets), {"bets": bets}, FixedDraw([pocket]))
    assert state.win_minor == sum(start(ROULETTE, 10, {"bets": [b]}, FixedDraw([pocket])).win_minor for b in bets)
    assert state.data["pocket"] == pocket and state.closed


@pytest.mark.parametrize(
    "bets",
    [
        None,
        [],
        "red",
        [1],
        [{}],
        [bet("red", [1, 2])],
        [bet("straight", [37])],
        [bet("straight", [])],
        [bet("split", [1, 5])],
        [bet("straight", [1], 10.0)],
        [bet("straight", [1], True)],
        [bet("straight", [1], 5)],
        [bet("straight", [1], 15)],
        [bet("straight", [1], 20)],
        [bet(["straight"], [1])],  # type: ignore[arg-type]
        [bet("straight", [[1]])],  # type: ignore[list-item]
        [bet("straight", [1])] * 201,
    ],
)
def test_bets_that_the_table_does_not_have_are_refused(bets: object) -> None:
    with pytest.raises(ChoiceInvalid):
        start(ROULETTE, 10, {"bets": bets}, SeededDraw(1))


@pytest.mark.parametrize(
    ("places", "fault"), [([[1], [2, 3]], "different numbers"), ([[37]], "does not have"), ([[2, 1]], "ascending")]
)
def test_a_wheel_with_faulty_bets_is_refused(places: list[list[int]], fault: str) -> None:
    document = json.loads(definition_texts()["harbour-roulette.json"])
    document["bets"]["odd-one"] = {"pays": 1, "places": places}
    with pytest.raises(GameRefused, match=fault):
        parse_definition(json.dumps(document), "x")


def test_baccarat_counts_every_way_of_eight_decks() -> None:
    """The counts of the literature for eight decks."""
    counts: Counter[str] = Counter()
    for winner, ways in winner_counts(8):
        counts[winner] += ways
    assert counts == {
        "banker": 2_292_252_566_437_888,
        "player": 2_230_518_282_592_256,
        "tie": 475_627_426_473_216,
    }
    assert sum(counts.values()) == ways_in_all(8) == math.perm(416, 6)


def test_the_bankers_rule_is_the_table_of_the_game() -> None:
    """Rows: the banker's total 0 to 7; columns: the player's third card 0 to 9. D draws."""
    table = ["D" * 10] * 3 + ["DDDDDDDDSD", "SSDDDDDDSS", "SSSSDDDDSS", "SSSSSSDDSS", "S" * 10]
    for total, row in enumerate(table):
        assert "".join("D" if banker_draws(total, third) else "S" for third in range(10)) == row
    assert [banker_draws(total, None) for total in range(8)] == [True] * 6 + [False] * 2


def test_what_is_dealt_is_what_was_counted() -> None:
    """A small shoe dealt card by card in every order of six: the engine's winners against the counts."""
    deck = tuple(rank + "s" for rank in "A38K6929"[:7])
    dealt: Counter[str] = Counter()
    for order in itertools.permutations(range(len(deck)), 6):
        hands = deal(_Stacked([deck[index] for index in order]))
        dealt[result(hands)["winner"]] += 1
    counted: Counter[str] = Counter()
    from casino.game_control.engines import baccarat

    shoe = [sum(VALUES[card[0]] == value for card in deck) for value in range(10)]
    for p1, p2, b1, b2, ways in baccarat._first_four(shoe):
        if ways:
            for winner, more in baccarat._third_cards(shoe, (p1 + p2) % 10, (b1 + b2) % 10, ways):
                counted[winner] += more
    assert +counted == dealt and sum(dealt.values()) == math.perm(7, 6)


class _Stacked(ShoeDraw):
    def __init__(self, order: list[str]) -> None:
        self._order = iter(order)

    def card(self) -> str:
        return next(self._order)


@pytest.mark.parametrize(
    ("order", "wager", "win"),
    [
        # player, banker, player, banker, then third cards
        (["9s", "2s", "Ks", "3s"], "player", 200),
        (["9s", "2s", "Ks", "3s"], "banker", 0),
        (["2s", "9h", "3s", "Kd"], "banker", 195),
        (["7s", "7h", "Ks", "Kd"], "tie", 900),
        (["7s", "7h", "Ks", "Kd"], "player", 100),
        (["4s", "7h", "4h", "Kd"], "player_pair", 1200),
        (["4s", "7h", "4h", "7d"], "banker_pair", 1200),
        (["Ks", "2h", "Qh", "Ad", "5s"], "banker_pair", 0),
        (["2s", "3h", "3d", "Kd", "8s"], "player", 100),
        (["2s", "3h", "Kd", "Kh", "8s"], "banker", 195),
    ],
)
def test_baccarat_pays_by_its_rules(order: list[str], wager: str, win: int) -> None:
    left = [card for card in DECK for _ in range(1)] * 8
    numbers = []
    for card in [*order, "As", "As"]:
        index = left.index(card)
        numbers.append(index)
        left[index], left[-1] = left[-1], left[index]
        left.pop()
    state = start(BACCARAT, 100, {"wager": wager}, FixedDraw(numbers))
    assert state.win_minor == win, state.data
    assert state.data["player_cards"][:2] == [order[0], order[2]]


def test_a_shoe_gives_each_card_once() -> None:
    shoe = ShoeDraw(SeededDraw(3), decks=2)
    assert sorted(shoe.card() for _ in range(104)) == sorted(DECK * 2)
    assert len(set(DECK)) == 52 and set(VALUES) == set(RANKS)

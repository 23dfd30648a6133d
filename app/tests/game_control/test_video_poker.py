"""Video poker: the hands, the holds, and the optimum against brute force on a small deck."""

from __future__ import annotations

import itertools
import json
import math
from collections import Counter
from fractions import Fraction
from typing import Any

import pytest
from casino.game_control.catalogue import definition_texts, load_catalogue, parse_definition
from casino.game_control.definition import act, start
from casino.game_control.engines.poker_hands import HANDS, NOTHING, poker_hand
from casino.game_control.engines.video_poker import VideoPoker, card_of
from casino.game_control.engines.video_poker_maths import Optimum, classes
from casino.game_control.rounds import ActionInvalid
from casino.game_control.simulate import simulate
from game_draws import SeededDraw

TEXT = definition_texts()["tidewater-poker.json"]
GAME = load_catalogue()["tidewater-poker"]
assert isinstance(GAME, VideoPoker)
ROYAL_RANKS = (8, 9, 10, 11, 12)


def small(ranks: str = "JQKA") -> VideoPoker:
    definition = parse_definition(json.dumps(json.loads(TEXT) | {"ranks": ranks}), "small")
    assert isinstance(definition, VideoPoker)
    return definition


@pytest.mark.parametrize(
    ("cards", "name"),
    [
        ("Ts Js Qs Ks As", "royal_flush"),
        ("9s Ts Js Qs Ks", "straight_flush"),
        ("As 2s 3s 4s 5s", "straight_flush"),
        ("7s 7h 7d 7c 2s", "four_of_a_kind"),
        ("7s 7h 7d 2c 2s", "full_house"),
        ("2s 4s 6s 8s Ts", "flush"),
        ("As 2h 3s 4s 5s", "straight"),
        ("Ts Jh Qs Ks As", "straight"),
        ("Qs Kh As 2s 3s", NOTHING),
        ("7s 7h 7d 3c 2s", "three_of_a_kind"),
        ("7s 7h 3d 3c 2s", "two_pair"),
        ("Js Jh 3d 4c 2s", "jacks_or_better"),
        ("As Ah 3d 4c 2s", "jacks_or_better"),
        ("Ts Th 3d 4c 2s", NOTHING),
    ],
)
def test_hands_are_named(cards: str, name: str) -> None:
    for order in itertools.permutations(cards.split()):
        assert poker_hand([card_of(card) for card in order]) == name


def test_hands_are_as_many_as_combinatorics_say() -> None:
    """On the 20 cards from ten up: counts by hand."""
    counts = Counter(poker_hand(hand) for hand in itertools.combinations(itertools.product(ROYAL_RANKS, range(4)), 5))
    assert counts["royal_flush"] == 4
    assert counts["straight"] == 4**5 - 4
    assert counts["four_of_a_kind"] == 5 * 16
    assert counts["full_house"] == 5 * 4 * 4 * 6
    assert counts["three_of_a_kind"] == 5 * 4 * math.comb(4, 2) * 16
    assert counts["two_pair"] == math.comb(5, 2) * 36 * 12
    assert counts["jacks_or_better"] == 4 * 6 * math.comb(4, 3) * 64
    assert set(counts) <= {*HANDS, NOTHING} and sum(counts.values()) == math.comb(20, 5)


def test_the_optimum_is_the_brute_forces_on_a_small_deck() -> None:
    """Sixteen cards: every deal, every hold, every draw, without inclusion and exclusion and without classes."""
    game = small()
    optimum = Optimum(game._ranks(), game.pays)
    deck = [(rank, suit) for rank in game._ranks() for suit in range(4)]
    pays = {hand: game.pays.get(poker_hand(hand), 0) for hand in itertools.combinations(deck, 5)}
    total = squares = hits = Fraction(0)
    for hand, times in classes(game._ranks()):
        rest = [card for card in deck if card not in hand]
        means, draws = optimum.mean_pays(hand), []
        for mask in range(32):
            held = [card for place, card in enumerate(hand) if mask >> place & 1]
            drawn = [pays[tuple(sorted((*held, *new)))] for new in itertools.combinations(rest, 5 - len(held))]
            assert Fraction(sum(drawn), len(drawn)) == means[mask]
            draws.append(drawn)
        best = draws[means.index(max(means))]
        total += times * max(means)
        squares += times * Fraction(sum(pay * pay for pay in best), len(best))
        hits += times * Fraction(sum(pay > 0 for pay in best), len(best))
    deals = math.comb(16, 5)
    figures = optimum.figures()
    assert figures.rtp == total / deals
    assert figures.variance == squares / deals - (total / deals) ** 2
    assert figures.hit_rate == hits / deals


def test_the_classes_stand_for_every_deal() -> None:
    """134,459 of them in a whole deck, as the literature counts."""
    counted = [times for _, times in classes(range(13))]
    assert len(counted) == 134_459 and sum(counted) == math.comb(52, 5)


def test_the_declared_return_is_that_of_the_literature() -> None:
    """9/6 Jacks or Better returns 99.5439 % by optimal play, and pays on 45.4565 % of the rounds."""
    figures = GAME.figures["optimal"]
    assert float(figures.rtp) == pytest.approx(0.995439, abs=5e-7)
    assert float(figures.hit_rate) == pytest.approx(0.454565, abs=5e-7)
    assert float(figures.variance) == pytest.approx(19.5147, abs=5e-5)


def test_optimal_play_of_a_small_deck_comes_to_its_figures() -> None:
    game = small("TJQKA")
    exact = parse_definition(
        json.dumps(
            json.loads(TEXT)
            | {"ranks": "TJQKA", "figures": {k: f.model_dump(mode="json") for k, f in game.exact_figures().items()}}
        ),
        "small",
    )
    assert simulate(exact, "optimal", 3_000, SeededDraw(5)).agrees


def test_held_cards_stay_and_the_others_come_from_the_rest_of_the_deck() -> None:
    for seed in range(50):
        draw = SeededDraw(seed)
        state = start(GAME, 100, {}, draw)
        dealt = state.data["dealt"]
        hold = sorted({seed % 5, seed // 5 % 5})
        state = act(GAME, state, {"action": "draw", "hold": hold}, draw)
        cards = state.data["cards"]
        assert all(cards[place] == dealt[place] for place in hold)
        assert len({*dealt, *cards}) == 5 + 5 - len(hold)
        hand = state.data["hand"]
        assert state.win_minor == 100 * GAME.pays.get(hand, 0)


@pytest.mark.parametrize("hold", [None, "0", [5], [-1], [True], [0.0], ["0"]])
def test_a_hold_that_is_none_is_refused(hold: Any) -> None:
    state = start(GAME, 100, {}, SeededDraw(1))
    with pytest.raises(ActionInvalid, match="places"):
        act(GAME, state, {"action": "draw", "hold": hold}, SeededDraw(1))

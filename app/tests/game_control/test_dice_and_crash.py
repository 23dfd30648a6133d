"""Dice and crash."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import pytest
from casino.game_control.catalogue import GameRefused, definition_texts, load_catalogue, parse_definition
from casino.game_control.definition import act, start
from casino.game_control.engines.crash import Crash
from casino.game_control.engines.dice import Dice
from casino.game_control.rounds import ActionInvalid, ChoiceInvalid
from game_draws import FixedDraw
from hypothesis import given
from hypothesis import strategies as st

GAMES = load_catalogue()
DICE, SQUALL = GAMES["signal-dice"], GAMES["squall"]
assert isinstance(DICE, Dice) and isinstance(SQUALL, Crash)


@pytest.mark.parametrize("side", ["under", "over"])
@pytest.mark.parametrize("faces", [100, 5000, 9000])
def test_dice_win_on_as_many_faces_as_were_chosen(side: str, faces: int) -> None:
    choices = {"side": side, "faces": faces}
    wins = [start(DICE, 100, choices, FixedDraw([face])).win_minor for face in range(10_000)]
    assert sum(win > 0 for win in wins) == faces
    assert Fraction(sum(wins), 100 * 10_000) == Fraction(99, 100) == DICE.figures[str(faces)].rtp


@pytest.mark.parametrize(
    "choices", [{}, {"side": "in", "faces": 100}, {"side": "over", "faces": 101}, {"side": "over", "faces": 100.0}]
)
def test_dice_that_are_not_offered_are_refused(choices: dict[str, Any]) -> None:
    with pytest.raises(ChoiceInvalid):
        start(DICE, 100, choices, FixedDraw([1]))


def small(draws: int = 10**6) -> Crash:
    document = json.loads(definition_texts()["squall.json"])
    definition = parse_definition(
        json.dumps(document | {"draws": draws, "max_target": 5000, "certified_targets": [101, 150, 5000]}), "x"
    )
    assert isinstance(definition, Crash)
    return definition


@pytest.mark.parametrize("target", [101, 150, 5000])
def test_a_targets_chance_is_counted_over_every_draw(target: int) -> None:
    game = small()
    reached = sum(game.crash_point(drawn) >= target for drawn in range(game.draws))
    assert Fraction(reached, game.draws) == game.figures_at(target).hit_rate


@given(st.integers(101, 100_000))
def test_no_target_is_worth_more_than_is_told_or_less(target: int) -> None:
    rtp = SQUALL.figures_at(target).rtp
    assert SQUALL.figures["lowest"].rtp <= rtp <= SQUALL.figures["highest"].rtp <= Fraction(99, 100)
    assert Fraction(99, 100) - rtp < Fraction(target, 100 * SQUALL.draws)


@given(st.integers(0, 2**52 - 1), st.integers(101, 100_000))
def test_a_round_is_decided_by_its_crash_point(drawn: int, target: int) -> None:
    state = start(SQUALL, 200, {"cash_out_at": target}, FixedDraw([drawn]))
    assert state.closed
    assert state.win_minor == (2 * target if target <= SQUALL.crash_point(drawn) else 0)


@given(st.integers(0, 2**52 - 1), st.integers(0, 3000))
def test_a_round_without_a_target_is_cashed_out_by_the_servers_tick(drawn: int, tick: int) -> None:
    state = start(SQUALL, 100, {"cash_out_at": None}, FixedDraw([drawn]))
    assert "crash_point" not in state.visible()["data"] and str(SQUALL.crash_point(drawn)) not in json.dumps(
        state.visible()["steps"]
    )
    multiplier = SQUALL.at_tick(tick)
    if multiplier < SQUALL.min_target:
        with pytest.raises(ActionInvalid, match="early"):
            act(SQUALL, state, {"action": "cash_out", "tick": tick}, FixedDraw([]))
        return
    state = act(SQUALL, state, {"action": "cash_out", "tick": tick}, FixedDraw([]))
    assert state.win_minor == (multiplier if multiplier <= SQUALL.crash_point(drawn) else 0)
    assert "crash_point" in state.visible()["data"]


@pytest.mark.parametrize("tick", [None, -1, 1.5, True])
def test_a_tick_that_is_none_is_refused(tick: Any) -> None:
    state = start(SQUALL, 100, {"cash_out_at": None}, FixedDraw([7]))
    with pytest.raises(ActionInvalid, match="tick"):
        act(SQUALL, state, {"action": "cash_out", "tick": tick}, FixedDraw([]))


def test_the_multiplier_grows_and_stops_at_the_largest_target() -> None:
    course = [SQUALL.at_tick(tick) for tick in range(2000)]
    assert course == sorted(course) and course[0] == 100 and course[-1] == 100_000
    assert SQUALL.at_tick(10**9) == SQUALL.max_target
    assert SQUALL.at_tick(100) == int(100 * Fraction(1006, 1000) ** 100)


@pytest.mark.parametrize("target", [100, 100_001, "200", 150.0, True])
def test_a_target_out_of_range_is_refused(target: Any) -> None:
    with pytest.raises(ChoiceInvalid):
        start(SQUALL, 100, {"cash_out_at": target}, FixedDraw([7]))


@pytest.mark.parametrize("name", ["signal-dice", "squall"])
def test_stakes_that_would_pay_parts_of_a_minor_unit_are_refused(name: str) -> None:
    document = json.loads(definition_texts()[f"{name}.json"]) | {"stakes_minor": [150]}
    with pytest.raises(GameRefused, match="multiple of 100"):
        parse_definition(json.dumps(document), name)

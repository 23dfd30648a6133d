"""The slot with free spins: its maths against brute force, its course against its rules."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from fractions import Fraction
from typing import Any

import pytest
from casino.game_control.catalogue import GameRefused, definition_texts, load_catalogue, parse_definition
from casino.game_control.definition import act, start
from casino.game_control.engines.video_slot import VideoSlot
from casino.game_control.engines.video_slot_maths import mean_free_spins, round_figures, spin
from game_draws import FixedDraw, SeededDraw
from hypothesis import given, settings
from hypothesis import strategies as st

DRIFT = load_catalogue()["polar-drift"]
SMALL: dict[str, Any] = {
    "kind": "video_slot",
    "game_id": "small",
    "name": "Small",
    "version": "1.0.0",
    "rows": 2,
    "reels": [["a", "b", "w", "s"], ["b", "a", "s", "w", "a"], ["a", "b", "b", "w", "s", "b"]],
    "free_reels": [["a", "w", "b", "a", "b"], ["b", "a", "s"], ["a", "b", "w", "s", "b"]],
    "paylines": [[0, 0, 0], [1, 1, 1], [0, 1, 0]],
    "wild": "w",
    "scatter": "s",
    "paytable": {"a": {"2": 1, "3": 4}, "b": {"3": 2}, "w": {"2": 5, "3": 20}},
    "scatter_pays": {"2": 1, "3": 3},
    "free_spins": {"2": 1, "3": 2},
    "free_multiplier": 3,
    "stakes_minor": [3, 6],
    "figures": {},
}


def small(**changes: Any) -> VideoSlot:
    definition = parse_definition(json.dumps(SMALL | changes), "small")
    assert isinstance(definition, VideoSlot)
    return definition


def brute(slot: VideoSlot, reels: tuple[tuple[str, ...], ...]) -> Counter[tuple[int, int]]:
    """(win at the smallest stake, free spins awarded) -> combinations of stops, by the game itself."""
    outcomes: Counter[tuple[int, int]] = Counter()
    for stops in itertools.product(*(range(len(reel)) for reel in reels)):
        shown = slot._spin(reels, 3, 1, FixedDraw(stops))
        outcomes[shown["win_minor"], shown["free_spins"]] += 1
    return outcomes


@pytest.mark.parametrize("which", ["reels", "free_reels"])
@given(data=st.data())
@settings(max_examples=25)
def test_one_spins_moments_are_those_of_every_combination_of_stops(which: str, data: st.DataObject) -> None:
    strips = [data.draw(st.permutations(reel), label="reel") for reel in SMALL[which]]
    slot = small(**{which: strips})
    outcomes = brute(slot, getattr(slot, which))
    whole = sum(outcomes.values())
    exact = spin(slot, getattr(slot, which))
    for award, (chance, mean, square, nothing) in exact.by_award.items():
        mine = {win: n for (win, awarded), n in outcomes.items() if awarded == award}
        assert chance == Fraction(sum(mine.values()), whole)
        assert mean == sum(Fraction(win * n, 3 * whole) for win, n in mine.items())
        assert square == sum(Fraction(win**2 * n, 9 * whole) for win, n in mine.items())
        assert nothing == Fraction(mine.get(0, 0), whole)


def test_the_round_is_the_sum_over_every_course_of_free_spins() -> None:
    """Courses of up to 40 free spins by their distribution: what is left out is too little to matter."""
    slot = small()
    paid, free = brute(slot, slot.reels), brute(slot, slot.free_reels)
    limit = 40
    # (free spins left) -> win -> probability, one free spin at a time
    states: dict[tuple[int, int], float] = Counter()
    for (win, award), n in paid.items():
        states[award, win] += n / sum(paid.values())
    ended: Counter[int] = Counter()
    for _ in range(limit):
        after: Counter[tuple[int, int]] = Counter()
        for (left, win), chance in states.items():
            if not left:
                ended[win] += chance  # type: ignore[assignment]
                continue
            for (more, award), n in free.items():
                after[left - 1 + award, win + 3 * more] += chance * n / sum(free.values())  # type: ignore[assignment]
        states = after
    figures = round_figures(slot)
    assert sum(ended.values()) == pytest.approx(1, abs=1e-6)
    mean = sum(win * chance for win, chance in ended.items()) / 3
    assert mean == pytest.approx(float(figures.rtp), rel=1e-4)
    variance = sum((win / 3 - mean) ** 2 * chance for win, chance in ended.items())
    assert variance == pytest.approx(float(figures.variance), rel=1e-3)
    assert 1 - ended[0] == pytest.approx(float(figures.hit_rate), rel=1e-4)


def test_free_spins_are_played_one_by_one_multiplied_and_won_again() -> None:
    slot = small()
    # Stops 3, 2, 4 show a scatter on every reel: 2 free spins.
    state = start(slot, 6, {}, FixedDraw([3, 2, 4]))
    assert state.data["free_spins_left"] == 2 and state.actions == ("spin",)
    first = state.win_minor
    state = act(slot, state, {"action": "spin"}, FixedDraw([0, 1, 2]))  # a w . / a s . : scatters on two reels
    assert state.data["reels"] == [["a", "w"], ["a", "s"], ["w", "s"]]
    assert state.data["free_spins"] == 1 and state.data["free_spins_left"] == 2
    # line 1: a a w pays 4; line 2: w s . pays nothing; line 3: a s w nothing; two scatters pay the stake; all by 3.
    assert state.win_minor - first == 3 * (4 * 2 + 6)
    for _ in range(2):
        state = act(slot, state, {"action": "spin"}, FixedDraw([2, 0, 0]))
    assert state.closed and state.data["free_spins_played"] == 3
    assert state.win_minor == sum(step["win_minor"] for step in state.steps)
    assert [step["phase"] for step in state.steps] == ["spin"] + ["free_spin"] * 3


@given(st.integers(0, 1 << 32))
@settings(max_examples=30)
def test_a_win_scales_with_the_stake(seed: int) -> None:
    one, ten = (start(DRIFT, stake, {}, SeededDraw(seed)).win_minor for stake in (10, 100))
    assert ten == 10 * one


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"wild": "z"}, "no reel"),
        ({"paytable": {"s": {"3": 1}}}, "scatter"),
        ({"free_reels": [["a", "b"]] * 4}, "as many"),
        ({"paylines": [[0, 0, 2]]}, "payline"),
        ({"paytable": {"a": {"4": 1}}}, "impossible"),
        ({"scatter_pays": {"3": 1}}, "pay as well"),
        ({"stakes_minor": [4]}, "evenly"),
    ],
)
def test_a_faulty_sheet_is_refused(change: dict[str, Any], fault: str) -> None:
    with pytest.raises(GameRefused, match=fault):
        small(**change)


def test_free_spins_that_would_never_end_are_refused() -> None:
    with pytest.raises(ValueError, match="does not end"):
        round_figures(small(free_spins={"2": 10, "3": 10}))


def test_the_feature_comes_as_often_as_is_written() -> None:
    """docs/games.md tells both."""
    chance, spins = mean_free_spins(DRIFT)
    assert float(1 / chance) == pytest.approx(140.36, abs=0.01)
    assert float(spins) == pytest.approx(11.06, abs=0.01)
    assert definition_texts()["polar-drift.json"]

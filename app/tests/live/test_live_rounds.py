"""The course of a round, and what bets on the wheel bring back: pure, over any order of steps and any moments."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from casino.gal.live import round as rounds
from casino.gal.live.round import LiveRound, NotAllowed, Timing
from casino.gal.live.wheel import POCKETS, SELECTIONS, brings_back, outcomes
from hypothesis import given
from hypothesis import strategies as st

START = datetime(2026, 1, 1, tzinfo=UTC)
TIMING = Timing(20, 5)
ORDER = {"open": 0, "closed": 1, "resulted": 2, "settled": 3, "voided": 3}
STEPS = st.lists(
    st.tuples(st.sampled_from(["close", "result", "settle", "void", "due"]), st.integers(0, 30), st.integers(0, 36)),
    max_size=30,
)


def take(step: str, round_: LiveRound, now: datetime, pocket: int) -> rounds.Transition:
    match step:
        case "close":
            return rounds.close_bets(round_, now)
        case "result":
            return rounds.give_result(round_, pocket, now)
        case "settle":
            return rounds.settle(round_, now, bets=1, staked_minor=10, won_minor=20)
        case _:
            return rounds.void(round_, "a fault", now)


@given(STEPS)
def test_a_round_goes_forward_only_tells_each_step_once_and_has_one_result(steps: list[tuple[str, int, int]]) -> None:
    now = START
    opened = rounds.open_bets(uuid.UUID(int=1), "t", TIMING, now)
    round_, told = opened.after, [opened.event]
    for step, wait, pocket in steps:
        now += timedelta(seconds=wait)
        due = rounds.due(round_, TIMING, now)
        try:
            moved = take(due or "close" if step == "due" else step, round_, now, pocket)
        except NotAllowed:
            # What is due is never refused.
            assert step != "due" or due is None
            continue
        assert (moved.before == round_ and ORDER[moved.after.state] == ORDER[round_.state] + 1) or (
            moved.after.state == "voided" and round_.state in ("open", "closed")
        )
        assert round_.result is None or moved.after.result == round_.result
        assert moved.payload["state"] == moved.after.state
        round_ = moved.after
        told.append(moved.event)
    assert len(told) == len(set(told))
    assert (round_.result is None) == (round_.resulted_at is None) == ("gal.live_resulted" not in told)
    moments = [one for one in (round_.opened_at, round_.closed_at, round_.resulted_at, round_.ended_at) if one]
    assert moments == sorted(moments)
    assert round_.closed_at is None or round_.closed_at >= round_.closes_at


@given(st.integers(-1000, 60_000))
def test_a_bet_counts_that_came_before_the_time_that_was_told(milliseconds: int) -> None:
    round_ = rounds.open_bets(uuid.UUID(int=1), "t", TIMING, START).after
    at = START + timedelta(milliseconds=milliseconds)
    assert rounds.accepts(round_, at) is (0 <= milliseconds < 20_000)
    closed = rounds.close_bets(round_, START + timedelta(seconds=20)).after
    assert not rounds.accepts(closed, at)


def test_every_bet_returns_the_same_share_of_its_stake_over_the_whole_wheel() -> None:
    assert len(SELECTIONS) == POCKETS + 6
    for selection in SELECTIONS:
        back = sum(brings_back(selection, 100, pocket) for pocket in range(POCKETS))
        assert Fraction(back, 100 * POCKETS) == Fraction(36, 37), selection
    for pocket in range(1, POCKETS):
        # Each number is red or black, even or odd, low or high; the zero is none of them.
        assert sum(brings_back(one, 1, pocket) for one in ("red", "black", "even", "odd", "low", "high")) == 6
    assert all(brings_back(one, 1, 0) == 0 for one in SELECTIONS if one != "straight:0")
    with pytest.raises(KeyError):
        brings_back("purple", 1, 0)
    with pytest.raises(ValueError, match="37"):
        brings_back("red", 1, 37)


@given(
    st.lists(st.tuples(st.integers(1, 5), st.sampled_from(sorted(SELECTIONS)), st.integers(1, 10**6)), max_size=30),
    st.integers(0, 36),
)
def test_what_players_bets_come_to_is_the_sum_of_their_bets(bets: list[tuple[int, str, int]], pocket: int) -> None:
    named = [(uuid.UUID(int=number), *bet) for number, bet in enumerate(bets)]
    found = outcomes(named, pocket)
    assert set(found) == {account for account, _, _ in bets}
    for account, outcome in found.items():
        own = [(name, selection, stake) for name, one, selection, stake in named if one == account]
        assert outcome.staked_minor == sum(stake for _, _, stake in own)
        assert outcome.wins == {name: brings_back(selection, stake, pocket) for name, selection, stake in own}
        assert outcome.win_minor == sum(outcome.wins.values())

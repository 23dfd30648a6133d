"""Limits and exclusions over time, as values: nothing loosens before its time, whatever is asked in whatever order."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from casino.compliance.api import LimitRule
from casino.kernel.errors import CasinoError
from casino.responsible_gaming.exclusions import (
    FOREVER,
    Exclusion,
    ReturnRefused,
    ask_to_return,
    barred_until,
    closes_account,
    is_over,
    may_ask_from,
)
from casino.responsible_gaming.limits import (
    KINDS,
    Limit,
    LimitNotWaiting,
    ask,
    confirm,
    in_force,
    looser,
    merge,
    missing,
    missing_kinds,
    settle,
)
from casino.responsible_gaming.windows import PERIODS
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from protection_rules import make_rules

START = datetime(2026, 3, 1, tzinfo=UTC)
VALUES = st.none() | st.integers(0, 5)
STEPS = st.timedeltas(timedelta(0), timedelta(hours=30))


class LimitOverTime(RuleBasedStateMachine):
    """Against what a suspicious reader would note: every request, and when it was made."""

    @initialize(cooling=st.sampled_from([0, 24, 72]), asks_to_confirm=st.booleans())
    def begin(self, cooling: int, asks_to_confirm: bool) -> None:
        self.cooling, self.asks_to_confirm = timedelta(hours=cooling), asks_to_confirm
        self.limit, self.now = Limit(), START
        self.requests: list[tuple[datetime, int | None]] = []
        self.strictest_since: list[tuple[datetime, int | None]] = [(START, None)]

    def _note(self, before: Limit) -> None:
        if self.limit.value != before.value:
            if looser(self.limit.value, before.value):
                # Somebody asked for exactly this at least a cooling period ago, and for nothing else since.
                asked_at, wanted = self.requests[-1]
                assert wanted == self.limit.value
                assert self.now - asked_at >= self.cooling
            self.strictest_since.append((self.now, self.limit.value))

    @rule(wanted=VALUES)
    def request(self, wanted: int | None) -> None:
        before = self.limit
        self.limit, change = ask(before, wanted, self.now, self.cooling)
        if not (before.loosening and before.waiting == wanted and looser(wanted, before.value)):
            self.requests.append((self.now, wanted))
        assert not looser(self.limit.value, before.value), "asking alone never loosens"
        assert (change is None) == (self.limit == before)
        if not looser(wanted, before.value):
            assert self.limit == Limit(wanted), "what is tighter, or the same, is in force at once and nothing waits"
        self._note(before)

    @rule(step=STEPS)
    def time_passes(self, step: timedelta) -> None:
        self.now += step
        before = self.limit
        self.limit, changed = settle(before, self.now, confirmed=not self.asks_to_confirm)
        assert changed == (self.limit != before)
        if self.asks_to_confirm:
            assert not changed
        self._note(before)

    @precondition(lambda self: self.asks_to_confirm)
    @rule()
    def confirms(self) -> None:
        before = self.limit
        try:
            self.limit = confirm(before, self.now)
        except LimitNotWaiting:
            assert before.effective_at is None or self.now < before.effective_at
        else:
            assert before.effective_at is not None and self.now >= before.effective_at
        self._note(before)

    @invariant()
    def what_waits_is_looser_than_what_binds(self) -> None:
        if hasattr(self, "limit") and self.limit.loosening:
            assert looser(self.limit.waiting, self.limit.value)


LimitOverTime.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestLimitOverTime = LimitOverTime.TestCase

PLACES = [("deposit", "day"), ("deposit", "month"), ("loss", "week"), ("session", "day")]
limit_rules = st.dictionaries(st.sampled_from(PLACES), st.tuples(VALUES, VALUES, st.booleans()), max_size=4).map(
    lambda told: [
        LimitRule(kind=kind, period=period, maximum=maximum, default=default, required=required)  # type: ignore[arg-type]
        for (kind, period), (maximum, default, required) in told.items()
    ]
)
players_limits = st.dictionaries(
    st.tuples(st.sampled_from(PLACES), st.sampled_from(["player", "staff"])), VALUES.map(Limit)
)


@given(limit_rules, players_limits)
def test_what_binds_is_no_looser_than_any_of_its_sources(rules: Any, limits: Any) -> None:
    binding = in_force(rules, limits)
    for (place, _), limit in limits.items():
        assert not looser(binding.get(place), limit.value)
    for one in rules:
        place = (one.kind, one.period)
        assert not looser(binding.get(place), one.maximum)
        own = limits.get((place, "player"), Limit()).value
        if own is None:
            assert not looser(binding.get(place), one.default)
        assert (place in missing(rules, limits)) == (one.required and own is None)
    sources = {place for place, _ in limits} | {(one.kind, one.period) for one in rules}
    assert set(binding) <= sources


@given(st.lists(st.sampled_from(KINDS), unique=True), players_limits)
def test_a_kind_is_missing_until_the_player_has_a_limit_of_it_for_some_period(kinds: Any, limits: Any) -> None:
    lacking = missing_kinds(kinds, limits)
    for kind in KINDS:
        has = any(limits.get(((kind, period), "player"), Limit()).value is not None for period in PERIODS)
        assert (kind in lacking) == (kind in kinds and not has)


@given(VALUES.map(Limit), VALUES.map(Limit))
def test_two_accounts_that_become_one_keep_the_tighter_limit(one: Limit, other: Limit) -> None:
    both = merge(one, other)
    assert both == merge(other, one) and not both.loosening
    assert not looser(both.value, one.value) and not looser(both.value, other.value)


def exclusion(kind: Any, days: int | None, began: timedelta = timedelta(0)) -> Exclusion:
    at = START + began
    return Exclusion(uuid.uuid4(), kind, at, at + timedelta(days=days) if days is not None else None)


exclusions = st.builds(
    exclusion,
    st.sampled_from(["self_exclusion", "time_out", "mandatory", "register"]),
    st.none() | st.integers(1, 400),
    st.timedeltas(timedelta(0), timedelta(days=30)),
)


@given(
    st.lists(exclusions, min_size=1, max_size=4),
    st.timedeltas(timedelta(0), timedelta(days=900)),
    st.sampled_from(["automatically", "on_request"]),
)
def test_nobody_is_let_go_before_each_of_their_exclusions_is_over(found: Any, later: timedelta, ends: str) -> None:
    rules, now = make_rules(self_exclusion_ends=ends), START + later
    until = barred_until(rules, found, now)
    running = [one for one in found if not is_over(rules, one, now)]
    assert (until is not None) == bool(running)
    for one in running:
        assert until is not None and (one.until is None or until >= one.until)
    if until is not None and until != FOREVER:
        # The wallet lets go by its own clock: by then every one of them is over by itself.
        assert all(is_over(rules, one, until) for one in found)
    for one in found:
        if now < (one.until or FOREVER) and one.asked_at is None:
            assert not is_over(rules, one, now)
    assert closes_account(rules, found, now) == any(one.kind != "time_out" for one in running)


@given(exclusions, st.lists(st.timedeltas(timedelta(0), timedelta(days=120)), max_size=8))
def test_who_asks_to_come_back_is_heard_after_the_time_and_let_in_after_the_wait(one: Any, steps: Any) -> None:
    rules = make_rules(self_exclusion_minimum_days=60, self_exclusion_endless_days=90, self_exclusion_return_hours=48)
    now = one.began_at
    for step in steps:
        now += step
        try:
            one = ask_to_return(rules, one, now)
        except ReturnRefused:
            assert one.kind != "self_exclusion" or now < may_ask_from(rules, one)
            continue
        assert now >= may_ask_from(rules, one) and one.asked_at <= now
        assert is_over(rules, one, now) == (now >= one.asked_at + timedelta(hours=48))


def test_an_indefinite_exclusion_has_a_shortest_time_too() -> None:
    assert may_ask_from(make_rules(self_exclusion_minimum_days=30), exclusion("self_exclusion", None)) == (
        START + timedelta(days=180)
    )
    assert may_ask_from(make_rules(self_exclusion_minimum_days=366), exclusion("self_exclusion", None)) == (
        START + timedelta(days=366)
    )
    rules = make_rules(self_exclusion_minimum_days=7, self_exclusion_endless_days=30)
    with pytest.raises(ReturnRefused):
        ask_to_return(rules, exclusion("self_exclusion", None), START + timedelta(days=30, seconds=-1))
    asked = ask_to_return(rules, exclusion("self_exclusion", None), START + timedelta(days=30))
    assert not is_over(rules, asked, START + timedelta(days=30, hours=23))
    assert is_over(rules, asked, START + timedelta(days=31))


def test_rules_that_contradict_themselves_are_refused() -> None:
    same = {"kind": "loss", "period": "day"}
    for changes in (
        {"limits": [same, same | {"maximum": 5}]},
        {"exclusion_register": "REGISTER"},
        {"exclusion_register_moments": ["login"]},
        {"limits": [{"kind": "luck", "period": "day"}]},
    ):
        with pytest.raises(Exception, match="rules"):
            make_rules(**changes)
    assert issubclass(LimitNotWaiting, CasinoError)

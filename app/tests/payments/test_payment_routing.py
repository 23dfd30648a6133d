"""Routing and the circuit breaker as functions of values."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from casino.wallet.payments.health import FAILURES_TO_OPEN, OPEN_AT_MOST, OPEN_FOR, PPM, Breaker, Health
from casino.wallet.payments.routing import Order, Route, fits, rank, worth_ppm
from hypothesis import given
from hypothesis import strategies as st
from payments_testkit import START

NAMES = ["a", "b", "c", "d"]


def route(provider: str, **changes: Any) -> Route:
    return Route(**({"provider": provider, "method": "card", "currencies": {"GBP"}} | changes))


def order(**changes: Any) -> Order:
    return Order(**({"kind": "deposit", "method": "card", "currency": "GBP", "amount": 1000} | changes))


routes = st.lists(
    st.builds(
        route, st.sampled_from(NAMES), method=st.sampled_from(["card", "bank"]), max_minor=st.integers(1, 2000),
        currencies=st.sampled_from([{"GBP"}, {"EUR"}, {"GBP", "EUR"}]), fixed_minor=st.integers(0, 50),
        bin_countries=st.sampled_from([None, frozenset({"XA"}), frozenset({"XB"})]),
        basis_points=st.integers(0, 500),
    ),
    max_size=6,
    unique_by=lambda one: (one.provider, one.method),
)  # fmt: skip
orders = st.builds(
    order, method=st.sampled_from(["card", "bank"]), amount=st.integers(1, 2500),
    bin_country=st.sampled_from([None, "XA", "XB"]),
)  # fmt: skip
results = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(["success", "declined", "fault"])), max_size=40)


def health_after(happened: list[tuple[str, Any]]) -> Health:
    health = Health()
    for provider, result in happened:
        health = health.heard(provider, "card", result, START)
    return health


@given(routes, orders, results, st.frozensets(st.sampled_from(NAMES)), st.integers(0, 5))
def test_only_open_routes_are_ranked_and_the_most_worthy_is_first(
    routes: list[Route], order: Order, happened: list[Any], tried: frozenset[str], weight: int
) -> None:
    health = health_after(happened)
    ranked = rank(routes, order, health, START, tried=tried, cost_weight=weight)
    expected = [
        one for one in routes
        if fits(one, order) and one.provider not in tried
        and health.score(one.provider, one.method).breaker.admits(START)
    ]  # fmt: skip
    assert {one.provider for one in ranked} == {one.provider for one in expected}
    worth = [worth_ppm(one, order, health, weight) for one in ranked]
    assert worth == sorted(worth, reverse=True)
    assert rank(routes[::-1], order, health, START, tried=tried, cost_weight=weight) == ranked


@pytest.mark.parametrize(
    "unfit",
    [{"method": "bank"}, {"currency": "EUR"}, {"amount": 99}, {"amount": 2001}, {"kind": "withdrawal"},
     {"bin_country": None}, {"bin_country": "XB"}],
)  # fmt: skip
def test_a_route_takes_only_what_it_is_for(unfit: dict[str, Any]) -> None:
    narrow = route("a", min_minor=100, max_minor=2000, kinds={"deposit"}, bin_countries={"XA"})
    assert fits(narrow, order(bin_country="XA"))
    assert not fits(narrow, order(**({"bin_country": "XA"} | unfit)))


def test_cost_is_rounded_up_and_a_cheaper_route_wins_among_equals() -> None:
    dear, cheap = route("a", basis_points=150, fixed_minor=20), route("b", basis_points=29)
    assert (dear.cost_minor(101), cheap.cost_minor(101)) == (22, 1)
    assert [one.provider for one in rank([dear, cheap], order(), Health(), START)] == ["b", "a"]


def test_a_provider_that_declines_much_falls_behind_a_dearer_one_that_does_not() -> None:
    cheap, dear = route("cheap"), route("dear", basis_points=200)
    health = health_after([("cheap", "declined")])
    assert rank([cheap, dear], order(), health, START)[0].provider == "dear"
    health = health_after([("cheap", "declined")] + [("cheap", "success")] * 30)
    assert rank([cheap, dear], order(), health, START)[0].provider == "cheap"


@given(st.lists(st.tuples(st.sampled_from(["success", "declined", "fault"]), st.integers(0, 90)), max_size=60))
def test_the_breaker_keeps_its_promises_in_any_history(history: list[tuple[Any, int]]) -> None:
    """It opens only after faults in a row, lets one probe through at a time, and reopens for longer each time."""
    health, now, in_a_row = Health(), START, 0
    for result, seconds in history:
        now += timedelta(seconds=seconds)
        before = health.score("a", "card").breaker
        if not before.admits(now):
            assert before.failures >= FAILURES_TO_OPEN
            continue
        health = health.began("a", "card", now)
        probing = health.score("a", "card").breaker
        assert (probing.state == "half_open") == (before.state != "closed")
        if probing.state == "half_open":
            assert not probing.admits(now), "a second probe"
        health = health.heard("a", "card", result, now)
        after, in_a_row = health.score("a", "card").breaker, in_a_row + 1 if result == "fault" else 0
        assert (after.state == "open") == (in_a_row >= FAILURES_TO_OPEN)
        if after.until is not None:
            assert OPEN_FOR <= after.until - now <= OPEN_AT_MOST
            assert before.state == "closed" or after.opened == before.opened + 1
        assert 0 <= health.score("a", "card").rate_ppm <= PPM


def test_a_lost_probe_is_followed_by_another() -> None:
    breaker = Breaker()
    for _ in range(FAILURES_TO_OPEN):
        breaker = breaker.failed(START)
    assert not breaker.admits(START + OPEN_FOR - timedelta(seconds=1))
    probe = breaker.begin(START + OPEN_FOR)
    assert not probe.admits(START + OPEN_FOR)
    assert probe.admits(START + OPEN_FOR + timedelta(seconds=60))
    assert probe.succeeded() == Breaker()

"""Whether one release does worse than another: what is chance is no harm, and what is harm is found."""

import random

from domicile_operator.releases.figures import (
    LEAST,
    MARGIN_FAILED,
    Figures,
    from_fields,
    harm,
    read,
    to_fields,
    total,
    worse,
)
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

COUNTS = st.integers(0, 10**6)


@st.composite
def figures(draw: st.DrawFn) -> Figures:
    bets = draw(COUNTS)
    failed, slow = draw(st.integers(0, bets)), draw(st.integers(0, bets))
    off = frozenset(draw(st.sets(st.sampled_from(["wheel", "reels"]))))
    return Figures(bets, failed, slow, draw(st.booleans()), off)


@given(figures())
def test_what_is_written_is_read_again(one: Figures) -> None:
    assert from_fields(to_fields(one)) == one


@given(st.lists(figures(), max_size=4))
def test_pods_add_up(many: list[Figures]) -> None:
    summed = total(many)
    assert (summed.bets, summed.failed) == (sum(one.bets for one in many), sum(one.failed for one in many))
    assert summed.broken == any(one.broken for one in many)
    assert total(reversed(many)) == summed


@given(figures(), st.integers(1, 3))
def test_the_same_again_and_the_same_in_other_numbers_is_no_harm(one: Figures, times: int) -> None:
    again = Figures(one.bets * times, one.failed * times, one.slow * times, one.broken, one.off)
    assert harm(one, again) is None


@given(figures(), figures())
def test_a_broken_invariant_and_returns_out_of_bounds_need_no_numbers(one: Figures, other: Figures) -> None:
    found = harm(one, other)
    if other.broken and not one.broken:
        assert found is not None and found.reason == "LedgerBroken"
    elif other.off - one.off:
        assert found is not None and found.reason == "ReturnsOutOfBounds"
        assert all(game in found.message for game in other.off - one.off)
    else:
        assert found is None or found.reason in ("BetsFail", "BetsSlow")


@given(COUNTS, st.integers(1, 10**6), st.data())
def test_a_share_within_the_margin_is_never_worse(bad: int, of: int, data: st.DataObject) -> None:
    bad = min(bad, of)
    of_now = data.draw(st.integers(0, 10**6))
    most = int((bad / of + MARGIN_FAILED) * of_now)
    bad_now = data.draw(st.integers(0, min(most, of_now)))
    assert not worse(bad, of, bad_now, of_now, MARGIN_FAILED)


@given(st.integers(0, LEAST - 1))
def test_a_handful_of_bets_says_nothing_however_it_looks(bets: int) -> None:
    assert harm(Figures(10_000), Figures(bets, failed=bets, slow=bets)) is None


def test_most_of_many_failing_is_harm_whatever_was_before() -> None:
    for before in (Figures(), Figures(40), Figures(10**6, failed=10**5)):
        found = harm(before, Figures(200, failed=150))
        assert found is not None and found.reason == "BetsFail"
        assert "150 of 200 bets failed" in found.message
    slow = harm(Figures(10_000, slow=20), Figures(2_000, slow=200))
    assert slow is not None and slow.reason == "BetsSlow"


def test_chance_alone_takes_no_release_back() -> None:
    """A thousand looks at two releases of which one is as good as the other: refusals of one bet in ten."""
    chance = random.Random(7)

    def some(bets: int) -> Figures:
        return Figures(bets, failed=sum(chance.random() < 0.1 for _ in range(bets)))

    assert [harm(some(300), some(chance.randrange(1, 200))) for _ in range(1000)] == [None] * 1000


def test_twice_the_refusals_in_some_hundred_bets_are_found() -> None:
    chance = random.Random(8)

    def some(bets: int, share: float) -> Figures:
        return Figures(bets, failed=sum(chance.random() < share for _ in range(bets)))

    found = [harm(some(3000, 0.1), some(1000, 0.2)) for _ in range(50)]
    assert sum(one is not None for one in found) >= 49


def test_it_reads_what_the_casino_shows() -> None:
    """In the names and labels of casino.kernel.metrics; nothing but bets counts."""
    registry = CollectorRegistry()
    asked = Counter("casino_http_requests_total", "x", ("method", "route", "status"), registry=registry)
    took = Histogram("casino_http_request_seconds", "x", ("method", "route"), buckets=(0.1, 0.5, 1), registry=registry)
    Gauge("casino_ledger_ok", "x", registry=registry).set(float("nan"))
    Gauge("casino_release", "x", ("release",), registry=registry).labels("0.2.0-abc").set(1)
    off = Gauge("casino_rtp_out_of_bounds", "x", ("game", "version", "span"), registry=registry)
    off.labels("wheel", "1", "day").set(0)
    off.labels("reels", "1", "day").set(1)
    spins, rounds = "/api/v1/games/{game_id}/spins", "/api/v1/games/{game_id}/rounds"
    for method, route, status, seconds in (
        ("POST", spins, "200", 0.05),
        ("POST", spins, "409", 0.2),
        ("POST", rounds, "201", 0.7),
        ("POST", "/api/v1/tables/{table_id}/bets", "500", 3),
        ("GET", rounds, "500", 9),
        ("POST", "/api/v1/sessions", "401", 9),
    ):
        asked.labels(method, route, status).inc()
        took.labels(method, route).observe(seconds)
    assert read(generate_latest(registry).decode()) == ("0.2.0-abc", Figures(4, 2, 2, False, frozenset({"reels"})))
    Gauge("casino_ledger_ok", "x", registry=(broken := CollectorRegistry())).set(0)
    assert read(generate_latest(broken).decode()) == ("", Figures(broken=True))


@given(st.text(max_size=300))
def test_whatever_a_pod_says_is_read_without_harm(text: str) -> None:
    read(text)
    read(f'casino_http_requests_total{{method="POST",route="/x/bets",status="{text}"}} 1e+999\n')

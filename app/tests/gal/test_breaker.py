"""The circuit breaker, and the client that it guards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from casino.gal.breaker import Breaker, BreakerPolicy
from casino.gal.studio_client import StudioClient, StudioUnavailable
from casino.gal.studio_model import StudioRequest
from hypothesis import given
from hypothesis import strategies as st

POLICY = BreakerPolicy(failures=3, pause=timedelta(seconds=10), longest=timedelta(seconds=60))
NOW = datetime(2026, 11, 30, tzinfo=UTC)
ASKED = StudioRequest("/x", {}, b"{}")


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 90)), max_size=60))
def test_it_is_shut_only_after_failures_in_a_row_and_never_for_longer_than_the_longest(
    calls: list[tuple[bool, int]],
) -> None:
    breaker, now, row = Breaker(POLICY), NOW, 0
    for works, pause in calls:
        now += timedelta(seconds=pause)
        wait = breaker.wait(now)
        assert timedelta() <= wait <= POLICY.longest
        assert not wait or row >= POLICY.failures
        if wait:
            continue
        breaker = breaker.admitted(now)
        if works:
            breaker, row = breaker.succeeded(), 0
            assert breaker.wait(now) == timedelta()
        else:
            breaker, row = breaker.failure(now), row + 1
            assert bool(breaker.wait(now)) is (row >= POLICY.failures)


def test_one_trial_at_a_time_and_a_longer_pause_after_each_that_fails() -> None:
    breaker = Breaker(POLICY)
    for _ in range(3):
        breaker = breaker.failure(NOW)
    assert breaker.wait(NOW) == timedelta(seconds=10)
    later = NOW + timedelta(seconds=10)
    assert breaker.wait(later) == timedelta()
    trying = breaker.admitted(later)
    assert trying.wait(later) == timedelta(seconds=10)  # a second call waits for the trial
    failed = trying.failure(later)
    assert failed.wait(later) == timedelta(seconds=20)
    assert failed.admitted(later + timedelta(seconds=20)).succeeded().wait(later) == timedelta()
    # Calls from before it opened say nothing of the time after.
    assert breaker.failure(NOW + timedelta(seconds=5)).wait(later) == timedelta()


class Clock:
    def __init__(self) -> None:
        self.time = NOW

    def now(self) -> datetime:
        return self.time


async def test_a_studio_that_fails_is_left_alone_and_tried_again() -> None:
    clock, asked = Clock(), 0
    answers: list[Any] = [httpx.Response(500)] * 3 + [httpx.ConnectTimeout("slow"), httpx.Response(200, text="no")]
    answers += [httpx.Response(200, json={"url": "x"})]

    def answer(_: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        found = answers[asked - 1]
        if isinstance(found, Exception):
            raise found
        return found

    client = StudioClient("northwind", "https://studio.test", clock, timeout_s=1)
    client._http = httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="https://studio.test")
    for _ in range(5):
        with pytest.raises(StudioUnavailable):
            await client.post(ASKED)
    with pytest.raises(StudioUnavailable) as refused:
        await client.post(ASKED)
    assert (asked, refused.value.headers["Retry-After"]) == (5, "10")
    clock.time += timedelta(seconds=10)
    assert await client.post(ASKED) == {"url": "x"}
    await client.close()

"""Who leads: never two, whatever order things happen in, and soon one again."""

from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from domicile_operator import election
from domicile_operator.election import Candidate, Timing, claimed, look, released, stepped_down, wrote
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TIMING = Timing()
MARGIN = 1e-6
"""Seconds: times of several clocks are sums and products of floats."""


class Server:
    """An API server with one Lease, and the time that nobody can read off."""

    def __init__(self) -> None:
        self.time = 0.0
        self.lease: dict[str, Any] = {"metadata": {"name": "domicile-operator", "resourceVersion": "1"}}

    def write(self, lease: dict[str, Any]) -> dict[str, Any] | None:
        """As stored, or None for a conflict. What changes nothing makes no new version."""
        version = self.lease["metadata"]["resourceVersion"]
        if lease["metadata"]["resourceVersion"] != version:
            return None
        if lease != self.lease:
            self.lease = deepcopy(lease)
            self.lease["metadata"]["resourceVersion"] = str(int(version) + 1)
        return deepcopy(self.lease)


class Process:
    """One candidate as it runs. Time may pass at every `yield`: requests and answers travel, processes are paused."""

    def __init__(self, name: str, server: Server, *, offset: float = 0.0, rate: float = 1.0) -> None:
        self.candidate, self._server = Candidate(name), server
        self._offset, self._rate = offset, rate
        self.began = -1e9
        """When, by the server's time, the request began by which it renewed last."""
        self.lose_answer = self.wall_stands = False
        self.turns = 0
        self.life = self._live()

    def clock(self) -> float:
        return self._offset + self._rate * self._server.time

    @property
    def leads(self) -> bool:
        return self.candidate.leads(self.clock())

    def _live(self) -> Iterator[None]:
        while True:
            self.turns += 1
            yield
            lease = deepcopy(self._server.lease)
            yield
            self.candidate, wish = look(self.candidate, lease, self.clock())
            if wish == "wait":
                continue
            yield
            began, truly = self.clock(), self._server.time
            wanted = claimed(lease, self.candidate, NOW + timedelta(seconds=0 if self.wall_stands else truly))
            yield
            stored = self._server.write(wanted)
            yield
            if stored is not None and not self.lose_answer:
                before = self.candidate.renewed_at
                self.candidate = wrote(self.candidate, stored, began, self.clock())
                if self.candidate.renewed_at != before:
                    self.began = truly


def run_for(processes: list[Process], server: Server, seconds: float) -> None:
    """All run as they should: a turn is over before the next one is due."""
    for _ in range(round(seconds / TIMING.retry)):
        for process in processes:
            due = process.turns + 1 + (process.turns == 0)
            while process.turns < due:
                next(process.life)
        server.time += TIMING.retry


STEPS = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.sampled_from([0.0, 0.0, 0.1, 1.0, 2.0, 5.0, 9.9, 10.0, 14.9, 15.0, 15.1, 40.0]),
        st.integers(1, 6),
        st.booleans(),
    ),
    min_size=10,
    max_size=120,
)
"""Who goes on, after how many seconds, by how many steps, and whether its answer is lost."""
CLOCKS = st.tuples(st.floats(-1e6, 1e6), st.floats(1.0, 1.49))
"""How wrong a clock is, and how fast. The proportion of the lease to the renewal allows for 1.5."""


@given(STEPS, st.tuples(CLOCKS, CLOCKS, CLOCKS))
def test_never_do_two_believe_that_they_lead(
    steps: list[tuple[int, float, int, bool]], clocks: tuple[tuple[float, float], ...]
) -> None:
    server = Server()
    processes = [Process(f"p{at}", server, offset=offset, rate=rate) for at, (offset, rate) in enumerate(clocks)]
    for who, seconds, count, lost in steps:
        server.time += seconds
        assert sum(one.leads for one in processes) <= 1
        processes[who].lose_answer = lost
        for _ in range(count):
            next(processes[who].life)
            assert sum(one.leads for one in processes) <= 1


@given(STEPS)
def test_nobody_leads_while_a_write_of_the_one_before_may_be_under_way(
    steps: list[tuple[int, float, int, bool]],
) -> None:
    server = Server()
    processes = [Process(f"p{at}", server, offset=1000.0 * at) for at in range(3)]
    for who, seconds, count, lost in steps:
        server.time += seconds
        processes[who].lose_answer = lost
        for _ in range(count):
            next(processes[who].life)
            for leader in (one for one in processes if one.leads):
                for other in processes:
                    # What the other began while it led has until then to end.
                    ended = other.began + TIMING.lease <= server.time + MARGIN
                    assert other is leader or ended


@given(st.lists(st.integers(0, 2), max_size=40), st.integers(0, 2))
def test_one_leads_again_within_the_lease_and_two_looks_of_a_leaders_death(turns: list[int], late: int) -> None:
    server = Server()
    processes = [Process(f"p{at}", server, offset=77.0 * at) for at in range(3)]
    for who in turns:
        next(processes[who].life)
        server.time += 0.3
    run_for(processes, server, 3 * TIMING.lease)
    leader = next(one for one in processes if one.leads)
    server.time += late * 0.5
    others = [one for one in processes if one is not leader]
    run_for(others, server, TIMING.lease + 2 * TIMING.retry)
    assert sum(one.leads for one in others) == 1
    assert not leader.leads


def test_a_leader_that_is_left_alone_leads_on() -> None:
    server = Server()
    processes = [Process("a", server), Process("b", server, offset=-5000.0)]
    run_for(processes, server, 2)
    leader = next(one for one in processes if one.leads)
    for _ in range(20):
        run_for(processes, server, 10)
        assert leader.leads
    assert server.lease["spec"]["leaseTransitions"] == 1


def test_a_clean_stop_hands_over_at_once() -> None:
    server = Server()
    first, second = Process("a", server), Process("b", server)
    run_for([first], server, 2)
    assert first.leads
    first.candidate = stepped_down(first.candidate)
    assert not first.leads
    server.write(released(server.lease, NOW))
    run_for([second], server, 2)
    assert second.leads


def test_time_is_counted_from_before_the_request_and_not_from_the_answer() -> None:
    """A renewal that took long may be known to others for as long already."""
    began = 100.0
    lease = {"metadata": {"resourceVersion": "7"}}
    candidate, wish = look(Candidate("a"), lease, began)
    assert wish == "take"
    stored = claimed(lease, candidate, NOW) | {"metadata": {"resourceVersion": "8"}}
    candidate = wrote(candidate, stored, began, began + 9)
    assert candidate.leads(began + 9.9) and not candidate.leads(began + 10)
    assert candidate.seconds_left(began + 9) == pytest.approx(6)


def test_a_write_that_told_nobody_anything_renews_nothing() -> None:
    """A wall clock that stands still writes the same Lease again, and the API server makes no new version of it."""
    server = Server()
    first, second = Process("a", server), Process("b", server)
    first.wall_stands = True
    for _ in range(20):
        run_for([first, second], server, 2)
        assert sum(one.leads for one in (first, second)) <= 1
    assert second.leads


def test_a_timestamp_of_another_machine_decides_nothing() -> None:
    for written in ("1970-01-01T00:00:00.000000Z", "2999-01-01T00:00:00.000000Z"):
        spec = {"holderIdentity": "other", "leaseDurationSeconds": 15, "renewTime": written, "acquireTime": written}
        lease = {"metadata": {"resourceVersion": "7"}, "spec": spec}
        candidate, wish = look(Candidate("a"), lease, 0.0)
        assert wish == "wait"
        assert look(candidate, lease, 14.9)[1] == "wait"
        assert look(candidate, lease, 15.0)[1] == "take"


def test_the_duration_that_binds_is_the_holders() -> None:
    """Two releases of the operator may have different settings."""
    lease = {"metadata": {"resourceVersion": "7"}, "spec": {"holderIdentity": "other", "leaseDurationSeconds": 60}}
    candidate, _ = look(Candidate("a", Timing(3)), lease, 0.0)
    assert look(candidate, lease, 59.0)[1] == "wait"
    fractional = claimed(lease, Candidate("a", Timing(2.5)), NOW)
    assert fractional["spec"]["leaseDurationSeconds"] == 3


def test_a_claim_keeps_what_others_wrote_into_the_lease() -> None:
    metadata = {"resourceVersion": "7", "labels": {"team": "casino"}, "managedFields": [{"manager": "kubectl"}]}
    lease = {"metadata": metadata, "spec": {"strategy": "OldestEmulationVersion"}}
    wanted = claimed(lease, Candidate("a"), NOW)
    assert wanted["metadata"] == {"resourceVersion": "7", "labels": {"team": "casino"}}
    assert wanted["spec"]["strategy"] == "OldestEmulationVersion"
    assert wanted["spec"]["renewTime"] == "2026-11-22T12:00:00.000000Z"
    assert "managedFields" in lease["metadata"]


@pytest.mark.parametrize("from_the_answer", [False, True])
def test_a_late_answer_makes_no_second_leader_unless_time_were_counted_from_it(
    monkeypatch: pytest.MonkeyPatch, from_the_answer: bool
) -> None:
    """The simulation can show two leaders: it does for the mistake that client-go's rule avoids."""
    if from_the_answer:
        right = election.wrote
        monkeypatch.setitem(globals(), "wrote", lambda candidate, lease, began, now: right(candidate, lease, now, now))
    server = Server()
    first, second = Process("a", server), Process("b", server)
    for _ in range(5):
        next(first.life)  # its claim is stored, and the answer is on its way
    for _ in range(3):
        next(second.life)
    server.time += 9.9
    next(first.life)
    server.time += 5.2
    for _ in range(6):
        next(second.life)
    assert second.leads
    assert first.leads == from_the_answer

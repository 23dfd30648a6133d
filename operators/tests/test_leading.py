"""A process' part in the election, its gate, and what it says of its own health. Nothing here talks to anything."""

import asyncio
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from domicile_operator import gate as gates
from domicile_operator import metrics, runtime
from domicile_operator.clients.bao import OpenBaoClient
from domicile_operator.clients.elasticache import ElastiCacheClient
from domicile_operator.clients.kube import KubernetesApi, _pause
from domicile_operator.clients.postgres import PostgresClient
from domicile_operator.election import Timing
from domicile_operator.errors import Fault
from domicile_operator.gate import UNDER_WAY, LeadersGate, Pass
from domicile_operator.handlers import Backoffs
from domicile_operator.leadership import Leadership, identity
from domicile_operator.names import Names
from domicile_operator.runtime import Runtime
from domicile_operator.settings import Settings, read_settings
from domicile_operator.watches import Watches, watched_path
from operator_testkit.fakes import Fakes
from operator_testkit.leases import OneLease
from operator_testkit.samples import CELL, IN_AWS, tenant

BRISK = Timing(0.9)


async def soon(check: Callable[[], bool], seconds: float = 5.0) -> None:
    until = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < until, "not soon"
        await asyncio.sleep(0.01)


def test_every_process_has_a_name_of_its_own() -> None:
    assert identity() != identity()


async def test_of_two_processes_one_leads_and_the_other_after_it() -> None:
    leases = OneLease()
    first, second = Leadership(leases, "a", BRISK), Leadership(leases, "b", BRISK)
    running = asyncio.create_task(first.run())
    await soon(lambda: first.leading)
    standing_by = asyncio.create_task(second.run())
    await soon(lambda: second.in_touch)
    assert not second.leading
    first.step_down()
    assert not first.leading
    with pytest.raises(Fault, match="writes nothing") as raised:
        first.seconds_to_write()
    assert raised.value.code == "NOT_LEADING"
    assert leases.lease["spec"]["holderIdentity"] == "a"  # until what is under way has ended
    await first.release()
    await soon(lambda: second.leading)
    assert BRISK.lease - BRISK.renew <= second.seconds_to_write() <= BRISK.lease
    for task in (running, standing_by):
        task.cancel()


async def test_who_cannot_renew_leads_no_more_though_its_loop_hangs_in_the_call() -> None:
    leases = OneLease()
    one = Leadership(leases, "a", BRISK)
    running = asyncio.create_task(one.run())
    await soon(lambda: one.leading)
    leases.slow = 2 * BRISK.lease
    await asyncio.sleep(1.2 * BRISK.lease)
    assert not one.leading and not one.in_touch
    running.cancel()


async def test_a_lease_that_somebody_else_has_is_not_given_back_by_us() -> None:
    leases = OneLease()
    one = Leadership(leases, "a", BRISK)
    running = asyncio.create_task(one.run())
    await soon(lambda: one.leading)
    leases.lease["spec"] = leases.lease["spec"] | {"holderIdentity": "b"}
    leases.lease["metadata"]["resourceVersion"] = "900"
    one.step_down()
    await one.release()
    assert leases.lease["spec"]["holderIdentity"] == "b"
    running.cancel()


class Deaf:
    """A Kubernetes client's HTTP that tells how long it was given, and answers as it is told."""

    def __init__(self, *answers: tuple[int, dict[str, str]]) -> None:
        self.given: list[tuple[str, tuple[float, float]]] = []
        self._answers = list(answers)

    def param_serialize(self, method: str, path: str, **_: Any) -> tuple[str, ...]:
        return (method, path, "", "", "")

    def call_api(self, method: str, *_: Any, _request_timeout: tuple[float, float]) -> Any:
        self.given.append((method, _request_timeout))
        status, headers = self._answers.pop(0) if self._answers else (200, {})
        answer = type("Answer", (), {"status": status, "headers": headers})()
        answer.read = lambda: b"{}"
        return answer


def test_a_write_ends_before_another_may_lead_and_a_read_takes_its_time() -> None:
    http = Deaf()
    kube = KubernetesApi(http, LeadersGate(lambda: 6.0))  # type: ignore[arg-type]
    kube.get("v1", "Namespace", "casino-acme-gb")
    kube.delete("v1", "Namespace", "casino-acme-gb")
    (_, reading), (_, writing) = http.given
    assert reading == (5, 30)
    assert sum(writing) == pytest.approx(6.0)


def test_who_does_not_lead_reads_and_sends_no_write() -> None:
    http = Deaf()
    kube = KubernetesApi(http, LeadersGate(deposed))  # type: ignore[arg-type]
    kube.get("v1", "Namespace", "casino-acme-gb")
    manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "x", "resourceVersion": "1"}}
    writes: list[Callable[[], object]] = [
        lambda: kube.apply(manifest),
        lambda: kube.delete("v1", "Namespace", "x"),
        lambda: kube.patch_status("v1", "Namespace", "x", {}),
        lambda: kube.patch_json("v1", "Namespace", "x", []),
        lambda: kube.create(manifest),
        lambda: kube.replace(manifest),
    ]
    for write in writes:
        with pytest.raises(Fault, match="not leading"):
            write()
    assert [method for method, _ in http.given] == ["GET"]


def deposed() -> float:
    raise Fault("NOT_LEADING", "not leading")


def test_who_does_not_lead_reaches_no_store(tmp_path: Path) -> None:
    gate, names = LeadersGate(deposed), Names("acme-gb")
    bao = OpenBaoClient("https://nowhere.test", tmp_path / "ca", tmp_path / "token", gate=gate)
    bao._client, bao._renew_at = object(), float("inf")  # logged in: the next use would be a call
    databases = PostgresClient("nowhere.test", 5432, tmp_path / "ca", bao, gate=gate)
    cache = ElastiCacheClient(object(), IN_AWS.redis.elasticache, gate)  # type: ignore[arg-type]
    attempts: list[Callable[[], object]] = [
        lambda: bao.write("sys/policies/acl/casino-acme-gb", {}),
        lambda: bao.remove("auth/jwt/role/casino-acme-gb"),
        lambda: bao.revoke_leases("database/creds/casino-acme-gb-owner"),
        lambda: databases.ensure(names, "1"),
        lambda: databases.drop(names, "1"),
        lambda: cache.delete("casino-acme-gb"),
    ]
    for attempt in attempts:
        with pytest.raises(Fault) as raised:
            attempt()
        assert raised.value.code == "NOT_LEADING"


@pytest.mark.parametrize("name", ["DOMICILE_LEASE_SECONDS", "DOMICILE_WATCH_SILENCE_SECONDS"])
def test_times_that_nothing_fits_into_are_refused(name: str) -> None:
    for value in ("0", "-1", "nan"):
        with pytest.raises(SystemExit, match=f"{name} is {value}: give it at least"):
            read_settings({"CASINO_IMAGE": "casino:1", name: value})
    assert read_settings({"CASINO_IMAGE": "casino:1", name: "20"})


def test_a_busy_server_is_left_alone_by_all_for_as_long_as_it_asks() -> None:
    http = Deaf((429, {"Retry-After": "30"}))
    kube = KubernetesApi(http)  # type: ignore[arg-type]
    for _ in range(5):
        with pytest.raises(Fault) as raised:
            kube.get("v1", "Namespace", "x")
        assert raised.value.code == "KUBERNETES_BUSY"
    assert len(http.given) == 1
    date = "Wed, 21 Oct 2026 07:28:00 GMT"
    for said, pause in (("7", 7), ("3600", 30), ("0", 1), (None, 1), (date, 1)):
        assert _pause(said, 1, 30) == pause
    assert _pause("9", 0, 0) == 0


def test_a_request_of_kopfs_is_tried_for_as_long_as_it_takes_and_each_anew() -> None:
    backoffs = Backoffs()
    for _ in range(2):
        pauses = [pause for pause, _ in zip(backoffs, range(500), strict=False)]
        assert pauses[:4] == [1, 1, 2, 3] and pauses[-1] == 30


def now_and(clock: list[float]) -> Callable[[], float]:
    return lambda: clock[0]


class Stream:
    """What a response brings: as much of it as there has been."""

    def __init__(self) -> None:
        self.total_bytes = 0


DEPLOYMENTS, LEASES = watched_path("apps", "v1", "deployments"), watched_path("coordination.k8s.io", "v1", "leases")


@pytest.fixture
def clock() -> list[float]:
    return [1000.0]


@pytest.fixture
def watches(clock: list[float]) -> Watches:
    made = Watches(245, now_and(clock))
    assert made.trouble() == ""
    made.expect([DEPLOYMENTS, LEASES])
    return made


def test_a_watcher_that_asks_or_hears_lives(watches: Watches, clock: list[float]) -> None:
    stream = Stream()
    watches.answered(DEPLOYMENTS, stream)  # type: ignore[arg-type]
    for turn in range(20):
        clock[0] += 70
        watches.asked(LEASES)
        if turn % 2:
            stream.total_bytes += 100  # a bookmark is enough
        watches.listen()
        assert watches.trouble() == ""


def test_a_watcher_that_is_gone_is_named_whatever_the_others_do(watches: Watches, clock: list[float]) -> None:
    watches.answered(DEPLOYMENTS, Stream())  # type: ignore[arg-type]
    for _ in range(4):
        clock[0] += 70
        watches.asked(LEASES)
        watches.listen()
    assert watches.trouble() == f"Nothing was heard of the watch of {DEPLOYMENTS} for 245 s."


def test_watches_that_are_open_and_show_nothing_are_found_by_the_lease(watches: Watches, clock: list[float]) -> None:
    for _ in range(4):
        clock[0] += 70
        for path in (DEPLOYMENTS, LEASES):
            watches.asked(path)  # kopf takes a silent watch up anew, and that succeeds
        watches.lease_polled()
    assert "its watch has shown nothing" in watches.trouble()
    watches.lease_watched()
    assert watches.trouble() == ""


def test_an_api_server_that_is_away_is_no_reason_to_start_the_operator_anew(
    watches: Watches, clock: list[float]
) -> None:
    """The Lease cannot be looked at either, and kopf's watchers go on asking."""
    for _ in range(100):
        clock[0] += 30
        watches.asked(DEPLOYMENTS)
        watches.asked(LEASES)
        assert watches.trouble() == ""


def made(leases: OneLease) -> tuple[Fakes, Runtime, Leadership]:
    fakes = Fakes(CELL)
    fakes.kube.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "domicile-system"}})
    leadership = Leadership(leases, "a", BRISK)
    settings = Settings("casino:1", resync_seconds=0.2, relist_seconds=0.2, workers=1)
    return fakes, Runtime(fakes.world, settings, leadership), leadership


@pytest.fixture(autouse=True)
def no_settling(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "LAW_SETTLES_SECONDS", 0.0)


async def test_tenants_are_worked_on_only_while_the_process_leads() -> None:
    leases = OneLease()
    leases.away = True
    fakes, operator, leadership = made(leases)
    fakes.kube.put(tenant())
    await operator.start()
    operator.wake("acme-gb", 0)
    await asyncio.sleep(0.3)
    assert not fakes.switch.calls and not operator.ready
    leases.away = False
    await soon(lambda: "Namespace/casino-acme-gb" in fakes.kube.writes)
    assert fakes.kube.writes[0] == "ConfigMap/domicile-law"  # the law comes first
    assert operator.ready
    leases.away = True
    await soon(lambda: not leadership.leading)
    await asyncio.sleep(0.3)  # a pass under way
    calls = len(fakes.switch.calls)
    operator.wake("acme-gb", 0)
    await asyncio.sleep(0.4)
    assert len(fakes.switch.calls) == calls
    assert not any(labels[0] == "acme-gb" for labels in metrics.CONDITION._metrics)
    leases.away = False
    await soon(lambda: len(fakes.switch.calls) > calls)
    await operator.stop()


async def test_a_stop_gives_the_lease_back_when_the_pass_under_way_has_ended_and_not_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    leases = OneLease()
    fakes, operator, leadership = made(leases)
    fakes.kube.put(tenant())
    reached, let_go = threading.Event(), threading.Event()

    def hang(name: str, world: object) -> runtime.Outcome:
        reached.set()
        let_go.wait(10)
        return runtime.Outcome("settled")

    monkeypatch.setattr(runtime, "reconcile", hang)
    await operator.start()
    await soon(reached.is_set)
    stopping = asyncio.create_task(operator.stop())
    await asyncio.sleep(0.2)
    assert not leadership.leading and leases.lease["spec"]["holderIdentity"] == "a"
    let_go.set()
    await stopping
    assert leases.lease["spec"]["holderIdentity"] == ""


async def test_a_stop_that_would_take_too_long_leaves_the_lease_to_run_out(monkeypatch: pytest.MonkeyPatch) -> None:
    leases = OneLease()
    fakes, operator, _ = made(leases)
    fakes.kube.put(tenant())
    reached, let_go = threading.Event(), threading.Event()
    monkeypatch.setattr(runtime, "STOP_SECONDS", 0.1)
    monkeypatch.setattr(
        runtime, "reconcile", lambda *_: (reached.set(), let_go.wait(10), runtime.Outcome("settled"))[2]
    )
    await operator.start()
    await soon(reached.is_set)
    await operator.stop()
    assert leases.lease["spec"]["holderIdentity"] == "a"
    let_go.set()


async def test_a_pass_that_hangs_in_one_step_is_not_healthy_and_one_that_moves_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fakes, operator, _ = made(OneLease())
    fakes.kube.put(tenant())
    step, let_go = threading.Event(), threading.Event()
    gate = LeadersGate(lambda: 1.0)
    seen: list[Pass | None] = []

    def steps(name: str, world: object) -> runtime.Outcome:
        seen.append(UNDER_WAY.get())
        while not let_go.wait(0.01):
            if step.is_set():
                step.clear()
                gate.write()
        return runtime.Outcome("settled")

    monkeypatch.setattr(runtime, "reconcile", steps)
    await operator.start()
    await soon(lambda: bool(seen))
    assert operator.healthy and seen[0] is not None
    seen[0].step_at -= runtime.STUCK_SECONDS + 1
    assert not operator.healthy
    assert "The pass over acme-gb has been in one step for 120 s." in operator._unwell
    step.set()
    await soon(lambda: operator.healthy)
    let_go.set()
    await operator.stop()
    assert gates.OPEN.write() == float("inf")


async def test_an_event_loop_that_stands_still_is_not_healthy() -> None:
    _, operator, _ = made(OneLease())
    await operator.start()
    await asyncio.sleep(0)
    assert operator.healthy
    operator._beat -= runtime.LOOP_STUCK_SECONDS + 1
    assert not operator.healthy
    await operator.stop()

"""An API server that is busy, slow, away or silent, and stores that are away: what the operator does about it."""

import math
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from operator_testkit.cell import DEPLOY, Cell, Controllers, Operator
from operator_testkit.fault_proxy import FaultProxy
from operator_testkit.servers import eventually
from operator_testkit.tenants import apply, manifest, refused, until

pytestmark = pytest.mark.apiserver

SELDOM = {"DOMICILE_RESYNC_SECONDS": "900", "DOMICILE_RELIST_SECONDS": "900"}
"""For tests of watches: nothing else may bring a change to the operator in the time of a test."""
SILENCE = {"DOMICILE_WATCH_SILENCE_SECONDS": "14"}
TENANT = "watched-gb"


@pytest.fixture(scope="module")
def proxy(cell: Cell) -> FaultProxy:
    return FaultProxy(cell.cluster, cell.authority)


@pytest.fixture(scope="module")
def proxied(cell: Cell, operator: Operator, proxy: FaultProxy) -> Iterator[Operator]:
    """The only operator, behind the proxy. Each test starts it as it needs."""
    operator.stop()
    behind = Operator(cell, "proxied", proxy.url)
    yield behind
    proxy.heal()
    behind.stop()
    operator.start()
    eventually(lambda: operator.answers("/readyz") == 200, 40, "the operator of the other tests")


@pytest.fixture
def live(cell: Cell, proxy: FaultProxy, proxied: Operator, request: pytest.FixtureRequest) -> Iterator[Operator]:
    """Behind the proxy, with one tenant that is live, and with the settings of the test's parameter."""
    proxy.heal()
    proxied.start(**getattr(request, "param", {}))
    apply(cell, manifest(TENANT))
    hands = Controllers(cell, TENANT)
    if not cell.cluster.kubectl("get", "deployment", "casino", "-n", f"casino-{TENANT}", "--ignore-not-found"):
        hands.finish_migration()
    hands.roll_out()
    until(cell, TENANT, "Ready", "True")
    eventually(lambda: proxied.answers("/readyz") == 200, 30, "ready")
    yield proxied
    proxy.heal()
    proxied.stop()


def comes_back(cell: Cell, seconds: float) -> float:
    """Delete a child; for how long it was away."""
    where = ["service", "casino", "-n", f"casino-{TENANT}"]
    before = cell.cluster.kubectl("get", *where, "-o", "jsonpath={.metadata.uid}")
    cell.cluster.kubectl("delete", *where)
    started = time.monotonic()

    def back() -> bool:
        uid = cell.cluster.kubectl("get", *where, "-o", "jsonpath={.metadata.uid}", "--ignore-not-found")
        return bool(uid) and uid != before

    eventually(back, seconds, "the deleted Service")
    return time.monotonic() - started


def versions(cell: Cell) -> str:
    """The versions of what runs for players."""
    kinds = "deploy,svc,ingress,cm,sa,netpol,quota,limits,pdb"
    path = "jsonpath={range .items[*]}{.kind}/{.metadata.name}={.metadata.resourceVersion} {end}"
    return cell.cluster.kubectl("get", kinds, "-n", f"casino-{TENANT}", "-o", path)


@pytest.mark.parametrize("live", [SELDOM], indirect=True)
def test_watches_that_are_reset_come_back_by_themselves(cell: Cell, proxy: FaultProxy, live: Operator) -> None:
    for _ in range(2):
        proxy.reset_watches()
        time.sleep(2)
        comes_back(cell, 10)


@pytest.mark.parametrize("live", [SELDOM], indirect=True)
def test_a_storm_of_429_kills_no_watcher_and_is_no_hot_loop(cell: Cell, proxy: FaultProxy, live: Operator) -> None:
    storm = 15.0
    proxy.faults.busy = 1
    started = time.monotonic()
    proxy.reset_watches()
    for at in range(6):
        apply(cell, manifest(f"storm{at}-gb"))
    time.sleep(storm)
    asked = proxy.since(started)
    proxy.heal()
    paths = {one.path for one in asked}
    election = [one for one in asked if "/leases/" in one.path]
    watching = [one for one in asked if one.watch or one.path.count("/") <= 4]
    # Fourteen watchers, each after 1, 1, 2, 3, 5 seconds; one look at the Lease in 0.8 s; the passes share one pause.
    assert len(election) <= storm / 0.8 + 3, len(election)
    assert len(asked) - len(election) <= 14 * 8 + storm * 3, (len(asked), len(watching), sorted(paths))
    for at in range(6):
        until(cell, f"storm{at}-gb", "Progressing", "True", "Waiting", seconds=60)
    comes_back(cell, 10)
    for at in range(6):
        Controllers(cell, f"storm{at}-gb").finish_migration()


@pytest.mark.parametrize("live", [SELDOM], indirect=True)
def test_a_server_that_breaks_for_long_kills_no_watcher(cell: Cell, proxy: FaultProxy, live: Operator) -> None:
    proxy.faults.broken = 503
    proxy.reset_watches()
    time.sleep(8)
    proxy.heal()
    eventually(lambda: live.answers("/readyz") == 200, 40, "ready again")
    time.sleep(6)  # the longest of the pauses so far
    comes_back(cell, 10)


@pytest.mark.parametrize("live", [SILENCE], indirect=True)
def test_liveness_fails_when_watches_are_open_and_bring_nothing(cell: Cell, proxy: FaultProxy, live: Operator) -> None:
    time.sleep(15)
    assert live.answers("/healthz") == 200  # watches of quiet kinds are no trouble
    proxy.faults.silent = True
    comes_back(cell, 30)  # the periodic passes go on, and soon believe no watch
    eventually(lambda: live.answers("/healthz") == 503, 40, "not healthy")
    assert "its watch has shown nothing" in live.log
    proxy.heal()
    eventually(lambda: live.answers("/healthz") == 200, 30, "healthy again")


def test_a_watcher_that_dies_ends_the_process_and_another_operator_may_lead_at_once(
    cell: Cell, proxy: FaultProxy, live: Operator
) -> None:
    """An ERROR event that is not 410 ends kopf, which can hang in ending: no watch, no signal heard, /healthz green."""
    proxy.faults.errors = {"/apis/apps/v1/deployments"}
    proxy.reset_watches()
    eventually(lambda: not proxy.faults.errors, 20, "the ERROR event")
    holder = ["get", "lease", "domicile-operator", "-n", "domicile-system", "-o", "jsonpath={.spec.holderIdentity}"]
    eventually(lambda: not cell.cluster.kubectl(*holder), 5, "the Lease given back")
    eventually(lambda: live.answers("/healthz") == 0, 25, "the process gone")
    live.stop()
    live.start()  # what Kubernetes does then
    eventually(lambda: live.answers("/readyz") == 200, 30, "ready")


def test_a_slow_api_server_slows_and_stops_nothing(cell: Cell, proxy: FaultProxy, live: Operator) -> None:
    proxy.faults.slow = 0.3
    apply(cell, manifest("slow-gb"))
    until(cell, "slow-gb", "Progressing", "True", "Waiting", seconds=90)
    assert live.leads and live.answers("/healthz") == 200
    proxy.heal()
    Controllers(cell, "slow-gb").finish_migration()


def test_an_api_server_that_restarts_changes_nothing_for_tenants(cell: Cell, live: Operator) -> None:
    before = versions(cell)
    cell.cluster.kill()
    time.sleep(3)
    cell.cluster.start()
    eventually(lambda: live.answers("/readyz") == 200, 60, "ready again")
    time.sleep(6)  # a resync
    assert versions(cell) == before
    until(cell, TENANT, "Ready", "True", seconds=30)
    comes_back(cell, 30)


@pytest.mark.parametrize("store", ["PostgreSQL", "OpenBao"])
def test_a_partition_from_a_store_touches_no_casino_and_is_asked_about_ever_more_seldom(
    cell: Cell, live: Operator, store: str
) -> None:
    before = versions(cell)
    # Without PostgreSQL OpenBao gives no login for it: which of the two a pass meets depends on the age of its login.
    kind, codes = {
        "PostgreSQL": ("Database", ("POSTGRESQL_UNREACHABLE", "OPENBAO_REFUSED")),
        "OpenBao": ("Secrets", ("OPENBAO_UNREACHABLE",)),
    }[store]

    def faults() -> float:
        counted = (live.metric(f'domicile_operator_faults_total{{code="{code}"}}') for code in codes)
        return sum(count for count in counted if not math.isnan(count))

    cell.postgres.stop() if store == "PostgreSQL" else cell.openbao.process.send(signal.SIGSTOP)
    try:
        found = until(cell, TENANT, kind, "False", seconds=60)
        assert found["reason"] in codes, found
        start = eventually(faults, 10, "the fault counted")
        time.sleep(16)
        # After 1, 2, 4, 8 ... seconds; a store that does not answer takes some itself.
        tenants = len(cell.cluster.kubectl("get", "casino", "-o", "name").split())
        assert faults() - start <= 5 * tenants
        assert versions(cell) == before
        assert live.answers("/healthz") == 200 and live.leads
    finally:
        cell.postgres.start() if store == "PostgreSQL" else cell.openbao.process.send(signal.SIGCONT)
    until(cell, TENANT, kind, "True", seconds=50)
    until(cell, TENANT, "Ready", "True", seconds=20)
    assert versions(cell) == before


def test_while_no_operator_runs_the_api_server_refuses_what_is_unlawful(cell: Cell, proxied: Operator) -> None:
    proxied.start()
    eventually(lambda: proxied.leads and proxied.answers("/readyz") == 200, 30, "the law is written")
    proxied.kill()
    documents = (DEPLOY / "tenant-admission.yaml").read_text()
    cell.cluster.kubectl("apply", "-f", "-", stdin=documents)
    try:
        eventually(
            lambda: (
                "NO_PLACE_IN_TERRITORY" in refused(cell, manifest("down-nj", jurisdiction="US-NJ"), "--dry-run=server")
            ),
            20,
            "the policy",
        )
        assert "LIMIT_LAXER" in refused(cell, manifest("down-gb", limits={"slotMaxStakeMinor": 100_000}))
        assert "created" in apply(cell, manifest("down-gb"))
        where = ["-n", f"casino-{TENANT}"]
        stray = cell.cluster.kubectl("create", "deployment", "stray", "--image=stray", *where, check=False)
        assert "WORKLOAD_UNLABELLED" in stray, stray
    finally:
        cell.cluster.kubectl("delete", "validatingadmissionpolicybinding", "domicile-tenants")
    # Deleted while nobody is there: it is held until somebody tears it down. The runbook has the case of nobody ever.
    cell.cluster.kubectl("delete", "casino", "down-gb", "--wait=false")
    proxied.start()
    eventually(lambda: not cell.cluster.kubectl("get", "casino", "down-gb", "--ignore-not-found"), 30)
    proxied.stop()


def test_the_runbooks_last_step_frees_a_tenant_whose_operator_is_gone_for_good(cell: Cell, proxied: Operator) -> None:
    proxied.start()
    apply(cell, manifest("orphan-gb"))
    until(cell, "orphan-gb", "Progressing", "True", "Waiting", seconds=40)
    proxied.kill()
    cell.cluster.kubectl("delete", "casino", "orphan-gb", "--wait=false")
    assert cell.cluster.kubectl("get", "casino", "orphan-gb", "-o", "name")
    runbook = (Path(__file__).parents[2] / "README.md").read_text()
    (step,) = re.findall(r"kubectl patch casino \$T (--type=json) (-p) '(\[.*\])'", runbook)
    cell.cluster.kubectl("patch", "casino", "orphan-gb", *step)
    assert not cell.cluster.kubectl("get", "casino", "orphan-gb", "--ignore-not-found")
    cell.cluster.kubectl("delete", "namespace", "casino-orphan-gb", "--wait=false")
    Controllers(cell, "orphan-gb").delete_namespace()

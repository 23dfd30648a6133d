"""Two operators on one cluster: one works, the other takes over. Real processes, and a proxy that makes trouble."""

import json
import math
import time
from collections.abc import Iterator

import pytest
from operator_testkit.cell import DEPLOY, Cell, Controllers, Operator
from operator_testkit.fault_proxy import FaultProxy
from operator_testkit.servers import eventually
from operator_testkit.tenants import apply, manifest, until

pytestmark = pytest.mark.apiserver

LEASE_SECONDS = 6


@pytest.fixture
def proxy(cell: Cell) -> FaultProxy:
    return FaultProxy(cell.cluster, cell.authority)


@pytest.fixture
def pair(cell: Cell, operator: Operator, proxy: FaultProxy) -> Iterator[tuple[Operator, Operator]]:
    """The one that leads, behind the proxy, and the one that stands by."""
    operator.stop()
    first, second = Operator(cell, "first", proxy.url), Operator(cell, "second")
    first.start()
    eventually(lambda: first.leads, 30, "the first leads")
    second.start()
    eventually(lambda: second.answers("/readyz") == 200, 30, "the second stands by")
    yield first, second
    proxy.heal()
    first.stop()
    second.stop()
    operator.start()
    eventually(lambda: operator.answers("/readyz") == 200, 40, "the operator of the other tests")


def lease(cell: Cell) -> dict[str, object]:
    found: dict[str, object] = json.loads(
        cell.cluster.kubectl("get", "lease", "domicile-operator", "-n", "domicile-system", "-o", "json")
    )["spec"]
    return found


def test_one_of_two_operators_works_and_the_other_takes_over_when_it_is_killed(
    cell: Cell, pair: tuple[Operator, Operator]
) -> None:
    first, second = pair
    apply(cell, manifest("pair-gb"))
    hands = Controllers(cell, "pair-gb")
    hands.finish_migration()
    hands.roll_out()
    until(cell, "pair-gb", "Ready", "True")
    settled = 'domicile_operator_reconciles_total{outcome="settled"}'
    assert first.metric(settled) > 0 and math.isnan(second.metric(settled))
    assert not second.leads
    first.kill()
    killed = time.monotonic()
    eventually(lambda: second.leads, LEASE_SECONDS + 10, "the second leads")
    assert time.monotonic() - killed > LEASE_SECONDS * 2 / 3  # the first might have lived
    cell.cluster.kubectl("delete", "service", "casino", "-n", "casino-pair-gb")
    eventually(lambda: cell.cluster.kubectl("get", "service", "casino", "-n", "casino-pair-gb", "-o", "name"), 20)


def test_a_clean_stop_hands_over_within_moments(cell: Cell, pair: tuple[Operator, Operator]) -> None:
    first, second = pair
    started = time.monotonic()
    first.stop()
    eventually(lambda: second.leads, LEASE_SECONDS, "the second leads")
    assert time.monotonic() - started < LEASE_SECONDS
    assert "leads no more" in first.log


def test_a_leader_that_cannot_reach_the_api_server_stops_before_another_leads(
    cell: Cell, proxy: FaultProxy, pair: tuple[Operator, Operator]
) -> None:
    first, second = pair
    proxy.faults.cut = True
    leading = []

    def taken_over() -> bool:
        leading.append((first.leads, second.leads))
        return second.leads

    eventually(taken_over, LEASE_SECONDS + 15, "the second leads")
    assert (True, True) not in leading
    assert first.answers("/readyz") == 503
    proxy.heal()
    healed = time.monotonic()
    eventually(lambda: first.answers("/readyz") == 200, 15, "the first stands by")
    time.sleep(3)
    assert not first.leads
    assert not [one for one in proxy.since(healed) if one.writes], "who leads no more writes nothing"


def test_nobody_leads_without_the_lease_and_the_log_says_what_to_do(
    cell: Cell, pair: tuple[Operator, Operator]
) -> None:
    first, second = pair
    found = json.loads(cell.cluster.kubectl("get", "lease", "domicile-operator", "-n", "domicile-system", "-o", "json"))
    empty = {key: found[key] for key in ("apiVersion", "kind")} | {
        "metadata": {"name": "domicile-operator", "namespace": "domicile-system"}
    }
    cell.cluster.kubectl("delete", "lease", "domicile-operator", "-n", "domicile-system")
    try:
        eventually(lambda: not first.leads and not second.leads, 15, "nobody leads")
        # Who led stops first, and says why it does not lead again at its next attempt.
        what_to_do = ("LEASE_MISSING", "Install the operator's manifests again")
        eventually(lambda: all(words in first.log for words in what_to_do), 15, "the log says what to do")
    finally:
        cell.cluster.kubectl("apply", "-f", "-", stdin=json.dumps(empty))
    eventually(lambda: first.leads != second.leads, 15, "one leads again")


def test_the_operator_may_touch_its_own_lease_and_no_other(cell: Cell) -> None:
    account = "--as=system:serviceaccount:domicile-system:domicile-operator"
    where = ["-n", "domicile-system"]
    may = lambda *what: cell.cluster.kubectl("auth", "can-i", *what, account, check=False).strip()  # noqa: E731
    assert may("update", "leases/domicile-operator", *where) == "yes"
    assert may("update", "leases/another", *where).startswith("no")
    assert may("create", "leases", *where).startswith("no")
    assert may("delete", "leases/domicile-operator", *where).startswith("no")
    assert may("update", "leases/domicile-operator", "-n", "kube-system").startswith("no")


def test_installing_anew_takes_the_lease_from_nobody(cell: Cell, operator: Operator) -> None:
    eventually(lambda: operator.leads, 30)
    before = lease(cell)["holderIdentity"]
    cell.cluster.kubectl("apply", "-f", str(DEPLOY / "lease.yaml"))
    assert lease(cell)["holderIdentity"] == before and before

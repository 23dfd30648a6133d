"""Refusals, faults of what the operator leans on, and the bounds of its own rights."""

import signal
import time
import urllib.request

import pytest
from operator_testkit.cell import Cell, Controllers, Operator
from operator_testkit.servers import eventually
from operator_testkit.tenants import apply, condition, manifest, status, until

pytestmark = pytest.mark.apiserver

LICENCE = {"number": "000-012345-R-000001-001", "holder": "Acme Ltd", "validUntil": "2099-12-31"}


@pytest.mark.parametrize(
    ("name", "spec", "code", "says"),
    [
        ("nowhere-nj", {"jurisdiction": "US-NJ"}, "NO_PLACE_IN_TERRITORY", "N.J.A.C. 13:69O"),
        ("unknown-zz", {"jurisdiction": "ZZ"}, "JURISDICTION_UNKNOWN", "ZZ"),
        ("poker-br", {"jurisdiction": "BR", "products": ["poker"]}, "PRODUCT_NOT_LICENSED", "poker"),
        ("laxer-gb", {"limits": {"slotMaxStakeMinor": 100000}}, "LIMIT_LAXER", "Set slotMaxStakeMinor to"),
        ("expired-gb", {"licence": LICENCE | {"validUntil": "2020-12-31"}}, "LICENCE_EXPIRED", "Renew it"),
        ("psp-gb", {"paymentProviders": [{"name": "nopay"}]}, "UNKNOWN_PAYMENT_PROVIDER", "It has: sandbox"),
        ("host-gb", {"domains": ["live-gb.casinos.test"]}, "DOMAIN_RESERVED", "casinos.test"),
    ],
)
def test_a_refused_tenant_is_told_why_and_gets_nothing(
    cell: Cell, operator: Operator, name: str, spec: dict[str, object], code: str, says: str
) -> None:
    apply(cell, manifest(name, **spec))
    found = until(cell, name, "Ready", "False", code)
    assert says in found["message"]
    assert status(cell, name)["state"] == "Refused"
    assert not cell.cluster.kubectl("get", "namespace", f"casino-{name}", "--ignore-not-found")
    # Nothing was built, so nothing holds it back.
    cell.cluster.kubectl("delete", "casino", name, "--timeout=5s")


def test_a_recalled_fact_places_with_a_warning(cell: Cell, operator: Operator) -> None:
    apply(cell, manifest("recalled-ee", jurisdiction="EE"))
    assert "recalled" in until(cell, "recalled-ee", "Attested", "False", "FACTS_RECALLED")["message"]
    Controllers(cell, "recalled-ee").finish_migration()


def test_a_refusal_of_a_live_tenant_tears_nothing_down(cell: Cell, operator: Operator) -> None:
    apply(cell, manifest("late-gb"))
    hands = Controllers(cell, "late-gb")
    hands.finish_migration()
    hands.roll_out()
    until(cell, "late-gb", "Ready", "True")
    apply(cell, manifest("late-gb", licence=LICENCE | {"validUntil": "2020-12-31"}))
    until(cell, "late-gb", "LicenceValid", "False", "LICENCE_EXPIRED")
    until(cell, "late-gb", "Ready", "False", "LICENCE_EXPIRED")
    assert status(cell, "late-gb")["state"] == "WithdrawOnly"
    assert cell.cluster.kubectl("get", "deployment", "casino", "-n", "casino-late-gb", "-o", "name")
    apply(cell, manifest("late-gb"))
    until(cell, "late-gb", "Ready", "True")


def test_a_domain_belongs_to_the_older_tenant(cell: Cell, operator: Operator) -> None:
    apply(cell, manifest("first-gb", domains=["play.first.example"]))
    Controllers(cell, "first-gb").finish_migration()
    time.sleep(1.1)  # ages count in seconds
    apply(cell, manifest("second-gb", domains=["play.first.example"]))
    until(cell, "second-gb", "Ready", "False", "DOMAIN_TAKEN")


def test_a_frozen_openbao_shows_in_the_status_and_is_outlived(cell: Cell, operator: Operator) -> None:
    cell.openbao.process.send(signal.SIGSTOP)
    try:
        apply(cell, manifest("frozen-gb"))
        found = until(cell, "frozen-gb", "Secrets", "False", "OPENBAO_UNREACHABLE", seconds=60)
        assert "does not answer" in found["message"]
        # What needs no OpenBao is there already; a tenant that was never built goes at once.
        assert cell.cluster.kubectl("get", "networkpolicy", "casino", "-n", "casino-frozen-gb", "-o", "name")
        apply(cell, manifest("never-nj", jurisdiction="US-NJ"))
        until(cell, "never-nj", "Ready", "False", "NO_PLACE_IN_TERRITORY")
        cell.cluster.kubectl("delete", "casino", "never-nj", "--timeout=5s")
    finally:
        cell.openbao.process.send(signal.SIGCONT)
    Controllers(cell, "frozen-gb").finish_migration()


def test_a_sealed_openbao_is_named(cell: Cell, operator: Operator) -> None:
    cell.bao.sys.seal()
    try:
        apply(cell, manifest("sealed-gb"))
        assert "Unseal it" in until(cell, "sealed-gb", "Secrets", "False", "OPENBAO_SEALED", 60)["message"]
    finally:
        cell.unseal()
    until(cell, "sealed-gb", "Secrets", "True", seconds=90)


def test_a_lost_postgresql_shows_in_the_status_and_is_outlived(cell: Cell, operator: Operator) -> None:
    cell.postgres.stop()
    try:
        apply(cell, manifest("nodb-gb"))
        until(cell, "nodb-gb", "Database", "False", seconds=60)
    finally:
        cell.postgres.start()
    until(cell, "nodb-gb", "Database", "True", seconds=90)


def test_a_login_that_died_with_its_token_troubles_no_tenant(cell: Cell, operator: Operator) -> None:
    apply(cell, manifest("login-gb"))
    hands = Controllers(cell, "login-gb")
    hands.finish_migration()
    hands.roll_out()
    until(cell, "login-gb", "Ready", "True")
    before, faults = condition(cell, "login-gb", "Ready"), faults_of_postgresql(operator)
    cell.bao.sys.revoke_prefix("database/creds/domicile-provisioner")
    apply(cell, manifest("login2-gb"))
    until(cell, "login2-gb", "Database", "True")
    time.sleep(6)  # a resync of the first
    assert condition(cell, "login-gb", "Ready") == before
    assert faults_of_postgresql(operator) == faults


def faults_of_postgresql(operator: Operator) -> list[str]:
    """How often any tenant heard of trouble with PostgreSQL since the operator started."""
    metrics = urllib.request.urlopen(f"http://127.0.0.1:{operator.port}/metrics").read().decode()
    return [line for line in metrics.splitlines() if line.startswith("domicile_") and 'code="POSTGRESQL_' in line]


def test_a_killed_operator_picks_up_where_it_was(cell: Cell, operator: Operator) -> None:
    apply(cell, manifest("crash-gb"))
    operator.kill()
    operator.start()
    hands = Controllers(cell, "crash-gb")
    hands.finish_migration()
    operator.kill()
    operator.start()
    hands.roll_out()
    until(cell, "crash-gb", "Ready", "True")
    # Deleted while no operator runs: the finalizer holds it until one does.
    operator.kill()
    cell.cluster.kubectl("delete", "casino", "crash-gb", "--wait=false")
    operator.start()
    hands.delete_namespace()
    eventually(lambda: not cell.cluster.kubectl("get", "casino", "crash-gb", "--ignore-not-found"), 20)


def test_the_operator_answers_for_its_health_and_its_metrics(cell: Cell, operator: Operator) -> None:
    base = f"http://127.0.0.1:{operator.port}"
    assert urllib.request.urlopen(f"{base}/healthz").status == 200
    metrics = urllib.request.urlopen(f"{base}/metrics").read().decode()
    for name in (
        "domicile_operator_reconciles_total",
        "domicile_operator_reconcile_seconds",
        "domicile_tenant_condition",
    ):
        assert name in metrics


@pytest.mark.parametrize("what", ["secrets", "pods", "roles", "clusterrolebindings", "nodes"])
def test_the_operator_may_not_even_read(cell: Cell, what: str) -> None:
    account = "--as=system:serviceaccount:domicile-system:domicile-operator"
    assert cell.cluster.kubectl("auth", "can-i", "get", what, account, check=False).startswith("no\n")


def test_the_operator_writes_in_no_other_namespace(cell: Cell) -> None:
    account = "--as=system:serviceaccount:domicile-system:domicile-operator"
    for command in (
        ["create", "deployment", "x", "--image=x", "-n", "kube-system"],
        ["create", "configmap", "x", "-n", "domicile-system"],
        ["create", "namespace", "elsewhere"],
        ["delete", "namespace", "domicile-system"],
    ):
        said = cell.cluster.kubectl(*command, account, check=False)
        assert "writes only in the namespaces of tenants" in said, said


def test_conditions_keep_their_time_until_they_flip(cell: Cell, operator: Operator) -> None:
    apply(cell, manifest("time-gb"))
    hands = Controllers(cell, "time-gb")
    hands.finish_migration()
    hands.roll_out()
    until(cell, "time-gb", "Ready", "True")
    before = condition(cell, "time-gb", "Placed")
    time.sleep(1.1)
    apply(cell, manifest("time-gb", brand="Another Name"))
    eventually(lambda: condition(cell, "time-gb", "Placed")["observedGeneration"] == 2)
    assert condition(cell, "time-gb", "Placed")["lastTransitionTime"] == before["lastTransitionTime"]

"""operation.json of real tenants on a real API server: kept for those that are refused, numbered whatever is lost."""

import json
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from operator_testkit.cell import Cell, Controllers, Operator
from operator_testkit.servers import eventually
from operator_testkit.tenants import apply, condition, manifest, status, until

pytestmark = pytest.mark.apiserver

ALL, WITHDRAW = ["deposit", "register", "stake", "withdraw"], ["withdraw"]
LICENCE = {"number": "000-012345-R-000001-001", "holder": "Acme Ltd", "validUntil": "2099-12-31"}


def go_live(cell: Cell, name: str) -> Controllers:
    apply(cell, manifest(name))
    hands = Controllers(cell, name)
    hands.finish_migration()
    hands.roll_out()
    until(cell, name, "Ready", "True")
    return hands


def record(cell: Cell, name: str) -> dict[str, Any]:
    found = cell.cluster.kubectl(
        "get", "configmap", "casino-operation", "-n", f"casino-{name}", "-o", "json", "--ignore-not-found"
    )
    written: dict[str, Any] = json.loads(json.loads(found)["data"]["operation.json"]) if found else {}
    return written


def until_record(cell: Cell, name: str, **wanted: Any) -> dict[str, Any]:
    """The record, once it holds this."""

    def check() -> dict[str, Any]:
        found = record(cell, name)
        return found if wanted.items() <= found.items() else {}

    found: dict[str, Any] = eventually(check, what=f"{name} {wanted}, not {record(cell, name)}")
    return found


def mark(cell: Cell, name: str, of: str) -> str:
    found = json.loads(cell.cluster.kubectl("get", "namespace", f"casino-{name}", "-o", "json"))
    return str(found["metadata"].get("annotations", {}).get(f"casino.domicile.dev/{of}", ""))


def test_a_tenant_may_do_nothing_until_it_is_in_place_and_is_suspended_without_a_pod_rolled(
    cell: Cell, operator: Operator
) -> None:
    apply(cell, manifest("acts-gb"))
    until(cell, "acts-gb", "Progressing", "True", "Waiting")
    assert until_record(cell, "acts-gb", state="Onboarding")["acts"] == []
    assert mark(cell, "acts-gb", "onboarded") == ""
    hands = Controllers(cell, "acts-gb")
    hands.finish_migration()
    hands.roll_out()
    live = until_record(cell, "acts-gb", state="Live", acts=ALL, play_until="2100-01-01T00:00:00Z", reason="")
    assert mark(cell, "acts-gb", "onboarded") and mark(cell, "acts-gb", "operation-revision") == str(live["revision"])
    deployment = ["get", "deployment", "casino", "-n", "casino-acts-gb", "-o", "jsonpath={.metadata.generation}"]
    generation = cell.cluster.kubectl(*deployment)
    cell.cluster.kubectl("patch", "casino", "acts-gb", "--type=merge", "-p", '{"spec": {"state": "Suspended"}}')
    until_record(cell, "acts-gb", state="Suspended", acts=[], revision=live["revision"] + 1)
    eventually(lambda: status(cell, "acts-gb")["state"] == "Suspended")
    assert status(cell, "acts-gb")["operation"] == {
        "revision": live["revision"] + 1, "acts": [], "playUntil": "2100-01-01T00:00:00Z",
    }  # fmt: skip
    assert condition(cell, "acts-gb", "OperationInForce")["reason"] == "NotSeen"
    assert cell.cluster.kubectl(*deployment) == generation
    services = cell.cluster.kubectl("get", "service", "casino-worker", "-n", "casino-acts-gb", "-o", "json")
    assert json.loads(services)["spec"]["clusterIP"] == "None"


def test_a_licence_that_ends_leaves_withdrawals_and_one_that_is_renewed_opens_nothing(
    cell: Cell, operator: Operator
) -> None:
    go_live(cell, "ended-gb")
    apply(cell, manifest("ended-gb", licence=LICENCE | {"validUntil": "2020-12-31"}))
    ended = until_record(cell, "ended-gb", state="WithdrawOnly", acts=WITHDRAW, play_until="2021-01-01T00:00:00Z")
    until(cell, "ended-gb", "Ready", "False", "LICENCE_EXPIRED")
    assert status(cell, "ended-gb")["state"] == "WithdrawOnly"
    # What runs goes on being repaired.
    cell.cluster.kubectl("delete", "configmap", "casino-config", "-n", "casino-ended-gb")
    eventually(lambda: cell.cluster.kubectl("get", "configmap", "casino-config", "-n", "casino-ended-gb"))

    apply(cell, manifest("ended-gb"))
    until(cell, "ended-gb", "LicenceValid", "True")
    eventually(lambda: "first WithdrawOnly" in condition(cell, "ended-gb", "OperationInForce")["message"])
    assert record(cell, "ended-gb")["acts"] == WITHDRAW
    assert record(cell, "ended-gb")["revision"] >= ended["revision"]
    apply(cell, manifest("ended-gb", state="WithdrawOnly"))
    until_record(cell, "ended-gb", state="WithdrawOnly", play_until="2100-01-01T00:00:00Z")
    apply(cell, manifest("ended-gb", state="Live"))
    until_record(cell, "ended-gb", state="Live", acts=ALL)


def test_a_tenant_that_is_refused_for_another_reason_is_as_open_as_before_and_can_be_suspended(
    cell: Cell, operator: Operator
) -> None:
    go_live(cell, "nopay-gb")
    before = record(cell, "nopay-gb")
    strange = {"paymentProviders": [{"name": "nopay"}]}
    apply(cell, manifest("nopay-gb", **strange))
    until(cell, "nopay-gb", "Ready", "False", "UNKNOWN_PAYMENT_PROVIDER")
    assert record(cell, "nopay-gb") == before
    apply(cell, manifest("nopay-gb", **strange, state="Suspended", suspension={"withdrawals": True}))
    until_record(cell, "nopay-gb", state="Suspended", acts=WITHDRAW, revision=before["revision"] + 1)


def test_a_product_that_the_law_does_not_know_leaves_withdrawals(cell: Cell, operator: Operator) -> None:
    apply(cell, manifest("unlawful-de", jurisdiction="DE"))
    hands = Controllers(cell, "unlawful-de")
    hands.finish_migration()
    hands.roll_out()
    until_record(cell, "unlawful-de", state="Live")
    apply(cell, manifest("unlawful-de", jurisdiction="DE", products=["casino", "bingo"]))
    until_record(cell, "unlawful-de", state="WithdrawOnly", acts=WITHDRAW)
    assert record(cell, "unlawful-de")["play_until"] == "2099-12-31T23:00:00Z"  # midnight in Berlin
    apply(cell, manifest("unlawful-de", jurisdiction="DE"))
    until_record(cell, "unlawful-de", state="Live")


def test_a_record_that_is_deleted_or_edited_comes_back_under_a_later_revision(cell: Cell, operator: Operator) -> None:
    go_live(cell, "number-gb")
    cell.cluster.kubectl("patch", "casino", "number-gb", "--type=merge", "-p", '{"spec": {"state": "WithdrawOnly"}}')
    first = until_record(cell, "number-gb", state="WithdrawOnly")["revision"]
    where = ["configmap", "casino-operation", "-n", "casino-number-gb"]
    cell.cluster.kubectl("delete", *where)
    second = until_record(cell, "number-gb", state="WithdrawOnly")["revision"]
    assert second > first
    opened = json.dumps({"revision": second, "state": "Live", "acts": ALL, "play_until": None, "reason": ""})
    cell.cluster.kubectl("patch", *where, "--type=merge", "-p", json.dumps({"data": {"operation.json": opened}}))
    third = until_record(cell, "number-gb", state="WithdrawOnly")["revision"]
    assert third > second
    assert mark(cell, "number-gb", "operation-revision") == str(third)
    cell.cluster.kubectl("annotate", "namespace", "casino-number-gb", "casino.domicile.dev/operation-revision-")
    cell.cluster.kubectl("delete", *where)  # the status knows it still
    assert until_record(cell, "number-gb", state="WithdrawOnly")["revision"] > third


def test_a_licence_that_ends_soon_is_told_of_once(cell: Cell, operator: Operator) -> None:
    last = (datetime.now(UTC) + timedelta(days=20)).date().isoformat()
    apply(cell, manifest("soon-gb", licence=LICENCE | {"validUntil": last}))
    until(cell, "soon-gb", "LicenceValid", "True", "LicenceExpiring30Days")
    kubectl = cell.cluster.kubectl
    kubectl("patch", "casino", "soon-gb", "--subresource=status", "--type=json",
            "-p", '[{"op": "remove", "path": "/status"}]')  # fmt: skip
    until(cell, "soon-gb", "LicenceValid", "True", "LicenceExpiring30Days")

    def told() -> list[dict[str, Any]]:
        found = json.loads(kubectl("get", "events", "-n", "default", "-o", "json"))["items"]
        return [one for one in found if one["involvedObject"]["name"] == "soon-gb" and "Licence" in one["reason"]]

    eventually(told, what="the Event")
    time.sleep(6)  # a resync
    (only,) = told()
    assert (only["reason"], only["type"]) == ("LicenceExpiring30Days", "Warning") and last in only["message"]
    metrics = urllib.request.urlopen(f"http://127.0.0.1:{operator.port}/metrics").read().decode()
    (line,) = [
        line for line in metrics.splitlines() if line.startswith('domicile_licence_seconds_left{tenant="soon-gb"}')
    ]
    assert 19 * 86400 < float(line.split()[1]) < 22 * 86400

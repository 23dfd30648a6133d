"""Plan, pause, force, adoption and pruning on real servers: what must not move does not."""

import json
import time
from typing import Any

import pytest
from operator_testkit.cell import Cell, Controllers, Operator
from operator_testkit.servers import eventually
from operator_testkit.tenants import apply, condition, manifest, status, until

pytestmark = pytest.mark.apiserver

ALL = "deploy,svc,ingress,cm,sa,netpol,quota,limits,job,pdb,pvc"


def go_live(cell: Cell, name: str, replicas: int = 1, **spec: object) -> Controllers:
    apply(cell, manifest(name, **spec))
    hands = Controllers(cell, name)
    hands.finish_migration()
    hands.roll_out(replicas)
    until(cell, name, "Ready", "True")
    return hands


def annotate(cell: Cell, name: str, *annotations: str) -> None:
    cell.cluster.kubectl("annotate", "casino", name, "--overwrite", *(f"casino.domicile.dev/{a}" for a in annotations))


def world(cell: Cell, name: str) -> dict[str, object]:
    """All that the operator could have changed of a tenant, but for its status."""
    versions = "jsonpath={range .items[*]}{.kind}/{.metadata.name}={.metadata.resourceVersion} {end}"
    database = f"casino_{name.replace('-', '_')}"
    documents = [
        f"{path}/{found}"
        for path in ("sys/policies/acl", "auth/jwt/role", "database/roles", "transit/keys")
        for found in ((cell.bao.list(path) or {}).get("data", {}).get("keys", []))
        if found.startswith(f"casino-{name}")
    ]
    return {
        "objects": cell.cluster.kubectl("get", ALL, "-n", f"casino-{name}", "-o", versions),
        "namespace": cell.cluster.kubectl(
            "get", "namespace", f"casino-{name}", "--ignore-not-found", "-o", "jsonpath={.metadata.resourceVersion}"
        ),
        "finalizers": cell.cluster.kubectl("get", "casino", name, "-o", "jsonpath={.metadata.finalizers}"),
        "roles": cell.sql(f"SELECT oid, * FROM pg_roles WHERE rolname LIKE '{database}%' ORDER BY rolname"),
        "members": cell.sql(
            "SELECT m.* FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid "
            f"WHERE r.rolname LIKE '{database}%' ORDER BY m.oid"
        ),
        "databases": cell.sql(f"SELECT oid, datacl::text FROM pg_database WHERE datname = '{database}'"),
        "documents": {path: (cell.bao.read(path) or {}).get("data") for path in sorted(documents)},
    }


def plan_of(cell: Cell, name: str) -> dict[str, object]:
    found: dict[str, object] = eventually(lambda: status(cell, name).get("plan"), 60, "the plan")
    return found


def test_a_plan_of_a_new_tenant_makes_nothing_and_says_what_would_be_made(cell: Cell, operator: Operator) -> None:
    tenant = manifest("fresh-gb")
    tenant["metadata"]["annotations"] = {"casino.domicile.dev/plan": "true"}
    apply(cell, tenant)
    plan = plan_of(cell, "fresh-gb")
    found = world(cell, "fresh-gb")
    assert not any(found.values()), found
    assert plan["create"] > 30 and plan["update"] == plan["delete"] == 0 and "problems" not in plan  # type: ignore[operator]
    made = {change["kind"]: change for change in plan["changes"]}  # type: ignore[attr-defined]
    assert made.keys() >= {"Namespace", "Deployment", "OpenBaoPolicy", "OpenBaoTransitKey", "PostgreSQLDatabase"}
    statements = made["PostgreSQLDatabase"]["fields"]
    assert any(one.startswith("CREATE ROLE") for one in statements)
    time.sleep(6)  # more than one resync
    assert world(cell, "fresh-gb") == found
    annotate(cell, "fresh-gb", "plan-")
    hands = Controllers(cell, "fresh-gb")
    hands.finish_migration()
    hands.roll_out()
    until(cell, "fresh-gb", "Ready", "True")
    assert "plan" not in status(cell, "fresh-gb")
    assert condition(cell, "fresh-gb", "DriftDetected")["status"] == "False"


def test_a_plan_of_an_edit_changes_nothing_and_names_the_fields(cell: Cell, operator: Operator) -> None:
    hands = go_live(cell, "edit-gb")
    annotate(cell, "edit-gb", "plan=true")
    assert plan_of(cell, "edit-gb")["changes"] == []
    before = world(cell, "edit-gb")
    apply(cell, manifest("edit-gb", size="medium", domains=["play.edit.example"]))
    plan = eventually(lambda: (p := status(cell, "edit-gb")["plan"])["observedGeneration"] == 2 and p, what="the plan")
    fields = {(change["kind"], change["name"]): change.get("fields", []) for change in plan["changes"]}
    assert "spec.replicas" in fields["Deployment", "casino"]
    assert any(one.startswith("spec.rules") for one in fields["Ingress", "casino"])
    assert ("PodDisruptionBudget", "casino") in fields
    assert world(cell, "edit-gb") == before
    # A wait for what was edited is not answered by what was there before it.
    waited = cell.cluster.kubectl("wait", "--for=condition=Ready", "casino/edit-gb", "--timeout=2s", check=False)
    assert "timed out" in waited
    annotate(cell, "edit-gb", "plan-")
    eventually(lambda: "2" in cell.cluster.kubectl(
        "get", "deployment", "casino", "-n", "casino-edit-gb", "-o", "jsonpath={.spec.replicas}"
    ))  # fmt: skip
    hands.roll_out(2)
    cell.cluster.kubectl("wait", "--for=condition=Ready", "casino/edit-gb", "--timeout=20s")
    assert condition(cell, "edit-gb", "Ready")["observedGeneration"] == 2


def test_a_paused_tenant_is_watched_and_left(cell: Cell, operator: Operator) -> None:
    hands = go_live(cell, "pause-gb")
    annotate(cell, "pause-gb", "paused=audit of 3 May")
    assert "audit of 3 May" in until(cell, "pause-gb", "Paused", "True", "Annotated")["message"]
    where = ["-n", "casino-pause-gb"]
    cell.cluster.kubectl("delete", "service", "casino-realtime", *where)
    cell.cluster.kubectl(
        "patch",
        "configmap",
        "casino-config",
        *where,
        "--field-manager=somebody",
        "-p",
        '{"data": {"rules.json": "{}"}}',
    )
    cell.bao.delete("auth/jwt/role/casino-pause-gb-realtime")
    seen = ("OpenBaoJWTRole", "Service casino-realtime ((deleted))", "(data[rules.json]), by somebody")

    def all_of_it() -> Any:
        found = condition(cell, "pause-gb", "DriftDetected")
        return all(one in found.get("message", "") for one in seen) and found

    assert eventually(all_of_it, 40, "the drift")["reason"] == "Observed"
    before = world(cell, "pause-gb")
    assert "casino-realtime" not in str(before["documents"]).replace("casino-pause-gb-realtime-redis", "")
    time.sleep(6)
    assert world(cell, "pause-gb") == before
    assert condition(cell, "pause-gb", "Ready")["status"] == "True"
    assert condition(cell, "pause-gb", "Degraded")["status"] == "True"
    # Deletion waits for whoever paused.
    cell.cluster.kubectl("delete", "casino", "pause-gb", "--wait=false")
    eventually(lambda: status(cell, "pause-gb")["state"] == "Deleting")
    assert "audit of 3 May" in condition(cell, "pause-gb", "Progressing")["message"]
    time.sleep(4)
    assert world(cell, "pause-gb")["objects"] == before["objects"]
    annotate(cell, "pause-gb", "paused-")
    hands.delete_namespace()
    eventually(lambda: not cell.cluster.kubectl("get", "casino", "pause-gb", "--ignore-not-found"), 20)


def test_a_forced_pass_is_made_at_once_and_told_back(cell: Cell, operator: Operator) -> None:
    go_live(cell, "force-gb")
    # Nothing tells of this but a pass that looks at the stores.
    cell.bao.delete("auth/jwt/role/casino-force-gb")
    annotate(cell, "force-gb", "reconcile-at=2026-05-03T10:00:00Z")
    eventually(lambda: status(cell, "force-gb").get("lastHandledReconcileAt") == "2026-05-03T10:00:00Z", 30)
    assert cell.bao.read("auth/jwt/role/casino-force-gb")


def test_an_object_of_somebody_else_waits_for_its_owner(cell: Cell, operator: Operator) -> None:
    go_live(cell, "adopt-gb")
    where = ["-n", "casino-adopt-gb"]
    annotate(cell, "adopt-gb", "paused=true")
    until(cell, "adopt-gb", "Paused", "True")
    cell.cluster.kubectl("delete", "configmap", "casino-config", *where)
    cell.cluster.kubectl("create", "configmap", "casino-config", *where, "--from-literal=theirs=kept")
    annotate(cell, "adopt-gb", "paused-")
    said = until(cell, "adopt-gb", "Progressing", "False", "OBJECT_NOT_OURS")["message"]
    assert "casino.domicile.dev/adopt=adopt-gb" in said
    data = ["get", "configmap", "casino-config", *where, "-o", "jsonpath={.data}"]
    assert json.loads(cell.cluster.kubectl(*data)) == {"theirs": "kept"}
    cell.cluster.kubectl("annotate", "configmap", "casino-config", *where, "casino.domicile.dev/adopt=adopt-gb")
    until(cell, "adopt-gb", "Progressing", "False", "Settled", seconds=40)
    found = json.loads(cell.cluster.kubectl(*data))
    assert found["theirs"] == "kept" and "rules.json" in found


def test_what_an_operator_of_before_made_goes_and_a_label_alone_deletes_nothing(cell: Cell, operator: Operator) -> None:
    go_live(cell, "prune-gb")
    label = {"domicile.dev/tenant": "prune-gb"}

    def config_map(name: str) -> str:
        metadata = {"name": name, "namespace": "casino-prune-gb", "labels": label}
        metadata |= {"annotations": {"casino.domicile.dev/applied": "0" * 16}}
        return json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})

    ours = ["apply", "--server-side", "--field-manager=domicile-operator", "-f", "-"]
    cell.cluster.kubectl("apply", "-f", "-", stdin=config_map("by-hand"))
    cell.cluster.kubectl(*ours, stdin=config_map("of-before"))
    get = ["get", "configmap", "-n", "casino-prune-gb", "--ignore-not-found", "-o", "name"]
    eventually(lambda: "of-before" not in cell.cluster.kubectl(*get), 30, "the pruning")
    assert "by-hand" in cell.cluster.kubectl(*get)

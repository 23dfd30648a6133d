"""Drift of every child, of every field that a builder sets: put right within 30 seconds, and told of.

The operator runs with the settings that it has by default, so nothing here is quicker than it is for anybody.
"""

import json
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from domicile_operator.children.base import KubernetesChild
from domicile_operator.children.order import BUILD
from domicile_operator.clients.kube import PLURALS
from domicile_operator.names import OPERATION
from operator_testkit.cell import Cell, Controllers, Operator
from operator_testkit.servers import eventually
from operator_testkit.tenants import apply, condition, manifest, status, until
from operator_testkit.vandal import NAME, Vandal, Victim

pytestmark = pytest.mark.apiserver

TENANT, NAMESPACE = "vandal-gb", "casino-vandal-gb"
LIMIT_SECONDS = 30.0
REFUSALS = (
    "immutable", "does not match template", "Required value", "Not found", "can be resized",
    "ValidatingAdmissionPolicy 'domicile-", "must be a valid IP address",
    "must populate",
)  # fmt: skip
"""Fixed once and for all; tied to another field that it cannot leave alone; against the law of the cell."""
VERSIONS = {kind: api_version for api_version, kind in PLURALS}
STORAGE_CLASS = {
    "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "kept"},
    "provisioner": "test/none", "reclaimPolicy": "Retain",
}  # fmt: skip


@pytest.fixture(scope="module")
def hands(cell: Cell, operator: Operator) -> Iterator[Controllers]:
    """A tenant that has every child there is, and an operator with the settings of a release."""
    cell.cluster.kubectl("apply", "-f", "-", stdin=json.dumps(STORAGE_CLASS))
    description = cell.configuration / "cell.yaml"
    before = description.read_text()
    archive = {"ledgerArchive": {"storageClass": "kept", "size": "1Gi"}}
    description.write_text(yaml.safe_dump(yaml.safe_load(before) | archive))
    operator.stop()
    operator.start(DOMICILE_RESYNC_SECONDS="25")
    apply(cell, manifest(TENANT, size="medium"))
    made = Controllers(cell, TENANT)
    made.finish_migration()
    made.roll_out(2)
    until(cell, TENANT, "Ready", "True", seconds=60)
    yield made
    operator.stop()
    description.write_text(before)
    operator.start()


@pytest.fixture(scope="module")
def vandal(cell: Cell) -> Vandal:
    return Vandal(cell)


@pytest.fixture(scope="module")
def victims(cell: Cell, hands: Controllers, vandal: Vandal) -> list[Victim]:
    # The record of what may be done comes back under another number, never as it was: test_records.py has it.
    children = [c for c in status(cell, TENANT)["children"] if c["kind"] in VERSIONS and c["name"] != OPERATION]
    return [vandal.victim(VERSIONS[c["kind"]], c["kind"], c["name"], c.get("namespace", "")) for c in children]


def seconds_until_back(vandal: Vandal, victims: list[Victim]) -> float:
    started, differ = time.monotonic(), dict[str, Any]()
    while time.monotonic() - started < LIMIT_SECONDS:
        differ = {f"{v.kind} {v.name}": v.differs(vandal.get(v.path)) for v in victims}
        if not any(differ.values()):
            return time.monotonic() - started
        time.sleep(0.3)
    raise AssertionError(f"not back in {LIMIT_SECONDS} s: { {k: d for k, d in differ.items() if d} }")


def test_no_kind_of_child_is_left_out(victims: list[Victim]) -> None:
    built = {(child.api_version, child.kind) for child in BUILD if isinstance(child, KubernetesChild)}
    assert {(victim.api_version, victim.kind) for victim in victims} == built
    assert all(victim.leaves for victim in victims)


def test_every_field_that_a_builder_sets_is_put_right(
    cell: Cell, vandal: Vandal, victims: list[Victim], hands: Controllers, tmp_path: Path
) -> None:
    for victim in victims:
        vandal.prepare(victim)
    slowest, rounds = 0.0, max(len(victim.rounds) for victim in victims)
    for at in range(rounds):
        hit = [victim for victim in victims if at < len(victim.rounds)]
        for victim in hit:
            said, found = vandal.hit(victim, victim.rounds[at])
            assert not said, f"{victim.kind} {victim.name}: {said}"
            assert {str(deed.leaf.path) for deed in victim.rounds[at]} <= set(victim.differs(found))
        slowest = max(slowest, seconds_until_back(vandal, hit))
        eventually(
            lambda: any(NAME in one.get("by", []) for one in status(cell, TENANT).get("drift", [])), 10, "who it was"
        )
    mutated = sum(len(victim.leaves) - len(victim.refused) for victim in victims)
    refused = {f"{v.kind} {v.name} {pointer}": said for v in victims for pointer, said in v.refused.items()}
    print(
        f"\n{mutated} fields of {len(victims)} objects in {rounds} rounds, slowest {slowest:.1f} s; "
        f"{len(refused)} refused"
    )
    print("\n".join(f"  {field}: {answers[-1][-160:]}" for field, answers in refused.items()))
    assert mutated > 400, "what the operator has is not found"
    # What nobody can change needs no putting right; the API server has to be the one who says so.
    for field, answers in refused.items():
        assert any(word in said for said in answers for word in REFUSALS), f"{field}: {answers}"
    assert condition(cell, TENANT, "DriftDetected")["status"] == "True"
    hands.roll_out(2)
    until(cell, TENANT, "Progressing", "False", "Settled", seconds=40)


def test_every_child_that_is_deleted_comes_back(
    cell: Cell, vandal: Vandal, victims: list[Victim], hands: Controllers
) -> None:
    """All at once but for the namespace, whose own end `test_lifecycle.py` has, and the Job, which others wait for."""
    gone = [victim for victim in victims if victim.kind not in ("Namespace", "Job")]
    for victim in gone:
        vandal.delete(victim)
    started = time.monotonic()

    def back(some: list[Victim]) -> bool:
        uids = {victim.path: vandal.get(victim.path).get("metadata", {}).get("uid") for victim in some}
        return all(uids[victim.path] not in (None, victim.uid) for victim in some)

    eventually(lambda: back(gone), LIMIT_SECONDS, "every child")
    print(f"\n{len(gone)} objects back after {time.monotonic() - started:.1f} s")
    deleted = lambda: any(one.get("fields") == ["(deleted)"] for one in status(cell, TENANT).get("drift", []))  # noqa: E731
    eventually(deleted, 10, "the deletions told")
    jobs = [victim for victim in victims if victim.kind == "Job"]
    for victim in jobs:
        vandal.delete(victim)
    eventually(lambda: back(jobs), LIMIT_SECONDS, "the Job")
    hands.finish_migration()
    hands.roll_out(2)
    until(cell, TENANT, "Progressing", "False", "Settled", seconds=40)


def test_the_stores_are_put_right_and_it_is_told(cell: Cell, hands: Controllers) -> None:
    cell.bao.write_data("sys/policies/acl/casino-vandal-gb", data={"policy": 'path "*" { capabilities = ["sudo"] }'})
    cell.bao.delete("auth/jwt/role/casino-vandal-gb-realtime")
    cell.bao.delete("database/roles/casino-vandal-gb-pam")
    cell.sql("REVOKE casino_vandal_gb_wallet FROM openbao")
    cell.sql("GRANT CONNECT ON DATABASE casino_vandal_gb TO PUBLIC")
    started = time.monotonic()
    may = "SELECT pg_has_role('openbao', 'casino_vandal_gb_wallet', 'MEMBER WITH ADMIN OPTION')"
    public = "SELECT has_database_privilege('public', 'casino_vandal_gb', 'CONNECT')"
    eventually(
        lambda: (
            "sudo" not in cell.bao.read("sys/policies/acl/casino-vandal-gb")["data"]["policy"]
            and cell.bao.read("auth/jwt/role/casino-vandal-gb-realtime")
            and cell.bao.read("database/roles/casino-vandal-gb-pam")
            and cell.sql(may) == [(True,)]
            and cell.sql(public) == [(False,)]
        ),
        LIMIT_SECONDS,
        "the stores",
    )
    print(f"\nstores back after {time.monotonic() - started:.1f} s")
    wanted = {"OpenBaoPolicy", "OpenBaoJWTRole", "OpenBaoDatabaseRole", "PostgreSQLDatabase"}
    eventually(lambda: wanted <= {one["kind"] for one in status(cell, TENANT).get("drift", [])}, 5, "the drift told")


def test_a_label_that_is_taken_off_wakes_the_operator_by_the_watch(cell: Cell, hands: Controllers) -> None:
    """kopf filters events by labels: an object that loses the label must still be told of, not wait for a resync."""
    where = ["configmap/casino-config", "-n", NAMESPACE]
    started = time.monotonic()
    cell.cluster.kubectl("label", *where, "domicile.dev/tenant-")
    label = "jsonpath={.metadata.labels.domicile\\.dev/tenant}"
    eventually(lambda: cell.cluster.kubectl("get", *where, "-o", label) == TENANT, 10)
    assert time.monotonic() - started < 8


def test_drift_of_while_no_operator_ran_is_told_by_the_next(cell: Cell, hands: Controllers, operator: Operator) -> None:
    operator.stop()
    cell.cluster.kubectl(
        "patch", "limitrange", "tenant", "-n", NAMESPACE, "--field-manager=night-shift", "--type=json",
        "-p", '[{"op": "remove", "path": "/metadata/labels/domicile.dev~1place"}]',
    )  # fmt: skip
    operator.start(DOMICILE_RESYNC_SECONDS="25")
    lost = "metadata.labels[domicile.dev/place]"

    def told() -> bool:
        drift = status(cell, TENANT).get("drift", [])
        return any(one["kind"] == "LimitRange" and lost in one.get("fields", []) for one in drift)

    eventually(told, LIMIT_SECONDS, "the drift told")
    metrics = urllib.request.urlopen(f"http://127.0.0.1:{operator.port}/metrics").read().decode()
    assert 'domicile_drift_repaired_total{kind="LimitRange"} 1.0' in metrics

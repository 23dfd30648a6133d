"""What the operator does with a tenant: refuses, repairs, deletes."""

from __future__ import annotations

import hashlib
import json

import pytest

from tests.end_to_end import lab

CHILDREN = [
    ("deployment", "casino"),
    ("service", "casino"),
    ("ingress", "casino"),
    ("serviceaccount", "casino"),
    ("deployment", "casino-realtime"),
    ("service", "casino-realtime"),
]


@pytest.mark.parametrize(("kind", "name"), CHILDREN, ids=lambda value: value)
def test_a_deleted_child_is_made_again(spare: str, kind: str, name: str) -> None:
    before = lab.get(kind, name, f"casino-{spare}")
    assert before
    lab.kubectl("delete", kind, name, "-n", f"casino-{spare}", "--wait=false")
    lab.wait_for(
        lambda: (o := lab.get(kind, name, f"casino-{spare}")) and o["metadata"]["uid"] != before["metadata"]["uid"],
        30, f"{kind}/{name} again",
    )  # fmt: skip
    lab.wait_for(lambda: lab.is_ready(spare), 60, f"{spare} Ready again")


def test_every_network_policy_and_setting_that_is_deleted_is_made_again(spare: str) -> None:
    namespace = f"casino-{spare}"
    for kind in ("networkpolicy", "resourcequota", "limitrange", "configmap"):
        names = lab.kubectl(
            "get", kind, "-n", namespace, "-l", "domicile.dev/tenant", "-o", "jsonpath={.items[*].metadata.name}"
        ).split()
        assert names, f"the tenant has no {kind}"
        for name in names:
            lab.kubectl("delete", kind, name, "-n", namespace)
            lab.wait_for(lambda kind=kind, name=name: lab.get(kind, name, namespace), 30, f"{kind}/{name} again")


def test_a_changed_child_is_set_right(spare: str) -> None:
    namespace = f"casino-{spare}"
    lab.kubectl(
        "patch", "service", "casino", "-n", namespace, "--type=json",
        "-p", '[{"op": "replace", "path": "/spec/ports/0/targetPort", "value": 9999}]',
    )  # fmt: skip
    lab.wait_for(
        lambda: (s := lab.get("service", "casino", namespace)) and s["spec"]["ports"][0]["targetPort"] != 9999,
        30, "the service's port set right",
    )  # fmt: skip


REFUSALS = {
    "unknown-jurisdiction": ({"jurisdiction": "XX"}, "XX"),
    "prohibited": ({"jurisdiction": "CN"}, "China"),
    "elsewhere": ({"jurisdiction": "US-NJ"}, "New Jersey"),
    "laxer-limit": ({"limits": {"minAgeYears": 16}}, "18"),
    "expired-licence": (
        {"licence": {"number": "1", "holder": "Test Gaming Ltd", "validUntil": "2020-01-01"}},
        "2020-01-01",
    ),
    "unknown-provider": ({"paymentProviders": [{"name": "nobody"}]}, "nobody"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_the_catalogue_refuses_is_refused_with_the_reason(case: str) -> None:
    changes, word = REFUSALS[case]
    name = f"e2e-{case}"
    lab.delete(name)
    answer = lab.apply(lab.tenant_manifest(name, **changes), check=False)
    try:
        if lab.get("casinotenant", name) is None:
            by_the_schema, by_the_law = "spec" in answer, "denied request" in answer
            assert word in answer and (by_the_schema or by_the_law), answer
            return
        found = lab.wait_for(lambda: lab.condition(name), 20, "a Ready condition")
        state = lab.get("casinotenant", name)
        assert found["status"] == "False" and found["reason"], found
        assert word in found["message"] and len(found["message"]) > 30, found
        assert state and state["status"]["state"] == "Refused", state
        assert lab.get("namespace", f"casino-{name}") is None
    finally:
        lab.delete(name)


def test_the_cluster_goes_on_refusing_while_the_operator_is_down() -> None:
    where = ["deployment/domicile-operator", "-n", "domicile-system"]
    lab.kubectl("scale", *where, "--replicas=0")
    try:
        lab.kubectl("wait", "pod", "-n", "domicile-system", "-l", "app.kubernetes.io/name=domicile-operator",
                    "--for=delete", "--timeout=60s")  # fmt: skip
        nowhere = lab.apply(lab.tenant_manifest("e2e-nowhere", jurisdiction="US-NJ"), check=False)
        assert "denied request" in nowhere and "NO_PLACE_IN_TERRITORY" in nowhere, nowhere
        laxer = lab.apply(lab.tenant_manifest("e2e-laxer", limits={"slotMaxStakeMinor": 100_000}), check=False)
        assert "LIMIT_LAXER" in laxer, laxer
        assert "created" in lab.apply(lab.tenant_manifest("e2e-lawful"))
        stray = lab.kubectl("create", "deployment", "stray", "-n", "casino-acme-gb", "--image=stray", check=False)
        assert "WORKLOAD_UNLABELLED" in stray, stray
    finally:
        lab.kubectl("scale", *where, "--replicas=2")
        lab.kubectl("rollout", "status", *where, "--timeout=120s")
    lab.wait_for(lambda: lab.is_ready("e2e-lawful"), 90, "the tenant that was let in")
    lab.delete("e2e-lawful")


def test_stricter_rules_reach_a_running_casino_and_no_pod_is_replaced(spare: str) -> None:
    def pods() -> list[str]:
        names = lab.kubectl("get", "pods", "-n", f"casino-{spare}", "-o", "jsonpath={.items[*].metadata.uid}")
        return sorted(names.split())

    def digest() -> str:
        found = lab.get("casinotenant", spare)
        assert found
        return str(found["status"]["rules"]["digest"])

    address, before, running = lab.url(spare), digest(), pods()
    player = lab.new_player(address, deposit_minor=5_000)
    lab.apply(lab.tenant_manifest(spare, limits={"slotMaxStakeMinor": 100}))
    lab.wait_for(lambda: lab.is_ready(spare) and digest() != before, 30, "the new rules in status")
    # The kubelet brings the file up to date within a minute or two.
    lab.wait_for(lambda: player.spin(200).status_code == 403, 150, "a stake above the new limit refused", every=3)
    lab.wait_for(
        lambda: lab.condition(spare, "RulesInForce").get("status") == "True", 60, "the pods told to play by them"
    )
    assert pods() == running
    lab.apply(lab.tenant_manifest(spare))


def test_the_rules_a_casino_plays_by_are_those_that_its_status_tells(gb: str) -> None:
    del gb
    found = lab.get("casinotenant", "acme-gb")
    config = lab.get("configmap", "casino-config", "casino-acme-gb")
    assert found and config
    text = config["data"]["rules.json"]
    assert found["status"]["rules"]["digest"] == hashlib.sha256(text.encode()).hexdigest()
    assert json.loads(text)["catalogue_version"] == found["status"]["rules"]["catalogue"]
    assert lab.condition("acme-gb", "Lawful")["reason"] == "Lawful"


@pytest.mark.parametrize(
    ("manifest", "word"),
    [
        ("apiVersion: casino.domicile.dev/v1alpha1\nkind: CasinoTenant\nmetadata: {name: x\n", "error"),
        (
            "apiVersion: casino.domicile.dev/v1alpha1\nkind: CasinoTenant\nmetadata: {name: e2e-x}\nspec: {}\n",
            "Required",
        ),
    ],
    ids=["malformed", "empty"],
)
def test_yaml_that_is_no_tenant_is_refused_at_apply(manifest: str, word: str) -> None:
    assert word in lab.kubectl("apply", "-f", "-", stdin=manifest, check=False)


def test_an_unknown_field_is_refused_at_apply() -> None:
    answer = lab.apply(lab.tenant_manifest("e2e-unknown", jurisdicton="GB"), check=False)
    assert "unknown field" in answer and "jurisdicton" in answer, answer
    assert lab.get("casinotenant", "e2e-unknown") is None


def test_the_jurisdiction_of_a_tenant_cannot_change(spare: str) -> None:
    answer = lab.apply(lab.tenant_manifest(spare, jurisdiction="BR"), check=False)
    assert "spec.jurisdiction cannot change" in answer, answer


def test_a_deleted_tenant_leaves_nothing_when_its_policy_says_delete() -> None:
    name = "e2e-delete"
    lab.apply(lab.tenant_manifest(name))
    lab.wait_until_it_serves(name)
    lab.new_player(lab.url(name), deposit_minor=500)
    assert (
        lab.sql("postgres", f"SELECT count(*) FROM pg_database WHERE datname = 'casino_{name.replace('-', '_')}'")
        == "1"
    )
    lab.delete(name)
    lab.wait_for(lambda: lab.get("namespace", f"casino-{name}") is None, 60, "the namespace gone")
    like = f"casino_{name.replace('-', '_')}"
    assert lab.sql("postgres", f"SELECT count(*) FROM pg_database WHERE datname = '{like}'") == "0"
    assert lab.sql("postgres", f"SELECT count(*) FROM pg_roles WHERE rolname LIKE '{like}%'") == "0"


def test_a_deleted_tenant_keeps_its_ledger_when_its_policy_says_retain() -> None:
    name, database = "e2e-retain", "casino_e2e_retain"
    lab.apply(lab.tenant_manifest(name, deletionPolicy="Retain"))
    lab.wait_until_it_serves(name)
    lab.new_player(lab.url(name), deposit_minor=500)
    lab.delete(name)
    # It is kept, and closed: nobody can log in to it.
    assert lab.sql("postgres", f"SELECT datallowconn FROM pg_database WHERE datname = '{database}'") == "f"
    # The same licence again finds its ledger, and this time takes it along when it goes.
    lab.apply(lab.tenant_manifest(name))
    lab.wait_until_it_serves(name)
    assert lab.verify_ledger(name)["ok"] is True
    assert int(lab.sql(database, "SELECT count(*) FROM wallet.entries")) >= 2
    lab.delete(name)
    assert lab.sql("postgres", f"SELECT count(*) FROM pg_database WHERE datname = '{database}'") == "0"

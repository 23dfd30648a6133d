"""The end of a tenant, with fakes at the edge."""

import pytest
from domicile_operator.errors import Fault
from domicile_operator.reconcile import reconcile
from operator_testkit.fakes import NOWHERE, Fakes
from operator_testkit.samples import CELL, tenant

NAMESPACE = "casino-acme-gb"
KEY = "transit/keys/casino-acme-gb"
"""It outlives the tenant: retained records are sealed under it, and the database's backups."""


def live(**spec: object) -> Fakes:
    fakes = Fakes(CELL)
    fakes.kube.put(tenant(**spec))
    run(fakes)
    fakes.finish_migration()
    run(fakes)
    fakes.roll_out()
    assert run(fakes) == "settled"
    fakes.switch.calls.clear()
    return fakes


def run(fakes: Fakes) -> str:
    return reconcile("acme-gb", fakes.world).kind


def test_what_runs_goes_before_the_ways_in_and_those_before_the_records() -> None:
    fakes = live()
    fakes.delete()
    assert run(fakes) == "waiting"
    assert fakes.tenant()["status"]["state"] == "Deleting"
    assert "being deleted" in fakes.condition("Progressing")["message"]
    assert fakes.bao.documents and fakes.databases.open[("casino_acme_gb")]
    fakes.kube.finish_namespace(NAMESPACE)
    assert run(fakes) == "gone"
    order = [
        next(i for i, call in enumerate(fakes.switch.calls) if call.startswith(what))
        for what in ("delete Namespace", "bao remove auth", "bao revoke", "bao remove database", "sql retire")
    ]
    assert order == sorted(order)
    assert not fakes.exists()
    assert set(fakes.bao.documents) == {KEY}


def test_retain_keeps_the_database_closed_and_delete_drops_it() -> None:
    for policy, left in (("Retain", {"casino_acme_gb": False}), ("Delete", {})):
        fakes = live(deletionPolicy=policy)
        fakes.delete()
        run(fakes)
        fakes.kube.finish_namespace(NAMESPACE)
        assert run(fakes) == "gone"
        assert fakes.databases.open == left


def _steps() -> int:
    fakes = live()
    fakes.delete()
    run(fakes)
    fakes.kube.finish_namespace(NAMESPACE)
    run(fakes)
    return len(fakes.switch.calls)


@pytest.mark.parametrize("step", range(1, _steps()))
def test_a_fault_at_any_step_only_delays(step: int) -> None:
    fakes = live()
    fakes.delete()
    fakes.switch.calls.clear()
    fakes.switch.fail_at = step
    for _ in range(4):
        run(fakes)
        if fakes.kube.find("Namespace") and fakes.kube.find("Namespace")[0]["metadata"].get("deletionTimestamp"):
            fakes.kube.finish_namespace(NAMESPACE)
        if not fakes.exists():
            break
    assert not fakes.exists()
    assert set(fakes.bao.documents) == {KEY} and fakes.databases.open == {"casino_acme_gb": False}


@pytest.mark.parametrize("policy", ["Retain", "Delete"])
def test_no_deletion_touches_the_key(policy: str) -> None:
    fakes = live(deletionPolicy=policy)
    before = dict(fakes.bao.documents[KEY])
    fakes.delete()
    run(fakes)
    fakes.kube.finish_namespace(NAMESPACE)
    assert run(fakes) == "gone"
    assert fakes.bao.documents[KEY] == before
    assert not any("transit" in call for call in fakes.switch.calls)


def test_a_tenant_that_comes_back_has_the_key_that_its_records_are_sealed_under() -> None:
    fakes = live()
    fakes.bao.documents[KEY]["latest_version"] = 7
    fakes.delete()
    run(fakes)
    fakes.kube.finish_namespace(NAMESPACE)
    run(fakes)
    fakes.kube.put(tenant())
    run(fakes)
    assert fakes.bao.documents[KEY]["latest_version"] == 7


def test_a_fault_while_deleting_says_so() -> None:
    fakes = live()
    fakes.delete()
    run(fakes)
    fakes.kube.finish_namespace(NAMESPACE)
    fakes.bao.remove = lambda _: (_ for _ in ()).throw(Fault("OPENBAO_SEALED", "Unseal it."))  # type: ignore[method-assign]
    assert run(fakes) == "fault"
    assert fakes.condition("Ready")["message"] == "Deletion waits: Unseal it."
    assert fakes.tenant()["status"]["state"] == "Deleting"
    assert fakes.databases.open == {"casino_acme_gb": True}


def test_a_tenant_that_was_never_built_needs_no_store_to_go() -> None:
    fakes = Fakes(CELL)
    fakes.kube.put(tenant())
    fakes.rulebook.refusal = NOWHERE
    run(fakes)
    fakes.delete()
    assert not fakes.exists()


def test_leases_that_may_not_be_revoked_do_not_hold_the_tenant() -> None:
    fakes = live()
    fakes.bao.may_revoke = False
    fakes.delete()
    run(fakes)
    fakes.kube.finish_namespace(NAMESPACE)
    assert run(fakes) == "gone"


def test_pieces_already_gone_are_fine() -> None:
    fakes = live()
    fakes.kube.finish_namespace(NAMESPACE)
    fakes.bao.documents.clear()
    fakes.databases.open.clear()
    fakes.delete()
    assert run(fakes) == "gone"


def test_a_namespace_of_somebody_else_survives() -> None:
    fakes = live()
    fakes.kube.finish_namespace(NAMESPACE)
    fakes.kube.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    fakes.delete()
    assert run(fakes) == "gone"
    assert fakes.kube.find("Namespace")


def test_a_spec_that_cannot_be_read_still_deletes() -> None:
    fakes = live()
    fakes.tenant()["spec"]["brand"] = ""
    fakes.delete()
    run(fakes)
    fakes.kube.finish_namespace(NAMESPACE)
    assert run(fakes) == "gone"


def test_finalizers_of_others_are_left() -> None:
    fakes = live()
    fakes.tenant()["metadata"]["finalizers"].insert(0, "example.com/theirs")
    fakes.delete()
    run(fakes)
    fakes.kube.finish_namespace(NAMESPACE)
    run(fakes)
    assert fakes.tenant()["metadata"]["finalizers"] == ["example.com/theirs"]
    assert run(fakes) == "gone"

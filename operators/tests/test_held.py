"""Pause, plan, force, adoption, pruning and drift through the loop, with fakes at its edge."""

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from domicile_operator import held, metrics
from domicile_operator.annotations import APPLIED
from domicile_operator.children.workload import Configuration
from domicile_operator.errors import Fault
from domicile_operator.leadership import Leadership
from domicile_operator.names import FINALIZER, KIND
from domicile_operator.reconcile import Outcome, reconcile
from domicile_operator.runtime import FIGHT_SECONDS, REFUSED_SECONDS, Runtime
from domicile_operator.settings import Settings
from domicile_operator.workqueue import WorkQueue
from hypothesis import given as over
from hypothesis import settings
from hypothesis import strategies as st
from operator_testkit.fakes import NOWHERE, Fakes
from operator_testkit.leases import OneLease
from operator_testkit.passes import go_live, run
from operator_testkit.samples import ARCHIVING, CELL, IN_AWS, tenant

NAMESPACE = "casino-acme-gb"


@pytest.fixture
def fakes() -> Fakes:
    made = Fakes(CELL)
    made.kube.put(tenant())
    return made


def annotate(fakes: Fakes, **values: str | None) -> None:
    kept = fakes.tenant()["metadata"].setdefault("annotations", {})
    for name, value in values.items():
        kept[f"casino.domicile.dev/{name.replace('_', '-')}"] = value
    for name in [name for name, value in kept.items() if value is None]:
        del kept[name]


def state_of(fakes: Fakes) -> Any:
    """All that a pass could change, but for the tenant's status."""
    objects = {key: value for key, value in fakes.kube.objects.items() if key[0] != KIND}
    return copy.deepcopy([objects, fakes.bao.documents, fakes.databases.open, fakes.cache_users.users])


def edit(fakes: Fakes, kind: str, name: str, manager: str = "kubectl-edit") -> dict[str, Any]:
    """Somebody's hand on a child: the fake then knows that it is not as it was applied."""
    found = fakes.kube.objects[kind, NAMESPACE, name]
    found["_intact"] = False
    found["metadata"]["managedFields"].append({"manager": manager, "fieldsV1": {"f:data": {}, "f:spec": {}}})
    return found


def writes(fakes: Fakes) -> list[str]:
    return [one for one in fakes.kube.writes if not one.startswith("status ")]


@pytest.mark.parametrize("annotation", ["paused", "plan"])
@pytest.mark.parametrize("cell", [CELL, IN_AWS, ARCHIVING], ids=["plain", "aws", "archive"])
def test_a_tenant_that_is_held_from_its_first_day_gets_nothing_until_it_is_let_go(annotation: str, cell: Any) -> None:
    fakes = Fakes(cell)
    fakes.kube.put(tenant())
    annotate(fakes, **{annotation: "true"})
    before = state_of(fakes)
    assert run(fakes) == "held"
    assert state_of(fakes) == before and writes(fakes) == []
    assert "finalizers" not in fakes.tenant()["metadata"]
    assert fakes.condition("Ready")["reason"] == "Held" and fakes.condition("Paused")["status"] == "True"
    assert "place" not in fakes.tenant()["status"]
    annotate(fakes, **{annotation: None})
    assert run(fakes).split()[0] in ("waiting", "fault")
    assert fakes.tenant()["metadata"]["finalizers"] == [FINALIZER]
    assert fakes.condition("Paused")["status"] == "False" and "plan" not in fakes.tenant()["status"]


def test_a_plan_says_what_would_be_made_inside_the_cluster_and_outside(fakes: Fakes) -> None:
    annotate(fakes, plan="true")
    run(fakes)
    plan = fakes.tenant()["status"]["plan"]
    made = {(one["kind"], one["action"]) for one in plan["changes"]}
    assert made >= {("Namespace", "create"), ("Deployment", "create"), ("OpenBaoPolicy", "create"),
                    ("OpenBaoTransitKey", "create"), ("PostgreSQLDatabase", "create")}  # fmt: skip
    assert plan["create"] == len(plan["changes"]) and plan["unchanged"] == 0
    (database,) = (one for one in plan["changes"] if one["kind"] == "PostgreSQLDatabase")
    assert database["fields"] == ['CREATE DATABASE "casino_acme_gb"']


def test_a_plan_of_an_edit_names_the_fields_and_nothing_moves_until_it_is_let_go(fakes: Fakes) -> None:
    go_live(fakes)
    ready = fakes.condition("Ready")
    fakes.kube.put(tenant(brand="Another Name", size="medium"))
    annotate(fakes, plan="true")
    before = state_of(fakes)
    assert run(fakes) == "held"
    assert state_of(fakes) == before
    plan = fakes.tenant()["status"]["plan"]
    assert plan["observedGeneration"] == 2 and plan["unchanged"] > 20
    fields = {(one["kind"], one["name"]): one.get("fields", []) for one in plan["changes"]}
    assert ("HorizontalPodAutoscaler", "casino") in fields
    assert "spec.template.spec.containers[api].resources.limits.cpu" in fields["Deployment", "casino"]
    assert "PodDisruptionBudget" in {kind for kind, _ in fields}
    # True of the generation that it was true of: who waits for this one goes on waiting.
    assert fakes.condition("Ready") == ready and ready["observedGeneration"] == 1
    assert fakes.condition("DriftDetected")["status"] == "False"
    digest = plan["digest"]
    run(fakes)
    assert fakes.tenant()["status"]["plan"]["digest"] == digest
    annotate(fakes, plan=None)
    run(fakes)
    fakes.roll_out()
    assert run(fakes) == "settled"
    assert fakes.condition("Ready")["observedGeneration"] == 2
    assert fakes.condition("DriftDetected")["status"] == "False"


def test_a_plan_of_what_is_refused_says_why_there_is_none(fakes: Fakes) -> None:
    fakes.rulebook.refusal = NOWHERE
    annotate(fakes, plan="true")
    assert run(fakes) == "refused NO_PLACE_IN_TERRITORY"
    assert fakes.tenant()["status"]["plan"]["problems"] == [f"{NOWHERE.code}: {NOWHERE.message}"]


def test_a_plan_tells_of_a_login_of_aws_without_its_password() -> None:
    fakes = Fakes(IN_AWS)
    fakes.kube.put(tenant())
    annotate(fakes, plan="true")
    run(fakes)
    changes = fakes.tenant()["status"]["plan"]["changes"]
    assert {"kind": "ElastiCacheUser", "name": "casino-acme-gb", "action": "create"} in changes
    assert {"kind": "OpenBaoSecret", "name": "tenants/acme-gb/redis", "action": "create"} in changes
    assert not fakes.cache_users.users and not fakes.bao.documents


def test_a_store_that_does_not_answer_is_a_problem_of_the_plan_and_the_rest_is_told(fakes: Fakes) -> None:
    go_live(fakes)
    fakes.bao.read = lambda *_: (_ for _ in ()).throw(Fault("OPENBAO_SEALED", "Unseal it."))  # type: ignore[method-assign]
    annotate(fakes, plan="true")
    fakes.kube.put(tenant(size="medium"))
    run(fakes)
    plan = fakes.tenant()["status"]["plan"]
    assert plan["problems"] == ["OPENBAO_SEALED: Unseal it."] * 2
    assert any(one["kind"] == "Deployment" for one in plan["changes"])
    assert fakes.condition("Secrets")["reason"] == "OPENBAO_SEALED"


def test_a_paused_tenant_keeps_its_drift_which_is_told_and_put_right_later(fakes: Fakes) -> None:
    go_live(fakes)
    annotate(fakes, paused="audit of 3 May")
    edit(fakes, "ConfigMap", "casino-config")["data"]["rules.json"] = "{}"
    del fakes.bao.documents["sys/policies/acl/casino-acme-gb"]
    before = state_of(fakes)
    assert run(fakes) == "held"
    assert state_of(fakes) == before
    told = fakes.condition("DriftDetected")
    assert (told["status"], told["reason"]) == ("True", "Observed")
    assert "ConfigMap casino-config (data[rules.json]), by kubectl-edit." in told["message"]
    assert "OpenBaoPolicy casino-acme-gb" in told["message"]
    assert (fakes.condition("Secrets")["status"], fakes.condition("Secrets")["reason"]) == ("False", "NotInPlace")
    assert "audit of 3 May" in fakes.condition("Paused")["message"]
    assert fakes.condition("Ready")["status"] == "True"  # players are served
    assert fakes.condition("Degraded")["status"] == "True"
    annotate(fakes, paused=None)
    assert run(fakes) == "settled"
    assert fakes.condition("DriftDetected")["reason"] == "Repaired"
    assert "sys/policies/acl/casino-acme-gb" in fakes.bao.documents
    assert fakes.condition("Degraded")["status"] == "False"


def test_a_paused_casino_that_loses_its_pods_is_not_ready(fakes: Fakes) -> None:
    go_live(fakes)
    annotate(fakes, paused="true")
    for found in fakes.kube.find("Deployment", NAMESPACE):
        found["status"]["availableReplicas"] = 0
    run(fakes)
    assert (fakes.condition("Ready")["status"], fakes.condition("Ready")["reason"]) == ("False", "Held")


def test_a_paused_tenant_whose_spec_is_in_place_is_ready_in_its_generation(fakes: Fakes) -> None:
    go_live(fakes)
    annotate(fakes, paused="true")
    fakes.kube.put(tenant(deletionPolicy="Delete"))  # moves the generation, and no child
    run(fakes)
    assert (fakes.condition("Ready")["status"], fakes.condition("Ready")["observedGeneration"]) == ("True", 2)


def test_deletion_waits_for_the_pause_and_says_so(fakes: Fakes) -> None:
    go_live(fakes)
    annotate(fakes, paused="under investigation")
    fakes.delete()
    before = state_of(fakes)
    assert run(fakes) == "held"
    assert state_of(fakes) == before and fakes.exists()
    status = fakes.tenant()["status"]
    assert status["state"] == "Deleting"
    said = fakes.condition("Progressing")["message"]
    assert "Deletion waits" in said and "under investigation" in said and "casino.domicile.dev/paused" in said
    annotate(fakes, paused=None)
    assert run(fakes) == "waiting"
    fakes.kube.finish_namespace(NAMESPACE)
    assert run(fakes) == "gone" and not fakes.exists()


def test_a_tenant_that_was_never_built_goes_at_once_even_if_paused(fakes: Fakes) -> None:
    annotate(fakes, paused="true")
    run(fakes)
    fakes.delete()
    assert not fakes.exists()  # nothing holds it
    assert run(fakes) == "gone"


def test_what_a_regulator_ordered_is_kept_while_its_tenant_is_paused(
    fakes: Fakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Order(Configuration):
        even_when_paused = True

    monkeypatch.setattr(held, "BUILD", tuple(Order() if isinstance(c, Configuration) else c for c in held.BUILD))
    annotate(fakes, paused="true")
    run(fakes)
    assert writes(fakes) == []  # there is no casino to stop
    annotate(fakes, paused=None)
    go_live(fakes)
    annotate(fakes, paused="true")
    edit(fakes, "ConfigMap", "casino-config")["data"]["rules.json"] = "{}"
    edit(fakes, "Service", "casino")["spec"]["type"] = "NodePort"
    fakes.kube.writes.clear()
    run(fakes)
    assert writes(fakes) == ["ConfigMap/casino-config"]
    annotate(fakes, plan="true", paused=None)
    edit(fakes, "ConfigMap", "casino-config")["data"]["rules.json"] = "{}"
    fakes.kube.writes.clear()
    run(fakes)
    assert writes(fakes) == []  # a plan is of everything


def test_a_request_to_reconcile_is_told_back_whatever_the_pass_found(fakes: Fakes) -> None:
    annotate(fakes, reconcile_at="first")
    run(fakes)
    assert fakes.tenant()["status"]["lastHandledReconcileAt"] == "first"
    fakes.rulebook.refusal = NOWHERE
    annotate(fakes, reconcile_at="second")
    run(fakes)
    assert fakes.tenant()["status"]["lastHandledReconcileAt"] == "second"


def test_drift_is_put_right_told_and_counted(fakes: Fakes) -> None:
    go_live(fakes)
    counted = metrics.DRIFT_REPAIRED.labels("ConfigMap")._value.get()
    fakes.kube.events.clear()
    edit(fakes, "ConfigMap", "casino-config")["data"]["rules.json"] = "{}"
    del fakes.kube.objects["Service", NAMESPACE, "casino"]
    assert run(fakes) == "settled"
    (drift, deleted) = sorted(fakes.tenant()["status"]["drift"], key=lambda one: str(one["kind"]))
    assert (drift["fields"], drift["by"], drift["repaired"]) == (["data[rules.json]"], ["kubectl-edit"], True)
    assert (deleted["kind"], deleted["fields"]) == ("Service", ["(deleted)"])
    assert metrics.DRIFT_REPAIRED.labels("ConfigMap")._value.get() == counted + 1
    (event,) = fakes.kube.events
    assert (event["type"], event["reason"]) == ("Warning", "DriftRepaired") and "kubectl-edit" in event["message"]
    run(fakes)
    assert len(fakes.kube.events) == 1
    fakes.clock.advance(minutes=11)
    run(fakes)
    assert fakes.condition("DriftDetected")["status"] == "False" and "drift" not in fakes.tenant()["status"]


def test_a_worker_that_somebody_had_roll_is_recreated_again() -> None:
    fakes = Fakes(ARCHIVING)
    fakes.kube.put(tenant())
    made = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "kept"}}
    fakes.kube.put(made)["reclaimPolicy"] = "Retain"
    go_live(fakes)
    worker = edit(fakes, "Deployment", "casino-worker")
    worker["spec"]["strategy"] = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%"}}
    send, left = fakes.kube.apply, [Fault("KUBERNETES_REFUSED", "rollingUpdate: Forbidden")]

    def refuse(manifest: dict[str, Any], *, dry_run: bool = False) -> dict[str, Any]:
        if (manifest["kind"], manifest["metadata"]["name"]) == ("Deployment", "casino-worker") and left:
            raise left.pop()
        return send(manifest, dry_run=dry_run)

    fakes.kube.apply = refuse  # type: ignore[method-assign]
    assert run(fakes) != "fault KUBERNETES_REFUSED"
    assert worker["spec"]["strategy"] == {"type": "Recreate"}


def test_drift_of_the_stores_is_told(fakes: Fakes) -> None:
    go_live(fakes)
    fakes.bao.documents["auth/jwt/role/casino-acme-gb"] = {"token_policies": ["root"]}
    fakes.databases.open["casino_acme_gb"] = False
    assert run(fakes) == "settled"
    kinds = {one["kind"] for one in fakes.tenant()["status"]["drift"]}
    assert kinds == {"OpenBaoJWTRole", "PostgreSQLDatabase"}


@pytest.mark.parametrize(
    "newer",
    [{"image": "registry.test/casino:0.2.0"}, {"cell": CELL.model_copy(update={"public_port": 443})}],
    ids=["image", "cell"],
)
def test_a_change_of_our_own_is_no_drift(fakes: Fakes, newer: dict[str, Any]) -> None:
    go_live(fakes)
    for name, value in newer.items():
        setattr(fakes, name, value)
    fakes.kube.put(tenant(size="medium", paymentProviders=[{"name": "sandbox"}], studios=[{"name": "moonlit"}]))
    run(fakes)
    go_live(fakes)
    assert fakes.condition("DriftDetected")["status"] == "False"


def test_an_object_of_somebody_else_is_left_alone_until_it_is_given(fakes: Fakes) -> None:
    run(fakes)
    theirs = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "casino", "namespace": NAMESPACE}}
    del fakes.kube.objects["Service", NAMESPACE, "casino"]
    found = fakes.kube.put(theirs)
    found["spec"] = {"theirs": True}
    assert run(fakes) == "fault OBJECT_NOT_OURS"
    assert found["spec"] == {"theirs": True}
    said = fakes.condition("Ready")["message"]
    assert "casino.domicile.dev/adopt=acme-gb" in said and "Service casino" in said
    found["metadata"]["annotations"] = {"casino.domicile.dev/adopt": "acme-gb"}
    assert run(fakes) == "waiting"
    assert found["metadata"]["labels"]["domicile.dev/tenant"] == "acme-gb"
    assert "Adopted" in [event["reason"] for event in fakes.kube.events]


def test_a_namespace_that_is_given_is_taken_over(fakes: Fakes) -> None:
    found = fakes.kube.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    assert run(fakes) == "fault NAMESPACE_NOT_OURS"
    found["metadata"]["annotations"] = {"casino.domicile.dev/adopt": "acme-gb"}
    assert run(fakes) == "waiting"
    assert found["metadata"]["labels"]["domicile.dev/tenant"] == "acme-gb"


def made(fakes: Fakes, kind: str, name: str, *, by_us: bool = True, stamp: bool = True) -> None:
    api_version = {"ConfigMap": "v1", "Service": "v1", "PersistentVolumeClaim": "v1"}[kind]
    manifest = {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": NAMESPACE}}
    found = fakes.kube.put(manifest)["metadata"]
    found["labels"] = {"domicile.dev/tenant": "acme-gb"}
    found["managedFields"] = [{"manager": "domicile-operator" if by_us else "kubectl"}]
    found["annotations"] = {"casino.domicile.dev/applied": "0" * 16} if stamp else {}


def test_what_a_version_of_before_made_goes_and_what_others_made_stays(fakes: Fakes) -> None:
    go_live(fakes)
    made(fakes, "ConfigMap", "casino-of-before")
    made(fakes, "Service", "named-by-status", stamp=False)
    made(fakes, "ConfigMap", "labelled-by-hand", by_us=False)
    made(fakes, "ConfigMap", "kept-by-another-part-of-the-operator", stamp=False)
    made(fakes, "PersistentVolumeClaim", "months-of-before")
    fakes.tenant()["status"]["children"] += [
        {"kind": "Service", "name": "named-by-status", "namespace": NAMESPACE},
        {"kind": "OpenBaoDatabaseRole", "name": "casino-acme-gb-gone"},
        {"kind": "OpenBaoDatabaseRole", "name": "casino-acme-gb-two-pam"},
        {"kind": "OpenBaoPolicy", "name": "domicile-operator"},
        {"kind": "PostgreSQLRole", "name": "casino_acme_gb_gone"},
    ]
    fakes.kube.put(tenant("acme-gb-two"))
    for name in ("casino-acme-gb-gone", "casino-acme-gb-two-pam"):
        fakes.bao.documents[f"database/roles/{name}"] = {}
    fakes.bao.documents["sys/policies/acl/domicile-operator"] = {}
    annotate(fakes, plan="true")
    run(fakes)
    gone = {one["name"] for one in fakes.tenant()["status"]["plan"]["changes"] if one["action"] == "delete"}
    assert gone == {"casino-of-before", "named-by-status", "casino-acme-gb-gone"}
    annotate(fakes, plan=None)
    assert run(fakes) == "settled"
    left = {name for kind, _, name in fakes.kube.objects if kind in ("ConfigMap", "Service", "PersistentVolumeClaim")}
    assert left == {
        "casino-config", "casino-operation", "casino", "casino-worker", "casino-realtime",
        "labelled-by-hand", "kept-by-another-part-of-the-operator", "months-of-before",
    }  # fmt: skip
    assert "database/roles/casino-acme-gb-gone" not in fakes.bao.documents
    assert "database/roles/casino-acme-gb-two-pam" in fakes.bao.documents
    assert "sys/policies/acl/domicile-operator" in fakes.bao.documents
    assert fakes.tenant()["status"].get("drift") is None


def test_a_casino_that_serves_while_a_store_is_away_stays_ready_and_is_degraded(fakes: Fakes) -> None:
    go_live(fakes)
    fakes.databases.ensure = lambda *_: (_ for _ in ()).throw(Fault("POSTGRESQL_UNREACHABLE", "no answer"))  # type: ignore[method-assign]
    assert run(fakes) == "fault POSTGRESQL_UNREACHABLE"
    assert fakes.condition("Ready")["status"] == "True"
    told = fakes.condition("Degraded")
    assert (told["status"], told["reason"]) == ("True", "POSTGRESQL_UNREACHABLE")
    for found in fakes.kube.find("Deployment", NAMESPACE):
        found["status"]["availableReplicas"] = 0
    run(fakes)
    assert fakes.condition("Ready")["reason"] == "POSTGRESQL_UNREACHABLE"
    assert fakes.condition("Degraded")["status"] == "False"


def test_trouble_after_an_edit_leaves_readiness_to_the_generation_of_before(fakes: Fakes) -> None:
    go_live(fakes)
    fakes.kube.put(tenant(brand="Another Name"))
    fakes.databases.ensure = lambda *_: (_ for _ in ()).throw(Fault("POSTGRESQL_UNREACHABLE", "no answer"))  # type: ignore[method-assign]
    run(fakes)
    assert fakes.condition("Ready")["observedGeneration"] == 1
    assert fakes.condition("Degraded")["observedGeneration"] == 2


def test_a_casino_whose_namespace_is_leaving_is_not_ready(fakes: Fakes) -> None:
    go_live(fakes)
    fakes.kube.delete("v1", "Namespace", NAMESPACE)
    fakes.kube.writes.clear()
    assert run(fakes) == "waiting"
    assert fakes.condition("Ready")["status"] == "False"
    assert writes(fakes) == []  # nothing is applied into a namespace that goes
    fakes.kube.finish_namespace(NAMESPACE)
    run(fakes)
    assert fakes.condition("DriftDetected")["status"] == "True"


def test_a_fight_over_a_field_slows_its_own_tenant_down_and_a_single_repair_does_not(fakes: Fakes) -> None:
    go_live(fakes)
    again = []
    for _ in range(2):
        edit(fakes, "ConfigMap", "casino-config")["data"]["rules.json"] = "{}"
        again.append(reconcile("acme-gb", fakes.world).again)
    again.append(reconcile("acme-gb", fakes.world).again)
    fakes.clock.advance(minutes=2)
    edit(fakes, "ConfigMap", "casino-config")["data"]["rules.json"] = "{}"
    assert [*again, reconcile("acme-gb", fakes.world).again] == [False, True, False, False]


@pytest.mark.parametrize(
    ("outcome", "seconds"),
    [
        (Outcome("refused", "SPEC_INVALID"), REFUSED_SECONDS),
        (Outcome("fault", "CONFLICT"), 1.0),
        (Outcome("settled", again=True), FIGHT_SECONDS),
    ],
)
async def test_a_pass_says_when_the_next_is_due_and_a_bad_spec_is_not_tried_again_in_a_hurry(
    fakes: Fakes, outcome: Outcome, seconds: float
) -> None:
    runtime = Runtime(fakes.world, Settings("casino:1"), Leadership(OneLease(), "a"))
    now = [100.0]
    runtime._queue = WorkQueue(lambda: now[0])
    runtime._schedule("acme-gb", outcome)
    if outcome.again:
        runtime.wake("acme-gb", 0.0)  # the other's write is an event
    now[0] += seconds - 0.1
    assert runtime._queue.depth == 0
    now[0] += 0.2
    assert runtime._queue.depth == 1


def test_a_spec_that_cannot_be_read_is_refused_and_told_once(fakes: Fakes) -> None:
    fakes.kube.put(tenant(size="huge"))
    assert [run(fakes) for _ in range(3)] == ["refused SPEC_INVALID"] * 3
    assert fakes.kube.writes == ["status acme-gb"]


def test_a_pass_that_may_change_nothing_holds_no_way_to_write(fakes: Fakes) -> None:
    world = fakes.world
    from domicile_operator.looking import look_only
    from domicile_operator.names import Names
    from domicile_operator.record import Record

    looking = look_only(world, Names("acme-gb"), Record())
    before = state_of(fakes)
    for write in (
        lambda: looking.kube.create({}),
        lambda: looking.kube.patch_status("v1", "X", "x", {}),
        lambda: looking.kube.patch_json("v1", "X", "x", []),
        lambda: looking.bao.revoke_leases("x"),
        lambda: looking.bao.login("x"),
        lambda: looking.databases.drop(Names("acme-gb"), "1"),
        lambda: looking.databases.retire(Names("acme-gb"), "1"),
    ):
        with pytest.raises(AssertionError, match="change nothing"):
            write()
    looking.kube.delete("v1", "Service", "casino", NAMESPACE)
    looking.bao.remove("sys/policies/acl/x")
    assert state_of(fakes) == before and fakes.kube.writes == []
    assert replace(world) is not looking


def lose_a_child(fakes: Fakes) -> None:
    for key in [key for key in fakes.kube.objects if key[1] == NAMESPACE][:3]:
        del fakes.kube.objects[key]


def lose_documents(fakes: Fakes) -> None:
    for path in list(fakes.bao.documents)[::2]:
        del fakes.bao.documents[path]


HAPPENINGS: dict[str, Callable[[Fakes], object]] = {
    "a pass": run,
    "the migration ends": lambda fakes: fakes.finish_migration(),
    "the migration fails": lambda fakes: fakes.finish_migration(failed=True),
    "the pods come up": lambda fakes: fakes.roll_out(),
    "an hour goes by": lambda fakes: fakes.clock.advance(hours=1),
    "children are lost": lose_a_child,
    "documents are lost": lose_documents,
    "the database is closed": lambda fakes: fakes.databases.open.update(casino_acme_gb=False),
    "the spec is edited": lambda fakes: fakes.kube.put(tenant(size="large", brand="Another Name")),
    "a new image": lambda fakes: setattr(fakes, "image", "registry.test/casino:0.9.0"),
    "the namespace leaves": lambda fakes: fakes.kube.delete("v1", "Namespace", NAMESPACE),
    "AWS settles": lambda fakes: fakes.cache_users.settle(),
}


def but_the_record(fakes: Fakes) -> Any:
    """All but what may be done in the casino, which is kept while a tenant is paused, and the marks of its numbers."""
    objects, *stores = state_of(fakes)
    objects.pop(("ConfigMap", NAMESPACE, "casino-operation"), None)
    namespace = objects.get(("Namespace", "", NAMESPACE), {"metadata": {}})["metadata"]
    namespace.pop("resourceVersion", None)
    kept = namespace.get("annotations", {})
    namespace["annotations"] = {key: value for key, value in kept.items() if key == APPLIED}
    return [objects, *stores]


@settings(max_examples=60)
@over(
    st.lists(st.sampled_from(sorted(HAPPENINGS)), max_size=10),
    st.sampled_from(["paused", "plan"]),
    st.sampled_from([CELL, IN_AWS]),
)
def test_whatever_happened_before_a_held_pass_changes_nothing(happened: list[str], how: str, cell: Any) -> None:
    fakes = Fakes(cell)
    fakes.kube.put(tenant())
    for happening in happened:
        if happening != "the namespace leaves" or fakes.kube.find("Namespace"):
            HAPPENINGS[happening](fakes)
    annotate(fakes, **{how: "true"})
    before = but_the_record(fakes) if how == "paused" else state_of(fakes)
    fakes.kube.writes.clear()
    assert run(fakes) == "held"
    if how == "paused":
        assert but_the_record(fakes) == before and {*writes(fakes)} <= {"ConfigMap/casino-operation"}
    else:
        assert state_of(fakes) == before and writes(fakes) == []
    assert ("plan" in fakes.tenant()["status"]) is (how == "plan")

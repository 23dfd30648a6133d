"""The loop, with fakes at its edge."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from domicile_operator.errors import Fault
from domicile_operator.names import FINALIZER, LABEL_TENANT
from domicile_operator.plan import LawAhead
from domicile_operator.reconcile import reconcile
from operator_testkit.fakes import NOWHERE, Fakes
from operator_testkit.passes import go_live, run
from operator_testkit.samples import ARCHIVING, CELL, tenant

NAMESPACE = "casino-acme-gb"


@pytest.fixture
def fakes() -> Fakes:
    made = Fakes(CELL)
    made.kube.put(tenant())
    return made


def test_a_tenant_waits_for_its_migration_then_for_its_pods_then_is_live(fakes: Fakes) -> None:
    assert run(fakes) == "waiting"
    assert "migration" in fakes.condition("Progressing")["message"]
    assert fakes.tenant()["status"]["state"] == "Onboarding"
    assert not fakes.kube.find("Deployment", NAMESPACE)
    fakes.finish_migration()
    assert run(fakes) == "waiting"
    assert "0 of 1 pods" in fakes.condition("Progressing")["message"]
    fakes.roll_out()
    assert run(fakes) == "settled"
    status = fakes.tenant()["status"]
    assert (status["state"], status["url"]) == ("Live", "https://acme-gb.l3f2a.localhost:18443/")
    assert {c["type"]: c["status"] for c in status["conditions"]} == {
        "Ready": "True", "Placed": "True", "Attested": "True", "LicenceValid": "True", "Lawful": "True",
        "ExclusionRegister": "Unknown", "Secrets": "True", "Database": "True", "RulesInForce": "Unknown",
        "OperationInForce": "Unknown", "GamesVerified": "False", "Release": "True", "Progressing": "False",
        "Degraded": "False", "Paused": "False", "DriftDetected": "False",
    }  # fmt: skip


def test_nobody_is_looked_for_in_a_namespace_that_the_pass_has_made(fakes: Fakes) -> None:
    run(fakes)
    asked = {call for call in fakes.switch.calls if call.startswith("get ")}
    made = {call.removeprefix("apply ") for call in fakes.switch.calls if call.startswith("apply ")}
    # The Job is asked for by its own child, which may have to make it anew.
    assert len(made) > 15 and {one for one in made if f"get {one}" in asked} == {
        f"Namespace/{NAMESPACE}",
        next(one for one in made if one.startswith("Job/")),
    }
    fakes.kube.writes.clear()
    fakes.kube.objects["ConfigMap", NAMESPACE, "casino-config"]["metadata"] |= {"labels": {}, "managedFields": []}
    fakes.kube.objects["ConfigMap", NAMESPACE, "casino-config"]["metadata"]["annotations"] = {}
    assert run(fakes) == "fault OBJECT_NOT_OURS"


@pytest.mark.parametrize("policy", [None, "Delete"])
def test_sealed_months_are_kept_by_no_volume_that_goes_with_its_tenant(policy: str | None) -> None:
    fakes = Fakes(ARCHIVING)
    fakes.kube.put(tenant())
    if policy is not None:
        storage_class(fakes, policy)
    run(fakes)
    fakes.finish_migration()
    assert run(fakes).endswith("ARCHIVE_NOT_KEPT")
    assert not fakes.kube.find("PersistentVolumeClaim", NAMESPACE)
    assert not fakes.kube.find("Deployment", NAMESPACE)


def test_a_worker_has_its_volume_and_keeps_it_when_the_cell_asks_for_none_any_more() -> None:
    fakes = Fakes(ARCHIVING)
    fakes.kube.put(tenant())
    storage_class(fakes, "Retain")
    go_live(fakes)
    assert fakes.kube.find("PersistentVolumeClaim", NAMESPACE)
    fakes.cell = CELL
    run(fakes)
    assert fakes.kube.find("PersistentVolumeClaim", NAMESPACE)


def storage_class(fakes: Fakes, policy: str) -> None:
    made = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "kept"}}
    fakes.kube.put(made)["reclaimPolicy"] = policy


OLD, WRITTEN = "a" * 64, "d" * 64


@pytest.mark.parametrize(
    ("pods", "status", "said"),
    [
        ({"one": WRITTEN, "two": WRITTEN}, "True", "2 of 2 pods play by the rules"),
        ({"one": WRITTEN, "two": OLD}, "False", "1 of 2 pods play by other rules"),
        ({"one": WRITTEN, "two": ""}, "Unknown", "1 of 2 pods say"),
        ({}, "Unknown", "0 of 0 pods say"),
    ],
)
def test_the_status_tells_whether_the_pods_play_by_the_rules_that_were_written(
    fakes: Fakes, pods: dict[str, str], status: str, said: str
) -> None:
    go_live(fakes)
    fakes.run_pods(**pods)
    assert run(fakes) == "settled"
    found = fakes.condition("RulesInForce")
    assert found["status"] == status and said in found["message"]
    assert fakes.condition("Ready")["status"] == "True"


def test_a_settled_tenant_causes_no_write(fakes: Fakes) -> None:
    go_live(fakes)
    fakes.kube.writes.clear()
    events = len(fakes.kube.events)
    fakes.clock.advance(hours=1)
    run(fakes)
    assert fakes.kube.writes == []
    assert len(fakes.kube.events) == events


def test_events_tell_of_transitions_only(fakes: Fakes) -> None:
    go_live(fakes)
    assert [event["reason"] for event in fakes.kube.events] == ["Progressing", "Live"]


def _steps() -> int:
    made = Fakes(CELL)
    made.kube.put(tenant())
    run(made)
    return len(made.switch.calls)


@pytest.mark.parametrize("step", range(_steps()))
def test_a_fault_at_any_step_is_reported_and_the_next_pass_goes_on(fakes: Fakes, step: int) -> None:
    fakes.switch.fail_at = step
    first = run(fakes)
    if fakes.switch.calls[step] in ("create Event", "list EndpointSlice"):
        assert first == "waiting"  # an Event is a courtesy, and what pods say stops nothing
        return
    assert first == "fault INJECTED"
    written = fakes.condition("Ready")
    if written:  # the tenant could be read and its status be written
        assert written["reason"] == "INJECTED"
        assert fakes.switch.calls[step] in written["message"]
    go_live(fakes)
    assert fakes.tenant()["metadata"]["finalizers"] == [FINALIZER]


def test_a_fault_of_a_store_is_told_under_its_own_condition(fakes: Fakes) -> None:
    fakes.databases.ensure = lambda *_: (_ for _ in ()).throw(Fault("POSTGRESQL_UNREACHABLE", "no answer"))  # type: ignore[method-assign]
    assert run(fakes) == "fault POSTGRESQL_UNREACHABLE"
    assert fakes.condition("Database")["status"] == "False"
    assert fakes.condition("Secrets")["status"] == "True"
    assert not fakes.kube.find("Job", NAMESPACE)
    assert fakes.kube.find("NetworkPolicy", NAMESPACE)


def test_a_casino_of_before_keeps_its_login_until_it_is_replaced(fakes: Fakes) -> None:
    login = "database/roles/casino-acme-gb-app"
    fakes.bao.documents[login] = {}
    fakes.databases.former = {"acme-gb"}
    go_live(fakes)
    assert "IN ROLE" in str(fakes.bao.documents[login])
    assert login.replace("roles", "creds") in fakes.bao.documents["sys/policies/acl/casino-acme-gb"]["policy"]
    fakes.databases.former = set()  # its last pod gave its login back
    run(fakes)
    run(fakes)
    assert login not in fakes.bao.documents
    assert "casino-acme-gb-app" not in str(fakes.bao.documents)


def test_a_fault_of_openbao_is_told_under_its_own_condition(fakes: Fakes) -> None:
    fakes.bao.ensure = lambda *_: (_ for _ in ()).throw(Fault("OPENBAO_UNREACHABLE", "no answer"))  # type: ignore[method-assign]
    assert run(fakes) == "fault OPENBAO_UNREACHABLE"
    assert fakes.condition("Secrets")["status"] == "False"


KEY = "transit/keys/casino-acme-gb"


def test_a_tenant_gets_a_key_that_never_leaves_openbao(fakes: Fakes) -> None:
    go_live(fakes)
    made = fakes.bao.documents[KEY]
    shape = {"type": "aes256-gcm96", "derived": False, "exportable": False, "allow_plaintext_backup": False}
    assert shape.items() <= made.items() and made["deletion_allowed"] is False
    references = [child for child in fakes.tenant()["status"]["children"] if child["kind"] == "OpenBaoTransitKey"]
    assert [child["name"] for child in references] == ["casino-acme-gb"]


def test_a_key_in_place_is_not_written_again(fakes: Fakes) -> None:
    go_live(fakes)
    fakes.switch.calls.clear()
    run(fakes)
    assert [call for call in fakes.switch.calls if "transit" in call] == [f"bao read {KEY}"]


def test_a_key_that_may_be_deleted_is_protected_again_and_its_versions_are_left(fakes: Fakes) -> None:
    go_live(fakes)
    fakes.bao.documents[KEY] |= {"deletion_allowed": True, "latest_version": 3, "min_decryption_version": 2}
    run(fakes)
    found = fakes.bao.documents[KEY]
    assert (found["deletion_allowed"], found["latest_version"], found["min_decryption_version"]) == (False, 3, 2)


@pytest.mark.parametrize(
    "flaw",
    [{"exportable": True}, {"allow_plaintext_backup": True}, {"type": "chacha20-poly1305"}, {"derived": True},
     {"soft_deleted": True}],
)  # fmt: skip
def test_a_key_that_cannot_be_mended_is_told_of_and_still_protected(fakes: Fakes, flaw: dict[str, object]) -> None:
    go_live(fakes)
    fakes.bao.documents[KEY] |= flaw | {"deletion_allowed": True}
    assert run(fakes) == "fault TRANSIT_KEY_UNFIT"
    said = fakes.condition("Secrets")
    assert said["status"] == "False" and next(iter(flaw)).replace("_", "-").split("-")[0] in said["message"]
    assert fakes.bao.documents[KEY] == fakes.bao.documents[KEY] | flaw | {"deletion_allowed": False}


def test_a_bug_shows_in_the_status(fakes: Fakes) -> None:
    fakes.databases.ensure = lambda *_: 1 / 0  # type: ignore[assignment,method-assign]
    assert run(fakes) == "fault INTERNAL"
    assert "ZeroDivisionError" in fakes.condition("Ready")["message"]


def test_a_refused_tenant_gets_nothing_and_is_not_held(fakes: Fakes) -> None:
    fakes.rulebook.refusal = NOWHERE
    assert run(fakes) == "refused NO_PLACE_IN_TERRITORY"
    assert fakes.tenant()["status"]["state"] == "Refused"
    assert fakes.condition("Ready")["message"] == NOWHERE.message
    assert fakes.condition("Placed")["status"] == "False"
    assert "finalizers" not in fakes.tenant()["metadata"]
    assert not fakes.kube.find("Namespace") and not fakes.bao.documents and not fakes.databases.open


def test_a_refusal_that_is_lifted_lets_the_tenant_in(fakes: Fakes) -> None:
    fakes.rulebook.refusal = NOWHERE
    run(fakes)
    fakes.rulebook.refusal = None
    go_live(fakes)


def test_a_later_refusal_tears_nothing_down(fakes: Fakes) -> None:
    go_live(fakes)
    fakes.kube.writes.clear()
    fakes.rulebook.refusal = NOWHERE
    assert run(fakes) == "refused NO_PLACE_IN_TERRITORY"
    assert fakes.kube.writes == ["ConfigMap/casino-operation", "status acme-gb"]
    assert fakes.tenant()["status"]["state"] == "WithdrawOnly"
    assert fakes.condition("Ready")["status"] == "False"
    assert fakes.kube.find("Deployment", NAMESPACE)


def test_a_licence_holds_to_the_end_of_its_last_day(fakes: Fakes) -> None:
    fakes.clock.now = fakes.clock.now.replace(year=2028, month=12, day=31, hour=23)
    assert run(fakes) == "waiting"
    fakes.clock.advance(hours=1)
    assert run(fakes) == "refused LICENCE_EXPIRED"
    assert fakes.condition("LicenceValid")["status"] == "False"


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        ({"paymentProviders": [{"name": "nopay"}]}, "UNKNOWN_PAYMENT_PROVIDER"),
        ({"studios": [{"name": "starbright"}, {"name": "nostudio"}]}, "UNKNOWN_STUDIO"),
        ({"domains": ["x.l3f2a.localhost"]}, "DOMAIN_RESERVED"),
        ({"domains": ["l3f2a.localhost"]}, "DOMAIN_RESERVED"),
        ({"brand": "", "size": "huge"}, "SPEC_INVALID"),
    ],
)
def test_a_spec_that_this_cell_cannot_serve_is_refused(fakes: Fakes, spec: dict[str, object], code: str) -> None:
    fakes.kube.put(tenant(**spec))
    assert run(fakes) == f"refused {code}"
    assert not fakes.kube.find("Namespace")


def test_all_faults_of_a_spec_are_named_at_once(fakes: Fakes) -> None:
    fakes.kube.put(tenant(brand="", size="huge", colour="red"))
    run(fakes)
    message = fakes.condition("Ready")["message"]
    assert all(field in message for field in ("spec.brand", "spec.size", "spec.colour"))


def test_a_domain_stays_with_the_older_tenant(fakes: Fakes) -> None:
    fakes.kube.put(tenant("zulu-gb", domains=["play.example"]))
    fakes.kube.put(tenant(domains=["play.example"]))
    assert run(fakes) == "waiting"
    assert reconcile("zulu-gb", fakes.world).code == "DOMAIN_TAKEN"


def test_recalled_facts_warn(fakes: Fakes) -> None:
    fakes.rulebook.attested = False
    run(fakes)
    assert fakes.condition("Attested")["status"] == "False"
    assert "min_age is recalled." in fakes.condition("Attested")["message"]


def test_the_rules_that_a_casino_plays_by_are_told_by_their_hash(fakes: Fakes) -> None:
    go_live(fakes)
    assert fakes.tenant()["status"]["rules"] == {"digest": "d" * 64, "catalogue": "c" * 64}


def test_a_law_ahead_gives_a_living_tenant_a_deadline_and_takes_it_back(fakes: Fakes) -> None:
    go_live(fakes)
    deadline = datetime(2026, 12, 1, 3, tzinfo=UTC)
    fakes.rulebook.ahead = LawAhead(deadline, "Move from eu-west-2 to sa-east-1.")
    assert run(fakes) == "settled"
    told = fakes.condition("Lawful")
    assert (told["status"], told["reason"]) == ("True", "UnlawfulAhead")
    assert told["message"] == "Unlawful from 2026-12-01T03:00:00Z on. Move from eu-west-2 to sa-east-1."
    assert fakes.tenant()["status"]["lawfulUntil"] == "2026-12-01T03:00:00Z"
    fakes.rulebook.ahead = None
    run(fakes)
    assert fakes.condition("Lawful")["reason"] == "Lawful"
    assert "lawfulUntil" not in fakes.tenant()["status"]


def test_what_the_law_made_unlawful_says_since_when_and_stays_up(fakes: Fakes) -> None:
    go_live(fakes)
    since = datetime(2026, 11, 1, 3, tzinfo=UTC)
    fakes.rulebook.refusal = replace(NOWHERE, since=since)
    assert run(fakes) == "refused NO_PLACE_IN_TERRITORY"
    told = fakes.condition("Lawful")
    assert (told["status"], told["reason"]) == ("False", "NO_PLACE_IN_TERRITORY")
    assert told["message"].startswith("Unlawful from 2026-11-01T03:00:00Z on.")
    assert fakes.tenant()["status"]["state"] == "WithdrawOnly"
    assert fakes.record()["play_until"] == "2026-11-01T03:00:00Z"
    assert fakes.kube.find("Deployment", NAMESPACE)


def test_a_casino_that_must_know_where_players_are_is_built_where_that_can_be_known(fakes: Fakes) -> None:
    fakes.rulebook.rules = replace(fakes.rulebook.rules, text='{"geolocation_moments": ["bet"]}')
    assert run(fakes) == "refused NETWORKS_MISSING"
    assert "domicile-networks" in fakes.condition("Ready")["message"]
    fakes.cell = CELL.model_copy(update={"networks": "network,region,anonymiser\n"})
    assert run(fakes) == "waiting"


def test_a_tenant_stays_where_its_records_rest_even_if_status_is_lost(fakes: Fakes) -> None:
    go_live(fakes)
    fakes.tenant()["status"] = {}
    fakes.cell = CELL.model_copy(update={"places": ("sa-east-1", "eu-west-2")})
    run(fakes)
    assert fakes.rulebook.asked[-1] == ("eu-west-2",)
    assert fakes.tenant()["status"]["place"] == "eu-west-2"


def test_old_pods_serve_on_while_a_new_version_migrates(fakes: Fakes) -> None:
    go_live(fakes)
    fakes.image = "registry.test/casino:0.2.0"
    assert run(fakes) == "settled"  # and its turn has come
    assert run(fakes) == "waiting"
    assert fakes.condition("Ready")["status"] == "True"
    assert fakes.condition("Progressing")["status"] == "True"
    deployment, _worker, _realtime = fakes.kube.find("Deployment", NAMESPACE)
    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"].endswith("0.1.0-abc1234")
    fakes.finish_migration()
    assert run(fakes) == "waiting"
    fakes.roll_out()
    assert run(fakes) == "settled"
    assert fakes.tenant()["status"]["version"] == "0.2.0"
    assert len(fakes.kube.find("Job", NAMESPACE)) == 1


@pytest.mark.parametrize(
    ("lost", "serves"), [("casino", "False"), ("casino-worker", "True"), ("casino-realtime", "True")]
)
def test_a_casino_with_no_pod_is_not_ready_and_one_without_a_worker_or_real_time_serves_on(
    fakes: Fakes, lost: str, serves: str
) -> None:
    go_live(fakes)
    (deployment,) = (d for d in fakes.kube.find("Deployment", NAMESPACE) if d["metadata"]["name"] == lost)
    deployment["status"]["availableReplicas"] = 0
    assert run(fakes) == "waiting"
    assert fakes.condition("Ready")["status"] == serves
    assert "Waiting for" in fakes.condition("Progressing")["message"]


def test_a_failed_migration_is_told_and_tried_again_in_ten_minutes(fakes: Fakes) -> None:
    run(fakes)
    fakes.finish_migration(failed=True)
    assert run(fakes) == "fault MIGRATION_FAILED"
    assert "kubectl logs -n casino-acme-gb job/casino-migrate-" in fakes.condition("Ready")["message"]
    fakes.clock.advance(minutes=11)
    run(fakes)
    assert run(fakes) == "waiting"
    fakes.finish_migration()
    assert run(fakes) == "waiting"
    assert fakes.kube.find("Deployment", NAMESPACE)


def test_a_smaller_tenant_loses_its_disruption_budget(fakes: Fakes) -> None:
    fakes.kube.put(tenant(size="large"))
    go_live(fakes)
    assert fakes.kube.find("PodDisruptionBudget", NAMESPACE)
    fakes.kube.put(tenant(size="small"))
    run(fakes)
    assert not fakes.kube.find("PodDisruptionBudget", NAMESPACE)


def test_a_namespace_of_somebody_else_is_left_alone(fakes: Fakes) -> None:
    fakes.kube.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    assert run(fakes) == "fault NAMESPACE_NOT_OURS"
    assert fakes.kube.writes == ["status acme-gb"]


def test_a_stripped_label_is_drift_and_no_loss_of_ownership(fakes: Fakes) -> None:
    go_live(fakes)
    (namespace,) = fakes.kube.find("Namespace")
    del namespace["metadata"]["labels"][LABEL_TENANT]
    namespace["_intact"] = False
    assert run(fakes) == "settled"
    assert namespace["metadata"]["labels"][LABEL_TENANT] == "acme-gb"


def test_an_unreadable_cell_is_a_fault(fakes: Fakes) -> None:
    def broken() -> None:
        raise Fault("CELL_UNREADABLE", "write it again")

    world = fakes.world
    object.__setattr__(world, "cell", broken)
    assert reconcile("acme-gb", world).code == "CELL_UNREADABLE"
    assert fakes.condition("Ready")["reason"] == "CELL_UNREADABLE"


def test_a_tenant_that_is_gone_ends_the_passes(fakes: Fakes) -> None:
    assert reconcile("nobody", fakes.world).kind == "gone"

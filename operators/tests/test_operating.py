"""The record of what may be done, through the operator's passes: with fakes at the edge."""

import json
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from domicile_catalog import State
from domicile_catalog.acts import EVERYTHING, PAYING_OUT, acts_of
from domicile_operator.annotations import APPLIED
from domicile_operator.decide import decide
from domicile_operator.errors import Fault
from domicile_operator.leadership import Leadership
from domicile_operator.names import FINALIZER, MARK_ONBOARDED, MARK_REVISION, Names
from domicile_operator.operation import Operation, operate
from domicile_operator.plan import LawAhead
from domicile_operator.reconcile import Outcome, reconcile
from domicile_operator.releases.course import Release
from domicile_operator.runtime import WAITING_SECONDS, Runtime
from domicile_operator.settings import Settings
from domicile_operator.spec import TenantSpec
from hypothesis import given
from hypothesis import strategies as st
from operator_testkit.fakes import IMAGE, NOWHERE, FakeRulebook, Fakes
from operator_testkit.leases import OneLease
from operator_testkit.passes import go_live, run
from operator_testkit.samples import CELL, SPEC, tenant

NAMESPACE = "casino-acme-gb"
ALL = ["deposit", "register", "stake", "withdraw"]
WITHDRAW = ["withdraw"]


@pytest.fixture
def fakes() -> Fakes:
    made = Fakes(CELL)
    made.kube.put(tenant())
    return made


@pytest.fixture
def live(fakes: Fakes) -> Fakes:
    go_live(fakes)
    return fakes


def marks(fakes: Fakes) -> dict[str, str]:
    (namespace,) = fakes.kube.find("Namespace")
    found: dict[str, str] = namespace["metadata"].get("annotations", {})
    return {key: value for key, value in found.items() if key != APPLIED}


def ask_for(fakes: Fakes, **spec: Any) -> None:
    fakes.kube.put(tenant(**spec))


def status(fakes: Fakes) -> dict[str, Any]:
    found: dict[str, Any] = fakes.tenant()["status"]
    return found


def test_nothing_may_be_done_until_everything_was_in_place_once(fakes: Fakes) -> None:
    for step in (lambda: None, fakes.finish_migration):
        step()
        assert run(fakes) == "waiting"
        assert (fakes.record()["state"], fakes.record()["acts"]) == ("Onboarding", [])
        assert MARK_ONBOARDED not in marks(fakes)
        assert status(fakes)["state"] == "Onboarding"
    fakes.roll_out()
    assert run(fakes) == "settled"
    assert (fakes.record()["state"], fakes.record()["acts"], fakes.record()["reason"]) == ("Live", ALL, "")
    assert fakes.record()["play_until"] == "2029-01-01T00:00:00Z"
    assert marks(fakes) == {MARK_ONBOARDED: "2026-11-22T12:00:00Z", MARK_REVISION: str(fakes.record()["revision"])}
    assert status(fakes)["state"] == "Live"


def test_the_record_is_there_before_whoever_could_do_anything(fakes: Fakes) -> None:
    run(fakes)
    applied = [call for call in fakes.switch.calls if call.startswith("apply")]
    assert applied.index("apply ConfigMap/casino-operation") == 1  # after the namespace
    assert not fakes.kube.find("Deployment", NAMESPACE)


def test_what_was_onboarded_once_is_not_again(live: Fakes) -> None:
    revision = live.record()["revision"]
    for found in live.kube.find("Deployment", NAMESPACE):
        found["status"] = {}
    assert run(live) == "waiting"
    assert (live.record()["revision"], live.record()["state"]) == (revision, "Live")
    live.tenant()["status"] = {}
    live.kube.objects.pop(("ConfigMap", NAMESPACE, "casino-operation"))
    live.kube.writes.clear()
    assert run(live) == "waiting"
    assert live.record()["state"] == "Live"
    assert live.kube.writes.count("ConfigMap/casino-operation") == 1


def test_a_casino_from_before_there_were_records_stays_open(live: Fakes) -> None:
    del live.kube.objects["ConfigMap", NAMESPACE, "casino-operation"]
    live.kube.objects["Namespace", "", NAMESPACE]["metadata"].pop("annotations")
    live.tenant()["status"].pop("operation")
    live.image = "registry.test/casino:0.2.0"  # the release that brings them
    run(live)
    assert run(live) == "waiting"
    assert (live.record()["revision"], live.record()["state"]) == (1, "Live")
    assert MARK_ONBOARDED in marks(live)


@pytest.mark.parametrize(
    ("spec", "acts"),
    [
        ({"state": "ClosedToNewPlayers"}, ["deposit", "stake", "withdraw"]),
        ({"state": "WithdrawOnly"}, WITHDRAW),
        ({"state": "Suspended"}, []),
        ({"state": "Suspended", "suspension": {"withdrawals": True}}, WITHDRAW),
    ],
)
def test_a_state_is_in_the_record_and_in_the_status_and_rolls_no_pod(
    live: Fakes, spec: dict[str, Any], acts: list[str]
) -> None:
    before = live.record()
    live.kube.writes.clear()
    ask_for(live, **spec)
    assert run(live) == "settled"
    record = live.record()
    assert (record["state"], record["acts"], record["revision"]) == (spec["state"], acts, before["revision"] + 1)
    assert record["reason"]
    assert live.kube.writes == ["ConfigMap/casino-operation", "status acme-gb"]
    told = status(live)
    assert (told["state"], told["operation"]["acts"]) == (spec["state"], acts)
    assert live.condition("Ready")["status"] == "True" and live.condition("Ready")["reason"] == spec["state"]
    ask_for(live)
    run(live)
    assert (live.record()["state"], live.record()["revision"]) == ("Live", before["revision"] + 2)


def test_a_suspension_takes_effect_while_the_stores_are_away_and_the_cell_cannot_be_read(live: Fakes) -> None:
    live.bao.ensure = lambda *_: (_ for _ in ()).throw(Fault("OPENBAO_SEALED", "Unseal it."))  # type: ignore[method-assign]
    ask_for(live, state="WithdrawOnly")
    assert run(live) == "fault OPENBAO_SEALED"
    assert live.record()["acts"] == WITHDRAW

    def broken() -> None:
        raise Fault("CELL_UNREADABLE", "Write it again.")

    ask_for(live, state="Suspended")
    world = live.world
    object.__setattr__(world, "cell", broken)
    assert reconcile("acme-gb", world).code == "CELL_UNREADABLE"
    assert live.record()["acts"] == []
    ask_for(live)
    assert reconcile("acme-gb", world).code == "CELL_UNREADABLE"
    assert live.record()["acts"] == []  # what cannot be asked opens nothing


def test_a_suspension_takes_effect_in_a_spec_that_is_refused(live: Fakes) -> None:
    ask_for(live, state="Suspended", brand="", size="huge")
    assert run(live) == "refused SPEC_INVALID"
    assert live.record()["acts"] == [] and status(live)["state"] == "Suspended"
    ask_for(live, state="WithdrawOnly", paymentProviders=[{"name": "nopay"}])
    assert run(live) == "refused UNKNOWN_PAYMENT_PROVIDER"
    assert live.record()["acts"] == WITHDRAW


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        ({"paymentProviders": [{"name": "nopay"}]}, "UNKNOWN_PAYMENT_PROVIDER"),
        ({"domains": ["x.l3f2a.localhost"]}, "DOMAIN_RESERVED"),
        ({"brand": ""}, "SPEC_INVALID"),
    ],
)
def test_a_refusal_that_is_no_laws_changes_nothing_of_what_may_be_done(
    live: Fakes, spec: dict[str, Any], code: str
) -> None:
    before = live.record()
    ask_for(live, **spec)
    assert run(live) == f"refused {code}"
    assert live.record() == before and status(live)["state"] == "Live"


def test_a_cell_that_is_for_others_changes_nothing_of_what_may_be_done(live: Fakes) -> None:
    before = live.record()
    live.cell = CELL.model_copy(update={"jurisdictions": ("BR",)})
    assert run(live) == "refused NOT_SERVED"
    assert live.record() == before


LAST_DAY = datetime(2028, 12, 31, 23, 59, tzinfo=UTC)


def test_at_its_licences_end_a_casino_keeps_running_with_withdrawals_alone(live: Fakes) -> None:
    live.clock.now = LAST_DAY
    assert run(live) == "settled"
    assert live.record()["acts"] == ALL
    live.clock.advance(minutes=1)
    assert run(live) == "refused LICENCE_EXPIRED"
    record = live.record()
    assert (record["state"], record["acts"], record["play_until"]) == ("WithdrawOnly", WITHDRAW, "2029-01-01T00:00:00Z")
    assert record["reason"] == "The licence ended on 2028-12-31."
    assert status(live)["state"] == "WithdrawOnly"
    assert live.condition("Ready")["reason"] == "LICENCE_EXPIRED"
    # Players are owed their balances for weeks: what runs goes on being repaired.
    live.kube.objects.pop(("Deployment", NAMESPACE, "casino"))
    assert run(live) == "refused LICENCE_EXPIRED"
    assert ("Deployment", NAMESPACE, "casino") in live.kube.objects
    live.roll_out()
    assert run(live) == "refused LICENCE_EXPIRED"
    assert live.condition("Progressing")["reason"] == "Settled"
    assert reconcile("acme-gb", live.world).soon


LICENCE = SPEC["licence"]


@pytest.mark.parametrize("looked", [True, False], ids=["seen", "while the operator was away"])
def test_a_renewed_licence_opens_nothing_until_the_state_is_written_anew(live: Fakes, looked: bool) -> None:
    live.clock.now = LAST_DAY.replace(year=2029)
    if looked:
        run(live)
    renewed = {"licence": LICENCE | {"validUntil": "2031-12-31"}}
    ask_for(live, **renewed)
    for _ in range(2):
        assert run(live) == "settled"
        assert live.record()["acts"] == WITHDRAW and status(live)["state"] == "WithdrawOnly"
        assert "first WithdrawOnly" in live.condition("OperationInForce")["message"]
    ask_for(live, **renewed, state="WithdrawOnly")
    run(live)
    assert live.record()["play_until"] == "2032-01-01T00:00:00Z"
    assert "first WithdrawOnly" not in live.condition("OperationInForce")["message"]
    ask_for(live, **renewed)
    run(live)
    assert live.record()["acts"] == ALL


def test_an_edit_of_the_record_undoes_no_end_of_play(live: Fakes) -> None:
    live.clock.now = LAST_DAY.replace(year=2029)
    run(live)
    ask_for(live, licence=LICENCE | {"validUntil": "2031-12-31"})
    run(live)
    held = live.kube.objects["ConfigMap", NAMESPACE, "casino-operation"]
    opened = live.record() | {"acts": ALL, "state": "Live", "play_until": None}
    held["data"]["operation.json"], held["_intact"] = json.dumps(opened), False
    run(live)
    assert live.record()["acts"] == WITHDRAW and live.record()["play_until"] == "2029-01-01T00:00:00Z"
    assert live.record()["revision"] > opened["revision"]


def test_what_the_law_refuses_leaves_withdrawals_from_its_day_on(live: Fakes) -> None:
    live.rulebook.ahead = LawAhead(datetime(2026, 12, 1, 3, tzinfo=UTC), "Move.")
    run(live)
    assert (live.record()["acts"], live.record()["play_until"]) == (ALL, "2026-12-01T03:00:00Z")
    live.clock.now = datetime(2026, 12, 1, 3, tzinfo=UTC)
    live.rulebook.ahead = None
    live.rulebook.refusal = replace(NOWHERE, since=live.clock.now)
    assert run(live) == "refused NO_PLACE_IN_TERRITORY"
    assert (live.record()["acts"], live.record()["play_until"]) == (WITHDRAW, "2026-12-01T03:00:00Z")
    assert "NO_PLACE_IN_TERRITORY" in live.record()["reason"]
    assert live.kube.find("Deployment", NAMESPACE)


def test_what_lacks_its_papers_opens_by_itself_when_they_are_there(live: Fakes) -> None:
    live.rulebook.refusal = NOWHERE
    run(live)
    assert (live.record()["acts"], live.record()["play_until"]) == (WITHDRAW, "2029-01-01T00:00:00Z")
    live.rulebook.refusal = None
    assert run(live) == "settled"
    assert live.record()["acts"] == ALL


def test_a_tenant_that_was_never_built_has_no_record(fakes: Fakes) -> None:
    fakes.rulebook.refusal = NOWHERE
    assert run(fakes) == "refused NO_PLACE_IN_TERRITORY"
    assert not fakes.record() and "operation" not in status(fakes)
    assert status(fakes)["state"] == "Refused"
    assert fakes.condition("OperationInForce")["reason"] == "NoRecord"
    assert not reconcile("acme-gb", fakes.world).soon


def test_a_namespace_of_somebody_else_gets_no_record(fakes: Fakes) -> None:
    fakes.kube.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    for _ in range(3):
        assert run(fakes) == "fault NAMESPACE_NOT_OURS"
    assert not fakes.record() and not marks(fakes)
    assert fakes.kube.writes == ["status acme-gb"]


def gone(_: str) -> None:
    return None


def edited(text: str) -> str:
    return json.dumps(json.loads(text) | {"acts": ALL, "state": "Live"})


def broken(_: str) -> str:
    return "{"


def older(text: str) -> str:
    return json.dumps(json.loads(text) | {"revision": 1})


@pytest.mark.parametrize("lost", [gone, edited, broken, older])
@pytest.mark.parametrize("left", ["annotation", "status", "pods"])
def test_whatever_is_lost_the_next_revision_is_a_new_one(live: Fakes, lost: Any, left: str) -> None:
    ask_for(live, state="Suspended")
    run(live)
    revision = live.record()["revision"]
    live.follow((revision, revision), worker=[(revision, revision)])
    found = live.kube.objects.pop(("ConfigMap", NAMESPACE, "casino-operation"))
    text = lost(found["data"]["operation.json"])
    if text is not None:
        found["data"]["operation.json"] = text
        live.kube.objects["ConfigMap", NAMESPACE, "casino-operation"] = found | {"_intact": False}
    if left != "annotation":
        marks(live).pop(MARK_REVISION)
    if left != "status":
        live.tenant()["status"].pop("operation")
    live.kube.writes.clear()
    run(live)
    record = live.record()
    if text is None:
        assert live.kube.writes.count("ConfigMap/casino-operation") == 1  # never one that the ledger would refuse
    assert (record["state"], record["acts"]) == ("Suspended", [])
    assert record["revision"] > revision
    assert marks(live)[MARK_REVISION] == str(record["revision"])


def test_a_revision_that_only_a_ledger_knows_is_overtaken(live: Fakes) -> None:
    live.follow((40, 40), worker=[(40, 40)])  # of before the database was taken over by this tenant
    run(live)
    assert live.record()["revision"] == 41
    assert live.condition("OperationInForce")["reason"] == "OtherRevision"
    live.follow((41, 41), worker=[(41, 41)])
    run(live)
    assert live.condition("OperationInForce")["status"] == "True"
    assert live.record()["revision"] == 41


@pytest.mark.parametrize("told", ["999999999999", "9" * 40, "-3", "1e9", "", "\u0665"])
def test_no_number_that_somebody_writes_ends_the_revisions(live: Fakes, told: str) -> None:
    marks(live)[MARK_REVISION] = told
    for state in ("Suspended", "Live"):
        ask_for(live, state=state)
        revision = live.record()["revision"]
        run(live)
        assert live.record()["state"] == state and live.record()["revision"] > revision
    live.kube.writes.clear()
    run(live)
    assert not live.kube.writes


def test_a_deleted_namespace_is_built_anew_with_a_later_revision(live: Fakes) -> None:
    revision = live.record()["revision"]
    live.kube.finish_namespace(NAMESPACE)
    run(live)
    assert live.record()["revision"] > revision and live.record()["state"] == "Live"


def in_force(fakes: Fakes) -> tuple[str, str]:
    run(fakes)
    found = fakes.condition("OperationInForce")
    return found["status"], found["reason"]


def test_a_record_holds_when_every_pod_shows_it_and_what_began_before_is_over(live: Fakes) -> None:
    n = live.record()["revision"]
    assert in_force(live) == ("Unknown", "NotSeen")
    live.follow((n, n))
    assert in_force(live) == ("Unknown", "NotSeen")  # nobody of the worker
    live.follow((n, n), (n - 1, n - 1), worker=[(n, n)])
    assert in_force(live) == ("False", "OtherRevision")
    assert reconcile("acme-gb", live.world).behind
    live.follow((n, n - 1), (n, 0), worker=[(n, 0)])
    assert in_force(live) == ("False", "BarrierNotPassed")
    assert "since" not in status(live)["operation"]
    live.follow((n, n - 1), (n, n), worker=[(n, 0)])  # one that began a moment ago knows of no barrier
    live.clock.advance(seconds=30)
    assert in_force(live) == ("True", "InForce")
    since = status(live)["operation"]["since"]
    assert since == "2026-11-22T12:00:30Z"
    assert not reconcile("acme-gb", live.world).behind
    live.clock.advance(hours=1)
    run(live)
    assert status(live)["operation"]["since"] == since


def test_that_a_record_holds_never_stays_from_an_earlier_pass(live: Fakes) -> None:
    n = live.record()["revision"]
    live.follow((n, n), worker=[(n, n)])
    assert in_force(live) == ("True", "InForce")
    ask_for(live, state="Suspended")
    assert in_force(live) == ("False", "OtherRevision")
    assert "since" not in status(live)["operation"]
    live.follow((n + 1, n + 1), worker=[(n + 1, n + 1)])
    assert in_force(live) == ("True", "InForce")
    assert live.condition("OperationInForce")["message"].startswith("2 of 2 pods hold to it. Revision")
    holds, real_list, real_get = status(live)["operation"], live.kube.list, live.kube.get
    live.kube.list = lambda *_: (_ for _ in ()).throw(Fault("KUBERNETES_UNREACHABLE", "no answer"))  # type: ignore[method-assign]
    assert in_force(live) == ("Unknown", "KUBERNETES_UNREACHABLE")
    live.kube.list = real_list  # type: ignore[method-assign]
    assert in_force(live) == ("True", "InForce")
    live.kube.get = _only_the_tenant(live)  # type: ignore[method-assign]
    assert in_force(live) == ("Unknown", "KUBERNETES_UNREACHABLE")
    assert status(live)["operation"] == holds  # the number is not forgotten
    live.kube.get = real_get  # type: ignore[method-assign]
    assert in_force(live) == ("True", "InForce")
    live.tenant()["metadata"]["deletionTimestamp"] = "2026-11-22T12:00:00Z"
    live.tenant()["metadata"]["finalizers"] = [FINALIZER]
    assert in_force(live)[0] == "Unknown"


def _only_the_tenant(fakes: Fakes) -> Any:
    real = fakes.kube.get

    def get(api_version: str, kind: str, name: str, namespace: str | None = None) -> Any:
        if kind != "CasinoTenant":
            raise Fault("KUBERNETES_UNREACHABLE", "no answer")
        return real(api_version, kind, name, namespace)

    return get


@pytest.mark.parametrize("step", range(12))
def test_a_fault_at_any_step_of_a_suspension_only_delays_it(live: Fakes, step: int) -> None:
    revision = live.record()["revision"]
    ask_for(live, state="Suspended")
    live.switch.calls.clear()
    live.switch.fail_at = step
    run(live)
    live.switch.fail_at = None
    run(live)
    found = live.record()
    assert found["acts"] == [] and found["revision"] > revision
    assert int(marks(live)[MARK_REVISION]) >= found["revision"]


def test_an_annotation_that_somebody_put_on_meanwhile_is_not_lost(fakes: Fakes) -> None:
    run(fakes)
    namespace = fakes.kube.objects["Namespace", "", NAMESPACE]
    assert not marks(fakes)
    namespace["metadata"]["annotations"] = {}  # as a version of before left it
    real = fakes.kube.patch_json

    def slow(*arguments: Any) -> None:
        namespace["metadata"]["annotations"] = {"team": "blue"}
        namespace["metadata"]["resourceVersion"] = "999"
        real(*arguments)

    fakes.kube.patch_json = slow  # type: ignore[method-assign]
    assert run(fakes) == "fault CONFLICT"
    fakes.kube.patch_json = real  # type: ignore[method-assign]
    run(fakes)
    assert marks(fakes)["team"] == "blue" and MARK_REVISION in marks(fakes)


def test_a_settled_record_is_not_written_again(live: Fakes) -> None:
    run(live)
    live.switch.calls.clear()
    live.kube.writes.clear()
    run(live)
    assert not live.kube.writes and not [call for call in live.switch.calls if call.startswith("patch")]


def test_what_runs_is_looked_at_as_often_whether_it_is_refused_or_not(fakes: Fakes) -> None:
    runtime = Runtime(fakes.world, Settings("registry.test/casino:1"), Leadership(OneLease(), "a"))
    for name, soon in (("runs-gb", True), ("never-gb", False)):
        runtime._schedule(name, Outcome("refused", "X", soon=soon))
    runtime._schedule("behind-gb", Outcome("settled", behind=True))
    due = {name: at - time.monotonic() for name, at in runtime._queue._due.items()}
    assert due["behind-gb"] <= WAITING_SECONDS < due["runs-gb"] <= Settings("x").resync_seconds < 500 < due["never-gb"]


@given(
    st.sampled_from(State),
    st.integers(-400, 400),
    st.booleans(),
    st.none() | st.integers(-400, 0),
    st.none() | st.builds(Operation, st.just("Live"), st.just(EVERYTHING)),
)
def test_whatever_is_refused_for_its_licence_or_by_law_leaves_withdrawals_at_most(
    state: State, licence_days: int, unlawful: bool, since: int | None, before: Operation | None
) -> None:
    now = datetime(2028, 6, 1, 12, tzinfo=UTC)
    rulebook = FakeRulebook()
    if unlawful:
        rulebook.refusal = replace(NOWHERE, since=now + timedelta(days=since) if since is not None else None)
    ends = (now + timedelta(days=licence_days)).date()
    spec = TenantSpec.model_validate(SPEC | {"state": state, "licence": LICENCE | {"validUntil": ends.isoformat()}})
    decision = decide(
        Names("acme-gb"),
        spec,
        cell=CELL,
        release=Release(IMAGE),
        rulebook=rulebook,
        today=now.date(),
        pinned="eu-west-2",
    )
    operation = operate(decision.sources, onboarded=True, before=before, now=now)
    assert operation is not None and (decision.refused is not None) == (unlawful or licence_days < 0)
    if decision.refused is not None:
        assert operation.acts <= PAYING_OUT and operation.reason
    else:
        assert operation.acts == acts_of(state) and operation.play_until == decision.licence_ends

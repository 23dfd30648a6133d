"""Drift, seen and told: pure functions of objects as the API server gives them."""

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from domicile_operator.annotations import APPLIED, asked_of, request_of
from domicile_operator.conditions import Condition, merge
from domicile_operator.drift import compare, stamp, taking_back
from domicile_operator.names import FIELD_MANAGER
from domicile_operator.ownership import given, made_by_us, ours
from domicile_operator.record import Change, Record
from domicile_operator.told import (
    DRIFT_AGAIN,
    DRIFT_LIMIT,
    DRIFT_SHOWN,
    LAGS,
    PLAN_LIMIT,
    degraded,
    drift_condition,
    drift_event,
    drift_of_late,
    plan_of,
)
from hypothesis import given as over
from hypothesis import strategies as st
from operator_testkit.samples import plan, tenant

NAMES = plan().names
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)

MANIFEST: dict[str, Any] = stamp(
    {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "casino", "labels": {"domicile.dev/tenant": "acme-gb"}},
        "spec": {"replicas": 1, "containers": [{"name": "casino", "image": "a", "args": ["serve"], "env": []}]},
    }
)
OWN = {
    "f:metadata": {"f:labels": {"f:domicile.dev/tenant": {}}, "f:annotations": {f"f:{APPLIED}": {}}},
    "f:spec": {
        "f:replicas": {},
        "f:containers": {'k:{"name":"casino"}': {".": {}, "f:name": {}, "f:image": {}, "f:args": {}}},
    },
}


def live(**others: dict[str, Any]) -> dict[str, Any]:
    """As stored after our apply, with the API server's defaults and whatever other managers have."""
    found = copy.deepcopy(MANIFEST)
    found["spec"]["paused"] = False
    found["metadata"] |= {"uid": "u", "generation": 3, "resourceVersion": "7"}
    own = copy.deepcopy(OWN)
    found["metadata"]["managedFields"] = [
        {"manager": FIELD_MANAGER, "operation": "Apply", "fieldsV1": own},
        *({"manager": name, "operation": "Update", "fieldsV1": fields} for name, fields in others.items()),
    ]
    return found


def taken(found: dict[str, Any], *path: str) -> None:
    """A field that another manager's write took from ours."""
    node = found["metadata"]["managedFields"][0]["fieldsV1"]
    for step in path[:-1]:
        node = node[step]
    del node[path[-1]]


def test_what_is_as_it_was_applied_is_no_difference() -> None:
    after = live()
    after["metadata"] |= {"generation": 4, "resourceVersion": "9"}
    after["status"] = {"replicas": 1}
    assert compare(MANIFEST, live(), after) == []


def test_an_edit_is_told_with_its_path_and_who_made_it() -> None:
    found = live(kubectl={"f:spec": {"f:containers": {'k:{"name":"casino"}': {"f:image": {}}}}})
    taken(found, "f:spec", "f:containers", 'k:{"name":"casino"}', "f:image")
    found["spec"]["containers"][0]["image"] = "evil"
    (one,) = compare(MANIFEST, found, live())
    assert (one.path, one.by, one.drift) == ("spec.containers[casino].image", ("kubectl",), True)


def test_a_label_that_was_taken_off_is_drift_though_nobody_owns_what_is_not_there() -> None:
    found = live()
    del found["metadata"]["labels"]["domicile.dev/tenant"]
    taken(found, "f:metadata", "f:labels", "f:domicile.dev/tenant")
    (one,) = compare(MANIFEST, found, live())
    assert (one.path, one.by, one.drift) == ("metadata.labels[domicile.dev/tenant]", (), True)


def test_a_new_version_of_ours_is_a_rollout_and_no_drift() -> None:
    newer = stamp(MANIFEST | {"spec": MANIFEST["spec"] | {"replicas": 2, "minReadySeconds": 5}})
    after = live()
    after["metadata"]["annotations"] = newer["metadata"]["annotations"]
    after["spec"] |= {"replicas": 2, "minReadySeconds": 5}
    assert {(one.path, one.drift) for one in compare(newer, live(), after)} == {
        ("spec.replicas", False),
        ("spec.minReadySeconds", False),
    }


def test_an_edit_that_a_new_version_meets_is_drift_still() -> None:
    newer = stamp(MANIFEST | {"spec": MANIFEST["spec"] | {"minReadySeconds": 5}})
    found = live(kubectl={"f:spec": {"f:replicas": {}}})
    taken(found, "f:spec", "f:replicas")
    found["spec"]["replicas"] = 9
    after = live()
    after["spec"]["minReadySeconds"] = 5
    assert {(one.path, one.drift) for one in compare(newer, found, after)} == {
        ("spec.replicas", True),
        ("spec.minReadySeconds", False),
    }


def test_a_field_that_we_leave_to_others_is_not_ours() -> None:
    """An autoscaler that scales between our look and our apply."""
    bare = copy.deepcopy(MANIFEST)
    del bare["spec"]["replicas"]
    before, after = live(hpa={"f:spec": {"f:replicas": {}}}), live()
    taken(before, "f:spec", "f:replicas")
    after["spec"]["replicas"] = 6
    assert compare(stamp(bare), before, after) == []


def test_a_field_that_we_no_longer_state_goes_and_is_no_drift() -> None:
    older = live()
    older["spec"]["minReadySeconds"] = 5
    older["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"]["f:minReadySeconds"] = {}
    older["metadata"]["annotations"][APPLIED] = "another"
    (one,) = compare(MANIFEST, older, live())
    assert (one.path, one.drift) == ("spec.minReadySeconds", False)


def grown(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.dictionaries(st.text("abc", min_size=1, max_size=2), inner, max_size=3) | st.lists(inner, max_size=3)


@over(st.recursive(st.integers() | st.text(max_size=3), grown, max_leaves=8))
def test_whatever_a_manifest_states_is_seen_when_it_differs(stated: Any) -> None:
    manifest = stamp({"kind": "X", "metadata": {"name": "x"}, "spec": {"stated": stated}})
    other = copy.deepcopy(manifest)
    other["spec"]["stated"] = {"another": "value"} if stated != {"another": "value"} else {}
    assert compare(manifest, other, manifest)
    assert compare(manifest, manifest, manifest) == []


@pytest.mark.parametrize(
    "left", [{"maxSurge": "25%", "maxUnavailable": 0}, {"maxSurge": "31%", "maxUnavailable": "32%"}]
)
def test_what_somebody_left_beside_a_strategy_is_taken_back_by_values_that_nobody_else_has(
    left: dict[str, Any],
) -> None:
    recreated = MANIFEST | {"spec": MANIFEST["spec"] | {"strategy": {"type": "Recreate"}}}
    found = live()
    found["spec"]["strategy"] = {"type": "RollingUpdate", "rollingUpdate": left}
    first = taking_back(recreated, found)
    assert first is not None and first["spec"]["containers"] == MANIFEST["spec"]["containers"]
    ours = first["spec"]["strategy"]["rollingUpdate"]
    assert ours.keys() == left.keys() and all(ours[key] != left[key] for key in left)
    assert taking_back(recreated, live()) is None and taking_back(recreated, None) is None
    assert taking_back(MANIFEST, found) is None


def test_a_stamp_says_what_was_stated_and_nothing_of_itself() -> None:
    assert stamp(MANIFEST | {"spec": {}})["metadata"]["annotations"] != MANIFEST["metadata"]["annotations"]
    kept = stamp({"kind": "X", "metadata": {"name": "x", "annotations": {"a": "b"}}})
    assert kept["metadata"]["annotations"].keys() == {"a", APPLIED}


DRIFT = Change("ConfigMap", "casino-config", "casino-acme-gb", "update", ("data[rules.json]",), ("kubectl",), True)


def test_drift_is_told_for_ten_minutes_after_it_was_last_seen() -> None:
    first = drift_of_late([], [DRIFT], NOON, repaired=True)
    told = drift_condition(first)
    assert (told.status, told.reason) == ("True", "Repaired")
    assert "ConfigMap casino-config (data[rules.json]), by kubectl." in told.message
    again = drift_of_late(first, [DRIFT], NOON + timedelta(minutes=9), repaired=True)
    assert len(again) == 1
    assert drift_of_late(again, [], NOON + timedelta(minutes=18), repaired=True) == again
    ended = drift_of_late(again, [], NOON + timedelta(minutes=9) + DRIFT_SHOWN, repaired=True)
    assert ended == [] and drift_condition(ended).status == "False"


def test_a_fight_over_a_field_writes_once_a_minute_and_makes_one_event() -> None:
    entries: list[dict[str, Any]] = []
    made, written = 0, 0
    for seconds in range(0, 300, 5):
        after = drift_of_late(entries, [DRIFT], NOON + timedelta(seconds=seconds), repaired=True)
        made += len(drift_event(entries, after))
        written += after != entries
        entries = after
    assert made == 1 and written == 300 / DRIFT_AGAIN.total_seconds()


def test_what_is_due_by_ourselves_is_no_drift_and_a_lost_namespace_is_one_event_within_bounds() -> None:
    assert drift_of_late([], [Change("Job", "x", action="create")], NOON, repaired=True) == []
    lost = [Change("Service", f"s{at}", "n", "create", drift=True) for at in range(40)]
    entries = drift_of_late([], lost, NOON, repaired=True)
    assert len(entries) == DRIFT_LIMIT and len(drift_event([], entries)) == 1
    assert entries[0]["fields"] == ["(deleted)"]


def test_drift_that_is_left_is_told_as_left() -> None:
    entries = drift_of_late([], [DRIFT], NOON, repaired=False)
    assert drift_condition(entries).reason == "Observed"
    assert drift_event([], entries)[0].reason == "DriftObserved"
    repaired = drift_of_late(entries, [DRIFT], NOON, repaired=True)
    assert drift_event(entries, repaired)[0].reason == "DriftRepaired"


@pytest.mark.parametrize(
    ("found", "minutes", "reason"),
    [
        ([], 0, ""),
        ([Condition("Secrets", "False", "OPENBAO_SEALED", "Unseal it.")], 0, "OPENBAO_SEALED"),
        ([Condition("Progressing", "False", "CONFLICT")], 0, "CONFLICT"),
        ([Condition("Progressing", "False", "Settled")], 60, ""),
        ([Condition("Progressing", "True", "Waiting")], 4, ""),
        ([Condition("Progressing", "True", "Waiting")], 6, "Waiting"),
        ([Condition("RulesInForce", "False", "OtherRules")], 4, ""),
        ([Condition("RulesInForce", "False", "OtherRules")], 6, "OtherRules"),
        ([Condition("RulesInForce", "Unknown", "NotSeen")], 60, ""),
        ([Condition("GamesVerified", "False", "NoKey")], 60, ""),
        ([Condition("GamesVerified", "False", "VerificationFailed")], 0, "VerificationFailed"),
    ],
)
def test_a_casino_that_serves_with_trouble_is_degraded(found: list[Condition], minutes: int, reason: str) -> None:
    conditions = merge([], [Condition("Ready", "True", "Live"), *found], 1, NOON)
    told = degraded(conditions, NOON + timedelta(minutes=minutes))
    assert (told.status, told.reason) == (("True", reason) if reason else ("False", "AsItShouldBe"))
    unready = merge(conditions, [Condition("Ready", "False", "Progressing")], 1, NOON)
    assert degraded(unready, NOON + 2 * LAGS).status == "False"


def test_a_plan_is_bounded_and_its_digest_is_of_all_of_it() -> None:
    changes = [Change("ConfigMap", f"c{at}", "n", "create", ("x" * 999,) * 40) for at in range(100)]
    told = plan_of(Record(), changes, [], 3)
    assert (told["create"], told["update"], told["delete"], len(told["changes"])) == (100, 0, 0, PLAN_LIMIT)
    assert all(len(one["fields"]) == 16 and len(one["fields"][0]) == 256 for one in told["changes"])
    assert plan_of(Record(), changes[:-1], [], 3)["digest"] != told["digest"]


@pytest.mark.parametrize(
    ("annotations", "held", "says"),
    [
        ({}, False, ""),
        ({"paused": "false"}, False, ""),
        ({"paused": "true"}, True, "paused is set:"),
        ({"paused": ""}, True, "paused is set:"),
        ({"paused": "audit of 3 May"}, True, "(audit of 3 May)"),
        ({"plan": "true"}, True, "status.plan"),
        ({"plan": "yes"}, False, ""),
    ],
)
def test_what_annotations_ask_for(annotations: dict[str, str], held: bool, says: str) -> None:
    found = tenant()
    found["metadata"]["annotations"] = {f"casino.domicile.dev/{key}": value for key, value in annotations.items()}
    asked = asked_of(found)
    assert asked.held is held and says in asked.condition.message
    assert asked.condition.status == ("True" if held else "False")


def test_a_request_is_told_back_within_bounds() -> None:
    found = tenant()
    found["metadata"]["annotations"] = {"casino.domicile.dev/reconcile-at": "x" * 500}
    assert request_of(found) == "x" * 128 and request_of(tenant()) == ""


@pytest.mark.parametrize(
    ("labels", "manager", "adopt", "is_ours", "is_given"),
    [
        ({"domicile.dev/tenant": "acme-gb"}, "", "", True, False),
        ({}, FIELD_MANAGER, "", True, False),
        ({}, "kubectl", "", False, False),
        ({}, "kubectl", "acme-gb", False, True),
        ({}, "kubectl", "other-gb", False, False),
        ({"domicile.dev/tenant": "other-gb"}, "kubectl", "acme-gb", False, False),
        ({"domicile.dev/tenant": "other-gb"}, FIELD_MANAGER, "", True, False),
    ],
)
def test_whose_an_object_is(labels: dict[str, str], manager: str, adopt: str, is_ours: bool, is_given: bool) -> None:
    found: dict[str, Any] = {"metadata": {"labels": labels, "managedFields": [{"manager": manager}]}}
    if adopt:
        found["metadata"]["annotations"] = {"casino.domicile.dev/adopt": adopt}
    assert (ours(found, NAMES), given(found, NAMES)) == (is_ours, is_given)
    stamped = {"metadata": found["metadata"] | {"annotations": {APPLIED: "changed"}}}
    assert ours(stamped, NAMES)
    assert made_by_us(found) is (manager == FIELD_MANAGER)

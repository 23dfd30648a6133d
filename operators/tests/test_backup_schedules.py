"""Schedules of backups: what is due, once; and what a tenant says of its newest."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from domicile_operator.backups.keeping import keep_backups
from domicile_operator.backups.schedule import KEPT_OBJECTS, SCHEDULED, backup_condition, due, slot, superfluous
from domicile_operator.conditions import timestamp
from domicile_operator.names import API_VERSION, BACKUP_KIND
from domicile_operator.reconcile import reconcile
from domicile_operator.spec import Backups
from hypothesis import given
from hypothesis import strategies as st
from operator_testkit.fakes import Fakes
from operator_testkit.samples import BACKED_UP, tenant

NOW = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)


def owner(hours: int = 24, **metadata: Any) -> dict[str, Any]:
    made = tenant(backups={"store": "offsite", "everyHours": hours})
    made["metadata"] |= {"creationTimestamp": timestamp(NOW - timedelta(days=90)), **metadata}
    return made


def backup(made: datetime, phase: str = "Completed", scheduled: bool = True) -> dict[str, Any]:
    found: dict[str, Any] = {
        "metadata": {"name": f"acme-gb-{made:%Y%m%d%H%M%S}", "creationTimestamp": timestamp(made)},
        "spec": {"tenant": "acme-gb", "store": "offsite"},
        "status": {"phase": phase, "conditions": [{"type": "Complete", "reason": "CODE", "message": "why"}]},
    }
    if scheduled:
        found["metadata"]["labels"] = {SCHEDULED: "true"}
    if phase == "Completed":
        found["status"]["receipt"] = {"instant": timestamp(made)}
    return found


@given(st.integers(1, 168), st.lists(st.integers(1, 500), max_size=12))
def test_however_time_jumps_each_period_has_one_backup_at_most_and_what_was_missed_is_made_up_once(
    hours: int, jumps: list[int]
) -> None:
    now, backups, of = NOW, [], owner(hours)
    for jump in jumps:
        now += timedelta(minutes=jump * 7)
        wanted = due([of], backups, now)
        begins = slot(Backups(store="offsite", every_hours=hours), now)
        assert begins <= now < begins + timedelta(hours=hours)
        in_it = [one for one in backups if datetime.fromisoformat(one["metadata"]["creationTimestamp"]) >= begins]
        assert len(wanted) == (0 if in_it else 1)
        backups += [backup(now) for _ in wanted]
        assert due([of], backups, now) == []


@pytest.mark.parametrize("phase", ["Pending", "Running"])
def test_none_is_due_while_the_last_is_not_over(phase: str) -> None:
    assert due([owner(1)], [backup(NOW - timedelta(days=3), phase)], NOW) == []


def test_none_is_due_of_a_tenant_that_is_held_leaves_or_has_no_schedule() -> None:
    paused = owner(annotations={"casino.domicile.dev/paused": "why"})
    leaving = owner(deletionTimestamp=timestamp(NOW))
    assert due([paused, leaving, tenant()], [], NOW) == []
    assert [one["metadata"]["name"] for one in due([owner()], [], NOW)] == ["acme-gb-202611220000"]


def test_old_objects_go_by_their_number_and_those_that_people_made_stay() -> None:
    made = [backup(NOW - timedelta(days=day)) for day in range(KEPT_OBJECTS + 2)]
    people = [backup(NOW - timedelta(days=900, hours=hour), scheduled=False) for hour in range(70)]
    assert superfluous([*people, *made]) == [one["metadata"]["name"] for one in made[-2:]]


@pytest.mark.parametrize(
    ("backups", "status", "reason"),
    [
        ([backup(NOW - timedelta(hours=47))], "True", "Recent"),
        ([backup(NOW - timedelta(hours=47)), backup(NOW, "Failed")], "True", "Recent"),
        ([backup(NOW - timedelta(hours=49))], "False", "Overdue"),
        ([backup(NOW - timedelta(hours=49)), backup(NOW, "Refused")], "False", "CODE"),
        ([], "False", "Overdue"),
    ],
)
def test_a_tenant_says_whether_its_newest_backup_is_as_new_as_it_asks(
    backups: list[Any], status: str, reason: str
) -> None:
    told = backup_condition(owner(), backups, NOW)
    assert told is not None and (told.status, told.reason) == (status, reason)


def test_a_tenant_that_never_had_a_schedule_says_nothing_and_a_new_one_waits_for_its_first() -> None:
    assert backup_condition(tenant(), [], NOW) is None
    young = owner(creationTimestamp=timestamp(NOW))
    assert backup_condition(young, [], NOW) == backup_condition(young, [backup(NOW, "Running")], NOW)
    told = backup_condition(young, [], NOW)
    assert told is not None and told.reason == "FirstAwaited"
    had = tenant() | {"status": {"conditions": [{"type": "Backup", "status": "True"}]}}
    assert (gone := backup_condition(had, [], NOW)) is not None and gone.reason == "NotScheduled"


def test_the_operator_makes_what_is_due_and_the_tenant_says_so() -> None:
    cell = Fakes(BACKED_UP)
    cell.kube.put(owner())
    for _ in range(2):
        reconcile("acme-gb", cell.world)
    for _ in range(2):
        keep_backups(cell.world)
    (made,) = [one for (kind, _, _), one in cell.kube.objects.items() if kind == BACKUP_KIND]
    assert (made["apiVersion"], made["spec"]) == (API_VERSION, {"tenant": "acme-gb", "store": "offsite"})
    assert made["status"]["phase"] == "Running"
    made["status"] = backup(cell.clock())["status"]
    reconcile("acme-gb", cell.world)
    conditions = cell.kube.objects["CasinoTenant", "", "acme-gb"]["status"]["conditions"]
    assert {one["type"]: one["reason"] for one in conditions}["Backup"] == "Recent"

"""Which backups are due by the tenants' schedules, which objects of old ones may go, and what a tenant says of its
newest. Pure.

A period is a slot of the clock (UTC), and a backup is named after its slot: whoever asks twice makes it once, and what
was missed while no operator ran is made up once.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from pydantic import ValidationError

from domicile_operator.annotations import asked_of
from domicile_operator.backups.deciding import COMPLETE, OVER, phase_of
from domicile_operator.clients.kube import Object
from domicile_operator.conditions import BACKUP, Condition
from domicile_operator.names import API_VERSION, BACKUP_KIND, LABEL_TENANT
from domicile_operator.spec import Backups
from domicile_operator.status import condition

SCHEDULED = "domicile.dev/scheduled"
"""The label of a backup that a schedule asked for."""
KEPT_OBJECTS = 30
"""Of each tenant's scheduled ones that are over. What they tell of stays in the store, the receipt beside the dump."""
LATE = 2
"""Periods after which the newest backup is too old."""


def schedule_of(tenant: Object) -> Backups | None:
    """The tenant's schedule, where it has one that can be read: of another `spec`'s faults its own pass tells."""
    try:
        return Backups.model_validate(tenant["spec"]["backups"])
    except (KeyError, ValidationError):
        return None


def due(tenants: Iterable[Object], backups: Sequence[Object], now: datetime) -> list[Object]:
    """The CasinoBackups to make. None of a tenant whose last one is not over yet, that is held, or on its way out."""
    made = []
    for tenant in tenants:
        schedule, name = schedule_of(tenant), tenant["metadata"]["name"]
        if schedule is None or tenant["metadata"].get("deletionTimestamp") or asked_of(tenant).held:
            continue
        mine, begins = scheduled(backups, name), slot(schedule, now)
        if any(phase_of(one) not in OVER or _made(one) >= begins for one in mine):
            continue
        labels = {LABEL_TENANT: name, SCHEDULED: "true"}
        made.append(
            {
                "apiVersion": API_VERSION,
                "kind": BACKUP_KIND,
                "metadata": {"name": f"{name}-{begins:%Y%m%d%H%M}", "labels": labels},
                "spec": {"tenant": name, "store": schedule.store},
            }
        )
    return made


def superfluous(backups: Sequence[Object]) -> list[str]:
    """Names of scheduled ones that may go, by their number."""
    tenants = {one["spec"]["tenant"] for one in backups}
    return [
        one["metadata"]["name"]
        for tenant in sorted(tenants)
        for one in [one for one in scheduled(backups, tenant) if phase_of(one) in OVER][KEPT_OBJECTS:]
    ]


def backup_condition(tenant: Object, backups: Sequence[Object], now: datetime) -> Condition | None:
    """The condition Backup of a tenant: whether its newest backup, whoever asked for it, is as new as it should be.

    None where the tenant never had a schedule.
    """
    schedule, name = schedule_of(tenant), tenant["metadata"]["name"]
    if schedule is None:
        had = condition(tenant.get("status"), BACKUP)
        return Condition(BACKUP, "Unknown", "NotScheduled", "spec.backups is not there.") if had else None
    mine = [one for one in backups if one["spec"]["tenant"] == name]
    done = [one for one in mine if phase_of(one) == "Completed"]
    newest = max(done, key=_instant, default=None)
    if newest is not None and now - _instant(newest) <= LATE * timedelta(hours=schedule.every_hours):
        said = f"{newest['metadata']['name']} is of {newest['status']['receipt']['instant']}."
        return Condition(BACKUP, "True", "Recent", said)
    failed = [one for one in mine if phase_of(one) in ("Failed", "Refused")]
    last = max(failed, key=_made, default=None)
    if last is not None:
        told: Mapping[str, str] = condition(last["status"], COMPLETE)
        return Condition(BACKUP, "False", told["reason"], f"{last['metadata']['name']}: {told['message']}")
    if newest is None and now - datetime.fromisoformat(tenant["metadata"]["creationTimestamp"]) <= LATE * timedelta(
        hours=schedule.every_hours
    ):
        return Condition(BACKUP, "Unknown", "FirstAwaited", "The first backup is on its way.")
    return Condition(
        BACKUP, "False", "Overdue", "There is no backup as new as the schedule asks: kubectl get casinobackups."
    )


def scheduled(backups: Sequence[Object], tenant: str) -> list[Object]:
    """A tenant's that a schedule asked for, the newest first."""
    mine = (
        one
        for one in backups
        if one["spec"]["tenant"] == tenant and (one["metadata"].get("labels") or {}).get(SCHEDULED) == "true"
    )
    return sorted(mine, key=_made, reverse=True)


def slot(schedule: Backups, now: datetime) -> datetime:
    """When the period of `now` (aware) began."""
    hours = int(now.timestamp() // 3600)
    return datetime.fromtimestamp((hours - hours % schedule.every_hours) * 3600, UTC)


def _made(backup: Object) -> datetime:
    return datetime.fromisoformat(backup["metadata"]["creationTimestamp"])


def _instant(backup: Object) -> datetime:
    return datetime.fromisoformat(backup["status"]["receipt"]["instant"])

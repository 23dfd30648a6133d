"""One pass over a cell's backups: each is brought as far as it can be, and one of them runs at a time."""

import logging
import secrets
from collections.abc import Sequence

from domicile_operator import events
from domicile_operator.annotations import asked_of
from domicile_operator.backups.deciding import OVER, Answer, chosen, outcome, phase_of, status, unlawful, waits
from domicile_operator.backups.job import backup_job, job_name
from domicile_operator.backups.schedule import due, superfluous
from domicile_operator.cell import BackupStore, Cell
from domicile_operator.clients.kube import Object
from domicile_operator.errors import Fault, Gone
from domicile_operator.names import API_VERSION, BACKUP_KIND, KIND, Names
from domicile_operator.plan import Plan
from domicile_operator.reconcile import decide_on
from domicile_operator.world import World

log = logging.getLogger(__name__)


def keep_backups(world: World) -> None:
    """Look at every backup that is not over. Raises Fault where nothing can be looked at.

    Safe to repeat from anywhere: a Job is named after its CasinoBackup, and a pod tells again what its store has.
    """
    listed = _kept_to_schedule(world)
    waiting = sorted(
        (one for one in listed if phase_of(one) not in OVER and not one["metadata"].get("deletionTimestamp")),
        key=lambda one: (one["metadata"]["creationTimestamp"], one["metadata"]["name"]),
    )
    if not waiting:
        return
    cell = world.cell()
    running = next((one["metadata"]["name"] for one in waiting if phase_of(one) == "Running"), None)
    for backup in waiting:
        name = backup["metadata"]["name"]
        other = running if running != name else None
        try:
            answer = _step(backup, cell, world, other)
        except Fault as fault:
            answer = Answer(phase_of(backup), fault.code, fault.message)
        if answer.phase == "Running":
            running = name
        elif running == name:
            running = None
        try:
            _tell(backup, answer, world)
        except Gone:
            continue  # the Job goes with it


def _kept_to_schedule(world: World) -> Sequence[Object]:
    """Every backup, with those that are due and without those that are too many."""
    listed = world.kube.list(API_VERSION, BACKUP_KIND)
    made = due(world.kube.list(API_VERSION, KIND), listed, world.now())
    for backup in made:
        try:
            world.kube.create(backup)
        except Fault as fault:
            if fault.code != "CONFLICT":  # of its name there is one already
                raise
    for name in superfluous(listed):
        world.kube.delete(API_VERSION, BACKUP_KIND, name)
    return world.kube.list(API_VERSION, BACKUP_KIND) if made else listed


def _step(backup: Object, cell: Cell, world: World, other: str | None) -> Answer:
    names, store = Names(backup["spec"]["tenant"]), chosen(cell.backups, backup["spec"]["store"])
    if isinstance(store, Answer):
        return store
    if phase_of(backup) == "Running":
        try:
            job = world.kube.get("batch/v1", "Job", job_name(backup), names.namespace)
        except Gone:
            return Answer("Pending", "BACKUP_JOB_GONE", "Somebody deleted the Job. It is made again.")
        return outcome(job, _report(names, backup, world), store.place)
    try:
        tenant = world.kube.get(API_VERSION, KIND, names.tenant)
    except Gone:
        return Answer("Refused", "TENANT_UNKNOWN", f"The cell has no CasinoTenant {names.tenant}.")
    return _wanted(backup, tenant, store, world, other)


def _wanted(backup: Object, tenant: Object, store: BackupStore, world: World, other: str | None) -> Answer:
    """Whether it may begin, and its beginning."""
    names = Names(tenant["metadata"]["name"])
    if tenant["metadata"].get("deletionTimestamp"):
        return Answer("Refused", "TENANT_DELETING", f"{names.tenant} is being deleted: nothing of it begins any more.")
    asked = asked_of(tenant)
    plan = decide_on(tenant, names, world).plan
    if plan is None:
        return Answer("Pending", "TENANT_REFUSED", f"{names.tenant} is refused, and has no plan to back up by.")
    day = world.rulebook.local_day(plan.spec.jurisdiction, plan.cell, world.now())
    refused = world.rulebook.refuses_backup(plan.spec, store.place, plan.cell, day)
    if refused is not None:
        return unlawful(store, refused)
    wait = waits(tenant, held=asked.why if asked.held else "", image=world.backup_image, other=other)
    return wait or _begin(backup, plan, store, world)


def _begin(backup: Object, plan: Plan, store: BackupStore, world: World) -> Answer:
    _keep_password(plan.names, world)
    try:
        job = world.kube.get("batch/v1", "Job", job_name(backup), plan.names.namespace)
    except Gone:
        job = world.kube.apply(backup_job(plan, store, backup, world.backup_image))
    return outcome(job, _report(plan.names, backup, world), store.place)


def _keep_password(names: Names, world: World) -> None:
    """Made once: a backup is only as good as the password that it is sealed under. The operator cannot read it, and
    OpenBao does not let it write a second one."""
    if world.bao.read(f"kv/metadata/{names.backup_secret}") is None:
        made = {"data": {"password": secrets.token_urlsafe(32)}, "options": {"cas": 0}}
        world.bao.write(f"kv/data/{names.backup_secret}", made)


def _report(names: Names, backup: Object, world: World) -> Object | None:
    found = world.bao.read(f"kv/data/{names.backup_report(backup['metadata']['uid'])}")
    return (found or {}).get("data")


def _tell(backup: Object, answer: Answer, world: World) -> None:
    """Write the status where it differs, and an Event where the phase does."""
    before, now = backup.get("status") or {}, world.now()
    after = status(before, answer, now)
    if after == before:
        return
    world.kube.patch_status(API_VERSION, BACKUP_KIND, backup["metadata"]["name"], after)
    if answer.phase == phase_of(backup):
        return
    log.info("backup %s is %s: %s", backup["metadata"]["name"], answer.phase, answer.message)
    turn = f"Backup{answer.phase}"
    bad = answer.phase in ("Failed", "Refused")
    event = events.manifest(backup, events.Event("Warning" if bad else "Normal", turn, answer.message), now)
    event["involvedObject"]["kind"] = BACKUP_KIND
    try:
        world.kube.create(event)
    except Fault:
        return  # a courtesy; the status has it all

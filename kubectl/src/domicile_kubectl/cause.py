"""Why a tenant is not ready: the first cause, and not what follows from it. Pure.

The operator goes through a tenant in one order and stops at the first thing that waits or fails. What its last pass
stopped at is the reason of Ready; conditions that it did not come to keep what they said before, so they are no causes.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from domicile_kubectl.names import (
    BUILT_IN_ORDER,
    DEPLOYMENTS,
    MIGRATION,
    OPERATOR,
    SYSTEM_NAMESPACE,
    Object,
    namespace_of,
)
from domicile_kubectl.next_steps import Where, next_step
from domicile_kubectl.pods import Log, Trouble, first_trouble, warnings
from domicile_kubectl.seen import Seen
from domicile_kubectl.tenant import Condition, Tenant

WAITING = "Progressing"
"""Ready's reason while something is waited for."""
SETTLED_REFUSED = "Refused"
"""Progressing's reason where the answer is no, and nothing is tried again by itself."""


@dataclass(frozen=True)
class LogWanted:
    """Whose log has the last word."""

    namespace: str
    pod: str
    container: str
    which: Log


@dataclass(frozen=True)
class Cause:
    """What is to be told.

    `chain` leads from the tenant to the cause, each a symptom of the next; `evidence` is Events and a line of log;
    `remarks` are true of a tenant that is ready too.
    """

    ready: bool
    code: str
    at: str
    sentence: str
    next: str = ""
    chain: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    log: LogWanted | None = None


def as_json(cause: Cause) -> dict[str, Any]:
    """The cause for programs."""
    return {key: value for key, value in asdict(cause).items() if key != "log"}


def with_log(cause: Cause, text: str) -> Cause:
    """The cause with the last line of the log that it wanted."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines or cause.log is None:
        return cause
    return replace(cause, evidence=(*cause.evidence, f"its last line: {lines[-1][:400]}"))


def first_cause(tenant: Tenant, seen: Seen) -> Cause:
    """Why the tenant is not ready, or that it is."""
    ready, remarks = tenant.condition("Ready"), _remarks(tenant)
    if ready and is_ready(tenant):
        return Cause(True, ready.reason, "Ready", ready.message, remarks=remarks)
    found = _operator(tenant, seen) or _in_status(tenant, seen) or _in_namespace(tenant, seen)
    said = f"Ready: {ready.message}" if ready and ready.message != found.sentence else ""
    chain = (said, *found.chain) if said else found.chain
    where = Where(
        tenant.name,
        tenant.jurisdiction,
        found.log.namespace if found.log else namespace_of(tenant.name),
        found.at.removeprefix("pod ").partition(",")[0] if found.at.startswith("pod ") else "",
    )
    step = found.next or next_step(found.code, where, answer=_refused(tenant))
    return replace(found, chain=chain, remarks=remarks, unseen=seen.unseen, next=step)


def is_ready(tenant: Tenant) -> bool:
    """Whether players are served by what the spec says now."""
    return tenant.ready and tenant.observed == tenant.generation and not tenant.deleting


def _refused(tenant: Tenant) -> bool:
    progressing = tenant.condition("Progressing")
    return progressing is not None and progressing.reason == SETTLED_REFUSED


def _remarks(tenant: Tenant) -> tuple[str, ...]:
    found = []
    if (why := tenant.paused) is not None:
        found.append(f"It is paused{f': {why}' if why else ''}. The operator changes nothing until it is resumed.")
    for kind, status in (("Degraded", "True"), ("DriftDetected", "True"), ("RulesInForce", "False"),
                         ("OperationInForce", "False"), ("GamesVerified", "False"), ("Backup", "False")):  # fmt: skip
        if (one := tenant.condition(kind)) and one.status == status:
            found.append(f"{kind}: {one.message}")
    if tenant.ready and tenant.operation and (state := tenant.status.get("state")) != "Live":
        acts = ", ".join(tenant.operation.get("acts") or ()) or "nothing"
        found.append(f"It is {state}: what may be done there is {acts}.")
    lawful = tenant.condition("Lawful")
    if lawful and lawful.reason == "UnlawfulAhead":
        found.append(lawful.message)
    progressing = tenant.condition("Progressing")
    if tenant.ready and progressing and progressing.status == "True":
        found.append(f"It serves, and something is under way: {progressing.message}")
    return tuple(found)


# Who would build it


def _operator(tenant: Tenant, seen: Seen) -> Cause | None:
    """Without an operator nothing moves, whatever the status of a former pass says."""
    if seen.operator is None:
        if any(OPERATOR in one for one in seen.unseen):
            return None
        return Cause(
            False,
            "OPERATOR_MISSING",
            f"Deployment {OPERATOR}",
            f"There is no Deployment {OPERATOR} in namespace {SYSTEM_NAMESPACE}: nobody builds what was asked for.",
        )
    if (seen.operator.get("status") or {}).get("availableReplicas", 0) > 0:
        return _not_looked_at(tenant)
    found = first_trouble(seen.operator_pods, seen.operator_events)
    sentence = "The operator does not run, so nothing that the status says is tried again."
    if (seen.operator.get("spec") or {}).get("replicas") == 0:
        sentence = "The operator is scaled to no pod, so nothing that the status says is tried again."
    if found is None:
        return Cause(False, "OPERATOR_DOWN", f"Deployment {OPERATOR}", sentence)
    cause = _of_trouble(found, SYSTEM_NAMESPACE, (sentence,), seen.operator_events)
    return replace(cause, code="OPERATOR_DOWN", sentence=f"{sentence} {found.code}: {found.sentence}", chain=())


def _not_looked_at(tenant: Tenant) -> Cause | None:
    if tenant.deleting or tenant.observed >= tenant.generation:
        return None
    if tenant.paused is not None:
        return Cause(False, "PAUSED", "its annotation", "It is paused, and its spec was changed since.")
    return Cause(
        False,
        "NOT_LOOKED_AT",
        "the operator",
        f"The operator runs, and has not come to generation {tenant.generation} of the spec yet.",
    )


# What the last pass stopped at


def _in_status(tenant: Tenant, seen: Seen) -> Cause | None:
    ready = tenant.condition("Ready")
    if tenant.deleting or ready is None or ready.reason in (WAITING, "Deleting"):
        return None
    stage = _stage(tenant, ready)
    if stage is None:
        return Cause(False, ready.reason, "Ready", ready.message)
    found = Cause(False, stage.reason, stage.type, stage.message or ready.message)
    if found.code == "MIGRATION_FAILED" and (behind := _newest_migration(seen)):
        shown = f"{behind.at}: {behind.sentence}"
        return replace(found, evidence=(shown, *behind.evidence), log=behind.log)
    return found


def _stage(tenant: Tenant, ready: Condition) -> Condition | None:
    """The condition under which the pass stopped: the first in the order of building that gives Ready's reason.

    One that this order does not know, of an operator newer than the plugin, comes before Progressing, which only says
    that something stopped.
    """
    rank = {kind: place for place, kind in enumerate(BUILT_IN_ORDER)}
    stopped = [
        one
        for one in tenant.conditions()
        if one.type != "Ready" and one.status != "True" and one.reason == ready.reason
    ]
    return min(stopped, key=lambda one: (one.type == "Progressing", rank.get(one.type, len(rank))), default=None)


# What is waited for


def _in_namespace(tenant: Tenant, seen: Seen) -> Cause:
    progressing = tenant.condition("Progressing")
    message = progressing.message if progressing else "The operator has not said yet what it waits for."
    if seen.namespace and seen.namespace["metadata"].get("deletionTimestamp"):
        return _leaving(seen.namespace, message)
    if tenant.deleting:
        return Cause(False, "Deleting", "the tenant's deletion", message)
    if (migrating := _newest_migration(seen)) is not None:
        return migrating
    by_name = {str(one["metadata"]["name"]): one for one in seen.deployments}
    for name in DEPLOYMENTS:
        if name in by_name and (found := _rollout(by_name[name], seen)) is not None:
            return found
    return Cause(False, WAITING, "Progressing", message)


def _leaving(namespace: Object, message: str) -> Cause:
    name = namespace["metadata"]["name"]
    left = [
        str(one.get("message", ""))
        for one in (namespace.get("status") or {}).get("conditions") or ()
        if one["type"].startswith("Namespace") and one["status"] == "True"
    ]
    return Cause(
        False, "NAMESPACE_TERMINATING", f"Namespace {name}", message, evidence=tuple(filter(None, left)),
    )  # fmt: skip


def _newest_migration(seen: Seen) -> Cause | None:
    """What keeps the newest migration from finishing; None where it has, or where there is none."""
    jobs = [one for one in seen.jobs if str(one["metadata"]["name"]).startswith(MIGRATION)]
    newest = max(jobs, key=lambda one: str(one["metadata"].get("creationTimestamp")), default=None)
    return None if newest is None else _migration(newest, seen)


def _migration(job: Object, seen: Seen) -> Cause | None:
    status, name = job.get("status") or {}, job["metadata"]["name"]
    if any(one["type"] == "Complete" and one["status"] == "True" for one in status.get("conditions") or ()):
        return None
    symptom = f"The migration {name} has not finished."
    return _of_owner("Job", job, symptom, seen) or Cause(False, "MIGRATING", f"Job {name}", symptom)


def _rollout(deployment: Object, seen: Seen) -> Cause | None:
    """None when every pod of its newest version is ready."""
    status, name = deployment.get("status") or {}, deployment["metadata"]["name"]
    wanted = (deployment.get("spec") or {}).get("replicas", 1)
    updated, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    looked = status.get("observedGeneration", 0) >= deployment["metadata"].get("generation", 0)
    if looked and updated == available == status.get("replicas", 0) == wanted:
        return None
    symptom = f"Deployment {name}: {min(updated, available)} of {wanted} pods of this version are ready."
    failed = next(
        (one for one in status.get("conditions") or () if one["type"] == "ReplicaFailure" and one["status"] == "True"),
        None,
    )
    if failed:
        sentence = f"Its pods are not let in: {failed.get('message', '')}"
        return Cause(False, str(failed.get("reason", "FailedCreate")), f"Deployment {name}", sentence, chain=(symptom,))
    return _of_owner("Deployment", deployment, symptom, seen) or Cause(False, "ROLLING", f"Deployment {name}", symptom)


def _of_owner(kind: str, owner: Object, symptom: str, seen: Seen) -> Cause | None:
    """What is wrong with the pods of a Deployment or a Job; where it has none, what its Events say."""
    labels = ((owner.get("spec") or {}).get("selector") or {}).get("matchLabels") or {}
    pods = [one for one in seen.pods if labels and labels.items() <= (one["metadata"].get("labels") or {}).items()]
    namespace = str(owner["metadata"]["namespace"])
    if found := first_trouble(pods, seen.events):
        return _of_trouble(found, namespace, (symptom,), seen.events)
    name = str(owner["metadata"]["name"])
    if told := next(warnings(seen.events, kind, name), None):
        return Cause(False, str(told["reason"]), f"{kind} {name}", str(told.get("message", "")), chain=(symptom,))
    return None


def _of_trouble(found: Trouble, namespace: str, chain: tuple[str, ...], events: Sequence[Object]) -> Cause:
    at = f"pod {found.pod}" + (f", container {found.container}" if found.container else "")
    told = [str(one.get("message", "")) for one in warnings(events, "Pod", found.pod)]
    evidence = tuple(f"event: {one}" for one in dict.fromkeys(told) if one and one not in found.sentence)[:3]
    log = LogWanted(namespace, found.pod, found.container, found.log) if found.log and found.container else None
    return Cause(False, found.code, at, found.sentence, chain=chain, evidence=evidence, log=log)

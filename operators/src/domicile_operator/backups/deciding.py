"""What is next for one backup: from what was seen to an answer. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from domicile_operator.cell import BackupStore
from domicile_operator.clients.kube import Object
from domicile_operator.conditions import DATABASE, MESSAGE_LIMIT, SECRETS, timestamp
from domicile_operator.errors import Refused
from domicile_operator.status import condition

Phase = Literal["Pending", "Running", "Completed", "Failed", "Refused"]
PHASES: tuple[Phase, ...] = ("Pending", "Running", "Completed", "Failed", "Refused")
OVER: frozenset[Phase] = frozenset({"Completed", "Failed", "Refused"})
COMPLETE = "Complete"
"""The one condition: `kubectl wait --for=condition=Complete`."""


@dataclass(frozen=True)
class Answer:
    """Where a backup stands. `reason` is a stable code, `message` a sentence; `receipt` is what was written down."""

    phase: Phase
    reason: str
    message: str
    receipt: dict[str, Any] | None = field(default=None, compare=False)


def phase_of(backup: Object) -> Phase:
    """Where its status says that it stands."""
    found: Phase = (backup.get("status") or {}).get("phase", "Pending")
    return found


def chosen(stores: Sequence[BackupStore], name: str) -> BackupStore | Answer:
    """The store by its name, or why there is none."""
    for store in stores:
        if store.name == name:
            return store
    known = ", ".join(store.name for store in stores) or "none"
    return Answer("Refused", "STORE_UNKNOWN", f"The cell has no store {name}; it has {known}. Name one of them.")


def unlawful(store: BackupStore, refused: Refused) -> Answer:
    """A store in a place that the law does not allow."""
    return Answer(
        "Refused", refused.code, f"No backup may rest in {store.name}, which is in {store.place}: {refused.message}"
    )


def waits(tenant: Object, *, held: str, image: str, other: str | None) -> Answer | None:
    """What has to be first, or None where it may begin. `held` is why nothing of the tenant may be changed; `other` is
    the backup that runs in the cell, whose load on the database is enough."""
    if held:
        return Answer("Pending", "TENANT_HELD", held)
    if not image:
        return Answer(
            "Pending",
            "BACKUP_IMAGE_MISSING",
            "The operator knows no image for backups: `domicile install --backup-image`.",
        )
    missing = [kind for kind in (SECRETS, DATABASE) if condition(tenant.get("status"), kind).get("status") != "True"]
    if missing:
        return Answer("Pending", "TENANT_NOT_BUILT", f"The tenant's {' and '.join(missing)} are waited for.")
    if other is not None:
        return Answer("Pending", "ANOTHER_RUNS", f"{other} runs: one at a time in a cell.")
    return None


def outcome(job: Object, report: Mapping[str, Any] | None, place: str) -> Answer:
    """What a Job came to. `report` is what the pod wrote down, if it came so far."""
    told = report or {}
    if job_condition(job, "Complete"):
        if told.get("outcome") == "done":
            return Answer("Completed", "Completed", "The backup is in the store.", receipt(told["receipt"], place))
        return Answer("Failed", "BACKUP_REPORT_MISSING", "The pod ended well and told nothing. Take another backup.")
    if failed := job_condition(job, "Failed"):
        code, message = told.get("code"), told.get("message")
        if told.get("outcome") == "failed" and code and message:
            return Answer("Failed", str(code), str(message))
        said = failed.get("message") or failed.get("reason") or "its pods failed"
        return Answer("Failed", "BACKUP_JOB_FAILED", f"{said}. `kubectl logs` of its pods says why, for a day.")
    return Answer("Running", "Running", "The database is being read.")


def job_condition(job: Object, kind: str) -> Mapping[str, Any] | None:
    """A Job's condition, where it is true."""
    found = (job.get("status") or {}).get("conditions") or []
    return next((one for one in found if one["type"] == kind and one["status"] == "True"), None)


def receipt(told: Mapping[str, Any], place: str) -> dict[str, Any]:
    """The receipt as the status has it; it bears the licence, and so whose backup it is, beyond the tenant's life."""
    ledger = told["ledger"]
    posted, held = ledger["posted_minor"], ledger["held_minor"]
    same = ("instant", "snapshot", "bytes", "sha256", "licence", "image", "catalogue", "schema", "server")
    return {name: told[name] for name in same} | {
        "storedBytes": told["stored_bytes"],
        "place": place,
        "ledger": {
            **{name: ledger[name] for name in ("accounts", "transactions", "postings", "chains")},
            "headsSha256": ledger["heads_sha256"],
            "sums": [
                {"currency": one, "posted": posted.get(one, "0"), "held": held.get(one, "0")}
                for one in sorted({*posted, *held})
            ],
        },
    }


def status(before: Mapping[str, Any], answer: Answer, now: datetime) -> dict[str, Any]:
    """The status to write. Times move once: when it begins, and when it is over."""
    value = {"Completed": "True", "Failed": "False", "Refused": "False"}.get(answer.phase, "Unknown")
    was = condition(before, COMPLETE)
    made: dict[str, Any] = {
        "phase": answer.phase,
        "conditions": [
            {
                "type": COMPLETE,
                "status": value,
                "reason": answer.reason,
                "message": answer.message[:MESSAGE_LIMIT],
                "lastTransitionTime": was["lastTransitionTime"] if was.get("status") == value else timestamp(now),
            }
        ],
    }
    if answer.phase == "Running" or "startedAt" in before:
        made["startedAt"] = before.get("startedAt") or timestamp(now)
    if answer.phase in OVER:
        made["finishedAt"] = before.get("finishedAt") or timestamp(now)
    if answer.receipt is not None:
        made["receipt"] = answer.receipt
    return made

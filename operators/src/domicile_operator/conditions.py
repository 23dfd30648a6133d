"""Conditions as Kubernetes means them: a list keyed by type, whose time moves only when the status flips."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

READY = "Ready"
PLACED = "Placed"
ATTESTED = "Attested"
LICENCE_VALID = "LicenceValid"
LICENCE_EXPIRING = "LicenceExpiring"
"""How the reasons of LicenceValid begin that say within how many days it ends."""
LAWFUL = "Lawful"
EXCLUSION_REGISTER = "ExclusionRegister"
SECRETS = "Secrets"
DATABASE = "Database"
RULES_IN_FORCE = "RulesInForce"
OPERATION_IN_FORCE = "OperationInForce"
GAMES_VERIFIED = "GamesVerified"
RELEASE = "Release"
BACKUP = "Backup"
PROGRESSING = "Progressing"
DEGRADED = "Degraded"
PAUSED = "Paused"
DRIFT_DETECTED = "DriftDetected"
NOT_READY = "NotReady"
"""Reason of Degraded where Ready says what is wrong."""
BAD_WHEN_TRUE = (DEGRADED, PAUSED, DRIFT_DETECTED)
"""Types that ask for attention while they are True; all others ask for it while they are False."""
TYPES = (
    READY,
    PLACED,
    ATTESTED,
    LICENCE_VALID,
    LAWFUL,
    EXCLUSION_REGISTER,
    SECRETS,
    DATABASE,
    RULES_IN_FORCE,
    OPERATION_IN_FORCE,
    GAMES_VERIFIED,
    RELEASE,
    BACKUP,
    PROGRESSING,
    DEGRADED,
    PAUSED,
    DRIFT_DETECTED,
)

MESSAGE_LIMIT = 4096
"""Characters; the CRD refuses longer messages."""

Status = Literal["True", "False", "Unknown"]


@dataclass(frozen=True)
class Condition:
    """One finding of a reconcile. `reason` is a stable code, `message` a sentence a person can act on."""

    type: str
    status: Status
    reason: str
    message: str = ""


def merge(
    existing: Iterable[Mapping[str, Any]], found: Iterable[Condition], generation: int, now: datetime
) -> list[dict[str, Any]]:
    """Lay findings over the conditions already in status.

    A type that was not looked at keeps what it said. `lastTransitionTime` moves only where `status` flips.
    `now` is aware, in UTC. Gives the new list in the order of TYPES.
    """
    merged = {entry["type"]: dict(entry) for entry in existing if entry.get("type") in TYPES}
    for condition in found:
        before = merged.get(condition.type)
        flipped = before is None or before["status"] != condition.status
        merged[condition.type] = {
            "type": condition.type,
            "status": condition.status,
            "reason": condition.reason,
            "message": condition.message[:MESSAGE_LIMIT],
            "observedGeneration": generation,
            "lastTransitionTime": timestamp(now) if before is None or flipped else before["lastTransitionTime"],
        }
    return [merged[kind] for kind in TYPES if kind in merged]


def timestamp(now: datetime) -> str:
    """RFC 3339 to the second, as metav1.Time has it."""
    return now.strftime("%Y-%m-%dT%H:%M:%SZ")

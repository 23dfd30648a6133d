"""The status of a tenant: built from findings, written once at the end of every pass."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from domicile_catalog import State

from domicile_operator.annotations import request_of
from domicile_operator.children.base import Reference
from domicile_operator.conditions import READY, Condition, merge
from domicile_operator.events import Event
from domicile_operator.record import Change
from domicile_operator.releases.figures import Harm
from domicile_operator.told import degraded, drift_condition, drift_of_late

ONBOARDING, LIVE, REFUSED, DELETING = "Onboarding", "Live", "Refused", "Deleting"
STATES = (ONBOARDING, *State, REFUSED, DELETING)
"""Every word of `status.state`: of what was built, the name of what may be done there (operation.py)."""

CHILDREN_LIMIT = 128


@dataclass
class Findings:
    """What one pass found. None leaves what status already says, but of `plan`, which goes with the wish for it.

    `events` are those that no condition's turn tells of; whoever adds one sees to it that it is added once.
    """

    state: str | None = None
    place: str | None = None
    version: str | None = None
    url: str | None = None
    release: dict[str, Any] | None = None
    serving: bool | None = None
    """Whether a pod of the casino is ready, where the pass came to see that."""
    stuck: Harm | None = None
    """Why what is to run cannot come to run."""
    rules: dict[str, str] | None = None
    lawful_until: str | None = None
    operation: dict[str, Any] | None = None
    conditions: list[Condition] = field(default_factory=list)
    children: list[Reference] | None = None
    events: list[Event] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    repaired: bool = True
    """Whether those changes were made, or only seen to be due."""
    stores_digest: str | None = None
    applied: Mapping[str, str] | None = None
    """What stands as it was applied, by kind and name."""
    plan: dict[str, Any] | None = None


def build_status(tenant: Mapping[str, Any], found: Findings, now: datetime) -> dict[str, Any]:
    """The status to write, given the tenant as read at the start of the pass."""
    before = tenant.get("status") or {}
    generation = tenant["metadata"]["generation"]
    drift = drift_of_late(before.get("drift", []), found.changes, now, repaired=found.repaired)
    conditions = merge(before.get("conditions", []), [*found.conditions, drift_condition(drift)], generation, now)
    status: dict[str, Any] = {
        "observedGeneration": generation,
        "state": found.state or before.get("state", ONBOARDING),
        "conditions": merge(conditions, [degraded(conditions, now)], generation, now),
    }
    told = {
        "lastHandledReconcileAt": request_of(tenant),
        "storesDigest": found.stores_digest or before.get("storesDigest"),
        "applied": before.get("applied") if found.applied is None else _spelt(found.applied),
        "release": found.release or before.get("release"),
        "drift": drift,
        "plan": found.plan,
    }
    status |= {key: value for key, value in told.items() if value}
    for key in ("place", "version", "url"):
        value = getattr(found, key) or before.get(key)
        if value:
            status[key] = value
    if found.rules or before.get("rules"):
        status["rules"] = found.rules or before["rules"]
    if found.operation or before.get("operation"):
        # The highest revision that is known outlives everything else: the next one is made from it.
        status["operation"] = found.operation or before["operation"]
    # The deadline goes when the law that set it does; a pass that decided nothing leaves it.
    until = found.lawful_until if found.rules else before.get("lawfulUntil")
    if until:
        status["lawfulUntil"] = until
    if found.children is not None:
        status["children"] = [
            {
                "kind": child.kind,
                "name": child.name,
                **({"namespace": child.namespace} if child.namespace else {}),
            }
            for child in found.children[:CHILDREN_LIMIT]
        ]
    elif "children" in before:
        status["children"] = before["children"]
    return status


def _spelt(applied: Mapping[str, str]) -> list[str]:
    return [f"{one} {token}" for one, token in applied.items()][:CHILDREN_LIMIT]


def ready(status: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The Ready condition of a status, or nothing."""
    return condition(status, READY)


def condition(status: Mapping[str, Any] | None, kind: str) -> Mapping[str, Any]:
    """A condition of a status, or nothing."""
    found: Mapping[str, Any] = next((c for c in (status or {}).get("conditions", []) if c["type"] == kind), {})
    return found

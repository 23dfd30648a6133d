"""The status of a tenant: built from findings, written once at the end of every pass."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from domicile_operator.children.base import Reference
from domicile_operator.conditions import Condition, merge
from domicile_operator.events import Event

ONBOARDING, LIVE, REFUSED, DELETING = "Onboarding", "Live", "Refused", "Deleting"

CHILDREN_LIMIT = 128


@dataclass
class Findings:
    """What one pass found. None leaves what status already says.

    `events` are those that no condition's turn tells of; whoever adds one sees to it that it is added once.
    """

    state: str | None = None
    place: str | None = None
    version: str | None = None
    url: str | None = None
    rules: dict[str, str] | None = None
    lawful_until: str | None = None
    conditions: list[Condition] = field(default_factory=list)
    children: list[Reference] | None = None
    events: list[Event] = field(default_factory=list)


def build_status(tenant: Mapping[str, Any], found: Findings, now: datetime) -> dict[str, Any]:
    """The status to write, given the tenant as read at the start of the pass."""
    before = tenant.get("status") or {}
    generation = tenant["metadata"]["generation"]
    status: dict[str, Any] = {
        "observedGeneration": generation,
        "state": found.state or before.get("state", ONBOARDING),
        "conditions": merge(before.get("conditions", []), found.conditions, generation, now),
    }
    for key in ("place", "version", "url"):
        value = getattr(found, key) or before.get(key)
        if value:
            status[key] = value
    if found.rules or before.get("rules"):
        status["rules"] = found.rules or before["rules"]
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


def ready(status: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The Ready condition of a status, or nothing."""
    for condition in (status or {}).get("conditions", []):
        if condition["type"] == "Ready":
            found: Mapping[str, Any] = condition
            return found
    return {}

"""Why a casino lives where it lives and what it consists of, from its object alone. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from domicile_kubectl.names import STATE_REASON, namespace_of
from domicile_kubectl.tenant import Condition, Tenant, age


@dataclass(frozen=True)
class Told:
    """A condition as a sentence. `holds` is None where nobody knows."""

    type: str
    holds: bool | None
    reason: str
    sentence: str
    since: str
    stale: bool


@dataclass(frozen=True)
class Explanation:
    """What `kubectl casino explain` tells.

    `children` are names by kind: those in the tenant's namespace, and those outside it with their kind alone.
    `unseen` is how many generations of the spec the operator has not looked at yet.
    """

    name: str
    brand: str
    jurisdiction: str
    state: str
    state_reason: str
    operation: dict[str, Any]
    paused: str | None
    planned: bool
    unseen: int
    place: str
    why_there: str
    licence: str
    licence_days: int | None
    products: tuple[str, ...]
    limits: dict[str, Any]
    rules: dict[str, str]
    law_ahead: str
    lawful_until: str
    version: str
    url: str
    conditions: tuple[Told, ...]
    namespace: str
    children: dict[str, tuple[str, ...]]
    outside: dict[str, tuple[str, ...]]


def explain(tenant: Tenant, now: datetime) -> Explanation:
    """What a tenant's object says of it."""
    placed, lawful = tenant.condition("Placed"), tenant.condition("Lawful")
    licence, status = tenant.licence, tenant.status
    inside, outside = _children(status.get("children") or ())
    return Explanation(
        name=tenant.name,
        brand=tenant.brand,
        jurisdiction=tenant.jurisdiction,
        state="Deleting" if tenant.deleting else str(status.get("state", "")),
        state_reason=tenant.annotations.get(STATE_REASON, ""),
        operation=dict(tenant.operation),
        paused=tenant.paused,
        planned=tenant.planned,
        unseen=max(0, tenant.generation - tenant.observed),
        place=tenant.place,
        why_there=placed.message if placed else "",
        licence=f"{licence.get('number', '?')}, {licence.get('holder', '?')}, to {licence.get('validUntil', '?')}",
        licence_days=tenant.licence_days_left(now),
        products=tuple(tenant.spec.get("products") or ()),
        limits=dict(tenant.spec.get("limits") or {}),
        rules=dict(status.get("rules") or {}),
        law_ahead=lawful.message if lawful else "",
        lawful_until=str(status.get("lawfulUntil", "")),
        version=str(status.get("version", "")),
        url=str(status.get("url", "")),
        conditions=tuple(told(one, tenant, now) for one in tenant.conditions()),
        namespace=namespace_of(tenant.name),
        children=inside,
        outside=outside,
    )


def told(condition: Condition, tenant: Tenant, now: datetime) -> Told:
    """A condition as a sentence: its message, or its reason in words where it has none."""
    return Told(
        condition.type,
        {"True": True, "False": False}.get(condition.status),
        condition.reason,
        condition.message or f"{_words(condition.reason)}.",
        age(condition.since, now) if condition.since else "",
        condition.generation < tenant.generation,
    )


def _words(reason: str) -> str:
    """InPlace as "In place"; codes stay as they are."""
    if reason.isupper() or "_" in reason:
        return reason
    spaced = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in reason).strip()
    return spaced[:1].upper() + spaced[1:]


def _children(found: Iterable[dict[str, Any]]) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    inside: dict[str, list[str]] = {}
    outside: dict[str, list[str]] = {}
    for child in found:
        group = inside if child.get("namespace") else outside
        group.setdefault(str(child["kind"]), []).append(str(child["name"]))
    return _sorted(inside), _sorted(outside)


def _sorted(groups: dict[str, list[str]]) -> dict[str, tuple[str, ...]]:
    return {kind: tuple(sorted(names)) for kind, names in sorted(groups.items())}


def as_json(found: Explanation) -> dict[str, Any]:
    """The explanation for programs."""
    return asdict(found)


def in_groups(names: Sequence[str], most: int = 8) -> str:
    """Names in a line: the first so many, and how many more."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"

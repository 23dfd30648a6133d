"""What a status tells beside what a pass found of each part: drift of late, degradation, a plan. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from domicile_operator.conditions import (
    DATABASE,
    DEGRADED,
    DRIFT_DETECTED,
    GAMES_VERIFIED,
    NOT_READY,
    PROGRESSING,
    READY,
    RULES_IN_FORCE,
    SECRETS,
    Condition,
    timestamp,
)
from domicile_operator.events import Event
from domicile_operator.plan import digest
from domicile_operator.record import Change, Record

DRIFT_SHOWN = timedelta(minutes=10)
"""How long after it was last seen a drift is told of."""
DRIFT_AGAIN = timedelta(minutes=1)
"""How often a drift that goes on moves its time: each move is a write."""
DRIFT_LIMIT, DRIFT_FIELDS, DRIFT_MANAGERS = 10, 8, 4
PLAN_LIMIT, PLAN_FIELDS, PLAN_PROBLEMS = 64, 16, 16
FIELD_LIMIT = 256
"""Characters of a path or a statement."""
LAGS = timedelta(minutes=5)
"""How long a rollout, or the kubelet with a file, may take before it counts as trouble."""
SETTLED = frozenset({"Settled", "Refused", "Held"})
"""Reasons of Progressing that are no trouble."""


def drift_of_late(
    before: Sequence[Mapping[str, Any]], changes: Iterable[Change], now: datetime, *, repaired: bool
) -> list[dict[str, Any]]:
    """`status.drift`: newest first. `before` is what stands there, `changes` what the pass saw. `now` is in UTC."""
    # What was only seen while a tenant was held is put right by the first pass that may, which tells of it anew.
    kept = [
        dict(entry)
        for entry in before
        if now - datetime.fromisoformat(entry["at"]) < DRIFT_SHOWN and entry["repaired"] >= repaired
    ]
    for change in changes:
        if not change.drift:
            continue
        entry = _entry(change, repaired)
        same = next((one for one in kept if _but_time(one) == entry), None)
        if same is not None and now - datetime.fromisoformat(same["at"]) < DRIFT_AGAIN:
            continue
        kept = [{**entry, "at": timestamp(now)}, *(one for one in kept if one is not same)]
    return sorted(kept, key=lambda entry: entry["at"], reverse=True)[:DRIFT_LIMIT]


def seen_again(before: Sequence[Mapping[str, Any]], changes: Iterable[Change], now: datetime) -> bool:
    """Whether what was just put right had been put right a moment ago: somebody, or something, is at it."""
    late = [_but_time(one) for one in before if now - datetime.fromisoformat(one["at"]) < DRIFT_AGAIN]
    return any(_entry(change, True) in late for change in changes if change.drift)


def drift_condition(entries: Sequence[Mapping[str, Any]]) -> Condition:
    """The condition DriftDetected, by `status.drift`."""
    if not entries:
        return Condition(DRIFT_DETECTED, "False", "NoDrift")
    said = " ".join(_sentence(entry) for entry in entries)
    if all(entry["repaired"] for entry in entries):
        return Condition(DRIFT_DETECTED, "True", "Repaired", f"Put right in the last ten minutes: {said}")
    return Condition(DRIFT_DETECTED, "True", "Observed", f"Seen in the last ten minutes, and left while held: {said}")


def drift_event(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> list[Event]:
    """One Event for all drift that is in `status.drift` after a pass and was not before it, whatever its time."""
    known = [_but_time(entry) for entry in before]
    new = [entry for entry in after if _but_time(entry) not in known]
    if not new:
        return []
    reason = "DriftRepaired" if all(entry["repaired"] for entry in new) else "DriftObserved"
    return [Event("Warning", reason, " ".join(_sentence(entry) for entry in new))]


def degraded(conditions: Sequence[Mapping[str, Any]], now: datetime) -> Condition:
    """The condition Degraded: players are served, and something of it is not as it should be.

    Takes the other conditions of this pass. Where players are not served Ready says why, and Degraded nothing. What is
    on its way to where it should be, and has only begun to be, is no trouble.
    """
    by_type = {entry["type"]: entry for entry in conditions}
    if by_type.get(READY, {}).get("status") != "True":
        return Condition(DEGRADED, "False", NOT_READY, "Ready says what is wrong.")
    for kind in (SECRETS, DATABASE, PROGRESSING, GAMES_VERIFIED, RULES_IN_FORCE):
        entry = by_type.get(kind)
        if entry is not None and _troubles(entry, now):
            return Condition(DEGRADED, "True", entry["reason"], f"{kind}: {entry.get('message', '')}")
    return Condition(DEGRADED, "False", "AsItShouldBe")


def _troubles(entry: Mapping[str, Any], now: datetime) -> bool:
    lags = now - datetime.fromisoformat(entry["lastTransitionTime"]) > LAGS
    if entry["type"] == PROGRESSING:
        return bool(lags if entry["status"] == "True" else entry["reason"] not in SETTLED)
    if entry["status"] != "False":
        return False
    if entry["type"] == GAMES_VERIFIED:
        return bool(entry["reason"] == "VerificationFailed")
    return lags if entry["type"] == RULES_IN_FORCE else True


def plan_of(record: Record, changes: Sequence[Change], problems: Sequence[str], generation: int) -> dict[str, Any]:
    """`status.plan`: what would be done, without what is in it. The digest is of all of it, however much is shown."""
    shown = [
        {
            "kind": change.kind,
            "name": change.name,
            **({"namespace": change.namespace} if change.namespace else {}),
            "action": change.action,
            **({"fields": [one[:FIELD_LIMIT] for one in change.fields[:PLAN_FIELDS]]} if change.fields else {}),
        }
        for change in changes
    ]
    everything = [[c.kind, c.namespace, c.name, c.action, list(c.fields)] for c in changes]
    return {
        "observedGeneration": generation,
        "digest": digest(everything, 16),
        **{action: sum(change.action == action for change in changes) for action in ("create", "update", "delete")},
        "unchanged": record.unchanged,
        "changes": shown[:PLAN_LIMIT],
        **({"problems": [one[:1024] for one in problems[:PLAN_PROBLEMS]]} if problems else {}),
    }


def _entry(change: Change, repaired: bool) -> dict[str, Any]:
    fields = ["(deleted)"] if change.action == "create" else [one[:FIELD_LIMIT] for one in change.fields]
    return {
        "kind": change.kind,
        "name": change.name,
        **({"namespace": change.namespace} if change.namespace else {}),
        **({"fields": fields[:DRIFT_FIELDS]} if fields else {}),
        **({"by": [one[:128] for one in change.by[:DRIFT_MANAGERS]]} if change.by else {}),
        "repaired": repaired,
    }


def _but_time(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key != "at"}


def _sentence(entry: Mapping[str, Any]) -> str:
    fields = f" ({', '.join(entry['fields'])})" if entry.get("fields") else ""
    by = f", by {', '.join(entry['by'])}" if entry.get("by") else ""
    return f"{entry['kind']} {entry['name']}{fields}{by}."

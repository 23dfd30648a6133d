"""Events: what turned in a tenant's conditions, as `kubectl describe` shows it. Pure, but for the budget's memory."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any, Literal

from domicile_operator.conditions import (
    BAD_WHEN_TRUE,
    DEGRADED,
    DRIFT_DETECTED,
    NOT_READY,
    PROGRESSING,
    READY,
    timestamp,
)
from domicile_operator.names import API_VERSION, FIELD_MANAGER, KIND

NAMESPACE = "default"
"""Where Kubernetes keeps the Events of cluster-scoped objects."""
NOTE_LIMIT = 1024
"""Characters; the API server refuses longer messages."""
BURST, REFILL_SECONDS = 20, 180.0
"""As the recorder of client-go bounds a source: so many at once, and one more each so often."""
UNTOLD = (PROGRESSING, DRIFT_DETECTED)
"""Types whose turns are no Events: the one moves with Ready, and each drift is told for itself."""
BEGUN = ("Progressing", "Deleting")
"""Reasons of Ready that tell of work and of no trouble."""


@dataclass(frozen=True)
class Event:
    """One thing that happened. `reason` is a stable code in one word, `message` a sentence."""

    type: Literal["Normal", "Warning"]
    reason: str
    message: str


def transitions(before: Iterable[Mapping[str, Any]], after: Iterable[Mapping[str, Any]]) -> list[Event]:
    """The Events of one status write, given the conditions of before and after it.

    Ready is told whenever its status or reason moves. Another condition is told
    when it turns bad, or bad for another reason, and when it turns good again. Nothing is told twice: what Ready says
    already, what was never seen otherwise, and the types of UNTOLD. What cannot be seen (Unknown) is
    no news.
    """
    old = {entry["type"]: entry for entry in before}
    told: list[Event] = []
    for new in after:
        was, kind = old.get(new["type"]), new["type"]
        if kind == READY and (was is None or _turn(was) != _turn(new)):
            good = new["status"] == "True" or new["reason"] in BEGUN
            told.append(Event("Normal" if good else "Warning", new["reason"], new.get("message", "")))
        elif kind != READY and kind not in UNTOLD and _news(was, new):
            good = _good(new)
            ended = f"NoLonger{kind}" if kind in BAD_WHEN_TRUE else f"{kind}{new['reason']}"
            reason = ended if good else new["reason"]
            told.append(Event("Normal" if good else "Warning", reason, f"{kind}: {new.get('message', '')}"))
    reasons = [event.reason for event in told]
    return [event for at, event in enumerate(told) if event.reason not in reasons[:at]]


def _news(was: Mapping[str, Any] | None, new: Mapping[str, Any]) -> bool:
    if new["status"] == "Unknown" or (new["type"], new["reason"]) == (DEGRADED, NOT_READY):
        return False
    if was is None:
        # Nothing turned, unless its absence already said that all was well.
        return new["type"] in BAD_WHEN_TRUE and not _good(new)
    if was["status"] == "Unknown":
        return not _good(new)
    if was["status"] != new["status"]:
        return True
    return not _good(new) and was["reason"] != new["reason"]


def _good(condition: Mapping[str, Any]) -> bool:
    return bool((condition["status"] == "True") != (condition["type"] in BAD_WHEN_TRUE))


def _turn(condition: Mapping[str, Any]) -> tuple[str, str]:
    return condition["status"], condition["reason"]


def manifest(tenant: Mapping[str, Any], event: Event, now: datetime) -> dict[str, Any]:
    """The Event as the API takes it. `now` is aware, in UTC."""
    metadata = tenant["metadata"]
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"generateName": f"{metadata['name']}.", "namespace": NAMESPACE},
        "involvedObject": {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "name": metadata["name"],
            "uid": metadata["uid"],
            "resourceVersion": metadata.get("resourceVersion", ""),
        },
        "type": event.type,
        "reason": event.reason[:128],
        "message": event.message[:NOTE_LIMIT],
        "source": {"component": FIELD_MANAGER},
        "reportingComponent": FIELD_MANAGER,
        "firstTimestamp": timestamp(now),
        "lastTimestamp": timestamp(now),
        "count": 1,
    }


class Budget:
    """How many Events each tenant may still make: a fault that comes and goes must not flood the cluster's store."""

    def __init__(self) -> None:
        self._left: dict[str, tuple[float, datetime]] = {}
        self._lock = Lock()

    def take(self, tenant: str, now: datetime) -> bool:
        """Whether one more is allowed; it counts as made. `now` is aware."""
        with self._lock:
            left = self._refilled(tenant, now)
            self._left[tenant] = (left - 1 if left >= 1 else left, now)
            return left >= 1

    def forget(self, tenant: str) -> None:
        """A tenant that is gone."""
        with self._lock:
            self._left.pop(tenant, None)

    def _refilled(self, tenant: str, now: datetime) -> float:
        left, since = self._left.get(tenant, (float(BURST), now))
        return min(float(BURST), left + max(0.0, (now - since).total_seconds()) / REFILL_SECONDS)

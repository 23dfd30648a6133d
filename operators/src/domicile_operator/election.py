"""Who of several operators leads: a state machine over one Lease (coordination.k8s.io/v1). Pure.

The rules are client-go's: a Lease is written only over the version that was read; whoever does not lead waits until
the Lease has not changed for its whole duration, by a clock of its own; whoever leads believes it for a shorter time,
counted from before the request by which it renewed. No timestamp of another machine is ever compared with ours, so
clocks may be wrong by any amount. They may run at different speeds up to the ratio of the two times.
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import datetime
from math import ceil
from typing import Any, Literal

Wish = Literal["renew", "take", "wait"]


@dataclass(frozen=True)
class Timing:
    """Seconds. The proportions are client-go's: 15, 10 and 2.

    `lease` is how long a Lease that nobody renews keeps others out.
    """

    lease: float = 15.0

    @property
    def renew(self) -> float:
        """How long a leader goes on after its last renewal."""
        return self.lease * 2 / 3

    @property
    def retry(self) -> float:
        """Between two looks."""
        return self.lease * 2 / 15


@dataclass(frozen=True)
class Seen:
    """A Lease as a candidate saw it last: the holder's name (empty: free), its version, for how many seconds it binds
    others, and when it was first seen in this version, by the candidate's own clock."""

    holder: str
    version: str
    seconds: float
    at: float


@dataclass(frozen=True)
class Candidate:
    """One operator process. `identity` is of this process alone, never of a pod or a machine.

    `renewed_at` is when the request began by which it got or renewed the Lease, None while it does not hold it. All
    times are seconds of one monotonic clock.
    """

    identity: str
    timing: Timing = Timing()
    seen: Seen | None = None
    renewed_at: float | None = None

    def leads(self, now: float) -> bool:
        """Whether it may begin something."""
        return self.renewed_at is not None and now < self.renewed_at + self.timing.renew

    def seconds_left(self, now: float) -> float:
        """Until another may lead, so within which what was begun has to have ended."""
        return 0.0 if self.renewed_at is None else max(0.0, self.renewed_at + self.timing.lease - now)


def look(candidate: Candidate, lease: Mapping[str, Any], now: float) -> tuple[Candidate, Wish]:
    """What the candidate knows once it has read the Lease, and what it should do. `now` is after the answer came."""
    seen = candidate.seen
    if seen is None or seen.version != lease["metadata"]["resourceVersion"]:
        seen = _seen(lease, now)
    mine = seen.holder == candidate.identity
    known = replace(candidate, seen=seen, renewed_at=candidate.renewed_at if mine else None)
    if mine:
        return known, "renew"
    if not seen.holder or now >= seen.at + seen.seconds:
        return known, "take"
    return known, "wait"


def wrote(candidate: Candidate, lease: Mapping[str, Any], began: float, now: float) -> Candidate:
    """The candidate after the API server took its write and gave back `lease`. `began` is before the request was sent.

    A write that left the version as it was told nobody anything, so it renews nothing.
    """
    before = candidate.seen
    if before is not None and before.version == lease["metadata"]["resourceVersion"]:
        return candidate
    return replace(candidate, seen=_seen(lease, now), renewed_at=began)


def stepped_down(candidate: Candidate) -> Candidate:
    """The candidate when it leads no more of its own will."""
    return replace(candidate, renewed_at=None)


def claimed(lease: Mapping[str, Any], candidate: Candidate, now: datetime) -> dict[str, Any]:
    """The Lease to write over the one that was read: the candidate holds it. `now`, aware, is for people to read."""
    spec = lease.get("spec") or {}
    moved = spec.get("holderIdentity") != candidate.identity
    changed = _over(lease)
    changed["spec"] = spec | {
        "holderIdentity": candidate.identity,
        "leaseDurationSeconds": ceil(candidate.timing.lease),
        "acquireTime": _micro(now) if moved or not spec.get("acquireTime") else spec["acquireTime"],
        "renewTime": _micro(now),
        "leaseTransitions": spec.get("leaseTransitions", 0) + moved,
    }
    return changed


def released(lease: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """The Lease to write on a clean stop: free at once."""
    changed = _over(lease)
    changed["spec"] = (lease.get("spec") or {}) | {
        "holderIdentity": "",
        "leaseDurationSeconds": 1,
        "renewTime": _micro(now),
    }
    return changed


def _seen(lease: Mapping[str, Any], now: float) -> Seen:
    spec = lease.get("spec") or {}
    holder, seconds = spec.get("holderIdentity") or "", spec.get("leaseDurationSeconds") or 0
    return Seen(holder, lease["metadata"]["resourceVersion"], float(seconds), now)


def _over(lease: Mapping[str, Any]) -> dict[str, Any]:
    """A copy that the API server takes only if nobody has written since: the version stays in its metadata."""
    changed = deepcopy(dict(lease))
    changed["metadata"].pop("managedFields", None)
    return changed


def _micro(now: datetime) -> str:
    """RFC 3339 with microseconds, as metav1.MicroTime has it."""
    return now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

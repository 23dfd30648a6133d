"""Which tenants of a cell may change their release now: a few at a time, in an order, and none while one has failed.
Pure, but for `Slots`, which remembers who has begun until their status says so."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from domicile_catalog.images import image_version

from domicile_operator.annotations import asked_of
from domicile_operator.names import LABEL_FIRST
from domicile_operator.plan import SIZES
from domicile_operator.releases.course import UNDER_WAY, Release, from_status
from domicile_operator.releases.figures import Harm

ORDER = tuple(SIZES)
"""The smallest first."""


@dataclass(frozen=True)
class Standing:
    """A tenant as its rollout is decided. `first`: its owner lets it go before the others. `able`: it was built, and
    nothing holds it back, so that others wait for it. `release` is None before a status says one, and of a tenant that
    no pass brings on: one that is refused or deleted takes no slot."""

    name: str
    made: str
    size: str
    first: bool
    able: bool
    release: Release | None


def standing_of(tenant: Mapping[str, Any]) -> Standing:
    """Of its object."""
    metadata, spec, status = tenant["metadata"], tenant.get("spec") or {}, tenant.get("status") or {}
    ends = status.get("state") in ("Refused", "Deleting") or bool(metadata.get("deletionTimestamp"))
    told = None if ends else status.get("release")
    return Standing(
        metadata["name"],
        metadata.get("creationTimestamp", ""),
        str(spec.get("size", ORDER[0])),
        (metadata.get("labels") or {}).get(LABEL_FIRST) == "true",
        bool(status.get("children")) and not ends and not asked_of(tenant).held,
        from_status(told) if told else None,
    )


def hindrance(name: str, wanted: str, fleet: Sequence[Standing], most: int, begun: Iterable[str] = ()) -> Harm | None:
    """Why a tenant may not begin with the cell's release now; None where it may.

    One tenant goes first, alone; when it has settled, up to `most` at a time. `begun` are those that have begun and
    whose status does not say so yet.
    """
    if (failed := failure(wanted, (one for one in fleet if one.name != name))) is not None:
        return Harm(
            "Halted",
            f"{image_version(wanted)} failed at {failed.name} and goes to nobody else "
            f"({_why(failed)}). Install a release that mends it, or `kubectl casino rollout retry {failed.name}`.",
        )
    under_way = {one.name for one in fleet if _phase(one) in UNDER_WAY} | set(begun)
    proved = any(_came_to(one, wanted) for one in fleet)
    free = (most if proved else 1) - len(under_way - {name})
    before = [one.name for one in _in_order(fleet, wanted) if one.name not in under_way]
    if name not in before[: max(free, 0)]:
        place = before.index(name) if name in before else len(before)
        busy = ", ".join(sorted(under_way)[:3])
        return Harm("Waits", f"{place} before it; {f'{busy} under way' if busy else 'nobody under way'}.")
    return None


def failure(wanted: str, fleet: Iterable[Standing]) -> Standing | None:
    """A tenant that went back from the cell's release, if there is one."""
    return next((one for one in fleet if _failed(one) == wanted), None)


class Slots:
    """Who has begun, and has not yet said so in a status: two passes at a time must not take one slot."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._begun: set[str] = set()

    def take(self, name: str, wanted: str, fleet: Sequence[Standing], most: int) -> Harm | None:
        """Why a tenant may not begin; None where it has now."""
        with self._lock:
            found = hindrance(name, wanted, fleet, most, self._begun)
            if found is None:
                self._begun.add(name)
            return found

    def told(self, name: str) -> None:
        """The pass that began is over: the status of the tenant says so, or it did not begin after all, or is gone."""
        with self._lock:
            self._begun.discard(name)


def _in_order(fleet: Iterable[Standing], wanted: str) -> list[Standing]:
    """Those that are to follow: who offered to go first, then the small ones, then the oldest."""
    waiting = (one for one in fleet if one.able and one.release and one.release.image != wanted)
    return sorted(waiting, key=lambda one: (not one.first, _rank(one.size), one.made, one.name))


def _rank(size: str) -> int:
    return ORDER.index(size) if size in ORDER else len(ORDER)


def _came_to(one: Standing, wanted: str) -> bool:
    """Whether a tenant has the release and was watched with it: who was made with it was not."""
    release = one.release
    return release is not None and (release.image, release.phase) == (wanted, "Settled") and bool(release.since)


def _failed(one: Standing) -> str:
    return one.release.failed.image if one.release and one.release.failed else ""


def _phase(one: Standing) -> str:
    return one.release.phase if one.release else ""


def _why(one: Standing) -> str:
    assert one.release is not None and one.release.failed is not None
    return one.release.failed.reason

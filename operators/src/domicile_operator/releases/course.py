"""The course of one tenant from one release to another: a state, what a pass saw, the next state. Pure.

What a tenant runs is what its status says, and nothing else decides it: a pass goes by the state that it read, and
writes the next one at its end. Whoever dies in between, the next pass reads the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from domicile_catalog.images import image_version

from domicile_operator.conditions import MESSAGE_LIMIT, RELEASE, Condition, timestamp
from domicile_operator.releases.figures import NONE, Figures, Harm, from_fields, harm, to_fields

Phase = Literal["Settled", "Rolling", "Watching", "GoingBack"]
UNDER_WAY: frozenset[Phase] = frozenset({"Rolling", "Watching", "GoingBack"})
LONGEST = timedelta(minutes=20)
"""How long a release may take to be in place: a migration has 15 minutes, a Deployment without progress three."""
DOWN = timedelta(minutes=1)
"""How long a release that is being watched may serve nobody."""


@dataclass(frozen=True)
class Failed:
    """A release that a tenant went back from."""

    image: str
    reason: str
    message: str
    at: str


@dataclass(frozen=True)
class Release:
    """Where a tenant stands. `image` is what it runs or is brought to, `previous` what it goes back to while that is
    judged; `since` is when the phase began, `begun` when the rollout did, `down` since when nobody is served, all as
    RFC 3339. `before` are the figures of the previous release as it was left."""

    image: str
    phase: Phase = "Settled"
    previous: str = ""
    since: str = ""
    begun: str = ""
    down: str = ""
    before: Figures = NONE
    failed: Failed | None = None


@dataclass(frozen=True)
class Seen:
    """What a pass saw. `wanted` is the cell's release, `hindrance` why a tenant that is settled may not begin with it.

    `settled`: nothing is left to do. `sound`: nothing failed either that is not the release's. `serving`: a pod of the
    casino is ready, where that is known. `stuck` is why the release cannot come to be in place. `figures` are those of
    its pods. `now` is in UTC, `watch` how long a release that is in place is watched.
    """

    wanted: str
    now: datetime
    hindrance: Harm | None = None
    settled: bool = False
    sound: bool = True
    serving: bool | None = None
    stuck: Harm | None = None
    figures: Figures = NONE
    watch: timedelta = timedelta(minutes=5)


def advance(release: Release, seen: Seen) -> Release:
    """The next state."""
    at = timestamp(seen.now)
    if release.phase == "Settled":
        return _settled(release, seen)
    if release.phase == "GoingBack":
        return replace(release, phase="Settled", since=at, begun="") if seen.settled else release
    taken_back = seen.wanted == release.previous
    found = seen.stuck or harm(release.before, seen.figures) or _late(release, seen)
    if taken_back or found is not None:
        failed = Failed(release.image, found.reason, found.message, at) if found and not taken_back else None
        return Release(release.previous, "GoingBack", since=at, begun=release.begun, failed=failed)
    return _onward(_served(release, seen), seen)


def standing(release: Release, seen: Seen) -> Condition:
    """What is to be said of the state that `advance` gave."""
    version, following = image_version(release.image), image_version(seen.wanted)
    failed, hindrance = release.failed, seen.hindrance
    if release.phase == "GoingBack":
        said = f": {failed.message}" if failed else ", which is the cell's release again."
        return Condition(RELEASE, "Unknown", "GoingBack", f"Back to {version}{said}")
    if release.phase in UNDER_WAY:
        doing = "its pods come" if release.phase == "Rolling" else "its bets are watched"
        said = f"From {image_version(release.previous)} to {version}: {doing}."
        return Condition(RELEASE, "Unknown", release.phase, said)
    if release.image == seen.wanted:
        return Condition(RELEASE, "True", "Current", f"{version} runs.")
    if failed is not None:
        said = f"{version} runs again: {following} failed with {failed.reason}. {failed.message}"
        mend = "Install a release that mends it or, if the trouble was another, `kubectl casino rollout retry`."
        return Condition(RELEASE, "False", "RolledBack", f"{said} {mend}")
    reason, said = (hindrance.reason, hindrance.message) if hindrance else ("Next", "It begins at once.")
    return Condition(RELEASE, "False", reason, f"{version} runs, and {following} is to follow. {said}")


def to_status(release: Release) -> dict[str, Any]:
    """`status.release`."""
    words = {"image": release.image, "phase": release.phase, "previous": release.previous, "since": release.since}
    words |= {"begun": release.begun, "downSince": release.down}
    made: dict[str, Any] = {name: word for name, word in words.items() if word}
    if release.phase in UNDER_WAY:
        made["before"] = to_fields(release.before)
    if release.failed is not None:
        failed = release.failed
        made["failed"] = {
            "image": failed.image,
            "reason": failed.reason,
            "message": failed.message[:MESSAGE_LIMIT],
            "at": failed.at,
        }
    return made


def from_status(fields: Mapping[str, Any]) -> Release:
    """Out of a status."""
    failed = fields.get("failed")
    return Release(
        fields["image"],
        fields.get("phase", "Settled"),
        previous=fields.get("previous", ""),
        since=fields.get("since", ""),
        begun=fields.get("begun", ""),
        down=fields.get("downSince", ""),
        before=from_fields(fields.get("before", {})),
        failed=Failed(*(failed[name] for name in ("image", "reason", "message", "at"))) if failed else None,
    )


def _settled(release: Release, seen: Seen) -> Release:
    if release.failed is not None and release.failed.image != seen.wanted:
        release = replace(release, failed=None)
    stays = release.image == seen.wanted or release.failed is not None or seen.hindrance is not None
    if stays or not (seen.sound or seen.stuck):
        return release
    at = timestamp(seen.now)
    return Release(seen.wanted, "Rolling", release.image, at, at, before=seen.figures)


def _late(release: Release, seen: Seen) -> Harm | None:
    version = image_version(release.image)
    if release.down and seen.serving is False and _past(release.down, DOWN, seen.now):
        return Harm("ServesNobody", f"No pod of {version} has been ready since {release.down}.")
    if seen.sound and not seen.settled and _past(release.begun, LONGEST, seen.now):
        return Harm("NotInPlace", f"{version} was not in place within {LONGEST.total_seconds() / 60:.0f} minutes.")
    return None


def _served(release: Release, seen: Seen) -> Release:
    if seen.serving is None:
        return release
    return replace(release, down="" if seen.serving else release.down or timestamp(seen.now))


def _onward(release: Release, seen: Seen) -> Release:
    at = timestamp(seen.now)
    phase: Phase = "Watching" if seen.settled else "Rolling"
    if release.phase != phase:
        return replace(release, phase=phase, since=at)
    watched = phase == "Watching" and _past(release.since, seen.watch, seen.now)
    return Release(release.image, since=at) if watched else release


def _past(since: str, time: timedelta, now: datetime) -> bool:
    return now - datetime.fromisoformat(since) >= time

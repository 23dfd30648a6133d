"""May somebody, judged by where they are? A function of the evidence; what is not known is a no."""

from __future__ import annotations

from datetime import datetime, timedelta

from casino.compliance.api import Territory
from casino.pam.geolocation.models import Anonymity, Decision, Evidence, Position, Reason
from casino.pam.geolocation.outline import circle_inside

OLDEST = timedelta(seconds=60)
AHEAD = timedelta(seconds=10)
"""How far a device's clock may be before ours."""


def decide(territory: Territory, evidence: Evidence, now: datetime) -> Decision:
    """The first row of the table (docs/players.md) that applies: network, anonymity, region, then position."""
    if evidence.network is None:
        return Decision(Reason.NETWORK_UNKNOWN)
    if evidence.network.anonymiser or evidence.anonymity is Anonymity.ANONYMISER:
        return Decision(Reason.ANONYMISER)
    if evidence.anonymity is Anonymity.UNKNOWN:
        return Decision(Reason.PROVIDER_UNAVAILABLE)
    if not in_regions(evidence.network.region, territory.regions):
        return Decision(Reason.NETWORK_OUTSIDE)
    if evidence.position is None:
        return Decision(Reason.POSITION_MISSING if territory.position_required else Reason.INSIDE)
    return Decision(_position(territory, evidence.position, now))


def in_regions(region: str, regions: tuple[str, ...]) -> bool:
    """Whether a region is one of those, or a part of one (ISO 3166-2: the country's code, a hyphen, the part's)."""
    return any(region == one or region.startswith(one + "-") for one in regions)


def _position(territory: Territory, position: Position, now: datetime) -> Reason:
    if not now - OLDEST <= position.taken_at <= now + AHEAD:
        return Reason.POSITION_STALE
    if position.accuracy_m > territory.max_accuracy_m:
        return Reason.POSITION_INACCURATE
    if not territory.polygons:
        # A position that nobody can judge proves nothing; where none is required, it does no harm either.
        return Reason.POSITION_OUTSIDE if territory.position_required else Reason.INSIDE
    inside = circle_inside(territory.polygons, position.longitude, position.latitude, position.accuracy_m)
    return Reason.INSIDE if inside else Reason.POSITION_OUTSIDE

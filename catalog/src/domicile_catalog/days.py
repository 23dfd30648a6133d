"""Which day it is where the licence is, and when a day begins there."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from domicile_catalog.attestation import Attestation, answer
from domicile_catalog.model import Catalogue


def local_day(catalogue: Catalogue, code: str, now: datetime, attestations: Iterable[Attestation] = ()) -> date:
    """Which day an instant (aware of its zone) falls on in the jurisdiction; in UTC where its zone is unknown."""
    return now.astimezone(_zone(catalogue, code, now.date(), attestations)).date()


def local_midnight(catalogue: Catalogue, code: str, day: date, attestations: Iterable[Attestation] = ()) -> datetime:
    """The instant, in UTC, at which a day begins in the jurisdiction; in UTC where its zone is unknown."""
    zone = _zone(catalogue, code, day, attestations)
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


def _zone(catalogue: Catalogue, code: str, on: date, attestations: Iterable[Attestation]) -> ZoneInfo:
    found = catalogue.jurisdiction(code, on)
    zone = answer(found, "timezone", attestations, on).fact.value if found else None
    return ZoneInfo(zone or "UTC")

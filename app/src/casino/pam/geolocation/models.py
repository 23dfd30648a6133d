"""Evidence of where somebody is, and what is decided from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Network:
    """What the database of networks says of an address. `region` is ISO 3166: a country, or one of its parts."""

    region: str
    anonymiser: bool


@dataclass(frozen=True, slots=True)
class Position:
    """A device's own answer: degrees (WGS 84), the radius in metres that it is sure of, and when it was taken."""

    longitude: float
    latitude: float
    accuracy_m: float
    taken_at: datetime


class Anonymity(StrEnum):
    """What a provider says of an address. `unknown` is also what a provider that does not answer says."""

    NONE = "none"
    ANONYMISER = "anonymiser"
    UNKNOWN = "unknown"


class Reason(StrEnum):
    """Why somebody may, or may not. Stable: they are kept with each decision."""

    INSIDE = "inside"
    NETWORK_UNKNOWN = "network_unknown"
    ANONYMISER = "anonymiser"
    PROVIDER_UNAVAILABLE = "provider_unavailable"
    NETWORK_OUTSIDE = "network_outside"
    POSITION_MISSING = "position_missing"
    POSITION_STALE = "position_stale"
    POSITION_INACCURATE = "position_inaccurate"
    POSITION_OUTSIDE = "position_outside"


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known at a moment. `network` is None for an address that is not in the database, or none.

    `anonymity` is None where no provider is asked.
    """

    network: Network | None
    anonymity: Anonymity | None
    position: Position | None


@dataclass(frozen=True, slots=True)
class Decision:
    reason: Reason

    @property
    def allowed(self) -> bool:
        return self.reason is Reason.INSIDE

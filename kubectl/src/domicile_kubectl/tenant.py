"""A CasinoTenant as the API server gives it, read without trusting that any of it is there. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from domicile_kubectl.names import PAUSED, PLAN, Object


@dataclass(frozen=True)
class Condition:
    """One entry of status.conditions. `status` is True, False or Unknown."""

    type: str
    status: str
    reason: str
    message: str
    since: datetime | None
    generation: int


@dataclass(frozen=True)
class Tenant:
    """A tenant's object, with names for what is asked of it."""

    raw: Object

    @property
    def name(self) -> str:
        return str(self.raw["metadata"]["name"])

    @property
    def metadata(self) -> Object:
        found: Object = self.raw["metadata"]
        return found

    @property
    def spec(self) -> Object:
        return self.raw.get("spec") or {}

    @property
    def status(self) -> Object:
        return self.raw.get("status") or {}

    @property
    def annotations(self) -> dict[str, str]:
        return self.metadata.get("annotations") or {}

    @property
    def generation(self) -> int:
        return int(self.metadata.get("generation", 0))

    @property
    def observed(self) -> int:
        """The generation that the status is of; 0 where no pass has looked yet."""
        return int(self.status.get("observedGeneration", 0))

    @property
    def deleting(self) -> bool:
        return bool(self.metadata.get("deletionTimestamp"))

    @property
    def created(self) -> datetime:
        return instant(self.metadata["creationTimestamp"])

    @property
    def paused(self) -> str | None:
        """Why the operator leaves the tenant alone; empty where nobody said why, None where it does not."""
        value = self.annotations.get(PAUSED)
        return None if value is None or value == "false" else "" if value == "true" else value

    @property
    def planned(self) -> bool:
        """Whether the operator only tells what it would do."""
        return self.annotations.get(PLAN) == "true"

    @property
    def operation(self) -> Object:
        """The record of what may be done, as status tells it."""
        return self.status.get("operation") or {}

    @property
    def place(self) -> str:
        return str(self.status.get("place", ""))

    @property
    def brand(self) -> str:
        return str(self.spec.get("brand", ""))

    @property
    def jurisdiction(self) -> str:
        return str(self.spec.get("jurisdiction", ""))

    @property
    def licence(self) -> Object:
        return self.spec.get("licence") or {}

    def conditions(self) -> Iterator[Condition]:
        """In the order of the status, which is the operator's."""
        for entry in self.status.get("conditions") or ():
            since = entry.get("lastTransitionTime")
            yield Condition(
                entry["type"],
                entry["status"],
                entry.get("reason", ""),
                entry.get("message", ""),
                instant(since) if since else None,
                int(entry.get("observedGeneration", 0)),
            )

    def condition(self, kind: str) -> Condition | None:
        return next((one for one in self.conditions() if one.type == kind), None)

    @property
    def ready(self) -> bool:
        found = self.condition("Ready")
        return found is not None and found.status == "True"

    def licence_days_left(self, now: datetime) -> int | None:
        """Whole days of play left after today, by UTC; negative once it is over, None where there is no date."""
        try:
            last = date.fromisoformat(str(self.licence.get("validUntil")))
        except ValueError:
            return None
        return (last - now.astimezone(UTC).date()).days


def instant(text: str) -> datetime:
    """An RFC 3339 instant of the API server."""
    return datetime.fromisoformat(text)


def age(since: datetime, now: datetime) -> str:
    """How long ago, as kubectl writes it: 45s, 12m, 5h3m, 2d4h, 30d, 2y40d."""
    seconds = max(0, int((now - since).total_seconds()))
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if seconds < 120:
        return f"{seconds}s"
    if minutes < 120:
        return f"{minutes}m"
    if hours < 48:
        return f"{hours}h{minutes % 60}m" if minutes % 60 and hours < 8 else f"{hours}h"
    if days < 8 and hours % 24:
        return f"{days}d{hours % 24}h"
    return f"{days}d" if days < 730 else f"{days // 365}y{days % 365}d"


def text_of(value: Any, absent: str = "-") -> str:
    """A field in a table: what is not there is a dash."""
    return str(value) if value not in (None, "") else absent

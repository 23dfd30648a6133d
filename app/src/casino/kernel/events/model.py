"""What an event is, who listens, and how long a failed one waits. Pure."""

from __future__ import annotations

import json
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

ATTEMPTS = 10
"""After so many a parked event waits for a person."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 300.0


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. `type` is `module.what`; `aggregate` is what it happened to, most often a player.

    Events of one aggregate are handled in their order, except that a batch of rounds may be read before what one of
    its players did just before: what must not mistake that looks at `account_version` in the payload.
    """

    event_id: uuid.UUID
    type: str
    schema_version: int
    aggregate: uuid.UUID
    occurred_at: datetime
    payload: Mapping[str, Any]
    position: int = 0

    def as_json(self) -> str:
        """For keeping it where it waits."""
        return json.dumps(
            {
                "event_id": str(self.event_id),
                "type": self.type,
                "schema_version": self.schema_version,
                "aggregate": str(self.aggregate),
                "occurred_at": self.occurred_at.isoformat(),
                "payload": self.payload,
                "position": self.position,
            }
        )

    @staticmethod
    def of_json(text: str) -> Event:
        """What as_json() wrote."""
        value = json.loads(text)
        return Event(
            uuid.UUID(value["event_id"]),
            value["type"],
            value["schema_version"],
            uuid.UUID(value["aggregate"]),
            datetime.fromisoformat(value["occurred_at"]),
            value["payload"],
            value["position"],
        )


class NotUnderstood(Exception):
    """An event of a type or version that a consumer does not know: it stops, and skips nothing."""


Handler = Callable[[Any, Event], Awaitable[None]]
"""Takes a connection in a transaction of the consumer's module, and the event. What it raises parks the event."""


@dataclass(frozen=True, slots=True)
class Consumer:
    """A reader of one module's events, in another module or in the same.

    `handlers` are by type and version; a type that is not there is passed over if it is in `ignores`, or if
    `ignores_others`, and else stops the consumer. `reset` empties what the consumer builds, for building it anew.
    `keep` empties it but for what was built of the time up to a moment, and of some time after it that cannot be told
    apart; answers the end of what it kept, from which on events are to be read anew.
    """

    name: str
    module: str
    producer: str
    handlers: Mapping[tuple[str, int], Handler]
    ignores: frozenset[str] = field(default_factory=frozenset)
    ignores_others: bool = False
    reset: Callable[[Any], Awaitable[None]] | None = None
    keep: Callable[[Any, datetime], Awaitable[datetime]] | None = None
    together: Callable[[Any, Sequence[Event]], Awaitable[None]] | None = None
    """Handles a batch at once, with the effect of the handlers one by one. For what comes by the thousand."""

    def handler_of(self, event: Event) -> Handler | None:
        """Who handles the event, None for one that is passed over. Raises NotUnderstood."""
        found = self.handlers.get((event.type, event.schema_version))
        if found is not None:
            return found
        known = any(type_ == event.type for type_, _ in self.handlers)
        if not known and (self.ignores_others or event.type in self.ignores):
            return None
        raise NotUnderstood(f"{self.name} does not understand {event.type} of version {event.schema_version}")


def pause_s(attempts: int) -> float | None:
    """Seconds until a parked event is tried again after so many attempts; None when it waits for a person."""
    if attempts >= ATTEMPTS:
        return None
    return min(_FIRST_PAUSE_S * 2.0 ** (attempts - 1), _LONGEST_PAUSE_S)

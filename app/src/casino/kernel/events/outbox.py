"""Writes events, in the transaction of the change that they tell of."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from casino.kernel.events.model import Event
from casino.kernel.identity import new_id

CHANNEL = "casino_events"
"""LISTEN on it is told the name of the module that has written."""


@dataclass(frozen=True, slots=True)
class Outbox:
    """The outbox of a module."""

    module: str

    async def append(self, connection: Any, *events: Event) -> None:
        """Write events into the caller's transaction; readers are woken when it commits."""
        await connection.executemany(
            f"INSERT INTO {self.module}.outbox"  # noqa: S608 - a module's name
            " (event_id, type, schema_version, aggregate, occurred_at, payload)"
            " VALUES ($1, $2, $3, $4, $5, $6)",
            [_row(event) for event in events],
        )
        await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, self.module)


def event(
    type_: str, aggregate: uuid.UUID, at: datetime, payload: Mapping[str, Any], *, schema_version: int = 1
) -> Event:
    """A new event."""
    return Event(new_id(), type_, schema_version, aggregate, at, payload)


def _row(event_: Event) -> Sequence[Any]:
    return (
        event_.event_id,
        event_.type,
        event_.schema_version,
        event_.aggregate,
        event_.occurred_at,
        json.dumps(event_.payload),
    )

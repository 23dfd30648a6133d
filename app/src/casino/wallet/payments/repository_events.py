"""All SQL of the webhooks' inbox."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from casino.kernel.db import Database
from casino.wallet.payments.models import Event

_COLUMNS = (
    "event_id", "kind", "reference", "amount", "currency", "decline_code", "occurred_at", "provider_id", "owner_match",
    "payer_token",
)  # fmt: skip


class EventRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, provider: str, event: Event, now: datetime) -> bool:
        """Keep an event; false when it is there already."""
        added = await self._database.pool.fetchval(
            "INSERT INTO wallet.psp_events (provider, event_id, kind, reference, amount, currency, decline_code,"
            " occurred_at, provider_id, owner_match, payer_token, received_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
            " ON CONFLICT (provider, event_id) DO NOTHING RETURNING true",
            provider, *(getattr(event, name) for name in _COLUMNS), now,
        )  # fmt: skip
        return bool(added)

    async def waiting(self, connection: Any, references: list[str]) -> list[tuple[str, Event]]:
        """The events that wait for these references, with their providers, in the order in which they happened."""
        rows = await connection.fetch(
            "SELECT * FROM wallet.psp_events WHERE status = 'waiting' AND reference = ANY($1)"
            " ORDER BY occurred_at, received_at, event_id FOR UPDATE",
            references,
        )
        return [(row["provider"], _event(row)) for row in rows]

    async def settle(
        self, connection: Any, *, provider: str, event_id: str, status: str, reason: str | None, now: datetime
    ) -> None:
        """An event is `done`, or `parked` with a reason for a person."""
        await connection.execute(
            "UPDATE wallet.psp_events SET status = $3, reason = $4, handled_at = $5"
            " WHERE provider = $1 AND event_id = $2",
            provider, event_id, status, reason, now,
        )  # fmt: skip

    async def park_older(self, before: datetime, now: datetime) -> int:
        """Park what has waited since `before`: what it follows will not come. Answers how many."""
        done = await self._database.pool.execute(
            "UPDATE wallet.psp_events SET status = 'parked', reason = 'waited too long', handled_at = $2"
            " WHERE status = 'waiting' AND received_at <= $1",
            before, now,
        )  # fmt: skip
        return int(done.rpartition(" ")[2])


def _event(row: Any) -> Event:
    return Event(**{name: row[name] for name in _COLUMNS})

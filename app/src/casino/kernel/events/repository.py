"""SQL of consumers: cursors with their leases, and what is parked. What they read is in producer.py."""

# ruff: noqa: S608 - the names in the statements are modules', which the program itself gives

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from casino.kernel.events.model import Consumer, Event
from casino.kernel.events.producer import Cursor


@dataclass(frozen=True, slots=True)
class Parked:
    """An event that waits."""

    position: int
    aggregate: uuid.UUID
    event: Event
    error: str
    attempts: int
    waits_for_a_person: bool


class Cursors:
    """The cursors of one consumer's module, and what it parked."""

    def __init__(self, pool: Any, consumer: Consumer) -> None:
        self.pool = pool
        self._consumer = consumer
        self._key = (consumer.name, consumer.producer)
        self._cursors = f"{consumer.module}.cursors"
        self._parked = f"{consumer.module}.parked"

    async def claim(self, holder: uuid.UUID, lease_s: float) -> Cursor | None:
        """The lease, anew or on; None when another has it."""
        await self.pool.execute(
            f"INSERT INTO {self._cursors} (consumer, producer) VALUES ($1, $2) ON CONFLICT DO NOTHING", *self._key
        )
        row = await self.pool.fetchrow(
            f"UPDATE {self._cursors} SET lease_holder = $3, lease_until = clock_timestamp() + $4 * interval '1 second',"
            " fence = fence + (lease_holder IS DISTINCT FROM $3 OR lease_until < clock_timestamp())::integer"
            " WHERE consumer = $1 AND producer = $2"
            " AND (lease_holder IS NULL OR lease_holder = $3 OR lease_until < clock_timestamp()) RETURNING *",
            *self._key,
            holder,
            lease_s,
        )
        return None if row is None else _cursor(row)

    async def release(self, holder: uuid.UUID) -> None:
        """Give the lease back, so that another need not wait for its end."""
        await self.pool.execute(
            f"UPDATE {self._cursors} SET lease_holder = NULL, lease_until = NULL"
            " WHERE consumer = $1 AND producer = $2 AND lease_holder = $3",
            *self._key,
            holder,
        )

    async def find(self) -> Cursor | None:
        """As it stands, whoever has the lease."""
        row = await self.pool.fetchrow(
            f"SELECT * FROM {self._cursors} WHERE consumer = $1 AND producer = $2", *self._key
        )
        return None if row is None else _cursor(row)

    async def lock(self, connection: Any, fence: int) -> bool:
        """Lock the cursor for the transaction; false when the lease has gone to another."""
        found = await connection.fetchval(
            f"SELECT fence FROM {self._cursors} WHERE consumer = $1 AND producer = $2 FOR UPDATE", *self._key
        )
        return bool(found == fence)

    async def move(self, connection: Any, cursor: Cursor) -> int:
        """Write where the cursor is. Answers the id of the transaction that does: whoever begins later has a later."""
        moved = await connection.fetchval(
            f"UPDATE {self._cursors} SET server = $3, window_from = $4::text::xid8, window_to = $5::text::xid8,"
            " position = $6, floor = $7, stopped = $8, handled_at = clock_timestamp()"
            " WHERE consumer = $1 AND producer = $2 RETURNING pg_current_xact_id()::text",
            *self._key,
            cursor.server,
            str(cursor.window_from),
            str(cursor.window_to),
            cursor.position,
            cursor.floor,
            cursor.stopped,
        )
        return int(moved)

    async def go_on(self) -> None:
        """Let a stopped consumer read on."""
        await self.pool.execute(
            f"UPDATE {self._cursors} SET stopped = NULL WHERE consumer = $1 AND producer = $2", *self._key
        )

    async def parked_aggregates(self, connection: Any, aggregates: Sequence[uuid.UUID]) -> set[uuid.UUID]:
        """Those of the aggregates of which something is parked."""
        rows = await connection.fetch(
            f"SELECT DISTINCT aggregate FROM {self._parked}"
            " WHERE consumer = $1 AND producer = $2 AND aggregate = ANY ($3)",
            *self._key,
            aggregates,
        )
        return {row["aggregate"] for row in rows}

    async def park(self, connection: Any, event: Event, error: str, attempts: int, pause_s: float | None) -> None:
        """Park an event, or note that it failed again."""
        await connection.execute(
            f"INSERT INTO {self._parked} (consumer, producer, position, aggregate, event, error, attempts, next_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, clock_timestamp() + $8 * interval '1 second')"
            " ON CONFLICT (consumer, producer, position) DO UPDATE"
            " SET error = excluded.error, attempts = excluded.attempts, next_at = excluded.next_at",
            *self._key,
            event.position,
            event.aggregate,
            event.as_json(),
            error,
            attempts,
            pause_s,
        )

    async def due(self, limit: int) -> list[uuid.UUID]:
        """Aggregates whose first parked event may be tried again now."""
        rows = await self.pool.fetch(
            f"SELECT aggregate FROM (SELECT DISTINCT ON (aggregate) aggregate, next_at FROM {self._parked}"
            "  WHERE consumer = $1 AND producer = $2 ORDER BY aggregate, position) AS first"
            " WHERE next_at <= clock_timestamp() LIMIT $3",
            *self._key,
            limit,
        )
        return [row["aggregate"] for row in rows]

    async def parked(self, aggregate: uuid.UUID | None = None) -> list[Parked]:
        """What is parked, in order; of one aggregate, or all."""
        rows = await self.pool.fetch(
            f"SELECT * FROM {self._parked} WHERE consumer = $1 AND producer = $2"
            " AND ($3::uuid IS NULL OR aggregate = $3) ORDER BY position",
            *self._key,
            aggregate,
        )
        return [
            Parked(
                row["position"],
                row["aggregate"],
                Event.of_json(row["event"]),
                row["error"],
                row["attempts"],
                row["next_at"] is None,
            )
            for row in rows
        ]

    async def unpark(self, connection: Any, position: int) -> bool:
        """Take an event away from what is parked; false when it is not there."""
        found = await connection.fetchval(
            f"DELETE FROM {self._parked} WHERE consumer = $1 AND producer = $2 AND position = $3 RETURNING true",
            *self._key,
            position,
        )
        return bool(found)

    async def replay(self, position: int | None) -> int:
        """Let parked events be tried again at once, with all their attempts; answers how many."""
        rows = await self.pool.fetch(
            # In the order in which readers take the rows: each of the two would wait for the other otherwise.
            f"WITH taken AS (SELECT position FROM {self._parked}"
            "  WHERE consumer = $1 AND producer = $2 AND ($3::bigint IS NULL OR position = $3)"
            "  ORDER BY position FOR UPDATE)"
            f" UPDATE {self._parked} parked SET attempts = 0, next_at = clock_timestamp() FROM taken"
            " WHERE consumer = $1 AND producer = $2 AND parked.position = taken.position RETURNING parked.position",
            *self._key,
            position,
        )
        return len(rows)

    async def forget(self, connection: Any, kept_before: datetime | None = None) -> None:
        """Forget what is parked, and read from the beginning; but for events of before `kept_before`, which are over.

        What is parked of those stays where it waits.
        """
        await connection.execute(
            f"DELETE FROM {self._parked} WHERE consumer = $1 AND producer = $2"
            " AND ($3::timestamptz IS NULL OR (event ->> 'occurred_at')::timestamptz >= $3)",
            *self._key,
            kept_before,
        )
        await connection.execute(
            f"UPDATE {self._cursors} SET window_from = '0', window_to = '0', position = 0, floor = 0, stopped = NULL,"
            " fence = fence + 1, lease_holder = NULL, lease_until = NULL, kept_before = $3"
            " WHERE consumer = $1 AND producer = $2",
            *self._key,
            kept_before,
        )


def _cursor(row: Any) -> Cursor:
    whole = {name: row[name] for name in Cursor.__slots__}
    return replace(Cursor(**whole), window_from=int(row["window_from"]), window_to=int(row["window_to"]))

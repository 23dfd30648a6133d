"""A module's events as its readers get them: windows of transaction ids, read in chunks by position.

All that was written by transactions of `[from, to)` is settled once none of those runs: a window and its chunks never
change. So the readers of one process share them, and each event is fetched and parsed once however many listen.
"""

# ruff: noqa: S608 - the names in the statements are modules', which the program itself gives

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import asyncpg
from pydantic_core import from_json

from casino.kernel.events.model import Event

KEPT = 8
"""Chunks that are kept for the readers behind: those of one process go about abreast."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a consumer has read: the window `[window_from, window_to)` up to `position`.

    Nothing at or below `floor` is in this window or a later one. `fence` is the number of the lease. What was built of
    the time before `kept_before` was kept when it was built anew: its events are passed over.
    """

    server: int | None
    window_from: int
    window_to: int
    position: int
    floor: int
    fence: int
    stopped: str | None
    kept_before: datetime | None = None


class Window(NamedTuple):
    """Where a window ends, and a position that had been drawn by then: later transactions draw later ones."""

    to: int
    drawn: int


class Producer:
    """A module's events, read by that module's own login."""

    def __init__(self, pool: Any, module: str) -> None:
        self._pool = pool
        # The wallet's transactions are events without having been written as such.
        wallet = module == "wallet"
        self._source = "wallet.events" if wallet else f"{module}.outbox"
        self._sequence = "wallet.positions" if wallet else f"{module}.outbox_position_seq"
        self.statement = (
            f"SELECT * FROM {self._source} WHERE xact >= $1::text::xid8 AND xact < $2::text::xid8"
            " AND position > $3 ORDER BY position LIMIT $4"
        )
        self._one_at_a_time = asyncio.Lock()
        self._windows: OrderedDict[tuple[int | None, int], Window] = OrderedDict()
        self._chunks: OrderedDict[tuple[int | None, int, int, int, int], Sequence[Event]] = OrderedDict()

    async def horizon(self) -> Window:
        """The window that ends now, at the oldest transaction that still runs: before it all is settled."""
        row = await self._pool.fetchrow(
            "SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS horizon,"
            f" CASE WHEN is_called THEN last_value ELSE 0 END AS drawn FROM {self._sequence}"
        )
        return Window(int(row["horizon"]), row["drawn"])

    async def server(self) -> int | None:
        """The identity of the server whose transactions these are; None where a managed service does not tell it."""
        try:
            found: int = await self._pool.fetchval("SELECT system_identifier FROM pg_control_system()")
        except asyncpg.InsufficientPrivilegeError:
            return None
        return found

    async def window(self, server: int | None, window_from: int) -> Window:
        """The window that begins there: as another reader has it, or as long as it may be now. It may be empty."""
        async with self._one_at_a_time:
            found = self._windows.get((server, window_from))
            if found is None:
                found = await self.horizon()
                if found.to > window_from:
                    _keep(self._windows, (server, window_from), found)
            return found

    def has_begun(self, server: int | None, window_from: int) -> bool:
        """Whether a reader has begun the window that begins there."""
        return (server, window_from) in self._windows

    async def chunk(self, cursor: Cursor, limit: int) -> Sequence[Event]:
        """The next events of the cursor's window, which is settled."""
        key = (cursor.server, cursor.window_from, cursor.window_to, cursor.position, limit)
        async with self._one_at_a_time:
            found = self._chunks.get(key)
            if found is None:
                found = await self.read(cursor, limit)
                _keep(self._chunks, key, found)
            return found

    async def read(self, cursor: Cursor, limit: int) -> Sequence[Event]:
        """The same, of any window, and not shared."""
        rows = await self._pool.fetch(
            self.statement,
            str(cursor.window_from),
            str(cursor.window_to),
            max(cursor.position, cursor.floor),
            limit,
        )
        return [_event(row) for row in rows]

    async def last_position(self) -> int:
        """Where the newest event lies, 0 without any."""
        found: int = await self._pool.fetchval(f"SELECT coalesce(max(position), 0) FROM {self._source}")
        return found

    async def waiting(self, cursor: Cursor) -> tuple[int, float]:
        """How many events there are beyond the cursor, and the age of the oldest in seconds."""
        row = await self._pool.fetchrow(
            f"SELECT count(*) AS events,"
            f" coalesce(extract(epoch FROM clock_timestamp() - min(occurred_at)), 0)::float8 AS age"
            f" FROM {self._source} WHERE xact >= $1::text::xid8 AND position > $3"
            " AND (xact >= $2::text::xid8 OR position > $4)",
            str(cursor.window_from),
            str(cursor.window_to),
            cursor.floor,
            cursor.position,
        )
        return row["events"], row["age"]


class Producers:
    """The producers of one process, each once."""

    def __init__(self, pool_of: Callable[[str], Any]) -> None:
        self._pool_of = pool_of
        self._producers: dict[str, Producer] = {}

    def of(self, module: str) -> Producer:
        """The module's, made when it is first asked for."""
        if module not in self._producers:
            self._producers[module] = Producer(self._pool_of(module), module)
        return self._producers[module]


def _keep(kept: OrderedDict[Any, Any], key: Any, value: Any) -> None:
    kept[key] = value
    if len(kept) > KEPT:
        kept.popitem(last=False)


def _event(row: Any) -> Event:
    return Event(
        row["event_id"],
        row["type"],
        row["schema_version"],
        row["aggregate"],
        row["occurred_at"],
        from_json(row["payload"]),
        row["position"],
    )

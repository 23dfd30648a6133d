"""Reads a producer's events and hands them to a consumer, each exactly once in effect.

A batch is handled in one transaction of the consumer's module, in which its cursor moves too: what was handled is
known to have been, and what was not comes again. No lock is held while a handler runs but the cursor's own row.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

import asyncpg

from casino.kernel.errors import CasinoError
from casino.kernel.events.model import Consumer, Event, NotUnderstood, pause_s
from casino.kernel.events.producer import Cursor, Producers
from casino.kernel.events.repository import Cursors
from casino.kernel.metrics import EVENTS_HANDLED, EVENTS_PARKED

log = logging.getLogger(__name__)

LEASE_S = 30.0
BATCH = 500
LONGEST_REST_S = 0.25
RETRY_S = 1.0
"""How often what is parked is looked through for what may be tried again."""
OUTAGES = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
)
"""Nobody's fault, least of all the event's: the batch comes again."""
_FOLLOWS = "follows an event of the same aggregate that is parked"


class EventsGone(CasinoError):
    status, code = 409, "EVENTS_GONE"
    rule = "what is built from events outlives them"
    remedy = "Leave it as it is; or, where its records of that time are not needed any more, name each time to give up."

    def __init__(self, consumer: Consumer, gone: Sequence[str]) -> None:
        super().__init__(
            f"{consumer.name} cannot be built anew whole: {consumer.producer} has no events any more of "
            f"{', '.join(gone)}, and what was built of them would be lost.",
            remedy=f"{self.remedy} `casino events rebuild {consumer.name} --without {','.join(gone)}` does.",
        )


class LeaseLost(Exception):
    """Another has taken over meanwhile: what was read is theirs to handle."""


class Relay:
    """One consumer's reader. `pool_of` gives the pool of a module; the holder's name is the process's.

    Readers that go about in one process read `producers` together.
    """

    def __init__(
        self,
        consumer: Consumer,
        pool_of: Callable[[str], Any],
        *,
        producers: Producers | None = None,
        holder: uuid.UUID | None = None,
        lease_s: float = LEASE_S,
        batch: int = BATCH,
    ) -> None:
        self.consumer = consumer
        self._batch = batch
        self._producer = (producers or Producers(pool_of)).of(consumer.producer)
        self._cursors = Cursors(pool_of(consumer.module), consumer)
        self._holder = holder or uuid.uuid4()
        self._lease_s = lease_s
        self._cursor: Cursor | None = None
        self._drawn = 0
        self._mark: tuple[int, int] | None = None
        self._renew_at = self._retry_at = 0.0
        self._server: int | None = None

    async def step(self) -> int:
        """Handle what is there, at most one batch; answers how many events were read, 0 also without the lease.

        Raises one of OUTAGES when a server does not answer; nothing is lost or done twice then.
        """
        cursor = await self._held()
        if cursor is None or cursor.stopped:
            return 0
        try:
            if time.monotonic() >= self._retry_at:
                await self._retry_parked(cursor)
                self._retry_at = time.monotonic() + RETRY_S
            events, cursor = await self._read(cursor)
            if events:
                cursor = await self._handle(cursor, events)
        except LeaseLost:
            self._cursor = None
            return 0
        except BaseException:
            self._cursor = None  # what is known of the cursor may be wrong now
            raise
        self._cursor = cursor
        return len(events)

    @property
    def has_more(self) -> bool:
        """Whether more is known to be there to read: a window that is not over, or one that another reader began."""
        at = self._cursor
        if at is None or at.stopped:
            return False
        return at.window_from < at.window_to or self._producer.has_begun(at.server, at.window_from)

    async def rebase(self) -> int:
        """After the events came to another server, whose transaction ids begin anew: handle what was waiting, then
        count by the new server's. Answers how many events waited. Nobody may write meanwhile."""
        cursor = await self._cursors.claim(self._holder, self._lease_s)
        if cursor is None:
            raise LeaseLost(f"{self.consumer.name} is being read: end the workers first")
        horizon, server = (await self._producer.horizon()).to, await self._producer.server()
        last, handled = await self._producer.last_position(), 0
        cursor = replace(cursor, server=server, window_to=2**64 - 1, stopped=None)
        while events := await self._producer.read(cursor, self._batch):
            cursor = await self._handle(cursor, events)
            cursor = replace(cursor, window_to=2**64 - 1, window_from=min(cursor.window_from, cursor.window_to))
            handled += len(events)
            if len(events) < self._batch:
                break
        cursor = replace(cursor, window_from=horizon, window_to=horizon, position=0, floor=last)
        async with self._cursors.pool.acquire() as connection, connection.transaction():
            await self._cursors.move(connection, cursor)
        await self.close()
        return handled

    async def rebuild(self, gone: Sequence[str] = (), until: datetime | None = None) -> datetime | None:
        """Empty what the consumer builds and read from the beginning, from the next step on.

        `gone` are the times, in words, of which the producer has no events any more, and `until` their end: what was
        built of them could not be built anew, and is kept. Answers the end of what was. Refuses with EventsGone where
        the consumer cannot keep a part.
        """
        if self.consumer.reset is None:
            raise NotUnderstood(f"{self.consumer.name} builds nothing that can be built anew")
        if gone and (self.consumer.keep is None or until is None):
            raise EventsGone(self.consumer, gone)
        kept_before = None
        async with self._cursors.pool.acquire() as connection, connection.transaction():
            if gone and self.consumer.keep is not None and until is not None:
                kept_before = await self.consumer.keep(connection, until)
            else:
                await self.consumer.reset(connection)
            await self._cursors.forget(connection, kept_before)
        self._cursor = None
        return kept_before

    async def close(self) -> None:
        """Give the lease back."""
        self._cursor = None
        await self._cursors.release(self._holder)

    async def _held(self) -> Cursor | None:
        """The cursor under a lease that has more than half its time left, without asking where that is known."""
        now = time.monotonic()
        if self._cursor is None or now >= self._renew_at:
            self._cursor = await self._cursors.claim(self._holder, self._lease_s)
            self._mark = None  # a standby that took over meanwhile may not have it
            self._server = await self._producer.server()
            self._renew_at = now + self._lease_s / 2
        return self._cursor

    def _floor(self, cursor: Cursor) -> int:
        """The floor of a window that begins: what was drawn before every transaction of it had begun."""
        if self._mark is None or cursor.window_from <= self._mark[0]:
            return cursor.floor
        floor, self._mark = max(cursor.floor, self._mark[1]), None
        return floor

    async def _read(self, cursor: Cursor) -> tuple[Sequence[Event], Cursor]:
        """The next events, and the cursor with the window that they are in."""
        if cursor.window_from >= cursor.window_to:
            horizon, self._drawn = await self._producer.window(self._server, cursor.window_from)
            if cursor.server not in (None, self._server) or horizon < cursor.window_from:
                return [], await self._stop(cursor, "the database's server is another: `casino events rebase`")
            cursor = replace(cursor, window_to=horizon, server=self._server, floor=self._floor(cursor))
        events = await self._producer.chunk(cursor, self._batch)
        if not events:
            # Nothing to write down: an empty window costs nothing to look through again.
            cursor = replace(cursor, window_from=cursor.window_to, position=0)
        return events, cursor

    async def _stop(self, cursor: Cursor, why: str) -> Cursor:
        log.error("a consumer of events stopped", extra={"consumer": self.consumer.name, "reason": why})
        cursor = replace(cursor, stopped=why)
        async with self._cursors.pool.acquire() as connection, connection.transaction():
            if await self._cursors.lock(connection, cursor.fence):
                await self._cursors.move(connection, cursor)
        return cursor

    async def _handle(self, cursor: Cursor, events: Sequence[Event]) -> Cursor:
        try:
            return await self._transaction(cursor, events, one_by_one=False)
        except (LeaseLost, *OUTAGES):
            raise
        except Exception:
            # Which of them failed is found out by handling each in a savepoint of its own.
            return await self._transaction(cursor, events, one_by_one=True)

    async def _transaction(self, cursor: Cursor, events: Sequence[Event], *, one_by_one: bool) -> Cursor:
        stopped: str | None = None
        async with self._cursors.pool.acquire() as connection, connection.transaction():
            if not await self._cursors.lock(connection, cursor.fence):
                raise LeaseLost
            blocked = await self._cursors.parked_aggregates(connection, [event.aggregate for event in events])
            done = cursor.position
            gathered: list[Event] = []
            for event in events:
                try:
                    handler = self.consumer.handler_of(event)
                except NotUnderstood as error:
                    stopped = str(error)
                    break
                if handler is None or (cursor.kept_before is not None and event.occurred_at < cursor.kept_before):
                    pass
                elif event.aggregate in blocked:
                    await self._cursors.park(connection, event, _FOLLOWS, 0, None)
                    EVENTS_PARKED.labels(self.consumer.name).inc()
                elif not one_by_one and self.consumer.together is not None:
                    gathered.append(event)
                elif not one_by_one:
                    await handler(connection, event)
                elif not await self._attempt(connection, event, 1):
                    blocked.add(event.aggregate)
                done = event.position
            if gathered and self.consumer.together is not None:
                await self.consumer.together(connection, gathered)
            over = stopped is None and len(events) < self._batch
            cursor = replace(
                cursor,
                position=0 if over else done,
                window_from=cursor.window_to if over else cursor.window_from,
                stopped=stopped,
            )
            moved_by = await self._cursors.move(connection, cursor)
        # What was drawn when this window began lies before all that transactions after this one draw.
        self._mark = self._mark or (moved_by, self._drawn)
        if stopped:
            log.error("a consumer of events stopped", extra={"consumer": self.consumer.name, "reason": stopped})
        EVENTS_HANDLED.labels(self.consumer.name).inc(len(events))
        return cursor

    async def _attempt(self, connection: Any, event: Event, attempt: int) -> bool:
        """Handle an event in a savepoint; one that fails is parked."""
        handler = self.consumer.handler_of(event)
        try:
            async with connection.transaction():
                if handler is not None:
                    await handler(connection, event)
        except OUTAGES:
            raise
        except Exception as error:
            about = {"consumer": self.consumer.name, "event_id": str(event.event_id), "type": event.type}
            log.exception("an event could not be handled", extra=about | {"attempt": attempt})
            # The class alone: a message may quote what the event holds.
            await self._cursors.park(connection, event, type(error).__name__, attempt, pause_s(attempt))
            EVENTS_PARKED.labels(self.consumer.name).inc()
            return False
        return True

    async def _retry_parked(self, cursor: Cursor) -> None:
        for aggregate in await self._cursors.due(self._batch):
            async with self._cursors.pool.acquire() as connection, connection.transaction():
                if not await self._cursors.lock(connection, cursor.fence):
                    raise LeaseLost
                for one in await self._cursors.parked(aggregate):
                    if not await self._attempt(connection, one.event, one.attempts + 1):
                        break
                    await self._cursors.unpark(connection, one.position)


async def run(relay: Relay, woken: asyncio.Event, poll_s: float, *, longest_pause_s: float = 30.0) -> None:
    """Relay until cancelled: at once while there is work, else when woken or after `poll_s` seconds.

    While a server does not answer, pauses grow up to `longest_pause_s`. At the end the lease is given back, so that the
    next reader need not wait for it to run out.
    """
    pause = poll_s
    try:
        while True:
            begun = time.monotonic()
            try:
                await relay.step()
                pause = poll_s
            except OUTAGES as error:
                pause = min(pause * 2, longest_pause_s)
                log.warning(
                    "events wait for a server", extra={"consumer": relay.consumer.name, "error": type(error).__name__}
                )
            if relay.has_more:
                # As long again as it took: players come first, and a backlog is nobody's hurry.
                await asyncio.sleep(min(time.monotonic() - begun, LONGEST_REST_S))
                continue  # else what comes in the meantime is handled together
            with suppress(TimeoutError):
                await asyncio.wait_for(woken.wait(), pause)
            woken.clear()
    finally:
        with suppress(Exception):
            await relay.close()

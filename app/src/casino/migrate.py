"""Forward-only migrations, in order, once (ADR 0010), under load: no lock is waited for long (ADR 0031).

A lock that is waited for makes everybody wait who comes after it. So a migration asks for two seconds and, refused,
gives back what it has, pauses, and begins again. After the migrations, the roles get their rights (grants.py), every
time and under the same lock.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import asyncpg

from casino import grants
from casino.kernel.errors import ConfigurationError
from casino.migration_files import Migration, by_month, index_made, load_migrations

__all__ = ["Limits", "Outcome", "Plan", "is_current", "load_migrations", "migrate", "plan"]

log = logging.getLogger(__name__)

# One migrator at a time, whatever starts it. An arbitrary constant: the lock is per database.
LOCK = 7_246_155_901
T = TypeVar("T")
_HELD_UP = (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a migration may take. Seconds; what is held up is tried `attempts` times, with growing pauses."""

    lock_s: float = 2.0
    statement_s: float = 60.0
    """Of a file in a transaction: what takes longer holds its locks too long, and is a backfill or an index made
    concurrently."""
    concurrent_lock_s: float = 60.0
    """Outside a transaction: such statements wait for older transactions to end, and block no write meanwhile."""
    attempts: int = 30
    pause_s: float = 0.5
    longest_pause_s: float = 10.0
    batches: int = 1_000_000
    """Of a backfill: one that does not come to its end is stopped."""
    turn_s: float = 600.0
    """How long another migrator is waited for."""

    def pause(self, attempt: int) -> float:
        """Seconds to wait after the nth attempt (from 0), never in step with somebody else."""
        return float(min(self.longest_pause_s, self.pause_s * 2**attempt) * random.uniform(0.5, 1.0))  # noqa: S311


class MigrationHeldUp(ConfigurationError):
    """A lock was not to be had, however often it was tried. What was applied stays; run it again."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is due: migrations, and the statements of grants.py against the database as it is now."""

    migrations: list[Migration]
    grants: list[str]

    def as_json(self) -> dict[str, Any]:
        due = [{"name": m.name, "kind": m.kind, "statements": len(m.statements)} for m in self.migrations]
        return {"due": due, "grants": self.grants}


@dataclass(slots=True)
class Outcome:
    """What was done: the migrations' names, rows that backfills changed, months of the journal made ahead, rights
    changed, and how often it waited."""

    applied: list[str] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    months: int = 0
    grants: list[str] = field(default_factory=list)
    held_up: int = 0

    def as_json(self) -> dict[str, Any]:
        return {
            "applied": self.applied,
            "rows": self.rows,
            "months": self.months,
            "grants": self.grants,
            "held_up": self.held_up,
        }


async def plan(
    connection: Any,
    *,
    prefix: str | None = None,
    roles_required: bool = False,
    migrations: list[Migration] | None = None,
) -> Plan:
    """What `migrate` would do; nothing is written. The rights of what it would make cannot be told yet."""
    migrations = load_migrations() if migrations is None else migrations
    exists = await connection.fetchval("SELECT to_regclass('migrations.applied') IS NOT NULL")
    rows = await _history(connection) if exists else []
    _check_history(migrations, rows)
    return Plan(migrations[len(rows) :], await grants.pending(connection, prefix, required=roles_required))


async def migrate(
    connection: Any,
    *,
    prefix: str | None = None,
    roles_required: bool = False,
    migrations: list[Migration] | None = None,
    limits: Limits | None = None,
) -> list[str]:
    """Apply what is missing, give the roles their rights, and return the names applied. See `run`."""
    done = await run(
        connection, prefix=prefix, roles_required=roles_required, migrations=migrations, limits=limits or Limits()
    )
    return done.applied


async def run(
    connection: Any,
    *,
    prefix: str | None = None,
    roles_required: bool = False,
    migrations: list[Migration] | None = None,
    ahead: bool = False,
    limits: Limits,
) -> Outcome:
    """Apply what is missing and give the roles their rights; `prefix` and `roles_required` as in grants.py.

    A database that is `ahead` of this program is refused, or, where that is allowed, left as it is: to go back to a
    release takes back no schema, and the rights that a later one gave include its own.

    Raises ConfigurationError when an applied migration was edited since, the database is ahead of this program, or a
    required role is missing; MigrationHeldUp when a lock was not to be had. May be repeated after either.
    """
    migrations = load_migrations() if migrations is None else migrations
    runner = _Runner(connection, limits, Outcome())
    async with _turn(connection, limits):
        await connection.execute(
            """CREATE SCHEMA IF NOT EXISTS migrations;
               CREATE TABLE IF NOT EXISTS migrations.applied (
                   number integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,
                   applied_at timestamptz NOT NULL DEFAULT now())"""
        )
        rows = await _history(connection)
        _check_history(migrations, rows, ahead=ahead)
        if len(rows) > len(migrations):
            log.warning("the database is ahead", extra={"migration": rows[-1]["name"]})
            return runner.outcome
        if roles_required:  # before anything is changed
            await grants.pending(connection, prefix, required=True)
        for migration in migrations[len(rows) :]:
            await runner.apply(migration)
        await runner.settings(limits.lock_s, limits.statement_s)
        runner.outcome.months = await runner.patiently("the journal's months", lambda: _make_months(connection))
        runner.outcome.grants = await runner.patiently(
            "the roles' rights", lambda: grants.apply(connection, prefix, required=roles_required)
        )
    return runner.outcome


async def _make_months(connection: Any) -> int:
    """The journal's tables for a year ahead, every time: whoever migrates now and then never runs out of them."""
    if await connection.fetchval("SELECT to_regprocedure('wallet.make_months(date)') IS NULL"):
        return 0
    made: int = await connection.fetchval("SELECT wallet.make_months((now() + interval '1 year')::date)")
    return made


@asynccontextmanager
async def _turn(connection: Any, limits: Limits) -> AsyncIterator[None]:
    """One migrator at a time. Asked for, not waited for: a statement that waits holds a snapshot, and an index that
    the other one makes concurrently would wait for that."""
    deadline = time.monotonic() + limits.turn_s
    while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK):
        if time.monotonic() > deadline:
            raise MigrationHeldUp(f"another migration has been at work for {limits.turn_s:g} seconds")
        await asyncio.sleep(0.1)
    try:
        yield
    finally:
        if not connection.is_closed():
            await connection.execute("SELECT pg_advisory_unlock($1)", LOCK)


class _Runner:
    """Applies migrations over one connection."""

    def __init__(self, connection: Any, limits: Limits, outcome: Outcome) -> None:
        self._connection = connection
        self._limits = limits
        self.outcome = outcome

    async def apply(self, migration: Migration) -> None:
        """Apply one and take note of it."""
        started = time.monotonic()
        if migration.batch is not None:
            await self._backfill(migration)
        elif migration.kind == "no transaction":
            await self._outside(migration)
        else:
            await self.settings(self._limits.lock_s, self._limits.statement_s)
            await self.patiently(migration.name, lambda: self._inside(migration))
        log.info(
            "migrated",
            extra={
                "migration": migration.name,
                "kind": migration.kind,
                "ms": round((time.monotonic() - started) * 1000),
            },
        )
        self.outcome.applied.append(migration.name)

    async def _inside(self, migration: Migration) -> None:
        async with self._connection.transaction():
            await self._connection.execute(migration.sql)
            await self._note(migration)

    async def _outside(self, migration: Migration) -> None:
        await self.settings(self._limits.concurrent_lock_s, 0)
        months = await self._months()
        for statement in (one for told in migration.statements for one in by_month(told, months)):

            async def once(statement: str = statement) -> None:
                await self._drop_broken_index(statement)
                await self._connection.execute(statement)

            await self.patiently(migration.name, once)
        await self._note(migration)

    async def _months(self) -> list[str]:
        """The journal's months that have tables, as their names end."""
        rows = await self._connection.fetch(
            "SELECT substr(relname, length('transactions_') + 1) AS month FROM pg_inherits"
            " JOIN pg_class ON oid = inhrelid WHERE inhparent = to_regclass('wallet.transactions') ORDER BY 1"
        )
        return [row["month"] for row in rows]

    async def _drop_broken_index(self, statement: str) -> None:
        """A concurrent CREATE INDEX that failed leaves an index that every write keeps up and no query uses."""
        made = index_made(statement)
        if made is None:
            return
        broken = await self._connection.fetchval(
            """SELECT (pg_identify_object('pg_class'::regclass, indexrelid, 0)).identity
               FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
               WHERE NOT indisvalid AND relnamespace::regnamespace::text = $1 AND relname = $2""",
            *made,
        )
        if broken is not None:
            await self._connection.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {broken}")

    async def _backfill(self, migration: Migration) -> None:
        """Batch by batch, each in a transaction of its own; what is done stays done when it is stopped."""
        assert migration.batch is not None
        batch = migration.batch
        await self.settings(self._limits.lock_s, self._limits.statement_s)

        async def once() -> int:
            async with self._connection.transaction():
                return await batch(self._connection)

        total = 0
        for number in range(self._limits.batches):
            started = time.monotonic()
            rows = await self.patiently(migration.name, once)
            if not rows:
                break
            total += rows
            if number % 100 == 0:
                log.info("backfilling", extra={"migration": migration.name, "rows": total})
            # As long again as it took: players come first.
            await asyncio.sleep(min(time.monotonic() - started, 1.0))
        else:
            raise ConfigurationError(
                f"migration {migration.name} found rows to change {self._limits.batches} times: it does not end"
            )
        self.outcome.rows[migration.name] = total
        await self._note(migration)

    async def _note(self, migration: Migration) -> None:
        await self._connection.execute(
            "INSERT INTO migrations.applied (number, name, checksum) VALUES ($1, $2, $3)",
            migration.number,
            migration.name,
            migration.checksum,
        )

    async def settings(self, lock_s: float, statement_s: float) -> None:
        await self._connection.execute(
            f"SET lock_timeout = {round(lock_s * 1000)}; SET statement_timeout = {round(statement_s * 1000)}"
        )

    async def patiently(self, what: str, do: Callable[[], Awaitable[T]]) -> T:
        """Do it, and again after a pause when a lock was not to be had. Raises MigrationHeldUp."""
        for attempt in range(self._limits.attempts):
            try:
                return await do()
            except _HELD_UP as error:
                self.outcome.held_up += 1
                pause = self._limits.pause(attempt)
                log.warning(
                    "migration held up",
                    extra={"migration": what, "error": type(error).__name__, "pause_s": round(pause, 1)},
                )
                await asyncio.sleep(pause)
        raise MigrationHeldUp(
            f"{what} did not get its locks in {self._limits.attempts} attempts of {self._limits.lock_s:g} seconds: "
            "find the long transaction in pg_stat_activity, end it, and migrate again"
        )


async def _history(connection: Any) -> Sequence[Any]:
    rows: Sequence[Any] = await connection.fetch(
        "SELECT number, name, checksum FROM migrations.applied ORDER BY number"
    )
    return rows


def _check_history(migrations: list[Migration], rows: Sequence[Any], *, ahead: bool = False) -> None:
    if len(rows) > len(migrations) and not ahead:
        raise ConfigurationError(
            f"the database has migration {rows[-1]['name']}, which this program does not know: "
            "deploy the version that brought it"
        )
    for migration, row in zip(migrations, rows, strict=False):
        if (migration.name, migration.checksum) != (row["name"], row["checksum"]):
            raise ConfigurationError(
                f"migration {row['name']} was changed after it was applied: restore the file and add a new one"
            )


async def is_current(pool: Any) -> bool:
    """Whether the database has every migration of this program (a newer database is fine: they only add)."""
    exists = await pool.fetchval("SELECT to_regclass('migrations.applied') IS NOT NULL")
    if not exists:
        return False
    count: int = await pool.fetchval("SELECT count(*) FROM migrations.applied")
    return count >= _known()


@functools.cache
def _known() -> int:
    return len(load_migrations())

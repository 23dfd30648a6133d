"""SQL of what the casino may still do: the functions of migration `operation`, records, who may act by older ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from casino.compliance.api import Act, Operation
from casino.kernel.db import Database


@dataclass(frozen=True, slots=True)
class Recorded:
    """A record that the ledger has, and since when, by its clock."""

    operation: Operation
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Seen:
    """What binds at one moment, and the oldest transaction with an id that runs on the server then."""

    recorded: Recorded | None
    oldest: int


class OperationRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def operate(self, record: Operation) -> str:
        """Bring a record into force: `recorded`, `repeated`, `revision_older` or `revision_reused`."""
        outcome: str = await self._database.pool.fetchval(
            "SELECT outcome FROM wallet.operate($1, $2, $3, $4, $5)",
            record.revision,
            record.state,
            list(record.acts),
            record.play_until,
            record.reason,
        )
        return outcome

    async def seen(self) -> Seen:
        """What binds now, and which transactions run, in one snapshot."""
        row = await self._database.pool.fetchrow(
            """SELECT o.*, pg_snapshot_xmin(pg_current_snapshot())::text AS oldest
               FROM wallet.operation_in_force f LEFT JOIN wallet.operations o ON o.revision = f.revision"""
        )
        return Seen(_recorded(row), int(row["oldest"]))

    async def mark(self) -> int:
        """A transaction's id that is drawn now.

        Whoever judges by the record has an id before the snapshot that they judge by. So, drawn by who has seen a
        record, it is above the id of everybody who judged by an older one: all those are over once `oldest` has reached
        it. The record's own id would not do, nor a snapshot's end: who still runs may have a higher one than either.
        """
        return int(await self._database.pool.fetchval("SELECT pg_current_xact_id()::text"))

    async def allows(self, act: Act) -> bool:
        """Whether an act is allowed now, by the database's clock."""
        allowed: bool = await self._database.pool.fetchval("SELECT wallet.allows($1, clock_timestamp())", act)
        return allowed

    async def history(self) -> list[Recorded]:
        """Every record there was, the newest first."""
        return await history(self._database.pool)


async def history(on: Any) -> list[Recorded]:
    """The same from a pool or a connection."""
    rows = await on.fetch("SELECT * FROM wallet.operations ORDER BY revision DESC")
    return [one for row in rows if (one := _recorded(row)) is not None]


def _recorded(row: Any) -> Recorded | None:
    if row["revision"] is None:
        return None
    told = {name: row[name] for name in ("revision", "state", "play_until", "reason")}
    # As it is, without being judged: a newer casino may have let in what this one would not.
    return Recorded(Operation.model_construct(acts=tuple(row["acts"]), **told), row["recorded_at"])

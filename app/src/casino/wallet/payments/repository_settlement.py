"""All SQL of settlement files and what does not agree with them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from casino.kernel.identity import new_id
from casino.wallet.payments.models import Method
from casino.wallet.payments.settlement import Break, Line, MovementType, Ours

SETTLEMENT_LOCK = 7_246_155_916
"""One file at a time: what an earlier file told is known to the next one."""


@dataclass(frozen=True, slots=True)
class File:
    """A settlement file that is stored."""

    file_id: uuid.UUID
    provider: str
    method: Method
    day: date
    lines: int


class SettlementRepository:
    """Works on one connection, in the caller's transaction."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def add_file(
        self, provider: str, method: Method, day: date, *, sha256: bytes, lines: Sequence[Line], now: datetime
    ) -> tuple[File, bool]:
        """Store a file, and whether it is new."""
        await self._connection.execute("SELECT pg_advisory_xact_lock($1)", SETTLEMENT_LOCK)
        file_id = await self._connection.fetchval(
            "INSERT INTO wallet.settlement_files (file_id, provider, method, day, sha256, lines, received_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING file_id",
            new_id(), provider, method, day, sha256, len(lines), now,
        )  # fmt: skip
        if file_id is None:
            row = await self._connection.fetchrow(
                "SELECT file_id, provider, method, day, lines FROM wallet.settlement_files"
                " WHERE provider = $1 AND method = $2 AND day = $3 AND sha256 = $4",
                provider, method, day, sha256,
            )  # fmt: skip
            return File(**row), False
        await self._connection.executemany(
            "INSERT INTO wallet.settlement_lines VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            [(file_id, one.number, one.type, one.reference, one.provider_id, one.amount, one.fee, one.currency)
             for one in lines],
        )  # fmt: skip
        return File(file_id, provider, method, day, len(lines)), True

    async def ours(self, file: File) -> list[Ours]:
        """Our movements that the file names, and those of its day that no file has named. Fees are left open."""
        begin = datetime.combine(file.day, time(), UTC)
        rows = await self._connection.fetch(
            """WITH moved AS (
                   SELECT CASE operation WHEN 'return' THEN 'refund' ELSE operation END AS type, reference,
                          moved AS amount, currency, heard_at AS at
                   FROM wallet.payment_attempts
                   WHERE provider = $1 AND method = $2 AND outcome = 'captured' AND moved IS NOT NULL
                   UNION ALL
                   SELECT CASE t.transition WHEN 'charge_back' THEN 'chargeback' WHEN 'come_back' THEN 'payout_return'
                          ELSE 'chargeback_won' END, a.reference, (t.money -> 0 ->> 'amount')::bigint, a.currency, t.at
                   FROM wallet.payment_transitions t JOIN wallet.payment_attempts a USING (payment_id)
                   WHERE t.transition IN ('charge_back', 'win_chargeback', 'win_later_chargeback', 'come_back')
                     AND a.provider = $1 AND a.method = $2 AND a.outcome = 'captured' AND NOT a.stray
                     AND a.operation = CASE t.transition WHEN 'come_back' THEN 'payout' ELSE 'charge' END)
               SELECT type, reference, amount, currency,
                      at >= $4 AND at < $5 AND NOT EXISTS (
                          SELECT FROM wallet.settlement_lines l JOIN wallet.settlement_files f USING (file_id)
                          WHERE f.provider = $1 AND f.method = $2 AND f.file_id <> $3
                            AND l.type = moved.type AND l.reference = moved.reference) AS due
               FROM moved
               WHERE (at >= $4 AND at < $5) OR reference IN
                   (SELECT reference FROM wallet.settlement_lines WHERE file_id = $3)
               ORDER BY at""",
            file.provider, file.method, file.file_id, begin, begin + timedelta(days=1),
        )  # fmt: skip
        return [Ours(row["type"], row["reference"], row["amount"], None, row["currency"], row["due"]) for row in rows]

    async def told_before(self, file: File) -> dict[tuple[MovementType, str], int]:
        """How often the movements of this file stood in files before it."""
        rows = await self._connection.fetch(
            """SELECT l.type, l.reference, count(*) AS times
               FROM wallet.settlement_lines l JOIN wallet.settlement_files f USING (file_id)
               WHERE f.provider = $1 AND f.method = $2 AND f.file_id <> $3 AND l.reference IN
                   (SELECT reference FROM wallet.settlement_lines WHERE file_id = $3)
               GROUP BY l.type, l.reference""",
            file.provider, file.method, file.file_id,
        )  # fmt: skip
        return {(row["type"], row["reference"]): row["times"] for row in rows}

    async def add_breaks(self, file: File, breaks: Sequence[Break], now: datetime) -> None:
        await self._connection.executemany(
            "INSERT INTO wallet.settlement_breaks (file_id, number, kind, type, reference, ours, theirs, currency,"
            " noted_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            [(file.file_id, at, one.kind, one.type, one.reference, one.ours, one.theirs, one.currency, now)
             for at, one in enumerate(breaks, start=1)],
        )  # fmt: skip

    async def close_what_came(self, file: File, now: datetime) -> int:
        """Close what was missing in an earlier file and stands in this one; answers how many."""
        done = await self._connection.execute(
            """UPDATE wallet.settlement_breaks b SET closed_at = $4, closed_by = 'settlement'
               FROM wallet.settlement_files f, wallet.settlement_lines l
               WHERE b.file_id = f.file_id AND b.kind = 'missing_there' AND b.closed_at IS NULL
                 AND f.provider = $1 AND f.method = $2 AND f.file_id <> $3
                 AND l.file_id = $3 AND l.type = b.type AND l.reference = b.reference""",
            file.provider, file.method, file.file_id, now,
        )  # fmt: skip
        return int(done.rpartition(" ")[2])

    async def open_breaks(self, file: File) -> list[Break]:
        """What is still open of a file."""
        rows = await self._connection.fetch(
            "SELECT kind, type, reference, ours, theirs, currency FROM wallet.settlement_breaks"
            " WHERE file_id = $1 AND closed_at IS NULL ORDER BY number",
            file.file_id,
        )
        return [Break(**row) for row in rows]

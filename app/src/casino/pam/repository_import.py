"""SQL of imports."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Batch:
    batch_id: uuid.UUID
    state: str
    rows_total: int
    totals: dict[str, int]


@dataclass(frozen=True, slots=True)
class Posting:
    """An opening balance of a line."""

    line: int
    player_id: uuid.UUID
    amount_minor: int
    currency: str


def _batch(row: Any) -> Batch | None:
    if row is None:
        return None
    return Batch(row["batch_id"], row["state"], row["rows_total"], json.loads(row["totals"]))


async def by_file(pool: Any, sha256: bytes) -> Batch | None:
    """The batch of a file that is not undone."""
    return _batch(
        await pool.fetchrow("SELECT * FROM pam.import_batches WHERE file_sha256 = $1 AND state <> 'undone'", sha256)
    )


async def by_id(pool: Any, batch_id: uuid.UUID) -> Batch | None:
    return _batch(await pool.fetchrow("SELECT * FROM pam.import_batches WHERE batch_id = $1", batch_id))


async def begin(pool: Any, batch: Batch, sha256: bytes, now: datetime) -> None:
    await pool.execute(
        "INSERT INTO pam.import_batches (batch_id, file_sha256, state, rows_total, totals, started_at)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        batch.batch_id,
        sha256,
        batch.state,
        batch.rows_total,
        json.dumps(batch.totals),
        now,
    )


async def end(pool: Any, batch_id: uuid.UUID, state: str, now: datetime) -> None:
    await pool.execute(
        "UPDATE pam.import_batches SET state = $2, ended_at = $3 WHERE batch_id = $1", batch_id, state, now
    )


async def taken_addresses(pool: Any, indices: list[bytes]) -> set[bytes]:
    rows = await pool.fetch("SELECT email_index FROM pam.players WHERE email_index = ANY ($1::bytea[])", indices)
    return {row["email_index"] for row in rows}


async def last_line(pool: Any, batch_id: uuid.UUID) -> int:
    """The last line that was imported; lines are imported in order."""
    found: int = await pool.fetchval("SELECT coalesce(max(line), 0) FROM pam.import_rows WHERE batch_id = $1", batch_id)
    return found


async def add_rows(connection: Any, batch_id: uuid.UUID, rows: list[Posting]) -> None:
    await connection.executemany(
        "INSERT INTO pam.import_rows (batch_id, line, player_id, amount_minor, currency) VALUES ($1, $2, $3, $4, $5)",
        [(batch_id, row.line, row.player_id, row.amount_minor, row.currency) for row in rows],
    )


async def unposted(pool: Any, batch_id: uuid.UUID, limit: int) -> list[Posting]:
    rows = await pool.fetch(
        "SELECT line, player_id, amount_minor, currency FROM pam.import_rows"
        " WHERE batch_id = $1 AND posted_at IS NULL AND amount_minor > 0 ORDER BY line LIMIT $2",
        batch_id,
        limit,
    )
    return [Posting(**row) for row in rows]


async def mark_posted(pool: Any, batch_id: uuid.UUID, lines: list[int], now: datetime | None) -> None:
    await pool.execute(
        "UPDATE pam.import_rows SET posted_at = $3 WHERE batch_id = $1 AND line = ANY ($2::bigint[])",
        batch_id,
        lines,
        now,
    )


async def sums(pool: Any, batch_id: uuid.UUID) -> tuple[int, dict[str, int]]:
    """How many rows a batch has, and by currency what is known to be posted."""
    rows = await pool.fetch(
        "SELECT currency, count(*) AS rows, coalesce(sum(amount_minor) FILTER (WHERE posted_at IS NOT NULL), 0)::bigint"
        " AS posted FROM pam.import_rows WHERE batch_id = $1 GROUP BY currency",
        batch_id,
    )
    return sum(row["rows"] for row in rows), {row["currency"]: row["posted"] for row in rows}


async def standing(pool: Any, batch_id: uuid.UUID, after: int, limit: int) -> list[Posting]:
    """The batch's lines after one whose player is not erased."""
    rows = await pool.fetch(
        "SELECT r.line, r.player_id, r.amount_minor, r.currency FROM pam.import_rows r"
        " JOIN pam.players p USING (player_id)"
        " WHERE r.batch_id = $1 AND r.line > $2 AND p.erased_at IS NULL ORDER BY r.line LIMIT $3",
        batch_id,
        after,
        limit,
    )
    return [Posting(**row) for row in rows]

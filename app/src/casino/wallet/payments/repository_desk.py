"""The SQL of what staff sees: what waits for a person and why, a payment's history, breaks, instruments."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from casino.kernel.db import Database
from casino.wallet.payments.models import Kind, Payment
from casino.wallet.payments.repository import PAYMENT_COLUMNS, payment_of_row

MOST_BREAKS = 1000


@dataclass(frozen=True, slots=True)
class Waiting:
    """A payment in review, what the checks found last, and how many people have to approve it."""

    payment: Payment
    findings: tuple[dict[str, Any], ...]
    approvals_needed: int


@dataclass(frozen=True, slots=True)
class Past:
    """One transition of a payment: who caused it, why, what the checks had found, and the ledger's steps."""

    transition: str
    state: str
    actor: str | None
    reason: str | None
    findings: tuple[dict[str, Any], ...]
    money: tuple[dict[str, Any], ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class OpenBreak:
    """What does not agree between a settlement file and our books; it is named by file and number.

    Amounts are minor units; `ours` and `theirs` are None where the movement is missing on that side.
    """

    file_id: uuid.UUID
    number: int
    provider: str
    method: str
    day: str
    kind: str
    type: str
    reference: str
    ours: int | None
    theirs: int | None
    currency: str
    noted_at: datetime


class DeskRepository:
    """What staff reads, and the closing of breaks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def waiting(self, kind: Kind, after: uuid.UUID | None, limit: int) -> list[Waiting]:
        """Payments of a kind in review, those that have waited longest first, after the one with the id `after`."""
        rows = await self._database.pool.fetch(
            f"SELECT {PAYMENT_COLUMNS}, approvals_needed, (SELECT t.details -> 'findings'"  # noqa: S608 - our own columns
            "     FROM wallet.payment_transitions t WHERE t.payment_id = p.payment_id AND t.details ? 'findings'"
            "     ORDER BY t.version DESC LIMIT 1) AS findings"
            " FROM wallet.payments p WHERE kind = $1 AND state = 'pending_review' AND payment_id > $2"
            " ORDER BY payment_id LIMIT $3",
            kind, after or uuid.UUID(int=0), limit,
        )  # fmt: skip
        return [Waiting(payment_of_row(row), _list(row["findings"]), row["approvals_needed"]) for row in rows]

    async def history(self, payment_id: uuid.UUID) -> list[Past]:
        """All that a payment went through, in its order."""
        rows = await self._database.pool.fetch(
            "SELECT transition, to_state, actor, details ->> 'reason' AS reason, details -> 'findings' AS findings,"
            " money, at FROM wallet.payment_transitions WHERE payment_id = $1 ORDER BY version",
            payment_id,
        )
        return [
            Past(row["transition"], row["to_state"], row["actor"], row["reason"], _list(row["findings"]),
                 _list(row["money"]), row["at"])
            for row in rows
        ]  # fmt: skip

    async def player_of(self, instrument_id: uuid.UUID) -> uuid.UUID | None:
        found: uuid.UUID | None = await self._database.pool.fetchval(
            "SELECT player_id FROM wallet.instruments WHERE instrument_id = $1", instrument_id
        )
        return found

    async def open_breaks(self, limit: int) -> list[OpenBreak]:
        """Breaks of reconciliation that are open, oldest first."""
        return await open_breaks(self._database.pool, limit)

    async def close_break(self, file_id: uuid.UUID, number: int, by: str, note: str, now: datetime) -> bool:
        """Close an open break with a note; false when there is none of that name that is open."""
        return await close_break(self._database.pool, file_id, number, by=by, note=note, now=now)


async def open_breaks(connection: Any, limit: int = MOST_BREAKS) -> list[OpenBreak]:
    """Breaks of reconciliation that are open, oldest first."""
    rows = await connection.fetch(
        "SELECT b.file_id, b.number, f.provider, f.method, f.day::text, b.kind, b.type, b.reference, b.ours,"
        " b.theirs, b.currency, b.noted_at FROM wallet.settlement_breaks b"
        " JOIN wallet.settlement_files f USING (file_id)"
        " WHERE b.closed_at IS NULL ORDER BY b.noted_at, b.file_id, b.number LIMIT $1",
        limit,
    )
    return [OpenBreak(**row) for row in rows]


async def close_break(
    connection: Any, file_id: uuid.UUID, number: int, *, by: str, note: str, now: datetime
) -> bool:  # fmt: skip
    """Close an open break with a note; false when there is none of that name that is open."""
    done: str = await connection.execute(
        "UPDATE wallet.settlement_breaks SET closed_at = $3, closed_by = $4, note = $5"
        " WHERE file_id = $1 AND number = $2 AND closed_at IS NULL",
        file_id, number, now, by, note,
    )  # fmt: skip
    return done == "UPDATE 1"


def _list(text: str | None) -> tuple[dict[str, Any], ...]:
    return tuple(json.loads(text)) if text is not None else ()

"""SQL of what studios said of money: once for each id, claimed by one who carries it out, never deleted."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any, Literal

from casino.gal.studio_model import Fault, StudioRefusal
from casino.kernel.db import Database

LEASE_S = 25.0
"""How long a claim holds: above the time that the wallet's statements may take (kernel/db.py)."""

Status = Literal["pending", "done", "refused", "rolled_back", "tombstone"]


@dataclass(frozen=True, slots=True)
class StudioTransaction:
    """A row; see migration 0014. Amounts in minor units."""

    studio: str
    transaction_id: str
    kind: str
    status: Status
    request_hash: bytes | None
    account_id: int | None
    player_id: uuid.UUID | None
    round_id: str
    game_id: str | None
    currency: str | None
    amount: int
    reference: str | None
    closes: bool
    grant_id: uuid.UUID | None
    stake_cap: int | None
    fault: str | None
    balance: int | None
    claim: uuid.UUID | None

    @property
    def key(self) -> str:
        """What the ledger knows it by."""
        return f"{self.studio}:{self.transaction_id}"

    @property
    def round_key(self) -> str:
        return f"{self.studio}:{self.round_id}"


_ROWS = """SELECT studio, transaction_id, kind, status, request_hash, account_id, player_id, round_id, game_id,
        currency, amount, reference, closes, grant_id, stake_cap, fault, balance, claim
    FROM gal.studio_transactions"""
_INSERT = """INSERT INTO gal.studio_transactions (studio, transaction_id, kind, status, request_hash, account_id,
        player_id, round_id, game_id, currency, amount, reference, closes, grant_id, stake_cap, fault, balance, claim,
        claimed_until)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
        clock_timestamp() + $19 * interval '1 second') ON CONFLICT DO NOTHING"""


class TransactionRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, studio: str, transaction_id: str) -> StudioTransaction | None:
        row = await self._database.pool.fetchrow(
            f"{_ROWS} WHERE studio = $1 AND transaction_id = $2",
            studio,
            transaction_id,
        )
        return StudioTransaction(**row) if row is not None else None

    async def bets_of(self, studio: str, round_id: str, account_id: int) -> list[StudioTransaction]:
        """The bets of a round, oldest first."""
        rows = await self._database.pool.fetch(
            f"{_ROWS} WHERE studio = $1 AND round_id = $2 AND account_id = $3"
            " AND kind = 'bet' ORDER BY created_at LIMIT 1000",
            studio,
            round_id,
            account_id,
        )
        return [StudioTransaction(**row) for row in rows]

    async def begin(self, row: StudioTransaction) -> bool:
        """Write a row down as pending under its claim; false when its id is there already.

        Raises StudioRefusal: for a free round where none of the grant is left, and for a win whose bet is being
        rolled back at this moment.
        """
        async with self._database.pool.acquire() as connection, connection.transaction():
            if row.grant_id is not None:
                await _use_free_round(connection, row)
            elif row.kind == "win":
                await _require_standing_bet(connection, row)
            elif row.kind == "rollback":
                await connection.execute(_LOCK, row.studio, row.reference)
            return await _insert(connection, row)

    async def bury(self, row: StudioTransaction) -> bool:
        """Write down a rollback of something unknown and a tombstone for what it names, both or neither.

        False when one of the two ids is there already, now: the caller looks again.
        """
        async with self._database.pool.acquire() as connection:
            transaction = connection.transaction()
            await transaction.start()
            buried = await connection.execute(
                "INSERT INTO gal.studio_transactions (studio, transaction_id, kind, status, round_id, finished_at)"
                " VALUES ($1, $2, 'tombstone', 'tombstone', $3, clock_timestamp()) ON CONFLICT DO NOTHING",
                row.studio,
                row.reference,
                row.round_id,
            )
            if buried.endswith(" 1") and await _insert(connection, row):
                await transaction.commit()
                return True
            await transaction.rollback()
            return False

    async def claim(self, row: StudioTransaction, claim: uuid.UUID) -> bool:
        """Take a pending row over; false while somebody else is at it, or when it is finished."""
        done = await self._database.pool.execute(
            "UPDATE gal.studio_transactions SET claim = $3,"
            " claimed_until = clock_timestamp() + $4 * interval '1 second'"
            " WHERE studio = $1 AND transaction_id = $2 AND status = 'pending'"
            " AND (claimed_until IS NULL OR claimed_until < clock_timestamp())",
            row.studio,
            row.transaction_id,
            claim,
            LEASE_S,
        )
        return bool(done.endswith(" 1"))

    async def release(self, row: StudioTransaction) -> None:
        """Give a claim back, so that the next call need not wait for it to run out."""
        await self._database.pool.execute(
            "UPDATE gal.studio_transactions SET claimed_until = NULL"
            " WHERE studio = $1 AND transaction_id = $2 AND claim = $3 AND status = 'pending'",
            row.studio,
            row.transaction_id,
            row.claim,
        )

    async def finish(self, row: StudioTransaction, status: Status, fault: str | None, balance: int | None) -> bool:
        """Store the answer; false when the claim is another's by now. A rollback's target is marked with it."""
        async with self._database.pool.acquire() as connection, connection.transaction():
            done = await connection.execute(
                "UPDATE gal.studio_transactions SET status = $4, fault = $5, balance = $6,"
                " finished_at = clock_timestamp(), claimed_until = NULL"
                " WHERE studio = $1 AND transaction_id = $2 AND claim = $3 AND status = 'pending'",
                row.studio,
                row.transaction_id,
                row.claim,
                status,
                fault,
                balance,
            )
            finished = bool(done.endswith(" 1"))
            if finished and row.kind == "rollback" and status == "done":
                await connection.execute(
                    "UPDATE gal.studio_transactions SET status = 'rolled_back'"
                    " WHERE studio = $1 AND transaction_id = $2 AND status = 'done'",
                    row.studio,
                    row.reference,
                )
            return finished

    async def reopen(self, row: StudioTransaction) -> None:
        """A refused rollback may be tried again: what it needs may be there by now."""
        await self._database.pool.execute(
            "UPDATE gal.studio_transactions SET status = 'pending', fault = NULL, balance = NULL, claim = NULL,"
            " finished_at = NULL WHERE studio = $1 AND transaction_id = $2 AND status = 'refused'"
            " AND kind = 'rollback'",
            row.studio,
            row.transaction_id,
        )

    async def pending(self, older_than_s: float, limit: int) -> list[StudioTransaction]:
        """What nobody is at, oldest first."""
        rows = await self._database.pool.fetch(
            f"{_ROWS} WHERE status = 'pending'"
            " AND created_at <= clock_timestamp() - $1 * interval '1 second'"
            " AND (claimed_until IS NULL OR claimed_until < clock_timestamp()) ORDER BY created_at LIMIT $2",
            older_than_s,
            limit,
        )
        return [StudioTransaction(**row) for row in rows]


async def _use_free_round(connection: Any, row: StudioTransaction) -> None:
    """Refuse unless the grant has a round left for this one; its lock keeps two from taking the last."""
    rounds = await connection.fetchval(
        "SELECT rounds FROM gal.free_rounds WHERE grant_id = $1 FOR UPDATE", row.grant_id
    )
    used = await connection.fetchval(
        "SELECT count(DISTINCT round_id) FROM gal.studio_transactions"
        " WHERE grant_id = $1 AND status IN ('pending', 'done') AND round_id <> $2",
        row.grant_id,
        row.round_id,
    )
    if used >= rounds:
        raise StudioRefusal(Fault.FREE_ROUNDS_UNKNOWN, "the free rounds are used up")


# A win locks the bets that it may belong to, and a rollback what it undoes: whichever is written down first is heard.
_LOCK = "SELECT FROM gal.studio_transactions WHERE studio = $1 AND transaction_id = $2 FOR UPDATE"
_STANDING = """SELECT transaction_id FROM gal.studio_transactions
    WHERE studio = $1 AND round_id = $2 AND account_id = $3 AND kind = 'bet' AND status = 'done'
        AND transaction_id = coalesce($4, transaction_id)
    ORDER BY transaction_id FOR UPDATE"""
_UNDONE = """SELECT reference FROM gal.studio_transactions
    WHERE studio = $1 AND kind = 'rollback' AND reference = ANY ($2)"""


async def _require_standing_bet(connection: Any, row: StudioTransaction) -> None:
    bets = await connection.fetch(_STANDING, row.studio, row.round_id, row.account_id, row.reference)
    names = [bet["transaction_id"] for bet in bets]
    undone = {one["reference"] for one in await connection.fetch(_UNDONE, row.studio, names)}
    if not set(names) - undone:
        raise StudioRefusal(Fault.TRANSACTION_UNKNOWN, "the bet is being rolled back")


async def _insert(connection: Any, row: StudioTransaction) -> bool:
    values = (getattr(row, name) for name in StudioTransaction.__slots__)
    done = await connection.execute(_INSERT, *values, LEASE_S)
    return bool(done.endswith(" 1"))

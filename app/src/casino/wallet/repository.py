"""All SQL of the wallet. What moves money are the functions of migrations 0001 to 0005."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from casino.kernel.batching import Batcher
from casino.kernel.db import Database
from casino.kernel.identity import new_id
from casino.kernel.metrics import LEDGER_SECONDS
from casino.wallet.models import Deposit, HistoryEntry, RoundRequest

# Errors after which PostgreSQL has undone the statement and the connection lives: asking again is safe.
_ROLLED_BACK = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.LockNotAvailableError,
    asyncpg.DeadlockDetectedError,
    asyncpg.QueryCanceledError,
)
# One reconciler at a time among all processes of the tenant.
RECONCILER_LOCK = 7_246_155_902


class WalletRepository:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._round_seconds = LEDGER_SECONDS.labels("round")
        self._rounds: Batcher[RoundRequest, Any] = Batcher(self._place_rounds, key=lambda one: one.account_id)

    async def add_currency(self, currency: str, exponent: int) -> None:
        await self._database.pool.execute("SELECT wallet.add_currency($1, $2::smallint)", currency, exponent)

    async def currencies(self) -> set[str]:
        """The currencies that the ledger is in: none before the first start."""
        return {row["currency"] for row in await self._database.pool.fetch("SELECT currency FROM wallet.currencies")}

    async def open_player_account(self, player_id: uuid.UUID, currency: str) -> int:
        """The player's cash account, made when there is none yet."""
        while (account := await self.account_of(player_id, currency)) is None:
            try:
                opened: int = await self._database.pool.fetchval(
                    "SELECT wallet.open_player_account($1, $2)", player_id, currency
                )
            except asyncpg.UniqueViolationError:
                continue  # somebody else opened it in between
            return opened
        return account

    async def account_of(self, player_id: uuid.UUID, currency: str) -> int | None:
        account: int | None = await self._database.pool.fetchval(
            "SELECT account_id FROM wallet.accounts WHERE kind = 'player_cash' AND player_id = $1 AND currency = $2",
            player_id,
            currency,
        )
        return account

    async def balance(self, account_id: int) -> int:
        balance: int = await self._database.pool.fetchval(
            "SELECT balance FROM wallet.accounts WHERE account_id = $1", account_id
        )
        return balance

    async def place_round(self, request: RoundRequest) -> Any:
        """The function's row: `outcome` and what stands in the ledger. At most one round trip."""
        with self._round_seconds.time():
            return await self._rounds.ask(request)

    async def _place_rounds(self, requests: list[RoundRequest]) -> Sequence[Any]:
        try:
            return await self._place_many(requests)
        except _ROLLED_BACK:
            if len(requests) == 1:
                raise
            # Nothing of the batch stands: one of them took the others with it. Alone, it fails alone.
            alone = await asyncio.gather(*(self._place_many([one]) for one in requests), return_exceptions=True)
            return [rows if isinstance(rows, BaseException) else rows[0] for rows in alone]

    async def _place_many(self, requests: list[RoundRequest]) -> Sequence[Any]:
        rows: Sequence[Any] = await self._database.pool.fetch(
            "SELECT * FROM wallet.place_rounds($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            [one.account_id for one in requests],
            [one.key for one in requests],
            [one.request_hash for one in requests],
            [new_id() for _ in requests],
            [one.stake_minor for one in requests],
            [one.win_minor for one in requests],
            [one.stake_cap_minor for one in requests],
            [one.min_cycle_ms for one in requests],
            [json.dumps(one.details) for one in requests],
        )
        return rows

    async def begin_deposit(
        self, account_id: int, key: str, request_hash: bytes, provider: str, amount: int
    ) -> tuple[str, Deposit | None]:
        """`(outcome, deposit)`: begun, known, key_reused or account_not_open."""
        row = await self._database.pool.fetchrow(
            "SELECT outcome, (deposit).* FROM wallet.begin_deposit($1, $2, $3, $4, $5, $6)",
            new_id(),
            account_id,
            key,
            request_hash,
            provider,
            amount,
        )
        return row["outcome"], _deposit(row) if row["deposit_id"] is not None else None

    async def capture_deposit(self, deposit_id: uuid.UUID, payment_id: str) -> Deposit:
        """Post the deposit, once; answers its row."""
        with LEDGER_SECONDS.labels("deposit").time():
            row = await self._database.pool.fetchrow(
                "SELECT * FROM wallet.capture_deposit($1, $2, $3)", deposit_id, new_id(), payment_id
            )
        return _deposit(row)

    async def decline_deposit(self, deposit_id: uuid.UUID, code: str, payment_id: str | None) -> Deposit:
        row = await self._database.pool.fetchrow(
            "SELECT * FROM wallet.decline_deposit($1, $2, $3)", deposit_id, code, payment_id
        )
        return _deposit(row)

    async def pending_deposits(self, older_than_s: float, limit: int) -> list[tuple[Deposit, float]]:
        """The oldest pending deposits and the age of each in seconds, on the database's clock."""
        rows = await self._database.pool.fetch(
            "SELECT *, extract(epoch FROM clock_timestamp() - created_at)::float8 AS age_s"
            " FROM wallet.deposits WHERE status = 'pending'"
            " AND created_at <= clock_timestamp() - $1 * interval '1 second'"
            " ORDER BY created_at LIMIT $2",
            older_than_s,
            limit,
        )
        return [(_deposit(row), row["age_s"]) for row in rows]

    async def count_pending(self) -> int:
        count: int = await self._database.pool.fetchval("SELECT count(*) FROM wallet.deposits WHERE status = 'pending'")
        return count

    @asynccontextmanager
    async def reconciler_lock(self) -> AsyncIterator[bool]:
        """True for the one who holds the lock, false when another process has it."""
        async with self._database.pool.acquire() as connection:
            held = await connection.fetchval("SELECT pg_try_advisory_lock($1)", RECONCILER_LOCK)
            try:
                yield held
            finally:
                if held and not connection.is_closed():
                    await connection.execute("SELECT pg_advisory_unlock($1)", RECONCILER_LOCK)

    async def history(self, account_id: int, before: int | None, limit: int) -> list[tuple[int, HistoryEntry]]:
        """Transactions of an account with the account's version after each, newest first, below version `before`."""
        rows = await self._database.pool.fetch(
            """SELECT t.transaction_id, t.kind, t.created_at, t.taken, t.given, t.balance_after, t.details, e.version,
                      CASE t.kind WHEN 'round' THEN t.given - t.taken ELSE e.amount END AS amount
               FROM wallet.entries e JOIN wallet.transactions t USING (transaction_id)
               WHERE e.account_id = $1 AND e.version < $2 AND e.version = t.account_version
                 AND t.account_id = $1
               ORDER BY e.version DESC LIMIT $3""",
            account_id,
            before if before is not None else 2**63 - 1,
            limit,
        )
        return [(row["version"], _history_entry(row)) for row in rows]


async def months_ahead(database: Database) -> int:
    """How many months beyond this one the journal has tables for."""
    found: int = await database.pool.fetchval(
        "SELECT count(*) FROM pg_inherits WHERE inhparent = 'wallet.postings'::regclass"
        " AND inhrelid::regclass::text > 'wallet.postings_' || to_char(now() AT TIME ZONE 'UTC', '\"y\"YYYY\"m\"MM')"
    )
    return found


def _history_entry(row: Any) -> HistoryEntry:
    return HistoryEntry(
        transaction_id=row["transaction_id"],
        kind=row["kind"],
        created_at=row["created_at"],
        amount_minor=row["amount"],
        stake_minor=row["taken"] if row["kind"] == "round" else 0,
        win_minor=row["given"] if row["kind"] == "round" else 0,
        balance_minor=row["balance_after"],
        details=json.loads(row["details"]),
    )


def _deposit(row: Any) -> Deposit:
    return Deposit(**{name: row[name] for name in Deposit.__slots__})

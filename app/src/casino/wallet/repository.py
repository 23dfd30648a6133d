"""All SQL of the wallet. What moves money are the functions of migrations 0001 to 0004."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Sequence
from typing import Any

import asyncpg

from casino.kernel.batching import Batcher
from casino.kernel.db import Database
from casino.kernel.identity import new_id
from casino.kernel.metrics import LEDGER_SECONDS
from casino.wallet.models import HistoryEntry, RoundRequest

# Errors after which PostgreSQL has undone the statement and the connection lives: asking again is safe.
_ROLLED_BACK = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.NoDataFoundError,  # a jackpot that nobody has opened
    asyncpg.LockNotAvailableError,
    asyncpg.DeadlockDetectedError,
    asyncpg.QueryCanceledError,
)
_PLACE = "SELECT * FROM wallet.place_rounds($1, $2, $3, $4, $5, $6, $7, $8, $9)"
_PLACE_AND_FEED = "SELECT * FROM wallet.place_rounds($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"


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
        statement = _PLACE
        fed: tuple[Any, ...] = ()
        if any(one.jackpot is not None for one in requests):
            statement = _PLACE_AND_FEED
            fed = ([one.jackpot for one in requests], [one.contribution_micros for one in requests])
        rows: Sequence[Any] = await self._database.pool.fetch(
            statement,
            [one.account_id for one in requests],
            [one.key for one in requests],
            [one.request_hash for one in requests],
            [new_id() for _ in requests],
            [one.stake_minor for one in requests],
            [one.win_minor for one in requests],
            [one.stake_cap_minor for one in requests],
            [one.min_cycle_ms for one in requests],
            [json.dumps(one.details) for one in requests],
            *fed,
        )
        return rows

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

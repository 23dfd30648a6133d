"""SQL of play that spans calls: the functions of migration 0013, and how an account stands."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from casino.kernel.db import Database
from casino.kernel.identity import new_id
from casino.kernel.metrics import LEDGER_SECONDS


@dataclass(frozen=True, slots=True)
class Standing:
    """An account at this moment. `may_stake` is false while it is not open, or its player is barred; `play_open`
    is true while the casino takes stakes at all."""

    balance_minor: int
    currency: str
    may_stake: bool
    play_open: bool


class PlayRepository:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._seconds = LEDGER_SECONDS.labels("play")

    async def pay_win(
        self,
        *,
        account_id: int,
        part_of: str,
        key: str,
        request_hash: bytes,
        win_minor: int,
        closes: bool,
        details: Mapping[str, Any],
    ) -> Any:
        with self._seconds.time():
            return await self._database.pool.fetchrow(
                "SELECT * FROM wallet.pay_win($1, $2, $3, $4, $5, $6, $7, $8)",
                account_id,
                part_of,
                key,
                request_hash,
                new_id(),
                win_minor,
                closes,
                json.dumps(details),
            )

    async def void_bet(self, account_id: int, reference: str, details: Mapping[str, Any]) -> Any:
        return await self._void("SELECT * FROM wallet.void_bet($1, $2, $3, $4)", account_id, reference, details)

    async def void_win(self, account_id: int, key: str, details: Mapping[str, Any]) -> Any:
        return await self._void("SELECT * FROM wallet.void_win($1, $2, $3, $4)", account_id, key, details)

    async def bet_transaction(self, account_id: int, reference: str) -> uuid.UUID | None:
        """The transaction that took a bet's stake, if one did."""
        found: uuid.UUID | None = await self._database.pool.fetchval(
            "SELECT opened_by FROM wallet.holds WHERE account_id = $1 AND kind = 'open_bet' AND reference = $2",
            account_id,
            reference,
        )
        return found

    async def standing(self, account_id: int) -> Standing | None:
        row = await self._database.pool.fetchrow(
            "SELECT balance AS balance_minor, currency,"
            " status = 'open' AND coalesce(barred_until <= clock_timestamp(), true) AS may_stake,"
            " wallet.allows('stake', clock_timestamp()) AS play_open"
            " FROM wallet.accounts WHERE account_id = $1 AND kind = 'player_cash'",
            account_id,
        )
        return Standing(**row) if row is not None else None

    async def _void(self, query: str, account_id: int, key: str, details: Mapping[str, Any]) -> Any:
        with self._seconds.time():
            return await self._database.pool.fetchrow(query, account_id, key, new_id(), json.dumps(details))

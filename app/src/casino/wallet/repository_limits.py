"""SQL of limits, bars and standings of players' accounts, and of a merge: the functions of migration 0018.

What is decided elsewhere binds here. Each call is one statement; one that was overtaken by a later revision changes
nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from casino.kernel.db import Database
from casino.kernel.errors import CasinoError


class MergeBlocked(CasinoError):
    status, code = 409, "MERGE_BLOCKED"
    rule = "what is under way ends before its account does"
    remedy = "Wait until it is over, or end it, then merge again."


OBSTACLES = {
    "bets_open": "a bet is not over",
    "withdrawals_open": "a withdrawal is not over",
    "payments_under_way": "a payment is under way",
}


def require_free(outcome: str | None) -> None:
    """Refuse with MergeBlocked where a merge found something under way."""
    if outcome in OBSTACLES:
        raise MergeBlocked(f"The accounts cannot be merged now: {OBSTACLES[outcome]}.")


@dataclass(frozen=True, slots=True)
class Renewed:
    """The largest stake that an account may make now (None: no cap), and when the window that sets it ends."""

    stake_cap_minor: int | None
    window_ends_at: datetime | None


class PlayerLimits:
    """The functions of migration 0018."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def protect(
        self,
        account_id: int,
        revision: int,
        barred_until: datetime | None,
        timezone: str,
        limits: Sequence[tuple[str, str, int]],
    ) -> bool:
        """All that responsible gaming says of an account: until when it is barred, and its limits of money: kind
        (`deposit`, `loss`, `stake`), period and amount. False where a later revision stands."""
        done: bool = await self._database.pool.fetchval(
            "SELECT wallet.protect($1, $2, $3, $4, $5, $6, $7)",
            account_id,
            revision,
            barred_until,
            timezone,
            [kind for kind, _, _ in limits],
            [period for _, period, _ in limits],
            [amount for _, _, amount in limits],
        )
        return done

    async def bar(self, account_id: int, source: str, until: datetime | None, *, deposits: bool) -> None:
        """One source's bar, in place of what it said before; None lifts it."""
        await self._database.pool.execute("SELECT wallet.bar($1, $2, $3, $4)", account_id, source, until, deposits)

    async def renew(self, account_id: int) -> Renewed:
        """Begin the windows that have come since; what is left then."""
        row = await self._database.pool.fetchrow("SELECT * FROM wallet.renew_limits($1)", account_id)
        return Renewed(row["stake_cap"], row["window_ends_at"])

    async def used(self, account_id: int) -> dict[tuple[str, str], tuple[int, datetime]]:
        """How much of each limit of money is used in the window that runs, and when that ends."""
        await self.renew(account_id)
        rows = await self._database.pool.fetch(
            "SELECT kind, period, used, ends_at FROM wallet.player_limits"
            " WHERE account_id = $1 AND kind <> 'stake_cap' AND amount IS NOT NULL",
            account_id,
        )
        return {(row["kind"], row["period"]): (row["used"], row["ends_at"]) for row in rows}

    async def merge(self, survivor: uuid.UUID, merged: uuid.UUID, reference: str) -> int:
        """Move what a merged player has to the survivor; answers how much, 0 for a repeat. Raises MergeBlocked."""
        outcome, moved = await merge_players(self._database.pool, survivor, merged, reference)
        require_free(outcome)
        return moved

    async def move_late(self) -> int:
        """Move what has come to merged accounts since; answers of how many. What is under way is left for later."""
        rows = await self._database.pool.fetch(
            "SELECT m.player_id, m.survivor_id, m.reference FROM wallet.player_merges m WHERE EXISTS (SELECT FROM"
            " wallet.accounts a WHERE a.player_id = m.player_id AND a.balance > 0"
            " AND a.kind IN ('player_cash', 'player_bonus', 'player_locked'))"
        )
        outcomes = [
            await merge_players(self._database.pool, row["survivor_id"], row["player_id"], row["reference"])
            for row in rows
        ]
        return sum(outcome == "merged" for outcome, _ in outcomes)

    async def require_mergeable(self, player_id: uuid.UUID) -> None:
        """Refuse with MergeBlocked a player with something under way."""
        require_free(await self._database.pool.fetchval("SELECT wallet.merge_obstacle($1)", player_id))


async def set_standing(on: Any, player_id: uuid.UUID, status: str, barred: bool, revision: int) -> None:
    """How all accounts of a player stand; `on` is a pool, or a connection in a transaction of the wallet's."""
    await on.execute("SELECT wallet.set_standing($1, $2, $3, $4)", player_id, status, barred, revision)


async def merge_players(on: Any, survivor: uuid.UUID, merged: uuid.UUID, reference: str) -> tuple[str, int]:
    """`(outcome, moved)` of wallet.merge_players."""
    row = await on.fetchrow("SELECT * FROM wallet.merge_players($1, $2, $3)", survivor, merged, reference)
    return row["outcome"], row["moved"]

"""A player's history to search in: the wallet's transactions, built from its events, by kind and time.

The journal itself is read newest first and by nothing else; what is asked of it by kind or time is asked here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from casino.kernel.db import Database
from casino.kernel.events.model import Consumer, Event
from casino.wallet.api import HistoryEntry

ROUNDS = ("round", "bet", "bet_void", "bet_settled", "bet_return")
WINS = ("round", "bet_settled", "win", "jackpot_win")
DEPOSITS = ("deposit", "deposit_refund", "refund_failed", "chargeback", "chargeback_won")
WITHDRAWALS = (
    "withdrawal_request", "withdrawal_release", "withdrawal_paid", "withdrawal_paid_late", "withdrawal_returned",
)  # fmt: skip
OTHERS = (
    "win_reversal", "bonus_grant", "bonus_forfeit", "bonus_release", "exchange", "fee", "tax", "opening_balance",
    "adjustment", "reversal", "account_merge",
)  # fmt: skip
PLAYERS = frozenset({*ROUNDS, *WINS, *DEPOSITS, *WITHDRAWALS, *OTHERS})
"""Every kind of transaction that is a player's."""
_SHOWN = (
    "game_id", "version", "studio", "provider", "method", "deposit_id", "payment_id", "jackpot", "jackpot_minor",
    "reason", "reverses",
)  # fmt: skip
"""Of a transaction's details, what names it. What a round showed is in the journal, and not kept twice."""
_BEGIN, _END = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)


class Kind(StrEnum):
    """What a history is asked for by. `wins` are those of `rounds` that paid, and what came without one."""

    ROUNDS = "rounds"
    WINS = "wins"
    DEPOSITS = "deposits"
    WITHDRAWALS = "withdrawals"
    OTHERS = "others"


_KINDS: Mapping[Kind, tuple[str, ...]] = {
    Kind.ROUNDS: ROUNDS,
    Kind.WINS: WINS,
    Kind.DEPOSITS: DEPOSITS,
    Kind.WITHDRAWALS: WITHDRAWALS,
    Kind.OTHERS: OTHERS,
}


@dataclass(frozen=True, slots=True)
class Search:
    """`since` is included, `until` is not; `before` is a position that an earlier page ended at."""

    kind: Kind | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None


class HistoryBook:
    """Writes the read model down."""

    def consumer(self) -> Consumer:
        """Reads what the wallet tells."""
        return Consumer(
            "history",
            "ops",
            "wallet",
            {(f"wallet.{kind}", 1): self._one for kind in sorted(PLAYERS)},
            ignores_others=True,
            reset=self._reset,
            keep=self._keep,
            together=self._together,
        )

    async def _one(self, connection: Any, event: Event) -> None:
        await self._together(connection, [event])

    async def _together(self, connection: Any, events: Sequence[Event]) -> None:
        # By its position in the journal: whatever comes first, and however often, the book is the same.
        await connection.execute(
            "INSERT INTO ops.history (account_id, position, transaction_id, kind, created_at, taken, given, balance,"
            " details) SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::uuid[], $4::text[], $5::timestamptz[],"
            " $6::bigint[], $7::bigint[], $8::bigint[], $9::jsonb[]) ON CONFLICT DO NOTHING",
            *zip(*map(_row, events), strict=True),
        )

    async def _reset(self, connection: Any) -> None:
        await connection.execute("DELETE FROM ops.history")

    async def _keep(self, connection: Any, until: datetime) -> datetime:
        # A transaction's month is told by its identifier, which is drawn a moment before it is written.
        begins = until + timedelta(days=1)
        await connection.execute("DELETE FROM ops.history WHERE created_at >= $1", begins)
        return begins


def _row(event: Event) -> tuple[Any, ...]:
    payload = event.payload
    shown = {name: payload["details"][name] for name in _SHOWN if name in payload["details"]}
    if isinstance(shown.get("jackpot"), dict):
        shown["jackpot"] = shown["jackpot"].get("name")
    return (
        payload["account_id"],
        event.position,
        event.event_id,
        event.type.removeprefix("wallet."),
        event.occurred_at,
        payload["taken_minor"],
        payload["given_minor"],
        payload["balance_minor"],
        json.dumps(shown),
    )


class PlayerHistory:
    """Reads it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, account_id: int, search: Search, limit: int) -> tuple[list[HistoryEntry], int | None]:
        """A page, newest first, and the position that the next one begins before; None at the end."""
        kinds = None if search.kind is None else list(_KINDS[search.kind])
        rows = await self._database.pool.fetch(
            """SELECT h.*, h.balance - coalesce((SELECT p.balance FROM ops.history p
                   WHERE p.account_id = h.account_id AND p.position < h.position
                   ORDER BY p.position DESC LIMIT 1), 0) AS amount
               FROM ops.history h
               WHERE h.account_id = $1 AND h.position < $2 AND ($3::text[] IS NULL OR h.kind = ANY ($3))
                   AND (NOT $4 OR h.given > 0) AND h.created_at >= $5 AND h.created_at < $6
               ORDER BY h.position DESC LIMIT $7""",
            account_id,
            search.before if search.before is not None else 2**63 - 1,
            kinds,
            search.kind is Kind.WINS,
            search.since or _BEGIN,
            search.until or _END,
            limit + 1,
        )
        page = rows[:limit]
        return [_entry(row) for row in page], page[-1]["position"] if len(rows) > limit else None


def _entry(row: Any) -> HistoryEntry:
    is_round = row["kind"] in ("round", "bet_settled")
    return HistoryEntry(
        transaction_id=row["transaction_id"],
        kind=row["kind"],
        created_at=row["created_at"],
        amount_minor=row["amount"],
        stake_minor=row["taken"] if is_round else 0,
        win_minor=row["given"] if is_round else 0,
        balance_minor=row["balance"],
        details=json.loads(row["details"]),
    )

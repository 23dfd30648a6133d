"""The SQL of what a withdrawal is judged by: what the player asked for before, and what they staked since deposits."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from casino.kernel.db import Database
from casino.wallet.payments.checks import Linked, Past, Played, turnover_open
from casino.wallet.payments.config import CheckSetting
from casino.wallet.payments.models import Payment

# By the account's versions and not by time: they are the order in which money moved. A deposit's posting is known by
# its key. Stakes are what left the cash in rounds and bets, less what came back of bets that were void. An account that
# was merged into this one brings what it has left to stake with its money.
_PLAYED = """
    WITH paid_in AS (
        SELECT t.account_version AS version, p.captured - p.refunding - p.refunded - p.disputed AS amount,
            NULL::bigint AS merged
        FROM wallet.payments p
        JOIN wallet.request_keys k ON k.account_id = p.account_id AND k.kind = 'deposit'
            AND k.key = p.payment_id || ':captured'
        JOIN wallet.transactions t ON t.transaction_id = k.transaction_id
        WHERE p.account_id = $1 AND p.kind = 'deposit' AND p.captured > 0 AND p.created_at >= $2
        UNION ALL
        SELECT min(t.account_version), 0, ended.account_id
        FROM wallet.accounts kept JOIN wallet.player_merges m ON m.survivor_id = kept.player_id
        JOIN wallet.accounts ended ON ended.player_id = m.player_id AND ended.currency = kept.currency
            AND ended.kind = 'player_cash'
        JOIN wallet.request_keys k ON k.account_id = kept.account_id AND k.kind = 'account_merge'
            AND starts_with(k.key, m.reference || ':')
        JOIN wallet.transactions t ON t.transaction_id = k.transaction_id
        WHERE kept.account_id = $1 GROUP BY ended.account_id
    ), staked AS (
        SELECT o.debit_version AS version, o.amount FROM wallet.postings o JOIN wallet.transactions t
            USING (transaction_id)
        WHERE o.debit_account = $1 AND o.debit_version > (SELECT min(version) FROM paid_in)
            AND t.kind IN ('round', 'bet')
        UNION ALL
        SELECT o.credit_version, -o.amount FROM wallet.postings o JOIN wallet.transactions t USING (transaction_id)
        WHERE o.credit_account = $1 AND o.credit_version > (SELECT min(version) FROM paid_in)
            AND t.kind IN ('bet_void', 'bet_return')
    ), course AS (
        SELECT version, amount AS deposited, 0 AS stake, true AS is_deposit, merged FROM paid_in
        UNION ALL SELECT version, 0, amount, false, NULL FROM staked
    )
    SELECT deposited, staked_since, merged FROM (
        SELECT version, deposited, is_deposit, merged, sum(stake) OVER (ORDER BY version DESC)::bigint AS staked_since
        FROM course) AS told
    WHERE is_deposit ORDER BY version"""
# The parts of a request share its key, and are one. What was asked for later counts as well: of two at once, the one
# that was written down last is the one that sees the other, whichever took the earlier time.
_LINKED = """
    SELECT kind, sum(CASE kind WHEN 'deposit' THEN captured ELSE amount END)::bigint AS amount,
        min(created_at) AS asked_at
    FROM wallet.payments
    WHERE account_id = ANY ($1) AND created_at >= $2
        AND CASE kind WHEN 'deposit' THEN captured > 0 ELSE state NOT IN ('failed', 'cancelled', 'returned') END
    GROUP BY kind, account_id, idempotency_key ORDER BY asked_at"""


class HistoryRepository:
    """Reads alone."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def past(self, payment: Payment, setting: CheckSetting) -> Past:
        """What is known of a withdrawal now, with what went before it and what was asked for since."""
        asked_at, account = payment.created_at, payment.account_id
        hours = max(setting.linked_hours, setting.velocity_hours)
        async with self._database.pool.acquire() as connection, connection.transaction(readonly=True):
            whole = await connection.fetchval(
                "SELECT sum(amount)::bigint FROM wallet.payments WHERE account_id = $1 AND kind = 'withdrawal'"
                " AND idempotency_key = (SELECT idempotency_key FROM wallet.payments WHERE payment_id = $2)",
                account, payment.payment_id,
            )  # fmt: skip
            persons = [row[0] for row in await connection.fetch("SELECT wallet.accounts_behind($1)", account)]
            linked = await connection.fetch(_LINKED, persons, asked_at - timedelta(hours=hours))
            played = await _played(connection, account, asked_at - timedelta(days=setting.turnover_days), setting)
            instrument: Any = await connection.fetchrow(
                "SELECT owner_match, created_at FROM wallet.instruments WHERE instrument_id = $1", payment.instrument_id
            )
            chargebacks = await connection.fetchval(
                "SELECT coalesce(sum(disputes), 0)::bigint FROM wallet.payments WHERE account_id = ANY ($1)", persons
            )
        return Past(
            request=Linked("withdrawal", whole or payment.amount, asked_at),
            linked=tuple(Linked(row["kind"], row["amount"], row["asked_at"]) for row in linked),
            deposits=played,
            owner_match=instrument["owner_match"] if instrument is not None else None,
            instrument_since=instrument["created_at"] if instrument is not None else None,
            chargebacks=chargebacks,
        )


async def _played(connection: Any, account: int, since: datetime, setting: CheckSetting) -> tuple[Played, ...]:
    """An account's deposits, oldest first; those of one merged into it stand as one that leaves as much to stake."""
    found = []
    for row in await connection.fetch(_PLAYED, account, since):
        deposited = row["deposited"]
        if row["merged"] is not None and setting.turnover_percent:
            left = turnover_open(await _played(connection, row["merged"], since, setting), setting.turnover_percent)
            deposited = -(-left * 100 // setting.turnover_percent)
        found.append(Played(deposited, row["staked_since"]))
    return tuple(found)

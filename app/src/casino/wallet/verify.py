"""Check the ledger's invariants (docs/ledger.md) by reading all of it, in one snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# Each query answers the breaks of one invariant: nothing when it holds.
INVARIANTS: dict[str, str] = {
    "zero_sum": """
        SELECT currency, sum(balance) AS sum_of_balances FROM wallet.accounts
        GROUP BY currency HAVING sum(balance) <> 0""",
    "balance_is_sum_of_entries": """
        SELECT a.account_id, a.balance, coalesce(sum(e.amount), 0) AS sum_of_entries
        FROM wallet.accounts a LEFT JOIN wallet.entries e USING (account_id)
        GROUP BY a.account_id HAVING a.balance <> coalesce(sum(e.amount), 0)""",
    "versions_gapless": """
        SELECT a.account_id, a.version, count(e.version) AS entries, max(e.version) AS last_entry
        FROM wallet.accounts a LEFT JOIN wallet.entries e USING (account_id)
        GROUP BY a.account_id
        HAVING a.version <> count(e.version) OR a.version <> coalesce(max(e.version), 0)
            OR count(e.version) <> count(DISTINCT e.version)""",
    "snapshots_chain": """
        SELECT account_id, version, balance_before, expected FROM (
            SELECT account_id, version, balance_before,
                   coalesce(lag(balance_after) OVER (PARTITION BY account_id ORDER BY version), 0) AS expected
            FROM wallet.entries) AS chain
        WHERE balance_before <> expected""",
    "no_negative_player_balance": """
        SELECT e.account_id, e.version, e.balance_after
        FROM wallet.entries e JOIN wallet.accounts a USING (account_id)
        WHERE a.kind = 'player_cash' AND e.balance_after < 0""",
    "entries_have_account_and_transaction": """
        SELECT e.transaction_id, e.account_id, e.version
        FROM wallet.entries e LEFT JOIN wallet.accounts a USING (account_id)
        LEFT JOIN wallet.transactions t USING (transaction_id)
        WHERE a.account_id IS NULL OR t.transaction_id IS NULL
            OR a.currency <> e.currency OR t.currency <> e.currency""",
    "transactions_match_their_entries": """
        SELECT t.transaction_id, t.kind, t.stake, t.win, count(e.version) AS entries
        FROM wallet.transactions t
        LEFT JOIN wallet.entries e ON e.transaction_id = t.transaction_id AND e.account_id = t.account_id
        GROUP BY t.transaction_id
        HAVING count(e.version) = 0 OR max(e.version) <> t.account_version
            OR (t.kind = 'round' AND (
                coalesce(-sum(e.amount) FILTER (WHERE e.amount < 0), 0) <> t.stake
                OR coalesce(sum(e.amount) FILTER (WHERE e.amount > 0), 0) <> t.win))""",
    "accounts_have_their_owner": """
        SELECT account_id, kind FROM wallet.accounts
        WHERE num_nonnulls(player_id, shard) <> 1
            OR kind IS DISTINCT FROM CASE
                WHEN player_id IS NOT NULL THEN 'player_cash' WHEN provider IS NULL THEN 'house' ELSE 'psp_clearing'
            END""",
    "captured_deposits_posted_once": """
        SELECT d.deposit_id, d.status, d.amount, count(t.transaction_id) AS postings
        FROM wallet.deposits d
        LEFT JOIN wallet.transactions t
            ON t.kind = 'deposit' AND t.account_id = d.account_id AND t.idempotency_key = d.deposit_id::text
        LEFT JOIN wallet.entries e ON e.transaction_id = t.transaction_id AND e.account_id = d.account_id
        GROUP BY d.deposit_id
        HAVING count(t.transaction_id) <> CASE d.status WHEN 'captured' THEN 1 ELSE 0 END
            OR (d.status = 'captured' AND sum(e.amount) <> d.amount)""",
    "deposit_postings_have_a_deposit": """
        SELECT t.transaction_id FROM wallet.transactions t
        LEFT JOIN wallet.deposits d ON d.transaction_id = t.transaction_id
        WHERE t.kind = 'deposit' AND d.deposit_id IS NULL""",
}
SHOWN = 10


@dataclass(frozen=True, slots=True)
class Break:
    """An invariant that does not hold: how many rows break it, and the first of them."""

    invariant: str
    rows: int
    examples: list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class Report:
    """What was read and which invariants broke."""

    accounts: int
    transactions: int
    postings: int
    breaks: list[Break]

    @property
    def ok(self) -> bool:
        return not self.breaks

    def as_json(self) -> dict[str, Any]:
        return {
            "ok": self.ok,
            "accounts": self.accounts,
            "transactions": self.transactions,
            "postings": self.postings,
            "invariants": list(INVARIANTS),
            "breaks": [{"invariant": b.invariant, "rows": b.rows, "examples": b.examples} for b in self.breaks],
        }


async def verify_ledger(connection: Any) -> Report:
    """Check every invariant against one snapshot of the database; nothing is changed."""
    await connection.execute("SET statement_timeout = 0")
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        counts = await connection.fetchrow(
            "SELECT (SELECT count(*) FROM wallet.accounts) AS accounts,"
            " (SELECT count(*) FROM wallet.transactions) AS transactions,"
            " (SELECT count(*) FROM wallet.postings) AS postings"
        )
        breaks = []
        for invariant, query in INVARIANTS.items():
            rows = await connection.fetch(query)
            if rows:
                examples = [{key: str(value) for key, value in row.items()} for row in rows[:SHOWN]]
                breaks.append(Break(invariant, len(rows), examples))
        return Report(counts["accounts"], counts["transactions"], counts["postings"], breaks)

"""Check the ledger's invariants (docs/ledger.md) by reading all of it, in one snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from casino.wallet.verify_sealed import SEALED, from_seal

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
        WHERE a.player_id IS NOT NULL AND e.balance_after < 0""",
    "entries_have_account_and_transaction": """
        SELECT e.transaction_id, e.account_id, e.version
        FROM wallet.entries e LEFT JOIN wallet.accounts a USING (account_id)
        LEFT JOIN wallet.transactions t USING (transaction_id)
        WHERE a.account_id IS NULL OR t.transaction_id IS NULL OR a.currency <> e.currency""",
    "transactions_match_their_entries": """
        SELECT t.transaction_id, t.kind, t.taken, t.given, count(p.leg) AS postings
        FROM wallet.transactions t LEFT JOIN wallet.postings p USING (transaction_id)
        LEFT JOIN wallet.accounts d ON d.account_id = p.debit_account
        LEFT JOIN wallet.accounts c ON c.account_id = p.credit_account
        GROUP BY t.transaction_id
        HAVING count(p.leg) = 0
            OR t.taken <> coalesce(sum(p.amount) FILTER (WHERE d.player_id IS NOT NULL AND c.player_id IS NULL), 0)
            OR t.given <> coalesce(sum(p.amount) FILTER (WHERE d.player_id IS NULL AND c.player_id IS NOT NULL), 0)
            OR greatest(max(p.debit_version) FILTER (WHERE p.debit_account = t.account_id),
                max(p.credit_version) FILTER (WHERE p.credit_account = t.account_id)) <> t.account_version""",
    "movements_are_of_their_kind": """
        SELECT p.transaction_id, t.kind, d.kind AS debit, c.kind AS credit
        FROM wallet.postings p JOIN wallet.transactions t USING (transaction_id)
        JOIN wallet.accounts d ON d.account_id = p.debit_account
        JOIN wallet.accounts c ON c.account_id = p.credit_account
        WHERE t.kind <> 'reversal'
            AND NOT (t.kind = 'round' AND 'player_cash' IN (d.kind, c.kind) AND 'house' IN (d.kind, c.kind))
            AND NOT EXISTS (SELECT FROM wallet.movements m
                WHERE m.kind = t.kind AND m.debit = d.kind AND m.credit = c.kind)""",
    "accounts_have_their_owner": """
        SELECT a.account_id, a.kind FROM wallet.accounts a LEFT JOIN wallet.account_kinds k USING (kind)
        WHERE k.kind IS NULL OR k.of_player <> (a.player_id IS NOT NULL) OR k.of_player <> (a.shard IS NULL)
            OR k.named <> (a.name IS NOT NULL)""",
    "request_keys_stand_for_transactions": """
        SELECT k.account_id, k.kind, k.key, k.transaction_id
        FROM wallet.request_keys k LEFT JOIN wallet.transactions t USING (transaction_id)
        WHERE t.transaction_id IS NULL OR t.account_id <> k.account_id OR t.kind <> k.kind
        UNION ALL
        SELECT t.account_id, t.kind, NULL, t.transaction_id
        FROM wallet.transactions t LEFT JOIN wallet.request_keys k USING (transaction_id)
        GROUP BY t.transaction_id
        HAVING count(k.key) <> CASE t.kind WHEN 'jackpot_contribution' THEN 0 ELSE 1 END""",
    "chains_intact": """
        SELECT a.account_id, a.links, f.links AS found FROM wallet.accounts a LEFT JOIN (
            SELECT t.chain AS account_id, count(*) AS links, min(t.link) AS first, max(t.link) AS last,
                wallet.chain(wallet.content(t.transaction_id, t.kind, t.account_id, t.account_version, t.currency,
                    t.taken, t.given, t.balance_after, t.created_at, t.details,
                    CASE t.kind WHEN 'round' THEN '' ELSE legs.told END) ORDER BY t.link) AS head
            FROM wallet.transactions t LEFT JOIN (
                SELECT p.transaction_id,
                    string_agg(concat(p.debit_account, '>', p.credit_account, ':', p.amount, ' '), '' ORDER BY p.leg)
                        AS told
                FROM wallet.postings p JOIN wallet.transactions other USING (transaction_id)
                WHERE other.kind <> 'round' GROUP BY p.transaction_id) AS legs USING (transaction_id)
            GROUP BY t.chain) AS f USING (account_id)
        WHERE a.links <> coalesce(f.links, 0) OR a.head <> coalesce(f.head, '')
            OR (f.links > 0 AND (f.first <> 1 OR f.last <> f.links))""",
    "holds_are_covered": """
        SELECT a.account_id, a.kind, a.balance, coalesce(sum(h.amount), 0) AS held
        FROM wallet.accounts a
        LEFT JOIN wallet.accounts cash ON cash.player_id = a.player_id AND cash.kind = 'player_cash'
            AND cash.currency = a.currency
        LEFT JOIN wallet.hold_kinds k ON k.account = a.kind
        LEFT JOIN wallet.holds h ON h.account_id = cash.account_id AND h.kind = k.kind AND h.status = 'open'
        WHERE a.kind IN ('player_stakes', 'player_withdrawal')
        GROUP BY a.account_id HAVING a.balance <> coalesce(sum(h.amount), 0)""",
    "holds_resolved_once": """
        SELECT h.hold_id, h.kind, h.status FROM wallet.holds h JOIN wallet.hold_kinds k USING (kind)
        LEFT JOIN wallet.transactions o ON o.transaction_id = h.opened_by
        LEFT JOIN wallet.transactions r ON r.transaction_id = h.resolved_by
        WHERE k.account IS NOT NULL AND (o.kind IS DISTINCT FROM k.opens OR (h.status <> 'open' AND r.kind
            IS DISTINCT FROM CASE h.status WHEN 'captured' THEN k.captures ELSE k.releases END))
        UNION ALL
        SELECT r.transaction_id, r.kind, 'takes what was not held' FROM wallet.transactions r
        JOIN wallet.postings p USING (transaction_id) JOIN wallet.accounts a ON a.account_id = p.debit_account
        WHERE a.kind IN ('player_stakes', 'player_withdrawal') AND r.kind <> 'reversal'
        GROUP BY r.transaction_id HAVING sum(p.amount) <> coalesce((
            SELECT sum(h.amount) FROM wallet.holds h WHERE h.resolved_by = r.transaction_id), 0)""",
    "open_rounds_hold_their_stakes": """
        SELECT coalesce(r.round_id::text, h.part_of) AS round, r.status, r.staked, h.held
        FROM wallet.game_rounds r FULL JOIN (
            SELECT h.account_id, h.part_of, sum(h.amount) FILTER (WHERE h.status = 'open') AS held
            FROM wallet.holds h WHERE h.kind = 'open_bet' AND h.part_of LIKE 'game round %'
            GROUP BY h.account_id, h.part_of) AS h
            ON h.account_id = r.account_id AND h.part_of = 'game round ' || r.round_id
        WHERE r.round_id IS NULL OR coalesce(h.held, 0) <> CASE r.status WHEN 'open' THEN r.staked ELSE 0 END""",
    "rounds_end_as_played": """
        SELECT r.round_id, r.status, r.staked, r.won, t.kind, t.taken, t.given
        FROM wallet.game_rounds r LEFT JOIN wallet.transactions t ON t.transaction_id = r.ended_by
        WHERE r.status <> 'open' AND (t.account_id IS DISTINCT FROM r.account_id OR NOT CASE r.status
            WHEN 'closed' THEN t.kind IN ('round', 'bet_settled') AND (t.taken, t.given) = (r.staked, r.won)
                AND t.details - 'jackpot' = r.state || jsonb_build_object('round_id', r.round_id)
            ELSE t.kind = 'bet_void' AND t.details ->> 'round_id' = r.round_id::text AND r.staked = (
                SELECT sum(p.amount) FROM wallet.postings p WHERE p.transaction_id = t.transaction_id) END)
        UNION ALL
        SELECT k.transaction_id, 'settled without a round', NULL, NULL, k.kind, NULL, NULL
        FROM wallet.request_keys k LEFT JOIN wallet.game_rounds r ON r.ended_by = k.transaction_id
        WHERE k.kind IN ('round', 'bet_settled', 'bet_void') AND k.key LIKE 'game round %' AND r.round_id IS NULL""",
    "round_steps_gapless": """
        SELECT r.round_id, r.step, count(s.step) AS steps, r.staked, sum(s.stake) AS stakes
        FROM wallet.game_rounds r LEFT JOIN wallet.game_round_steps s
            ON s.round_id = r.round_id AND s.account_id = r.account_id
        GROUP BY r.round_id
        HAVING count(s.step) <> r.step OR max(s.step) IS DISTINCT FROM r.step OR sum(s.stake) <> r.staked
            OR (r.state ->> 'staked_minor')::bigint IS DISTINCT FROM r.staked
            OR (r.status = 'closed' AND (r.state ->> 'win_minor')::bigint IS DISTINCT FROM r.won)
            OR count(*) FILTER (WHERE s.closed) <> (r.status = 'closed')::integer""",
    "deposit_postings_have_a_payment": """
        SELECT t.transaction_id FROM wallet.transactions t
        LEFT JOIN wallet.payments p ON p.payment_id::text = t.details ->> 'payment_id' AND p.kind = 'deposit'
        WHERE t.kind = 'deposit' AND p.payment_id IS NULL""",
    "payments_match_their_postings": """
        SELECT p.payment_id, p.kind, p.state, p.captured, p.paid + p.returned AS paid, m.captured AS posted_in,
            m.paid AS posted_out
        FROM wallet.payments p LEFT JOIN (
            SELECT t.details ->> 'payment_id' AS payment_id,
                sum(t.given) FILTER (WHERE t.kind = 'deposit') AS captured,
                sum((t.details ->> 'moved_minor')::bigint) FILTER (WHERE t.kind = 'withdrawal_paid_late')
                    AS paid_late,
                sum(t.taken) FILTER (WHERE t.kind = 'withdrawal_paid') AS paid
            FROM wallet.transactions t
            WHERE t.kind IN ('deposit', 'withdrawal_paid', 'withdrawal_paid_late') AND t.details ? 'payment_id'
            GROUP BY 1) AS m ON m.payment_id = p.payment_id::text
        WHERE p.captured <> coalesce(m.captured, 0)
            OR p.paid + p.returned <> coalesce(m.paid, 0) + coalesce(m.paid_late, 0)""",
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
    since: date | None = None
    """The sealed month that was begun from: what lies in it or before was not read."""

    @property
    def ok(self) -> bool:
        return not self.breaks

    def as_json(self) -> dict[str, Any]:
        return {
            "ok": self.ok,
            "accounts": self.accounts,
            "transactions": self.transactions,
            "postings": self.postings,
            "since": None if self.since is None else f"{self.since:%Y-%m}",
            "invariants": [*INVARIANTS, *SEALED],
            "breaks": [{"invariant": b.invariant, "rows": b.rows, "examples": b.examples} for b in self.breaks],
        }


async def verify_ledger(connection: Any, *, from_last_seal: bool = False) -> Report:
    """Check every invariant against one snapshot of the database; nothing is changed.

    Detached months are not read: the seal of the last of them says where the rest begins. `from_last_seal` begins as
    late as that is possible, after the newest seal.
    """
    await connection.execute("SET statement_timeout = 0")
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        if from_last_seal:
            await connection.execute(
                "SELECT set_config('casino.verify_from', (SELECT max(month)::text FROM wallet.seals), true)"
            )
        since = await connection.fetchval("SELECT wallet.base()")
        queries = INVARIANTS if since is None else {name: from_seal(name, query) for name, query in INVARIANTS.items()}
        counts = await connection.fetchrow(
            "SELECT (SELECT count(*) FROM wallet.accounts) AS accounts,"
            " (SELECT count(*) FROM wallet.kept_transactions) AS transactions,"
            " (SELECT count(*) FROM wallet.kept_postings) AS postings"
        )
        breaks = []
        for invariant, query in (queries | SEALED).items():
            rows = await connection.fetch(query)
            if rows:
                examples = [{key: str(value) for key, value in row.items()} for row in rows[:SHOWN]]
                breaks.append(Break(invariant, len(rows), examples))
        return Report(counts["accounts"], counts["transactions"], counts["postings"], breaks, since)

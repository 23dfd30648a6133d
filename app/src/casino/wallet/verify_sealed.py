"""The ledger's invariants where its first months are sealed: what is read begins where a seal ends (migration 0019).

Views named `kept_*` hold what lies after that, and what the seal keeps of before; `opening_*` say where every account
and chain stands there. Most invariants hold of the one as of the whole. What ties the whole together is told here.
"""

from __future__ import annotations

import re

_AFTER = {
    "balance_is_sum_of_entries": """
        SELECT a.account_id, a.balance, coalesce(o.balance, 0) + coalesce(sum(e.amount), 0) AS sum_of_entries
        FROM wallet.accounts a LEFT JOIN wallet.opening_accounts o USING (account_id)
        LEFT JOIN wallet.kept_entries e USING (account_id)
        GROUP BY a.account_id, o.balance HAVING a.balance <> coalesce(o.balance, 0) + coalesce(sum(e.amount), 0)""",
    "versions_gapless": """
        SELECT a.account_id, a.version, o.version AS opening, count(e.version) AS entries, max(e.version) AS last_entry
        FROM wallet.accounts a LEFT JOIN wallet.opening_accounts o USING (account_id)
        LEFT JOIN wallet.kept_entries e USING (account_id)
        GROUP BY a.account_id, o.version
        HAVING a.version <> coalesce(o.version, 0) + count(e.version)
            OR a.version <> coalesce(max(e.version), o.version, 0) OR count(e.version) <> count(DISTINCT e.version)""",
    "snapshots_chain": """
        SELECT account_id, version, balance_before, expected FROM (
            SELECT e.account_id, e.version, e.balance_before,
                   coalesce(lag(e.balance_after) OVER (PARTITION BY e.account_id ORDER BY e.version), o.balance, 0)
                       AS expected
            FROM wallet.kept_entries e LEFT JOIN wallet.opening_accounts o USING (account_id)) AS chain
        WHERE balance_before <> expected""",
    "request_keys_stand_for_transactions": """
        SELECT k.account_id, k.kind, k.key, k.transaction_id
        FROM wallet.request_keys k LEFT JOIN wallet.kept_transactions t USING (transaction_id)
        WHERE k.transaction_id >= wallet.kept_from()
            AND (t.transaction_id IS NULL OR t.account_id <> k.account_id OR t.kind <> k.kind)
        UNION ALL
        SELECT t.account_id, t.kind, NULL, t.transaction_id
        FROM wallet.kept_transactions t LEFT JOIN wallet.request_keys k USING (transaction_id)
        WHERE t.transaction_id >= wallet.kept_from()
        GROUP BY t.transaction_id, t.account_id, t.kind
        HAVING count(k.key) <> CASE t.kind WHEN 'jackpot_contribution' THEN 0 ELSE 1 END""",
    "chains_intact": """
        SELECT a.account_id, a.links, coalesce(o.links, 0) + f.links AS found
        FROM wallet.accounts a LEFT JOIN wallet.opening_chains o ON o.chain = a.account_id LEFT JOIN (
            SELECT t.chain AS account_id, count(*) AS links, min(t.link) AS first, max(t.link) AS last,
                wallet.chain_from(coalesce(b.head, ''), wallet.content(t.transaction_id, t.kind, t.account_id,
                    t.account_version, t.currency, t.taken, t.given, t.balance_after, t.created_at, t.details,
                    CASE t.kind WHEN 'round' THEN '' ELSE legs.told END) ORDER BY t.link) AS head
            FROM wallet.kept_transactions t LEFT JOIN wallet.opening_chains b USING (chain) LEFT JOIN (
                SELECT p.transaction_id,
                    string_agg(concat(p.debit_account, '>', p.credit_account, ':', p.amount, ' '), '' ORDER BY p.leg)
                        AS told
                FROM wallet.kept_postings p GROUP BY p.transaction_id) AS legs USING (transaction_id)
            WHERE t.link > coalesce(b.links, 0)
            GROUP BY t.chain) AS f USING (account_id)
        WHERE a.links <> coalesce(o.links, 0) + coalesce(f.links, 0) OR a.head <> coalesce(f.head, o.head, '')
            OR (f.links > 0 AND (f.first <> coalesce(o.links, 0) + 1 OR f.last <> a.links))""",
    "holds_resolved_once": """
        SELECT h.hold_id, h.kind, h.status FROM wallet.holds h JOIN wallet.hold_kinds k USING (kind)
        LEFT JOIN wallet.kept_transactions o ON o.transaction_id = h.opened_by
        LEFT JOIN wallet.kept_transactions r ON r.transaction_id = h.resolved_by
        WHERE k.account IS NOT NULL AND (
            ((h.opened_by < wallet.kept_from()) IS NOT TRUE AND o.kind IS DISTINCT FROM k.opens)
            OR (h.status <> 'open' AND (h.resolved_by < wallet.kept_from()) IS NOT TRUE
                AND r.kind IS DISTINCT FROM CASE h.status WHEN 'captured' THEN k.captures ELSE k.releases END))
        UNION ALL
        SELECT r.transaction_id, r.kind, 'takes what was not held' FROM wallet.kept_transactions r
        JOIN wallet.kept_postings p USING (transaction_id) JOIN wallet.accounts a ON a.account_id = p.debit_account
        WHERE a.kind IN ('player_stakes', 'player_withdrawal') AND r.kind <> 'reversal'
            AND r.transaction_id >= wallet.kept_from()
        GROUP BY r.transaction_id, r.kind HAVING sum(p.amount) <> coalesce((
            SELECT sum(h.amount) FROM wallet.holds h WHERE h.resolved_by = r.transaction_id), 0)""",
}
# A payment that began in a sealed month has its movements on both sides; its sums are those of the whole journal alone.
_PAYMENTS = "\n        AND p.created_at >= wallet.next_month(wallet.base())::timestamp AT TIME ZONE 'UTC'"
# Of a round that ended in a sealed month, the settlement is not read; what it was is in that month's file.
_ENDED = "r.status <> 'open' AND "
_ENDED_SINCE = _ENDED + "(r.ended_by < wallet.kept_from()) IS NOT TRUE AND "
_JOURNAL = re.compile(r"\bwallet\.(transactions|postings|entries)\b")
# A view has no primary key that the other columns follow from.
_BY_KEY = re.compile(r"GROUP BY t\.transaction_id(?!,)")
_ALL = (
    "GROUP BY t.transaction_id, t.kind, t.account_id, t.account_version, t.currency, t.taken, t.given, t.balance_after"
)

SEALED: dict[str, str] = {
    "seals_chain": """
        SELECT s.month, s.digest FROM (
            SELECT *, document::jsonb AS told, lag(digest) OVER (ORDER BY month) AS before,
                lag(month) OVER (ORDER BY month) AS month_before
            FROM wallet.seals) AS s
        WHERE s.digest <> sha256(convert_to(s.document, 'UTF8'))
            OR s.told ->> 'month' <> to_char(s.month, 'YYYY-MM')
            OR s.told ->> 'previous' IS DISTINCT FROM encode(s.before, 'hex')
            OR s.month_before <> s.month - interval '1 month'""",
    "sealed_months_stand": """
        SELECT s.month, s.document FROM wallet.seals s
        WHERE s.month > coalesce(wallet.base(), s.month - 1)
            AND wallet.journal_digest(wallet.month_floor(s.month), wallet.month_floor(wallet.next_month(s.month)), NULL)
                IS DISTINCT FROM s.document::jsonb ->> 'journal'""",
    "openings_are_sealed": """
        SELECT s.month FROM wallet.seals s
        WHERE wallet.chains_digest(s.month) IS DISTINCT FROM s.document::jsonb ->> 'chains'
            OR wallet.accounts_digest(s.month) IS DISTINCT FROM s.document::jsonb ->> 'accounts'
            OR wallet.journal_digest(wallet.month_floor(s.month), wallet.month_floor(s.month), s.month)
                IS DISTINCT FROM s.document::jsonb ->> 'beyond'""",
    "detached_months_were_retired": """
        SELECT s.month FROM wallet.seals s
        WHERE NOT wallet.is_attached(s.month)
            AND NOT EXISTS (SELECT FROM wallet.retirements r WHERE r.month = s.month AND r.step = 'detached')""",
}
"""What a seal answers for is there as it was sealed, or was retired by the rules."""


def from_seal(name: str, query: str) -> str:
    """The query of an invariant, for what lies after the base."""
    if name in _AFTER:
        return _AFTER[name]
    if name == "payments_match_their_postings":
        head, condition = query.rsplit("WHERE ", 1)
        query = f"{head}WHERE ({condition}){_PAYMENTS}"
    if name == "rounds_end_as_played":
        query = query.replace(_ENDED, _ENDED_SINCE)
    return _JOURNAL.sub(r"wallet.kept_\1", _BY_KEY.sub(_ALL, query))

"""Which rows go when their time is over (docs/ledger.md, "What is kept, and how long"): one table of rules.

The journal and what stands for its transactions is not here: a month of it goes as a whole, by the owner alone
(wallet/sealing.py). A table that is in neither grows with players or for ever, and the documentation says why.
"""

from __future__ import annotations

from datetime import timedelta

from casino.kernel.pruning import Forget, Keep, Rule

RULES: tuple[Rule, ...] = (
    Keep("pam", "password_resets", "expires_at", timedelta(days=1)),
    # What a message said is gone with its sending; this is that it was sent.
    Keep("pam", "messages", "created_at", timedelta(days=90), "sealed IS NULL"),
    Keep("pam", "devices", "last_seen"),
    Keep("gal", "game_sessions", "expires_at"),
    # A year at least, which the table asks for whatever the rules say; nothing of a round of which something waits.
    Keep(
        "gal",
        "studio_transactions",
        "finished_at",
        only="finished_at < clock_timestamp() - interval '1 year' AND NOT EXISTS (SELECT FROM gal.studio_transactions o"
        " WHERE o.studio = studio_transactions.studio AND o.round_id = studio_transactions.round_id"
        " AND o.account_id IS NOT DISTINCT FROM studio_transactions.account_id AND o.status = 'pending')",
    ),
    Keep(
        "gal",
        "free_rounds",
        "expires_at",
        only="NOT EXISTS (SELECT FROM gal.studio_transactions t WHERE t.grant_id = free_rounds.grant_id)",
    ),
    Keep("gal", "live_bets", "received_at", only="status IN ('settled', 'voided')"),
    Keep(
        "gal",
        "live_rounds",
        "ended_at",
        only="NOT EXISTS (SELECT FROM gal.live_bets b WHERE b.round_id = live_rounds.round_id)",
    ),
    # With nothing of one open, and after the payments that it names, which go with their months.
    Forget("wallet", "settlement_files", over="settlements_over", forget="forget_settlements"),
)

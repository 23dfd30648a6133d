"""Which rows go when their time is over (docs/ledger.md, "What is kept, and how long"): one table of rules.

The journal and what stands for its transactions is not here: a month of it goes as a whole, by the owner alone
(wallet/sealing.py). A table that is in neither grows with players or for ever, and the documentation says why.
"""

from __future__ import annotations

from datetime import timedelta

from casino.kernel.pruning import Keep

RULES = (
    Keep("pam", "password_resets", "expires_at", timedelta(days=1)),
    # What a message said is gone with its sending; this is that it was sent.
    Keep("pam", "messages", "created_at", timedelta(days=90), "sealed IS NULL"),
    Keep("pam", "devices", "last_seen"),
    Keep("gal", "game_sessions", "expires_at"),
    Keep("gal", "live_bets", "received_at", only="status IN ('settled', 'voided')"),
    Keep(
        "gal",
        "live_rounds",
        "ended_at",
        only="NOT EXISTS (SELECT FROM gal.live_bets b WHERE b.round_id = live_rounds.round_id)",
    ),
)

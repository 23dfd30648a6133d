"""Balances that come from another casino's books, and their way back while nobody has played with them."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Collection, Mapping

from casino.kernel.db import Database
from casino.wallet.ledger import Ledger, Movement, Request

SOURCE = "import"
"""The name of the account that they come from."""


class LedgerOpeningBalances:
    """Opening balances on the ledger; each is known by its reference."""

    def __init__(self, ledger: Ledger, database: Database) -> None:
        self._ledger = ledger
        self._database = database

    async def post(self, player_id: uuid.UUID, amount_minor: int, currency: str, reference: str) -> None:
        """Open the player's account where there is none, and put the balance in, once for a reference.

        Raises ValueError when the reference stands for another amount.
        """
        account: int = await self._database.pool.fetchval(
            "SELECT wallet.open_player_account($1, $2)", player_id, currency
        )
        if amount_minor == 0:
            return
        posted = await self._ledger.post(
            "opening_balance",
            Request(account, reference, hashlib.sha256(f"{reference} {amount_minor} {currency}".encode()).digest()),
            [Movement("opening", SOURCE, "player_cash", None, currency, amount_minor)],
            {"reference": reference},
        )
        if not posted.stands:
            raise ValueError(f"the opening balance {reference} is refused: {posted.outcome}")

    async def reverse(self, player_id: uuid.UUID, amount_minor: int, currency: str, reference: str) -> None:
        """Post the opposite of what stands under the reference; nothing where nothing stands.

        Raises ValueError when the money is not there any more.
        """
        transaction = await self._database.pool.fetchval(
            """SELECT k.transaction_id FROM wallet.request_keys k JOIN wallet.accounts a USING (account_id)
               WHERE a.player_id = $1 AND a.currency = $2 AND a.kind = 'player_cash'
                   AND k.kind = 'opening_balance' AND k.key = $3""",
            player_id,
            currency,
            reference,
        )
        if transaction is None:
            return
        reversed_ = await self._ledger.reverse(transaction, {"reference": reference})
        if not reversed_.stands:
            raise ValueError(f"the opening balance {reference} cannot be taken back: {reversed_.outcome}")

    async def total(self, reference_prefix: str) -> Mapping[str, int]:
        """What stands under references that begin so, by currency, minor units: what was taken back is not in it."""
        rows = await self._database.pool.fetch(
            """SELECT t.currency, sum(t.given)::bigint AS total
               FROM wallet.request_keys k JOIN wallet.transactions t USING (transaction_id)
               WHERE k.kind = 'opening_balance' AND starts_with(k.key, $1) AND NOT EXISTS (
                   SELECT FROM wallet.request_keys r WHERE r.account_id = k.account_id AND r.kind = 'reversal'
                       AND r.key = k.transaction_id::text)
               GROUP BY t.currency""",
            reference_prefix,
        )
        return {row["currency"]: row["total"] for row in rows}

    async def played_with(self, player_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
        """Those of the players whose account has moved in any other way."""
        rows = await self._database.pool.fetch(
            """SELECT DISTINCT a.player_id FROM wallet.accounts a JOIN wallet.request_keys k USING (account_id)
               WHERE a.player_id = ANY ($1) AND k.kind NOT IN ('opening_balance', 'reversal')""",
            list(player_ids),
        )
        return {row["player_id"] for row in rows}

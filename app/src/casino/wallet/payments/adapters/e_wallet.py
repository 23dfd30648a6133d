"""E-wallets: the player approves in the wallet's own page."""

from __future__ import annotations

from typing import Any

from casino.wallet.payments.adapters.base import Charge, Payout
from casino.wallet.payments.adapters.family import FamilyAdapter, Spelling
from casino.wallet.payments.models import Method


class WalletAdapter(FamilyAdapter):
    method: Method = "wallet"
    spelling = Spelling(
        status="state",
        words={"created": "pending", "approved": "authorized", "completed": "captured", "denied": "declined"},
        amount="value",
        decimal=True,
        decline="reason",
    )

    def charge_fields(self, charge: Charge) -> dict[str, Any]:
        return {"return_url": charge.return_url or ""}

    def payout_fields(self, payout: Payout) -> dict[str, Any]:
        return {"wallet_token": payout.token}

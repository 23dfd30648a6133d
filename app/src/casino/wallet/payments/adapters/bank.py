"""Bank transfers by open banking: the player consents on the bank's page, and the bank's word comes as a webhook.

Words of status are those of ISO 20022 (external payment transaction status codes).
"""

from __future__ import annotations

from typing import Any

from casino.wallet.payments.adapters.base import Charge, Payout
from casino.wallet.payments.adapters.family import FamilyAdapter, Spelling
from casino.wallet.payments.models import Method


class BankAdapter(FamilyAdapter):
    method: Method = "bank"
    spelling = Spelling(
        status="transactionStatus",
        words={"PDNG": "pending", "ACTC": "pending", "ACSC": "captured", "RJCT": "declined"},
        amount="instructedAmount",
        decimal=True,
        decline="statusReason",
    )

    def charge_fields(self, charge: Charge) -> dict[str, Any]:
        return {"return_url": charge.return_url or ""}

    def payout_fields(self, payout: Payout) -> dict[str, Any]:
        return {"account_token": payout.token}

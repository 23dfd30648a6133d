"""Pix: the answer is a QR payload for the player's bank (BR Code), and the payment is told by a webhook."""

from __future__ import annotations

from typing import Any

from casino.wallet.payments.adapters.base import Charge, Payout
from casino.wallet.payments.adapters.family import FamilyAdapter, Spelling
from casino.wallet.payments.models import Method


class PixAdapter(FamilyAdapter):
    method: Method = "pix"
    spelling = Spelling(
        status="situacao",
        words={"ATIVA": "pending", "CONCLUIDA": "captured", "REMOVIDA": "declined"},
        amount="valor",
        decimal=True,
        decline="motivo",
    )

    def charge_fields(self, charge: Charge) -> dict[str, Any]:
        return {}

    def payout_fields(self, payout: Payout) -> dict[str, Any]:
        return {"key_token": payout.token}

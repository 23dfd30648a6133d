"""Crypto-assets: an address for each deposit, credited once the provider has seen enough confirmations.

A transaction that was seen is nothing yet. A reorganisation of the chain that takes a captured one away is told as
`reorged` and handled as a chargeback. No payout leaves without the travel rule's fields.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from casino.kernel.errors import CasinoError
from casino.wallet.payments.adapters.base import Charge, Payout
from casino.wallet.payments.adapters.family import FamilyAdapter, Spelling
from casino.wallet.payments.adapters.http import Connection
from casino.wallet.payments.models import Method


class TravelRuleIncomplete(CasinoError):
    status, code = 422, "TRAVEL_RULE_INCOMPLETE"
    rule = "a transfer of crypto-assets names its originator and beneficiary (EU 2023/1113; FATF recommendation 16)"
    remedy = "Complete the player's details and the beneficiary's."


class CryptoAdapter(FamilyAdapter):
    method: Method = "crypto"
    spelling = Spelling(
        status="state",
        words={"awaiting": "pending", "confirming": "pending", "confirmed": "captured", "rejected": "declined"},
        amount="amount_minor",
        decimal=False,
        decline="reason",
    )

    def __init__(self, connection: Connection, exponent: int, asset: str = "BTC") -> None:
        super().__init__(connection, exponent)
        self._asset = asset

    def charge_fields(self, charge: Charge) -> dict[str, Any]:
        return {"asset": self._asset}

    def payout_fields(self, payout: Payout) -> dict[str, Any]:
        if payout.travel_rule is None or not all(asdict(payout.travel_rule).values()):
            raise TravelRuleIncomplete("The payout lacks what the travel rule asks for.")
        return {"address": payout.token, "asset": self._asset, "travel_rule": asdict(payout.travel_rule)}

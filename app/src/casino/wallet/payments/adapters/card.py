"""Cards, by token. The token is of the tenant's vault, which every provider of its routes resolves."""

from __future__ import annotations

from typing import Any

from casino.wallet.payments.adapters.base import Charge, Payout
from casino.wallet.payments.adapters.family import FamilyAdapter, Spelling
from casino.wallet.payments.models import Method
from casino.wallet.payments.pan import require_no_pan


class CardAdapter(FamilyAdapter):
    """Authorize first, capture after: between the two a deposit can still be refused without a refund."""

    method: Method = "card"
    spelling = Spelling(
        status="status",
        words={"pending": "pending", "authorized": "authorized", "captured": "captured", "declined": "declined"},
        amount="amount_minor",
        decimal=False,
        decline="decline_code",
    )

    def charge_fields(self, charge: Charge) -> dict[str, Any]:
        return {"card_token": _token(charge.token), "capture": False}

    def payout_fields(self, payout: Payout) -> dict[str, Any]:
        return {"card_token": _token(payout.token)}


def _token(token: str | None) -> str:
    """The last place where a card number that was taken for a token is stopped. Raises PanRefused, ValueError."""
    if not token:
        raise ValueError("a card is charged by its token")
    require_no_pan(token)
    return token

"""The method families: what a request of each holds, what happens first, and how each spells its answers.

Every family has a dialect of its own, as real providers do: words for a status, and a form for amounts.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from psp_faults import Refused

NO_DECIMALS = {"JPY", "KRW", "CLP", "ISK"}
CARD_DECLINES = {
    "tok_declined": "do_not_honour", "tok_insufficient": "insufficient_funds",
    "tok_unavailable": "issuer_unavailable", "tok_stolen": "stolen_card",
}  # fmt: skip
CARD_FAULTS = {"tok_lost_answer": "lost_answer", "tok_error": "error", "tok_slow": "slow"}
"""Test cards whose charge meets a fault of psp_faults.py, without a script."""
CARDS = ("tok_visa", "tok_abroad", *CARD_FAULTS)
"""How the names of the cards begin that are known here."""
CONFIRMATIONS = 3


@dataclass(frozen=True)
class Dialect:
    """How a family spells: the field of the status, its words, the field of the amount and whether it is decimal."""

    status: str
    words: dict[str, str]
    amount: str
    decimal: bool
    decline: str

    def write(self, document: dict[str, Any]) -> dict[str, Any]:
        """The operation as this family answers it."""
        amount: Any = document["amount_minor"]
        if self.decimal:
            places = 0 if document["currency"] in NO_DECIMALS else 2
            amount = f"{Decimal(amount).scaleb(-places):.{places}f}"
        answer = {
            "id": document["id"],
            "reference": document["reference"],
            self.status: self.words[document["status"]],
            self.amount: amount,
            "currency": document["currency"],
            self.decline: document.get("decline_code"),
        }
        shown = (
            "redirect_url",
            "qr_payload",
            "address",
            "confirmations",
            "owner_match",
            "of_reference",
            "tx_hash",
            "payer_token",
            "card_country",
        )
        return answer | {name: document[name] for name in shown if document.get(name) is not None}


def _words(pending: str, authorized: str, captured: str, declined: str) -> dict[str, str]:
    return {"pending": pending, "authorized": authorized, "captured": captured, "declined": declined}


DIALECTS = {
    "card": Dialect("status", _words("pending", "authorized", "captured", "declined"), "amount_minor", False,
                    "decline_code"),
    "bank": Dialect("transactionStatus", _words("PDNG", "ACTC", "ACSC", "RJCT"), "instructedAmount", True,
                    "statusReason"),
    "wallet": Dialect("state", _words("created", "approved", "completed", "denied"), "value", True, "reason"),
    "pix": Dialect("situacao", _words("ATIVA", "ATIVA", "CONCLUIDA", "REMOVIDA"), "valor", True, "motivo"),
    "crypto": Dialect("state", _words("awaiting", "confirming", "confirmed", "rejected"), "amount_minor", False,
                      "reason"),
}  # fmt: skip
_COMMON: dict[str, type] = {"reference": str, "amount_minor": int, "currency": str}
_FIELDS: dict[tuple[str, str], dict[str, type]] = {
    ("card", "charge"): {"card_token": str, "capture": bool},
    ("bank", "charge"): {"return_url": str},
    ("wallet", "charge"): {"return_url": str},
    ("pix", "charge"): {},
    ("crypto", "charge"): {"asset": str},
    ("card", "payout"): {"card_token": str},
    ("bank", "payout"): {"account_token": str},
    ("wallet", "payout"): {"wallet_token": str},
    ("pix", "payout"): {"key_token": str},
    ("crypto", "payout"): {"address": str, "asset": str, "travel_rule": dict},
}
TRAVEL_RULE = {"originator_name", "originator_account", "beneficiary_name", "beneficiary_address"}


def read(method: str, operation: str, body: bytes) -> dict[str, Any]:
    """The body of an operation, checked: exactly the family's fields. Raises Refused."""
    try:
        request = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused(400, "invalid_json", "the body is not JSON") from None
    extra = {"of_reference": str} if operation == "refund" else _FIELDS[method, operation]
    fields = _COMMON | extra
    if not isinstance(request, dict) or set(request) != set(fields):
        raise Refused(422, "invalid_request", f"the body has exactly the fields {', '.join(fields)}")
    for name, kind in fields.items():
        if type(request[name]) is not kind:
            raise Refused(422, "invalid_request", f"{name} is not of type {kind.__name__}")
    if not 0 < request["amount_minor"] <= 10**12:
        raise Refused(422, "invalid_amount", "amount_minor is not a positive amount")
    if not 0 < len(request["reference"]) <= 128 or len(request["currency"]) != 3:
        raise Refused(422, "invalid_request", "reference or currency is malformed")
    if "travel_rule" in request and set(request["travel_rule"]) != TRAVEL_RULE:
        raise Refused(422, "travel_rule_incomplete", f"the travel rule wants {', '.join(sorted(TRAVEL_RULE))}")
    return request


def begin(method: str, operation: str, request: dict[str, Any], page: str) -> dict[str, Any]:
    """How an operation stands when it has come in. A payout and a refund are paid at once, a card is decided."""
    document = {key: request[key] for key in ("reference", "amount_minor", "currency")}
    if operation == "refund":
        return document | {"status": "captured", "of_reference": request["of_reference"]}
    if operation == "payout":
        token = str(next((request[key] for key in request if key.endswith("_token") or key == "address"), ""))
        code = {"dead": "account_closed", "busy": "processor_unavailable"}.get(token.rpartition("_")[2])
        return document | ({"status": "captured"} if code is None else {"status": "declined", "decline_code": code})
    if method == "card":
        token = request["card_token"]
        code = CARD_DECLINES.get(token, None if token.startswith(CARDS) else "unknown_card_token")
        if code is not None:
            return document | {"status": "declined", "decline_code": code}
        return document | {
            "status": "captured" if request["capture"] else "authorized",
            "owner_match": not token.endswith("_other"),
            "card_country": "XB" if token.startswith("tok_abroad") else "XA",
        }
    mark = hashlib.sha256(request["reference"].encode()).hexdigest()
    action: dict[str, Any] = {"redirect_url": page}
    if method == "pix":
        action = {"qr_payload": f"00020101021226{mark[:40]}5204000053039865802BR6304{mark[:4].upper()}"}
    if method == "crypto":
        action = {"address": "bc1q" + mark[:38], "confirmations": 0}
    return document | {"status": "pending"} | action

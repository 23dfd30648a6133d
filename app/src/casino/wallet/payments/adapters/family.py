"""What the adapters of our simulator's families share; each family's own file has its spelling."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlencode

from casino.kernel.acknowledgement import Acknowledgement, judge
from casino.kernel.errors import CasinoError
from casino.kernel.identity import new_id
from casino.kernel.money import MAX_AMOUNT_MINOR
from casino.wallet.payments.adapters.base import Charge, Payout, Refund
from casino.wallet.payments.adapters.decimals import minor_of
from casino.wallet.payments.adapters.http import Connection
from casino.wallet.payments.models import Action, Answer, Event, EventKind, Method, Outcome
from casino.wallet.payments.signing import require_signed

REQUEST_REFUSED = "request_refused"
"""Our code for a request that a provider did not take up at all (400, 401, 403, 422)."""
UNKNOWN_OPERATION = "payment_not_found"
"""A provider's code for a reference that it never heard of."""
MAX_TEXT = 512
EVENTS: dict[str, EventKind] = {
    "charge.authorized": "authorized",
    "charge.captured": "captured",
    "charge.declined": "declined",
    "charge.seen": "seen",
    "charge.reorged": "reorged",
    "refund.captured": "refund_done",
    "refund.declined": "refund_failed",
    "payout.captured": "payout_paid",
    "payout.declined": "payout_failed",
    "payout.returned": "payout_returned",
    "chargeback.opened": "chargeback",
    "chargeback.won": "chargeback_won",
    "chargeback.lost": "chargeback_lost",
}


class WebhookInvalid(CasinoError):
    status, code = 422, "WEBHOOK_INVALID"
    rule = "the provider's protocol"


@dataclass(frozen=True, slots=True)
class Spelling:
    """A family's fields and words. `decimal`: amounts are decimal strings of major units."""

    status: str
    words: Mapping[str, Outcome]
    amount: str
    decimal: bool
    decline: str


class FamilyAdapter:
    """One provider for one family: requests out, answers and webhooks in. Subclasses say what is theirs."""

    method: Method
    spelling: Spelling

    def __init__(self, connection: Connection, exponent: int) -> None:
        self._connection = connection
        self._exponent = exponent

    @property
    def provider(self) -> str:
        return self._connection.provider

    def charge_fields(self, charge: Charge) -> dict[str, Any]:
        """The fields of a charge that only this family has."""
        raise NotImplementedError

    def payout_fields(self, payout: Payout) -> dict[str, Any]:
        """The fields of a payout that only this family has."""
        raise NotImplementedError

    async def authorize(self, charge: Charge) -> Answer:
        return await self._perform("charges", charge, self.charge_fields(charge))

    async def capture(self, reference: str) -> Answer:
        found = await self._connection.post(f"/v1/{self.method}/captures", {"reference": reference})
        return self._read(found, reference)

    async def refund(self, refund: Refund) -> Answer:
        return await self._perform("refunds", refund, {"of_reference": refund.of_reference})

    async def payout(self, payout: Payout) -> Answer:
        return await self._perform("payouts", payout, self.payout_fields(payout))

    async def status(self, reference: str) -> Answer:
        found = await self._connection.get(f"/v1/{self.method}/operations?" + urlencode({"reference": reference}))
        if found is not None and found[0] == 404:
            return Answer("not_found", reference)
        return self._read(found, reference)

    async def acknowledge(self) -> Acknowledgement:
        """The state of an operation that never was: only who knows our signature says that there is none. That a path
        is not there, anybody may say, so the body has to say it in the provider's words."""
        found = await self._connection.get(f"/v1/{self.method}/operations?" + urlencode({"reference": str(new_id())}))
        if found is None:
            return judge(None, False)
        return judge(found[0], found[0] == 404 and _error_code(found[1]) == UNKNOWN_OPERATION)

    async def settlement(self, day: date) -> str | None:
        found = await self._connection.get(f"/v1/{self.method}/settlements?" + urlencode({"date": day.isoformat()}))
        return found[1].decode("utf-8", "strict") if found is not None and found[0] == 200 else None

    def parse_webhook(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Event:
        secret = self._connection.secret.secret.get_secret_value()
        require_signed(secret, headers.get("x-timestamp", ""), headers.get("x-signature", ""), body, now)
        try:
            event = json.loads(body)
            data = event["data"]
            kind = EVENTS[event["type"]]
            occurred = datetime.fromtimestamp(event["occurred_at"], UTC)
            answer = self._answer(data)
            event_id = _text(event["event_id"])
        except (ValueError, KeyError, TypeError, RecursionError, OverflowError):
            raise WebhookInvalid("The webhook is not of the provider's protocol.") from None
        return Event(
            event_id, kind, answer.reference, answer.amount, answer.currency, answer.decline_code, occurred,
            answer.provider_id, answer.owner_match, answer.payer_token,
        )  # fmt: skip

    async def close(self) -> None:
        await self._connection.close()

    async def _perform(self, what: str, asked: Charge | Refund | Payout, fields: dict[str, Any]) -> Answer:
        body = {"reference": asked.reference, "amount_minor": asked.amount, "currency": asked.currency} | fields
        found = await self._connection.post(f"/v1/{self.method}/{what}", body)
        if found is not None and found[0] in (400, 401, 403, 422):
            return Answer("declined", asked.reference, decline_code=REQUEST_REFUSED)
        return self._read(found, asked.reference)

    def _read(self, found: tuple[int, bytes] | None, reference: str) -> Answer:
        """The answer if it is one, and about what was asked; anything else leaves the outcome unknown."""
        unknown = Answer("unknown", reference)
        if found is None or found[0] not in (200, 201):
            return unknown
        try:
            answer = self._answer(json.loads(found[1]))
        except (ValueError, KeyError, TypeError, RecursionError):
            return unknown
        return answer if answer.reference == reference else unknown

    def _answer(self, data: Mapping[str, Any]) -> Answer:
        spelling = self.spelling
        country = data.get("card_country")
        code, match, payer = data.get(spelling.decline), data.get("owner_match"), data.get("payer_token")
        shown = {name: data.get(name) for name in ("redirect_url", "qr_payload", "address")}
        texts = {name: _text(value) for name, value in shown.items() if value is not None}
        action = Action(texts.get("redirect_url"), texts.get("qr_payload"), texts.get("address")) if texts else None
        return Answer(
            spelling.words[data[spelling.status]],
            _text(data["reference"]),
            _text(data["id"]),
            self._minor(data[spelling.amount]),
            _text(data["currency"]),
            _text(code) if code is not None else None,
            action,
            match if isinstance(match, bool) else None,
            _text(payer) if payer is not None else None,
            country if isinstance(country, str) and len(country) == 2 else None,
        )

    def _minor(self, written: object) -> int:
        """An amount in minor units. Raises ValueError for what is none."""
        if not self.spelling.decimal:
            if type(written) is not int or not 0 <= written <= MAX_AMOUNT_MINOR:
                raise ValueError("no amount")
            return written
        return minor_of(_text(written), self._exponent)


def _error_code(body: bytes) -> object:
    """The code of a provider's error; None where there is none."""
    try:
        return json.loads(body)["error"]["code"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _text(value: object) -> str:
    """A bounded text. Raises TypeError."""
    if not isinstance(value, str) or not 0 < len(value) <= MAX_TEXT:
        raise TypeError("no text")
    return value

"""Webhooks: each event is kept once, and applied when the payment is ready for it, whatever came first."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from casino.kernel.errors import CasinoError
from casino.wallet.payments.adapters.family import WebhookInvalid
from casino.wallet.payments.flow import Flow
from casino.wallet.payments.models import METHODS, Answer, Attempt, Event, EventKind, Operation, Outcome, Payment
from casino.wallet.payments.repository_events import EventRepository
from casino.wallet.payments.states import Facts, TransitionRefused, first_of

log = logging.getLogger(__name__)

PARK_AFTER = timedelta(hours=24)
"""An event that could not be applied for this long is a person's matter."""

_ANSWERS: dict[EventKind, tuple[Outcome, frozenset[Operation]]] = {
    "authorized": ("authorized", frozenset({"charge"})),
    "captured": ("captured", frozenset({"charge"})),
    "declined": ("declined", frozenset({"charge"})),
    "seen": ("pending", frozenset({"charge"})),
    "refund_done": ("captured", frozenset({"refund", "return"})),
    "refund_failed": ("declined", frozenset({"refund", "return"})),
    "payout_paid": ("captured", frozenset({"payout"})),
    "payout_failed": ("declined", frozenset({"payout"})),
}
_TRANSITIONS: dict[EventKind, tuple[str, ...]] = {
    "chargeback": ("charge_back",),
    "reorged": ("charge_back",),
    "chargeback_won": ("win_chargeback", "win_later_chargeback"),
    "chargeback_lost": ("lose_chargeback",),
    "payout_returned": ("come_back",),
}


class ProviderUnknown(CasinoError):
    status, code = 404, "PROVIDER_UNKNOWN"
    rule = "webhooks come from the tenant's own providers"
    remedy = "Check the address."


class Inbox:
    """Events in, transitions out."""

    def __init__(self, flow: Flow, events: EventRepository) -> None:
        self._flow = flow
        self._events = events

    async def receive(self, provider: str, headers: Mapping[str, str], body: bytes) -> bool:
        """Verify, keep and apply a webhook; false for one that was here before.

        Raises ProviderUnknown, WebhookRefused, WebhookInvalid. An authentic event is always kept: what cannot be
        applied yet waits, and the provider need not send it again.
        """
        event = self._parse(provider, headers, body)
        if not await self._events.put(provider, event, self._flow.clock.now()):
            return False
        payment_id = await self._flow.repository.payment_of(event.reference)
        if payment_id is None:
            log.warning("a webhook is about nothing of ours", extra={"psp": provider, "event_id": event.event_id})
        else:
            await self.drain(payment_id)
        return True

    def _parse(self, provider: str, headers: Mapping[str, str], body: bytes) -> Event:
        """The provider's methods share a secret and an address; each has its own spelling."""
        adapters = [one for method in METHODS if (one := self._flow.adapter(provider, method)) is not None]
        if not adapters:
            raise ProviderUnknown("There is no such payment service provider.")
        for adapter in adapters[:-1]:
            try:
                return adapter.parse_webhook(headers, body, self._flow.clock.now())
            except WebhookInvalid:
                continue
        return adapters[-1].parse_webhook(headers, body, self._flow.clock.now())

    async def drain(self, payment_id: uuid.UUID) -> Payment:
        """Apply what waits for a payment, again and again while something of it can be; then carry it on."""
        flow = self._flow
        async with flow.repository.transaction() as connection:
            payment, _ = await flow.repository.lock(connection, payment_id)
            while True:
                attempts = await flow.repository.attempts(connection, payment_id)
                after, applied = await self._apply_waiting(connection, payment, attempts)
                payment = after
                if not applied:
                    break
        if payment.state == "authorized":
            current = next((one for one in reversed(attempts) if one.outcome == "authorized"), None)
            adapter = flow.adapter(current.provider, current.method) if current is not None else None
            if adapter is not None and current is not None:
                payment = await flow.capture_authorized(payment, adapter, current.reference)
        if payment.state in ("initiated", "approved"):
            await flow.carry(payment_id)
        return payment

    async def _apply_waiting(
        self, connection: Any, payment: Payment, attempts: Sequence[Attempt]
    ) -> tuple[Payment, bool]:
        """Apply the first event that can be."""
        by_reference = {one.reference: one for one in attempts}
        for provider, event in await self._events.waiting(connection, list(by_reference)):
            attempt = by_reference[event.reference]
            status, reason = "done", None
            try:
                if provider != attempt.provider:
                    status, reason = "parked", "the attempt is another provider's"
                else:
                    async with connection.transaction():
                        payment = await self._apply(connection, payment, attempts, attempt, event)
            except TransitionRefused:
                continue
            await self._events.settle(
                connection, provider=provider, event_id=event.event_id, status=status, reason=reason,
                now=self._flow.clock.now(),
            )  # fmt: skip
            return payment, True
        return payment, False

    async def _apply(
        self, connection: Any, payment: Payment, attempts: Sequence[Attempt], attempt: Attempt, event: Event
    ) -> Payment:
        """Raises TransitionRefused when the payment is not ready for it."""
        if event.kind in _ANSWERS:
            outcome, operations = _ANSWERS[event.kind]
            if attempt.operation not in operations:
                raise TransitionRefused(f"{event.kind} is no answer to a {attempt.operation}")
            answer = Answer(
                outcome, event.reference, event.provider_id, event.amount, event.currency, event.decline_code, None,
                event.owner_match, event.payer_token,
            )  # fmt: skip
            return await self._flow.hear_within(connection, payment, attempts, answer)
        if event.kind == "reorged" and attempt.outcome in (None, "unknown", "pending"):
            return payment  # nothing was credited yet: it is waited for again
        if attempt.stray:
            return payment  # what was never credited is not taken back
        if (attempt.operation == "payout") != (event.kind == "payout_returned") or attempt.outcome != "captured":
            raise TransitionRefused(f"a {attempt.operation} that is {attempt.outcome} has no {event.kind}")
        facts = Facts(decline_code=event.decline_code, now=self._flow.clock.now())
        step = first_of(payment, _TRANSITIONS[event.kind], facts)
        return await self._flow.take(connection, payment, step, details={"event_id": event.event_id})

    async def park_old(self) -> int:
        """Park what waits in vain; answers how many."""
        now = self._flow.clock.now()
        return await self._events.park_older(now - PARK_AFTER, now)

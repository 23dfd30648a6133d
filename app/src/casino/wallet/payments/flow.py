"""The course of a payment: transactions around the engine's decisions, and calls of providers between them.

No transaction is open while a provider is asked. What a call will do is written before it, so that a process that
dies in between leaves an attempt whose end is asked for later.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from casino.compliance.api import Act
from casino.kernel.acknowledgement import Acknowledgement
from casino.kernel.clock import Clock
from casino.kernel.errors import CasinoError
from casino.kernel.metrics import DEPOSITS, PAYMENTS
from casino.wallet.payments.acknowledged import ask_providers
from casino.wallet.payments.adapters.base import Adapter, Charge, Payout, Refund, TravelRule
from casino.wallet.payments.adapters.registry import Adapters
from casino.wallet.payments.approval import may_be_paid
from casino.wallet.payments.config import PaymentSetting
from casino.wallet.payments.declines import is_retryable
from casino.wallet.payments.engine import MAX_TRIES, End, Submit, hear, next_move
from casino.wallet.payments.health import Health
from casino.wallet.payments.models import Answer, Attempt, Instrument, Kind, Method, Moved, Operation, Payment
from casino.wallet.payments.ports import Money
from casino.wallet.payments.repository import Asked, PaymentRepository
from casino.wallet.payments.routing import Order, Route, rank
from casino.wallet.payments.states import Facts, Step, apply, with_less

log = logging.getLogger(__name__)

PORTABLE: frozenset[Method] = frozenset({"card", "crypto"})
"""Methods whose token every provider of the tenant knows: the vault's token for a card, an address of a chain."""

VAULT = "vault"
"""Where such a token is known: in the tenant's vault, not at one provider."""
NOT_VERIFIED = "instrument_not_verified"
CLOSED = "casino_closed"
_ACT: dict[Kind, Act] = {"deposit": "deposit", "withdrawal": "withdraw"}
_ENDS = {
    "capture": "captured", "accept": "captured", "late_capture": "captured",
    "fail": "declined", "reject": "declined", "sent_back": "declined",
}  # fmt: skip
"""How a deposit is counted by the transition that decides it."""


class RefundNotCovered(CasinoError):
    status, code = 409, "REFUND_NOT_COVERED"
    rule = "a refund is taken from the player's cash"
    remedy = "Refund less, or later."


class Owners(Protocol):
    """Where the names for the travel rule come from; null when they are not complete."""

    async def travel_rule(self, payment: Payment, instrument: Instrument) -> TravelRule | None: ...


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a provider that has been written down and is to be made."""

    adapter: Adapter
    attempt: Attempt
    asked: Charge | Payout | Refund

    async def make(self) -> Answer:
        """An adapter that refuses to send (a card number, no travel rule) has sent nothing: that is a decline."""
        try:
            if isinstance(self.asked, Charge):
                return await self.adapter.authorize(self.asked)
            if isinstance(self.asked, Payout):
                return await self.adapter.payout(self.asked)
            return await self.adapter.refund(self.asked)
        except CasinoError as refusal:
            return Answer("declined", self.attempt.reference, decline_code=refusal.code.lower())


class Flow:
    """What deposits and withdrawals have in common."""

    def __init__(
        self,
        repository: PaymentRepository,
        money: Money,
        adapters: Adapters,
        *,
        setting: PaymentSetting,
        clock: Clock,
        owners: Owners | None = None,
    ) -> None:
        self.repository = repository
        self.setting = setting
        self.clock = clock
        self.health = Health()
        self._money = money
        self._adapters = adapters
        self._owners = owners

    async def ask_providers(self) -> dict[str, Acknowledgement]:
        """Whether each provider takes our signed calls; moves nothing."""
        return await ask_providers(self.setting, self._adapters)

    def adapter(self, provider: str, method: Method) -> Adapter | None:
        return self._adapters.get((provider, method))

    async def take(self, connection: Any, before: Payment, step: Step, **history: Any) -> Payment:
        """Do a transition: the ledger's movements and the payment's row, in the caller's transaction.

        Raises RefundNotCovered, CashShort; the transaction is then to be rolled back.
        """
        moved: list[Moved] = []
        for one in step.money:
            what: Moved = await getattr(self._money, one.operation)(connection, step.payment, one)
            if one.operation == "refunded" and what.amount < one.amount:
                if what.amount == 0:
                    raise RefundNotCovered("The player's balance does not cover any of the refund.")
                step = with_less(step, what.amount)
            moved.append(what)
        await self.repository.save(connection, before, step, moved, self.clock.now(), **history)
        PAYMENTS.labels(before.kind, before.method, step.transition).inc()
        if before.kind == "deposit" and step.transition in _ENDS:
            DEPOSITS.labels(_ENDS[step.transition]).inc()
        about = {"payment_id": str(before.payment_id), "transition": step.transition, "state": step.payment.state}
        log.info("payment", extra=about)
        return step.payment

    async def hear(self, payment_id: uuid.UUID, answer: Answer) -> Payment:
        """Apply what a provider said about one of the payment's attempts."""
        async with self.repository.transaction() as connection:
            payment, _ = await self.repository.lock(connection, payment_id)
            attempts = await self.repository.attempts(connection, payment_id)
            return await self.hear_within(connection, payment, attempts, answer)

    async def hear_within(
        self, connection: Any, payment: Payment, attempts: Sequence[Attempt], answer: Answer
    ) -> Payment:
        """The same, in the caller's transaction. Raises TransitionRefused for what cannot be yet."""
        attempt = next(one for one in attempts if one.reference == answer.reference)
        now = self.clock.now()
        heard = hear(payment, attempt, answer, now)
        if heard.contradiction is not None:
            about = {"payment_id": str(payment.payment_id), "psp": attempt.provider, "reason": heard.contradiction}
            log.error("a provider contradicts itself: a person has to look", extra=about)
        if heard.attempt != attempt:
            await self.repository.save_attempt(connection, heard.attempt, now)
        for step in heard.steps:
            payment = await self.take(connection, payment, step)
        if attempt.operation == "charge" and answer.outcome in ("authorized", "captured") and not heard.attempt.stray:
            await self._note_instrument(connection, payment, attempt, answer)
        return payment

    async def _note_instrument(self, connection: Any, payment: Payment, attempt: Attempt, answer: Answer) -> None:
        """Who paid: the provider knows the account, and whether its holder is the player."""
        instrument_id, now = payment.instrument_id, self.clock.now()
        if answer.payer_token is not None and instrument_id is None:
            instrument = await self.repository.instrument(
                connection, player_id=payment.player_id, method=payment.method, provider=attempt.provider,
                token=answer.payer_token, now=now,
            )  # fmt: skip
            instrument_id = instrument.instrument_id
            await self.repository.use_instrument(connection, payment.payment_id, instrument_id)
        if instrument_id is not None and answer.country is not None:
            await self.repository.set_country(connection, instrument_id, answer.country)
        if instrument_id is not None and answer.owner_match is not None:
            await self.repository.judge_instrument(
                connection, instrument_id, answer.owner_match, f"psp:{attempt.provider}", now
            )

    async def carry(self, payment_id: uuid.UUID) -> None:
        """Ask one provider after the other until the payment is settled, or waits for an answer."""
        for _ in range(MAX_TRIES + 1):
            call = await self._next_call(payment_id)
            if call is None:
                return
            await self.make(call)

    async def make(self, call: Call) -> Payment:
        """Make a call that is written down, and apply its answer; what it authorized is captured."""
        attempt = call.attempt
        routed = attempt.operation in ("charge", "payout")  # a refund goes where its charge was, breaker or not
        if routed:
            self.health = self.health.began(attempt.provider, attempt.method, self.clock.now())
        answer = await call.make()
        if routed:
            self._score(attempt, answer)
        payment = await self.hear(attempt.payment_id, answer)
        return await self.capture_authorized(payment, call.adapter, attempt.reference)

    async def capture_authorized(self, payment: Payment, adapter: Adapter, reference: str) -> Payment:
        if payment.state != "authorized":
            return payment
        return await self.hear(payment.payment_id, await adapter.capture(reference))

    def _score(self, attempt: Attempt, answer: Answer) -> None:
        fault = answer.outcome == "unknown" or (answer.outcome == "declined" and is_retryable(answer.decline_code))
        result = "fault" if fault else "declined" if answer.outcome == "declined" else "success"
        self.health = self.health.heard(attempt.provider, attempt.method, result, self.clock.now())  # type: ignore[arg-type]

    async def _next_call(self, payment_id: uuid.UUID) -> Call | None:
        """Decide and write down the next call; null when there is nothing to call."""
        async with self.repository.transaction() as connection:
            payment, asked = await self.repository.lock(connection, payment_id)
            attempts = await self.repository.attempts(connection, payment_id)
            instrument = None
            if payment.instrument_id is not None:
                instrument = await self.repository.instrument_by_id(connection, payment.instrument_id)
            if payment.kind == "withdrawal" and payment.state == "approved" and not _payable(instrument, payment):
                # It was when it was asked for; a chargeback or a person may have found out since.
                await self.take(connection, payment, apply(payment, "fail", Facts(decline_code=NOT_VERIFIED)))
                return None
            ranked = self._ranked(payment, asked, attempts, instrument)
            match next_move(payment, attempts, ranked):
                # No provider is asked any more; one that was asked may answer whenever it likes, and is heard.
                case Submit() if not await self.repository.allows(connection, _ACT[payment.kind]):
                    if payment.kind == "deposit":
                        await self.take(connection, payment, apply(payment, "fail", Facts(decline_code=CLOSED)))
                    return None
                case Submit(route):
                    payment = await self.take(connection, payment, apply(payment, "submit"))
                    return await self._written(connection, payment, asked, attempts=attempts,
                                               instrument=instrument, provider=route.provider)  # fmt: skip
                case End(code):
                    await self.take(connection, payment, apply(payment, "fail", Facts(decline_code=code)))
        return None

    def _ranked(
        self, payment: Payment, asked: Asked, attempts: Sequence[Attempt], instrument: Instrument | None
    ) -> list[Route]:
        routes = [route for route in self.setting.routes if self.adapter(route.provider, route.method) is not None]
        if payment.kind == "withdrawal" and payment.method not in PORTABLE and instrument is not None:
            routes = [route for route in routes if route.provider == instrument.provider]
        order = Order(
            kind=payment.kind, method=payment.method, currency=payment.currency, amount=payment.amount,
            bin_country=asked.bin_country,
        )  # fmt: skip
        tried = frozenset(one.provider for one in attempts if one.operation in ("charge", "payout"))
        return rank(
            routes, order, self.health, self.clock.now(), tried=tried, cost_weight=self.setting.cost_weight
        )  # fmt: skip

    async def _written(
        self, connection: Any, payment: Payment, asked: Asked, *, attempts: Sequence[Attempt],
        instrument: Instrument | None, provider: str,
    ) -> Call:  # fmt: skip
        operation: Operation = "charge" if payment.kind == "deposit" else "payout"
        attempt = self.attempt(payment, len(attempts), operation, provider=provider, amount=payment.amount)
        await self.repository.add_attempt(connection, attempt, payment.instrument_id)
        adapter = self._adapters[provider, payment.method]
        token = instrument.token if instrument is not None else None
        if operation == "charge":
            return Call(adapter, attempt, Charge(attempt.reference, payment.amount, payment.currency, token,
                                                 asked.return_url))  # fmt: skip
        return Call(adapter, attempt, await self.payout(payment, attempt, instrument))

    async def payout(self, payment: Payment, attempt: Attempt, instrument: Instrument | None) -> Payout:
        """What a provider is asked for a withdrawal."""
        assert instrument is not None, "a withdrawal has an instrument"
        rule = None
        if payment.method == "crypto" and self._owners is not None:
            rule = await self._owners.travel_rule(payment, instrument)
        return Payout(attempt.reference, attempt.amount, attempt.currency, instrument.token, rule)

    def attempt(
        self, payment: Payment, number: int, operation: Operation, *, provider: str, amount: int, of: str | None = None
    ) -> Attempt:
        """A new attempt. Its reference tells nobody whose it is, and is the provider's idempotency key."""
        reference = f"{payment.payment_id.hex}-{number}"
        return Attempt(payment.payment_id, number, operation, provider, payment.method, reference, amount,
                       payment.currency, self.clock.now(), of_reference=of)  # fmt: skip


def _payable(instrument: Instrument | None, payment: Payment) -> bool:
    return instrument is not None and may_be_paid(instrument, payment.player_id)

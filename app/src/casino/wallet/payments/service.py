"""Deposits by any method, refunds, and the answers that were lost."""

from __future__ import annotations

import logging
import uuid
from datetime import timedelta
from typing import Any, Literal

from casino.compliance.api import closed
from casino.kernel.errors import CasinoError, IdempotencyKeyReused, RequestInvalid
from casino.kernel.identity import new_id
from casino.kernel.metrics import DEPOSITS, DEPOSITS_PENDING
from casino.wallet.limits import deposit_refusals
from casino.wallet.operation import OperationInForce
from casino.wallet.payments.adapters.base import Refund
from casino.wallet.payments.flow import VAULT, Call, Flow
from casino.wallet.payments.inbox import Inbox
from casino.wallet.payments.instruments import Instruments
from casino.wallet.payments.models import Attempt, Method, Operation, Payment
from casino.wallet.payments.pan import require_no_pan
from casino.wallet.payments.repository import Asked
from casino.wallet.payments.repository_desk import DeskRepository
from casino.wallet.payments.states import Facts, TransitionRefused, apply
from casino.wallet.payments.withdrawals import Withdrawals

log = logging.getLogger(__name__)

BATCH = 100


class MethodNotOffered(CasinoError):
    status, code = 422, "METHOD_NOT_OFFERED"
    rule = "a payment needs a provider that has the method, the currency and the amount"
    remedy = "Choose another method or amount."


class NotPossible(CasinoError):
    status, code = 409, "PAYMENT_STATE"
    rule = "the states of a payment (docs/payments.md)"
    remedy = "Look at the payment's state."


class BreakNotFound(CasinoError):
    status, code = 404, "BREAK_NOT_FOUND"
    remedy = "List the open breaks."


class PaymentNotFound(CasinoError):
    status, code = 404, "PAYMENT_NOT_FOUND"
    remedy = "Check the payment's id."


def status_of(payment: Payment) -> Literal["pending", "captured", "declined"]:
    """A deposit in three words: whether it was credited (whatever became of it later), or will not be."""
    if payment.captured > 0:
        return "captured"
    return "declined" if payment.state == "failed" else "pending"


class Payments:
    """The module's door: deposits here, withdrawals in `withdrawals`, webhooks in `inbox`, what players pay with in
    `instruments`, and what staff reads in `desk`."""

    def __init__(
        self,
        flow: Flow,
        inbox: Inbox,
        withdrawals: Withdrawals,
        currency: str,
        *,
        desk: DeskRepository,
        operation: OperationInForce | None = None,
    ) -> None:
        self._operation = operation
        self.flow = flow
        self.inbox = inbox
        self.withdrawals = withdrawals
        self.instruments = Instruments(flow)
        self.desk = desk
        self.currency = currency

    async def deposit(
        self, *, player_id: uuid.UUID, account_id: int, method: Method, amount: int, key: str, request_hash: bytes,
        token: str | None = None, return_url: str | None = None,
    ) -> tuple[Payment, Attempt | None]:  # fmt: skip
        """Begin a deposit, once for each key; answers how it stands and the attempt that carries it.

        A card is decided at once or left unknown; the other methods wait for the player, whom the attempt's action
        tells what to do. Raises RequestInvalid, MethodNotOffered, IdempotencyKeyReused, PanRefused, DepositsClosed,
        DepositLimitReached, DepositBarred.
        """
        require_no_pan(token or "")
        if (method == "card") != (token is not None):
            raise RequestInvalid("A deposit by card has a token, and no other one has.", rule="the interface's schema")
        if not any(route.method == method and "deposit" in route.kinds for route in self.flow.setting.routes):
            raise MethodNotOffered(f"This casino takes no deposits by {method}.")
        repository, now = self.flow.repository, self.flow.clock.now()
        payment = Payment(new_id(), "deposit", player_id, account_id, method, self.currency, amount, "initiated", now)
        country = None
        async with repository.transaction() as connection:
            if token is not None:
                instrument = await repository.instrument(
                    connection, player_id=player_id, method=method, provider=VAULT, token=token, now=now
                )
                payment = Payment(new_id(), "deposit", player_id, account_id, method, self.currency, amount,
                                  "initiated", now, instrument_id=instrument.instrument_id)  # fmt: skip
                country = instrument.country
            asked = Asked(key, request_hash, bin_country=country, return_url=return_url)
            with deposit_refusals():
                added = await repository.add(connection, payment, asked)
            if added and self._operation is not None and self._operation.closed_here:
                raise closed("deposit")  # and what was noted goes with the transaction
        if not added:
            [(payment, known)] = await repository.by_key(account_id, "deposit", key)
            if known != request_hash:
                raise IdempotencyKeyReused("The Idempotency-Key was used for another deposit before.")
        if payment.state == "initiated":
            await self.flow.carry(payment.payment_id)
            await self.inbox.drain(payment.payment_id)
        elif not added:
            await self.resolve_one(payment.payment_id)
        return await self.found(payment.payment_id, account_id)

    async def deposit_by_card(
        self, *, player_id: uuid.UUID, account_id: int, amount: int, key: str, request_hash: bytes, token: str
    ) -> Payment:
        """A deposit by card, asked about once more at once where its answer was lost. Raises as `deposit`."""
        payment, attempt = await self.deposit(
            player_id=player_id, account_id=account_id, method="card", amount=amount, key=key,
            request_hash=request_hash, token=token,
        )  # fmt: skip
        if attempt is not None and attempt.outcome == "unknown":
            payment = await self.resolve_one(payment.payment_id)
        if status_of(payment) == "pending":
            DEPOSITS.labels("pending").inc()
        return payment

    async def get(self, payment_id: uuid.UUID) -> Payment:
        """Anybody's payment, for staff. Raises PaymentNotFound."""
        payment = await self.flow.repository.get(payment_id)
        if payment is None:
            raise PaymentNotFound("There is no such payment.")
        return payment

    async def found(self, payment_id: uuid.UUID, account_id: int) -> tuple[Payment, Attempt | None]:
        """A payment of the account and its last attempt. Raises PaymentNotFound."""
        payment = await self.flow.repository.get(payment_id)
        if payment is None or payment.account_id != account_id:
            raise PaymentNotFound("The account has no such payment.")
        async with self.flow.repository.transaction() as connection:
            attempts = await self.flow.repository.attempts(connection, payment_id)
        tries = [one for one in attempts if one.operation in ("charge", "payout") and not one.stray]
        return payment, tries[-1] if tries else None

    async def refund(self, payment_id: uuid.UUID, amount: int, actor: str, reason: str, key: str) -> Payment:
        """Give back a part or all of a deposit, once for each key: from the player's cash first, then by the provider.

        Less than `amount` where the cash is short. Raises NotPossible, RefundNotCovered, PaymentNotFound,
        IdempotencyKeyReused.
        """
        facts = Facts(amount=amount, actor=actor)
        return await self._give_back(payment_id, "refund", facts, {"reason": reason, "key": key, "amount": amount})

    async def send_back(self, payment_id: uuid.UUID, actor: str, reason: str) -> Payment:
        """Return money that a person has not accepted to where it came from. Raises as `refund`."""
        return await self._give_back(payment_id, "send_back", Facts(actor=actor), {"reason": reason})

    async def accept(self, payment_id: uuid.UUID, actor: str, reason: str) -> Payment:
        """Credit money that waited for a person. Raises NotPossible, PaymentNotFound."""
        return await self._decide(payment_id, "accept", actor, reason)

    async def reject(self, payment_id: uuid.UUID, actor: str, reason: str) -> Payment:
        """End a deposit that no money has come for. Raises NotPossible, PaymentNotFound."""
        return await self._decide(payment_id, "reject", actor, reason)

    async def _decide(self, payment_id: uuid.UUID, name: str, actor: str, reason: str) -> Payment:
        async with self.flow.repository.transaction() as connection:
            payment = await self._lock(connection, payment_id)
            step = _possible(payment, name, Facts(actor=actor))
            return await self.flow.take(connection, payment, step, actor=actor, details={"reason": reason})

    async def _give_back(self, payment_id: uuid.UUID, name: str, facts: Facts, details: dict[str, Any]) -> Payment:
        async with self.flow.repository.transaction() as connection:
            payment = await self._lock(connection, payment_id)
            if "key" in details:
                known = await self.flow.repository.decided(connection, payment_id, name, details["key"])
                if known is not None and known["amount"] != details["amount"]:
                    raise IdempotencyKeyReused("The Idempotency-Key was used for another refund before.")
                if known is not None:
                    return payment
            step = _possible(payment, name, facts)
            payment = await self.flow.take(connection, payment, step, actor=facts.actor, details=details)
            attempts = await self.flow.repository.attempts(connection, payment_id)
            charge = next(
                one for one in attempts if one.operation == "charge" and one.outcome == "captured" and not one.stray
            )
            amount = payment.refunding if name == "refund" else payment.received
            call = await self._return_call(
                connection, payment, number=len(attempts), charge=charge, operation="refund", amount=amount
            )
        await self.flow.make(call)
        return await self.inbox.drain(payment_id)

    async def _return_call(
        self, connection: Any, payment: Payment, *, number: int, charge: Attempt, operation: Operation, amount: int
    ) -> Call:
        attempt = self.flow.attempt(
            payment, number, operation, provider=charge.provider, amount=amount, of=charge.reference
        )
        await self.flow.repository.add_attempt(connection, attempt, None)
        return self._refund_call(attempt)

    def _refund_call(self, attempt: Attempt) -> Call:
        adapter = self.flow.adapter(attempt.provider, attempt.method)
        if adapter is None or attempt.of_reference is None:
            raise NotPossible(f"The provider {attempt.provider} is no longer configured.")
        refund = Refund(attempt.reference, attempt.of_reference, attempt.amount, attempt.currency)
        return Call(adapter, attempt, refund)

    async def _lock(self, connection: Any, payment_id: uuid.UUID) -> Payment:
        try:
            payment, _ = await self.flow.repository.lock(connection, payment_id)
        except LookupError:
            payment = None
        if payment is None or payment.kind != "deposit":
            raise PaymentNotFound("There is no such deposit.")
        return payment

    async def close_break(self, file_id: uuid.UUID, number: int, actor: str, note: str) -> None:
        """A person has cleared up what did not agree. Raises BreakNotFound."""
        if not await self.desk.close_break(file_id, number, actor, note, self.flow.clock.now()):
            raise BreakNotFound("There is no such break, or it is closed.")

    async def resolve(self, *, rested: timedelta = timedelta(0)) -> int:
        """Look after the payments that wait and have not been touched for `rested`; answers how many."""
        due = await self.flow.repository.under_way(self.flow.clock.now() - rested, BATCH)
        for payment_id in due:
            try:
                await self.resolve_one(payment_id)
            except Exception:  # one payment's fault must not stop the others
                log.exception("a payment could not be looked after", extra={"payment_id": str(payment_id)})
        await self.inbox.park_old()
        DEPOSITS_PENDING.set(await self.flow.repository.count_unanswered())
        return len(due)

    async def resolve_one(self, payment_id: uuid.UUID) -> Payment:
        """Ask about open attempts, return what is stray, and carry on what stands still."""
        async with self.flow.repository.transaction() as connection:
            payment, _ = await self.flow.repository.lock(connection, payment_id)
            attempts = await self.flow.repository.attempts(connection, payment_id)
            await self.flow.repository.touch(connection, payment_id, self.flow.clock.now())
            returned = {one.of_reference for one in attempts if one.operation == "return"}
            calls = []
            for stray in [one for one in attempts if one.stray and one.operation == "charge"]:
                if stray.reference not in returned:
                    call = await self._return_call(
                        connection, payment, number=len(attempts), charge=stray, operation="return",
                        amount=stray.moved or stray.amount,
                    )  # fmt: skip
                    calls.append(call)
                    attempts.append(call.attempt)
        for call in calls:
            await self.flow.make(call)
        for attempt in attempts:
            if attempt.open and attempt not in [call.attempt for call in calls]:
                await self._ask(payment, attempt)
        payment = await self.inbox.drain(payment_id)
        if payment.state == "requested":
            await self.withdrawals.judge(payment_id)
        return await self.flow.repository.get(payment_id) or payment

    async def _ask(self, payment: Payment, attempt: Attempt) -> None:
        adapter = self.flow.adapter(attempt.provider, attempt.method)
        if adapter is None:
            log.error("the provider of an open attempt is not configured", extra={"psp": attempt.provider})
            return
        answer = await adapter.status(attempt.reference)
        if answer.outcome == "not_found" and attempt.operation in ("refund", "return"):
            await self.flow.make(self._refund_call(attempt))  # the same reference: it cannot be done twice
            return
        payment = await self.flow.hear(payment.payment_id, answer)
        await self.flow.capture_authorized(payment, adapter, attempt.reference)


def _possible(payment: Payment, name: str, facts: Facts) -> Any:
    try:
        return apply(payment, name, facts)
    except TransitionRefused as refusal:
        raise NotPossible(f"The payment cannot: {refusal}.") from None

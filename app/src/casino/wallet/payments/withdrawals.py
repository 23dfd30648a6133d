"""Withdrawals: the money is held, the request is judged, approved, and paid to an instrument of the same owner."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import timedelta

from casino.kernel.errors import CasinoError, IdempotencyKeyReused
from casino.kernel.identity import new_id
from casino.wallet.payments.approval import approvals_needed, may_be_paid, split, verdict_of
from casino.wallet.payments.flow import Flow
from casino.wallet.payments.models import Payment
from casino.wallet.payments.ports import CashShort, Check, Finding
from casino.wallet.payments.repository import Asked
from casino.wallet.payments.states import Facts, TransitionRefused, apply, first_of

log = logging.getLogger(__name__)

LIST_LIMIT = 100


class InstrumentNotVerified(CasinoError):
    status, code = 403, "INSTRUMENT_NOT_VERIFIED"
    rule = "withdrawals go to a verified instrument of the player's own"
    remedy = "Choose an instrument that you have deposited with, or have yours verified."


class BalanceShort(CasinoError):
    status, code = 402, "CASH_SHORT"
    rule = "a withdrawal is covered by the cash balance"
    remedy = "Withdraw less."


class WithdrawalNotFound(CasinoError):
    status, code = 404, "WITHDRAWAL_NOT_FOUND"
    remedy = "Check the payment's id."


class WithdrawalState(CasinoError):
    status, code = 409, "WITHDRAWAL_STATE"
    rule = "the states of a withdrawal (docs/payments.md)"
    remedy = "Look at the withdrawal's state."


class Withdrawals:
    """Withdrawals of players, and what staff decides about them."""

    def __init__(
        self, flow: Flow, checks: Sequence[Check], currency: str, reversal_window: Callable[[], timedelta]
    ) -> None:
        self._flow = flow
        self._checks = checks
        self._currency = currency
        self._reversal_window = reversal_window

    async def request(
        self, *, player_id: uuid.UUID, account_id: int, amount: int, instrument_id: uuid.UUID, key: str,
        request_hash: bytes,
    ) -> list[Payment]:  # fmt: skip
        """Ask for money, once for each key; several payments when the closed loop sends parts to other instruments.

        Raises InstrumentNotVerified, BalanceShort, IdempotencyKeyReused; nothing is held then.
        """
        repository, now = self._flow.repository, self._flow.clock.now()
        if known := await repository.by_key(account_id, "withdrawal", key):
            return self._known(known, request_hash)
        instruments = {one.instrument_id: one for one in await repository.instruments_of(player_id)}
        wanted = instruments.get(instrument_id)
        if wanted is None or not may_be_paid(wanted, player_id):
            raise InstrumentNotVerified("The money cannot be paid there.")
        asked: list[Payment] = []
        try:
            async with repository.transaction() as connection:
                await repository.one_at_a_time(connection, account_id)
                net = await repository.net_deposits(connection, player_id, self._currency)
                portions, holds = split(amount, wanted, instruments, net)
                for part, portion in enumerate(portions):
                    to = instruments[portion.instrument_id]
                    payment = Payment(new_id(), "withdrawal", player_id, account_id, to.method, self._currency,
                                      portion.amount, "created", now, instrument_id=to.instrument_id)  # fmt: skip
                    if not await repository.add(connection, payment, Asked(key, request_hash, part=part)):
                        raise _Raced
                    details = {"closed_loop": holds}
                    asked.append(await self._flow.take(connection, payment, apply(payment, "hold"), details=details))
                    if not holds:
                        await repository.want_approvals(connection, payment.payment_id, 1)
        except CashShort:
            raise BalanceShort("The withdrawal is more than the cash balance.") from None
        except _Raced:
            return self._known(await repository.by_key(account_id, "withdrawal", key), request_hash)
        return [await self.judge(payment.payment_id) for payment in asked]

    def _known(self, known: list[tuple[Payment, bytes]], request_hash: bytes) -> list[Payment]:
        if any(hash_ != request_hash for _, hash_ in known):
            raise IdempotencyKeyReused("The Idempotency-Key was used for another withdrawal before.")
        return [payment for payment, _ in known]

    async def judge(self, payment_id: uuid.UUID) -> Payment:
        """Run the checks of a requested withdrawal and do what they say; another state is left as it is."""
        payment = await self._flow.repository.get(payment_id)
        if payment is None:
            raise WithdrawalNotFound("There is no such withdrawal.")
        if payment.state != "requested":
            return payment
        findings = await asyncio.gather(*(self._finding(check, payment) for check in self._checks))
        verdict = verdict_of(findings)
        details = {"findings": [asdict(one) for one in findings], "verdict": verdict}
        async with self._flow.repository.transaction() as connection:
            payment, asked = await self._flow.repository.lock(connection, payment_id)
            if payment.state != "requested":  # cancelled, or judged by another process, meanwhile
                return payment
            # Split or not, what was asked for at once is approved as one sum.
            parts = await self._flow.repository.by_key(payment.account_id, "withdrawal", asked.key)
            whole = sum(part.amount for part, _ in parts)
            needed = max(asked.approvals_needed, approvals_needed(whole, verdict, self._flow.setting))
            await self._flow.repository.want_approvals(connection, payment_id, needed)
            name = "deny" if verdict == "deny" else "review" if needed else "clear"
            code = next((one.reason for one in findings if one.verdict == "deny"), None)
            step = apply(payment, name, Facts(decline_code=code))
            payment = await self._flow.take(connection, payment, step, details=details)
        return await self._carry(payment)

    async def _finding(self, check: Check, payment: Payment) -> Finding:
        """A check's finding; where it fails or takes too long, what its policy says."""
        try:
            async with asyncio.timeout(self._flow.setting.check_timeout_s):
                return await check.judge(payment)
        except Exception as error:
            about = {"payment_id": str(payment.payment_id), "check": check.name, "error": type(error).__name__}
            log.error("a check of a withdrawal failed", extra=about)
            return Finding(check.name, check.on_failure, "check_failed")

    async def approve(self, payment_id: uuid.UUID, actor: str) -> Payment:
        """One person's approval; a second person is needed for large amounts. Raises WithdrawalState."""
        async with self._flow.repository.transaction() as connection:
            payment, asked = await self._lock(connection, payment_id)
            facts = Facts(actor=actor, approvals_needed=asked.approvals_needed)
            try:
                step = first_of(payment, ("first_approval", "approve"), facts)
            except TransitionRefused as refusal:
                raise WithdrawalState(f"It cannot be approved: {refusal}.") from None
            payment = await self._flow.take(connection, payment, step, actor=actor)
        return await self._carry(payment)

    async def reject(self, payment_id: uuid.UUID, actor: str, reason: str) -> Payment:
        """A person says no; the money is the player's to play with again. Raises WithdrawalState."""
        return await self._end(payment_id, "reject", Facts(actor=actor, decline_code=reason), actor)

    async def cancel(self, payment_id: uuid.UUID, actor: str) -> Payment:
        """Staff takes it back before a provider is asked. Raises WithdrawalState."""
        return await self._end(payment_id, "cancel", Facts(actor=actor), actor)

    async def reverse(self, payment_id: uuid.UUID, account_id: int) -> Payment:
        """The player takes it back, where the rules give a window for it. Raises as the others, and
        WithdrawalNotFound."""
        payment = await self._flow.repository.get(payment_id)
        if payment is None or payment.account_id != account_id or payment.kind != "withdrawal":
            raise WithdrawalNotFound("The account has no such withdrawal.")
        facts = Facts(now=self._flow.clock.now(), reversal_window=self._reversal_window())
        return await self._end(payment_id, "reverse", facts, "player")

    async def list(self, account_id: int) -> list[Payment]:
        """The account's withdrawals, newest first."""
        return await self._flow.repository.of_account(account_id, "withdrawal", LIST_LIMIT)

    async def _end(self, payment_id: uuid.UUID, name: str, facts: Facts, actor: str) -> Payment:
        async with self._flow.repository.transaction() as connection:
            payment, _ = await self._lock(connection, payment_id)
            try:
                step = apply(payment, name, facts)
            except TransitionRefused as refusal:
                raise WithdrawalState(f"It cannot be taken back: {refusal}.") from None
            return await self._flow.take(connection, payment, step, actor=actor)

    async def _lock(self, connection: object, payment_id: uuid.UUID) -> tuple[Payment, Asked]:
        try:
            payment, asked = await self._flow.repository.lock(connection, payment_id)
        except LookupError:
            payment = None
        if payment is None or payment.kind != "withdrawal":
            raise WithdrawalNotFound("There is no such withdrawal.")
        return payment, asked

    async def _carry(self, payment: Payment) -> Payment:
        if payment.state != "approved":
            return payment
        await self._flow.carry(payment.payment_id)
        return await self._flow.repository.get(payment.payment_id) or payment


class _Raced(Exception):
    """The same key, a moment earlier."""

"""Withdrawals: the money is held, the request is judged, approved, and paid to an instrument of the same owner."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from casino.kernel.errors import CasinoError, IdempotencyKeyReused
from casino.kernel.identity import new_id
from casino.wallet.payments.approval import approvals_needed, may_be_paid, split, verdict_of
from casino.wallet.payments.checks import DENIED, hands_of, told_to_player
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
        request_hash: bytes, actor: str | None = None,
    ) -> list[Payment]:  # fmt: skip
        """Ask for money, once for each key; several payments when the closed loop sends parts to other instruments.

        `actor`: who of the staff asks in the player's place, and so may not approve it.
        Raises InstrumentNotVerified, BalanceShort, IdempotencyKeyReused, WithdrawalsClosed; nothing is held then.
        """
        repository, now = self._flow.repository, self._flow.clock.now()
        if known := await repository.by_key(account_id, "withdrawal", key):
            return self._known(known, request_hash)
        instruments = {one.instrument_id: one for one in await repository.instruments_of(player_id)}
        wanted = instruments.get(instrument_id)
        if wanted is None or wanted.removed or not may_be_paid(wanted, player_id):
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
                    asked.append(
                        await self._flow.take(connection, payment, apply(payment, "hold"), actor=actor, details=details)
                    )
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
        findings = await self._findings(payment)
        verdict = verdict_of(findings)
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
            code = told_to_player(findings) if name == "deny" else None
            step = apply(payment, name, Facts(decline_code=code))
            payment = await self._flow.take(connection, payment, step, details=_told(findings))
        return await self._carry(payment)

    async def _findings(self, payment: Payment) -> list[Finding]:
        found = await asyncio.gather(*(self._found(check, payment) for check in self._checks))
        return [one for several in found for one in several]

    async def _found(self, check: Check, payment: Payment) -> Sequence[Finding]:
        """What a check finds; where it fails or takes too long, what its policy says."""
        try:
            async with asyncio.timeout(self._flow.setting.check_timeout_s):
                found = await check.judge(payment)
            verdict_of(found)  # raises for a verdict that is none
            if not found:
                raise LookupError("a check has found nothing, not even that all is well")
            return found
        except Exception as error:
            about = {"payment_id": str(payment.payment_id), "check": check.name, "error": type(error).__name__}
            log.error("a check of a withdrawal failed", extra=about)
            return (Finding(check.name, check.on_failure, "check_failed"),)

    async def hands(self, payment_id: uuid.UUID) -> tuple[Payment, frozenset[uuid.UUID]]:
        """A withdrawal, and who of the staff had a hand in it and so may not approve it. Raises WithdrawalNotFound."""
        async with self._flow.repository.transaction() as connection:
            payment, _ = await self._lock(connection, payment_id)
            return payment, hands_of([*payment.approvals, *await self._involved(connection, payment)])

    async def _involved(self, connection: Any, payment: Payment) -> set[str]:
        assert payment.instrument_id is not None  # a withdrawal has one
        repository = self._flow.repository
        vouchers = await repository.vouched_by(connection, payment.instrument_id)
        return vouchers | await repository.asked_by(connection, payment.payment_id)

    async def approve(self, payment_id: uuid.UUID, actor: str, reason: str) -> Payment:
        """One person's approval; a second person is needed for large amounts.

        The checks are run again: what is denied by now is ended, whoever approves it. Raises WithdrawalNotFound,
        WithdrawalState: also for who approved it before, asked for it, or has verified the instrument that it goes to.
        """
        payment = await self._flow.repository.get(payment_id)
        if payment is None or payment.kind != "withdrawal":
            raise WithdrawalNotFound("There is no such withdrawal.")
        findings = await self._findings(payment) if payment.state == "pending_review" else []
        details = _told(findings) | {"reason": reason}
        async with self._flow.repository.transaction() as connection:
            payment, asked = await self._lock(connection, payment_id)
            if actor in await self._involved(connection, payment):
                raise WithdrawalState(
                    "It cannot be approved: the same person asked for it, or vouched for where it goes."
                )
            facts = Facts(actor=actor, approvals_needed=asked.approvals_needed)
            try:
                if verdict_of(findings) == "deny":
                    step = apply(payment, "deny", Facts(decline_code=told_to_player(findings)))
                else:
                    step = first_of(payment, ("first_approval", "approve"), facts)
            except TransitionRefused as refusal:
                raise WithdrawalState(f"It cannot be approved: {refusal}.") from None
            payment = await self._flow.take(connection, payment, step, actor=actor, details=details)
        return await self._carry(payment)

    async def reject(self, payment_id: uuid.UUID, actor: str, reason: str) -> Payment:
        """A person says no; the money is the player's to play with again. Raises WithdrawalState, WithdrawalNotFound.

        The reason is for the file: the player is told no more than that it was denied.
        """
        return await self._end(payment_id, "reject", Facts(actor=actor, decline_code=DENIED), actor, reason)

    async def cancel(self, payment_id: uuid.UUID, actor: str, reason: str) -> Payment:
        """Staff takes it back before a provider is asked. Raises WithdrawalState, WithdrawalNotFound."""
        return await self._end(payment_id, "cancel", Facts(actor=actor), actor, reason)

    async def reverse(self, payment_id: uuid.UUID, account_id: int) -> Payment:
        """The player takes it back, where the rules give a window for it. Raises as the others, and
        WithdrawalNotFound."""
        payment = await self._flow.repository.get(payment_id)
        if payment is None or payment.account_id != account_id or payment.kind != "withdrawal":
            raise WithdrawalNotFound("The account has no such withdrawal.")
        facts = Facts(now=self._flow.clock.now(), reversal_window=self._reversal_window())
        return await self._end(payment_id, "reverse", facts, "player", None)

    async def list(self, account_id: int) -> list[Payment]:
        """The account's withdrawals, newest first."""
        return await self._flow.repository.of_account(account_id, "withdrawal", LIST_LIMIT)

    async def _end(self, payment_id: uuid.UUID, name: str, facts: Facts, actor: str, reason: str | None) -> Payment:
        details = {"reason": reason} if reason is not None else {}
        async with self._flow.repository.transaction() as connection:
            payment, _ = await self._lock(connection, payment_id)
            try:
                step = apply(payment, name, facts)
            except TransitionRefused as refusal:
                raise WithdrawalState(f"It cannot be taken back: {refusal}.") from None
            return await self._flow.take(connection, payment, step, actor=actor, details=details)

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


def _told(findings: Sequence[Finding]) -> dict[str, Any]:
    """Findings as they are kept in the payment's history."""
    return {"findings": [asdict(one) for one in findings], "verdict": verdict_of(findings)}


class _Raced(Exception):
    """The same key, a moment earlier."""

"""The protocol `Money` on the ledger: each step of a payment is one movement, in the payment's own transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from casino.compliance.api import closed
from casino.wallet.ledger import Ledger, Movement, Posted, Request
from casino.wallet.payments.models import MoneyStep, Moved, Payment
from casino.wallet.payments.ports import CashShort
from casino.wallet.service import AccountNotOpen

NEVER = datetime.max.replace(tzinfo=UTC)
"""A withdrawal's hold does not run out: it ends with its payment."""


class LedgerMoney:
    """Moves the money of payments. The player's cash is locked first, so what it covers is known before it moves."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def captured(self, connection: Any, payment: Payment, step: MoneyStep) -> Moved:
        return await self._into_cash("deposit", connection, payment, step)

    async def returned(self, connection: Any, payment: Payment, step: MoneyStep) -> Moved:
        return await self._into_cash("withdrawal_returned", connection, payment, step)

    async def refund_failed(self, connection: Any, payment: Payment, step: MoneyStep) -> Moved:
        return await self._into_cash("refund_failed", connection, payment, step)

    async def reserve(self, connection: Any, payment: Payment, step: MoneyStep) -> Moved:
        posted = await self._ledger.open_hold(
            "withdrawal",
            _request(payment, step),
            step.amount,
            part_of=str(payment.payment_id),
            expires_at=NEVER,
            details=_details(payment, step),
            connection=connection,
        )
        if posted.outcome == "insufficient_funds":
            raise CashShort
        if posted.outcome == "casino_closed":
            raise closed("withdraw")
        if posted.outcome == "account_not_open":
            raise AccountNotOpen("The account may not withdraw.")
        return _moved(posted, step)

    async def paid(self, connection: Any, payment: Payment, step: MoneyStep) -> Moved:
        return await self._resolve("captured", connection, payment, step, provider=payment.provider)

    async def released(self, connection: Any, payment: Payment, step: MoneyStep) -> Moved:
        return await self._resolve("released", connection, payment, step)

    async def refunded(self, connection: Any, payment: Payment, step: MoneyStep) -> Moved:
        taken = min(await self._cash(connection, payment), step.amount)
        if taken == 0:  # nothing can be written down of nothing; the payment says that it was asked
            return await self._known("deposit_refund", payment, step, connection) or Moved(0, step.amount)
        legs = [_leg(payment, "player_cash", "psp_clearing", taken)]
        short = step.amount - taken
        return _moved(
            await self._post("deposit_refund", connection, payment, step, legs, moved=taken, short=short), step
        )

    async def charged_back(self, connection: Any, payment: Payment, step: MoneyStep) -> Moved:
        return await self._taken_whole("chargeback", connection, payment, step)

    async def late_paid(self, connection: Any, payment: Payment, step: MoneyStep) -> Moved:
        return await self._taken_whole("withdrawal_paid_late", connection, payment, step)

    async def chargeback_won(self, connection: Any, payment: Payment, step: MoneyStep) -> Moved:
        await self._cash(connection, payment)
        # The step that it undoes has the same number: `charged_back:1`, `chargeback_won:1`.
        undone = f"{payment.payment_id}:charged_back{step.key.removeprefix('chargeback_won')}"
        lost = await self._ledger.recorded(payment.account_id, "chargeback", undone, connection=connection)
        borne = min(int((lost or {}).get("short_minor", 0)), step.amount)
        legs = [
            _leg(payment, "psp_clearing", side, amount)
            for side, amount in (("house", borne), ("player_cash", step.amount - borne))
            if amount > 0
        ]
        return _moved(await self._post("chargeback_won", connection, payment, step, legs), step)

    async def _into_cash(self, kind: str, connection: Any, payment: Payment, step: MoneyStep) -> Moved:
        legs = [_leg(payment, "psp_clearing", "player_cash", step.amount)]
        return _moved(await self._post(kind, connection, payment, step, legs), step)

    async def _taken_whole(self, kind: str, connection: Any, payment: Payment, step: MoneyStep) -> Moved:
        taken = min(await self._cash(connection, payment), step.amount)
        legs = [
            _leg(payment, side, "psp_clearing", amount)
            for side, amount in (("player_cash", taken), ("house", step.amount - taken))
            if amount > 0
        ]
        return _moved(await self._post(kind, connection, payment, step, legs, short=step.amount - taken), step)

    async def _resolve(
        self, end: Any, connection: Any, payment: Payment, step: MoneyStep, provider: str | None = None
    ) -> Moved:
        posted = await self._ledger.resolve_holds(
            "withdrawal",
            _request(payment, step),
            end,
            part_of=str(payment.payment_id),
            provider=provider,
            details=_details(payment, step),
            connection=connection,
        )
        return _moved(posted, step)

    async def _post(
        self,
        kind: str,
        connection: Any,
        payment: Payment,
        step: MoneyStep,
        legs: Sequence[Movement],
        *,
        moved: int | None = None,
        short: int = 0,
    ) -> Posted:
        details = _details(payment, step) | {
            "moved_minor": step.amount if moved is None else moved,
            "short_minor": short,
        }
        return await self._ledger.post(kind, _request(payment, step), legs, details, connection=connection)

    async def _known(self, kind: str, payment: Payment, step: MoneyStep, connection: Any) -> Moved | None:
        found = await self._ledger.recorded(
            payment.account_id, kind, _request(payment, step).key, connection=connection
        )
        return None if found is None else Moved(found["moved_minor"], found["short_minor"])

    async def _cash(self, connection: Any, payment: Payment) -> int:
        return await self._ledger.lock_cash(payment.account_id, connection=connection)


def _leg(payment: Payment, debit: str, credit: str, amount: int) -> Movement:
    def name(side: str) -> str | None:
        return payment.provider if side == "psp_clearing" else None

    return Movement(debit, name(debit), credit, name(credit), payment.currency, amount)


def _request(payment: Payment, step: MoneyStep) -> Request:
    key = f"{payment.payment_id}:{step.key}"
    # Of a step that may move less than it asks for, a repeat may ask for another amount: the key alone names it.
    return Request(payment.account_id, key, hashlib.sha256(key.encode()).digest())


def _details(payment: Payment, step: MoneyStep) -> dict[str, Any]:
    return {
        "payment_id": str(payment.payment_id),
        "step": step.key,
        "method": payment.method,
        "provider": payment.provider,
    }


def _moved(posted: Posted, step: MoneyStep) -> Moved:
    if not posted.stands:
        raise RuntimeError(f"the ledger answered {posted.outcome} to the step {step.key} of a payment")
    details = posted.details or {}
    return Moved(details.get("moved_minor", step.amount), details.get("short_minor", 0))

"""What the tests of payments share: payments as values, and a ledger that only counts."""

from __future__ import annotations

import uuid
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

from casino.wallet.payments.models import Kind, MoneyStep, Moved, Payment
from casino.wallet.payments.ports import CashShort
from casino.wallet.payments.states import INITIAL

START = datetime(2030, 1, 1, tzinfo=UTC)


def make_payment(kind: Kind = "deposit", amount: int = 1000, **changes: Any) -> Payment:
    values: dict[str, Any] = {
        "payment_id": uuid.uuid4(), "kind": kind, "player_id": uuid.uuid4(), "account_id": 1, "method": "card",
        "currency": "GBP", "amount": amount, "state": INITIAL[kind], "created_at": START,
    }  # fmt: skip
    return Payment(**(values | changes))


class CountingLedger:
    """The ledger's side of the protocol `Money`, in memory: three kinds of account that sum to zero.

    A step that is asked for again does nothing again, as the protocol wants it.
    """

    def __init__(self) -> None:
        self.cash: defaultdict[int, int] = defaultdict(int)
        self.pending: defaultdict[int, int] = defaultdict(int)
        self.clearing = 0
        self.loss = 0
        self.steps: dict[tuple[uuid.UUID, str], Moved] = {}
        self.asked: list[tuple[uuid.UUID, MoneyStep]] = []

    def move(self, payment: Payment, step: MoneyStep) -> Moved:
        self.asked.append((payment.payment_id, step))
        if (known := self.steps.get((payment.payment_id, step.key))) is not None:
            return known
        moved = self._move(payment.account_id, step)
        self.steps[payment.payment_id, step.key] = moved
        assert sum(self.cash.values()) + sum(self.pending.values()) + self.clearing + self.loss == 0
        return moved

    def _move(self, account: int, step: MoneyStep) -> Moved:
        amount = step.amount
        match step.operation:
            case "captured" | "refund_failed" | "returned" | "chargeback_won":
                self.cash[account] += amount
                self.clearing -= amount
            case "reserve":
                if self.cash[account] < amount:
                    raise CashShort
                self.cash[account] -= amount
                self.pending[account] += amount
            case "released":
                self.pending[account] -= amount
                self.cash[account] += amount
            case "paid":
                self.pending[account] -= amount
                self.clearing += amount
            case "refunded":
                taken = min(amount, self.cash[account])
                self.cash[account] -= taken
                self.clearing += taken
                return Moved(taken, amount - taken)
            case "charged_back" | "late_paid":  # the provider has taken it already: the casino bears what is short
                taken = min(amount, self.cash[account])
                self.cash[account] -= taken
                self.loss -= amount - taken
                self.clearing += amount
                return Moved(amount, amount - taken)
        return Moved(amount)

    async def captured(self, connection: Any, payment: Payment, step: MoneyStep) -> Moved:
        return self.move(payment, step)

    reserve = paid = released = refunded = refund_failed = captured
    charged_back = chargeback_won = late_paid = returned = captured

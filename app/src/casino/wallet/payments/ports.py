"""What payments ask of others: the ledger, which moves the money, and the checks of a withdrawal."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from casino.wallet.payments.models import MoneyStep, Moved, Payment


class CashShort(Exception):
    """The player's cash does not cover what is to be reserved; nothing has moved."""


class Money(Protocol):
    """The ledger, as payments see it. All money of payments moves here and nowhere else.

    Each call happens in the transaction in which the payment changes its state, on its `connection`, and is idempotent
    by `payment.payment_id` and `step.key`: a repeat moves nothing and answers what the first call answered. `payment`
    is as it is after the transition. Clearing is the account of `payment.provider` in `payment.currency`.
    """

    async def captured(self, connection: Any, payment: Payment, step: MoneyStep) -> Moved:
        """Clearing to the player's cash: a deposit has arrived."""

    async def reserve(self, connection: Any, payment: Payment, step: MoneyStep) -> Moved:
        """Cash to the player's pending withdrawals. Raises CashShort, WithdrawalsClosed."""

    async def paid(self, connection: Any, payment: Payment, step: MoneyStep) -> Moved:
        """Pending withdrawals to clearing: the provider has paid."""

    async def released(self, connection: Any, payment: Payment, step: MoneyStep) -> Moved:
        """Pending withdrawals back to cash."""

    async def returned(self, connection: Any, payment: Payment, step: MoneyStep) -> Moved:
        """Clearing to cash: a withdrawal that was paid came back."""

    async def late_paid(self, connection: Any, payment: Payment, step: MoneyStep) -> Moved:
        """Cash to clearing, whole: a payout that was given up was paid. What cash lacks is the casino's loss."""

    async def refunded(self, connection: Any, payment: Payment, step: MoneyStep) -> Moved:
        """Cash to clearing, as much of the amount as there is."""

    async def refund_failed(self, connection: Any, payment: Payment, step: MoneyStep) -> Moved:
        """Clearing back to cash: the provider did not refund what was taken for it."""

    async def charged_back(self, connection: Any, payment: Payment, step: MoneyStep) -> Moved:
        """Cash to clearing, whole: the provider has taken it already. What cash lacks is the casino's loss."""

    async def chargeback_won(self, connection: Any, payment: Payment, step: MoneyStep) -> Moved:
        """Clearing back: first to the casino for what it bore, the rest to cash."""


Verdict = Literal["allow", "review", "deny"]
Failure = Literal["review", "deny"]
"""What a check that failed counts as: never as a permission."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A check's verdict and its reason as a stable code; numbers for staff; no personal data."""

    check: str
    verdict: Verdict
    reason: str
    details: Mapping[str, int] = field(default_factory=dict)


class Check(Protocol):
    """A check of a withdrawal: identity, money laundering, turnover, fraud.

    It finds something always: what allows is a finding too. `on_failure` is the verdict when it raises, finds nothing
    or gives no answer in time.
    """

    @property
    def name(self) -> str: ...

    @property
    def on_failure(self) -> Failure: ...

    async def judge(self, payment: Payment) -> Sequence[Finding]: ...


@dataclass(frozen=True, slots=True)
class Identity:
    """How an account stands. `verified`: as the jurisdiction asks it to be, and under no restriction. `ended`: another
    account has taken its place."""

    status: str
    verified: bool
    ended: bool = False


class Identities(Protocol):
    """Player account management, as payments see it; null for nobody's account."""

    async def identity(self, player_id: uuid.UUID) -> Identity | None: ...

"""Payments on a real database against the simulator's process; the ledger is a table of the test's own."""

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from casino.compliance.api import RulesInForce, parse_rules
from casino.kernel.db import Database
from casino.wallet.payments.build import assemble
from casino.wallet.payments.config import PaymentSetting
from casino.wallet.payments.models import METHODS, MoneyStep, Moved, Payment
from casino.wallet.payments.ports import CashShort, Check
from casino.wallet.payments.service import Payments
from payments_simulator import Simulator


def rules_with(**changes: Any) -> RulesInForce:
    """Rules without limits, but for `changes`."""
    rules = {
        "schema": 1, "catalogue_version": "test", "jurisdiction": "TEST", "jurisdiction_name": "Testland",
        "regulator": "Test Commission", "currency": "GBP", "currency_exponent": 2, "timezone": "Europe/London",
        "min_age_years": 18, "slot_max_stake": None, "slot_min_cycle_ms": None, "rtp_minimum_basis_points": None,
        "session_idle_timeout_s": None, "record_retention_years": 5,
    }  # fmt: skip
    return RulesInForce(parse_rules(json.dumps(rules | changes)))


ROUTES = [
    {"provider": name, "method": method, "currencies": ["GBP"], "fixed_minor": at, "basis_points": 0}
    for method in METHODS for at, name in enumerate(("alfa", "bravo", "charlie"))
]  # fmt: skip
SETTING = {"routes": ROUTES, "auto_approve_below_minor": 5_000, "four_eyes_from_minor": 20_000}


class TableLedger:
    """The protocol `Money` on a table, in the caller's transaction: what is rolled back has not moved.

    A step's key is the table's primary key, so money that moved twice would fail.
    """

    SCHEMA = """CREATE TABLE money (
        payment uuid, key text, account bigint, cash bigint, pending bigint, clearing bigint, loss bigint,
        moved bigint, short bigint,
        PRIMARY KEY (payment, key), CHECK (cash + pending + clearing + loss = 0))"""

    async def _sum(self, connection: Any, column: str, account: int) -> int:
        await connection.execute("SELECT pg_advisory_xact_lock(1, $1)", account)
        found: int = await connection.fetchval(
            f"SELECT coalesce(sum({column}), 0)::bigint FROM money WHERE account = $1", account
        )
        return found

    async def move(self, connection: Any, payment: Payment, step: MoneyStep) -> Moved:
        known = await connection.fetchrow(
            "SELECT moved, short FROM money WHERE payment = $1 AND key = $2", payment.payment_id, step.key
        )
        if known is not None:
            return Moved(known["moved"], known["short"])
        cash, amount, account = await self._sum(connection, "cash", payment.account_id), step.amount, payment.account_id
        taken = min(cash, amount)
        if step.operation == "reserve" and cash < amount:
            raise CashShort
        # cash, pending, clearing, loss
        row = {
            "captured": (amount, 0, -amount, 0), "refund_failed": (amount, 0, -amount, 0),
            "returned": (amount, 0, -amount, 0), "chargeback_won": (amount, 0, -amount, 0),
            "reserve": (-amount, amount, 0, 0), "released": (amount, -amount, 0, 0), "paid": (0, -amount, amount, 0),
            "refunded": (-taken, 0, taken, 0), "charged_back": (-taken, 0, amount, taken - amount),
            "late_paid": (-taken, 0, amount, taken - amount),
        }[step.operation]  # fmt: skip
        takes = step.operation in ("refunded", "charged_back", "late_paid")
        moved = Moved(taken if step.operation == "refunded" else amount, amount - taken if takes else 0)
        await connection.execute(
            "INSERT INTO money VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            payment.payment_id, step.key, account, *row, moved.amount, moved.short,
        )  # fmt: skip
        return moved

    captured = reserve = paid = released = refunded = refund_failed = move
    charged_back = chargeback_won = late_paid = returned = move


@dataclass
class World:
    """One player by default, with the casino's view and the providers'."""

    database: Database
    simulator: Simulator
    payments: Payments
    player: uuid.UUID = field(default_factory=uuid.uuid4)
    account: int = 1
    rules: Any = None

    def again(self, checks: Sequence[Check] = (), **setting: Any) -> Payments:
        """Payments anew, as another process would build them."""
        self.payments = assemble(
            self.database, self.simulator.adapters, PaymentSetting(**(SETTING | setting)), self.rules,
            money=TableLedger(), clock=self.simulator.clock, checks=checks,
        )  # fmt: skip
        return self.payments

    async def deposit(self, amount: int = 1000, method: Any = "card", token: str | None = None, **more: Any) -> Payment:
        asked = {"key": secrets.token_hex(8), "request_hash": bytes(32)} | more
        if method == "card":
            token = token or "tok_visa"
        payment, _ = await self.payments.deposit(
            player_id=self.player, account_id=self.account, method=method, amount=amount, token=token,
            return_url="https://casino.test/", **asked,
        )  # fmt: skip
        return payment

    async def now(self, payment: Payment) -> Payment:
        found = await self.payments.flow.repository.get(payment.payment_id)
        assert found is not None
        return found

    async def reference(self, payment: Payment, number: int = 0) -> str:
        return f"{payment.payment_id.hex}-{number}"

    async def attempts(self, payment: Payment) -> list[Any]:
        async with self.payments.flow.repository.transaction() as connection:
            return await self.payments.flow.repository.attempts(connection, payment.payment_id)

    async def deliver(self, provider: str, sent: Sequence[dict[str, Any]] | None = None) -> list[bool]:
        """Bring the provider's webhooks; whether each was new."""
        sent = await self.simulator.webhooks(provider) if sent is None else sent
        return [await self.payments.inbox.receive(provider, one["headers"], one["body"].encode()) for one in sent]

    async def paid_by(self, amount: int = 1000, method: Any = "bank", **event: Any) -> Payment:
        """A deposit by redirect that the player has paid, and whose webhook has come."""
        payment = await self.deposit(amount, method)
        assert payment.state == "processing" and payment.provider is None
        await self.simulator.event("alfa", await self.reference(payment), "approve", **event)
        await self.deliver("alfa")
        return await self.now(payment)

    async def sums(self) -> dict[str, int]:
        row = await self.database.pool.fetchrow(
            "SELECT coalesce(sum(cash), 0)::bigint AS cash, coalesce(sum(pending), 0)::bigint AS pending,"
            " coalesce(-sum(clearing), 0)::bigint AS provider, coalesce(-sum(loss), 0)::bigint AS loss FROM money"
        )
        return dict(row)

    async def instrument(self, method: str = "card") -> uuid.UUID:
        found = await self.payments.flow.repository.instruments_of(self.player)
        return next(one.instrument_id for one in found if one.method == method)

"""All SQL of payments, their attempts and instruments. Webhooks and settlement are in the files beside it."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from casino.compliance.api import Act
from casino.kernel.db import Database
from casino.kernel.identity import new_id
from casino.wallet.payments.models import Action, Attempt, Instrument, Kind, Method, Moved, Payment
from casino.wallet.payments.states import Step

_SUMS = (
    "received", "captured", "refunding", "refunded", "disputed", "held", "paid", "returned", "refunds", "disputes",
)  # fmt: skip
_PAYMENT = tuple(Payment.__slots__)
_ATTEMPT = tuple(Attempt.__slots__)
PAYMENT_COLUMNS = ", ".join(_PAYMENT)
_ATTEMPT_COLUMNS = ", ".join(_ATTEMPT)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a payment's row holds beside the payment: how it was asked for, and what approval it wants."""

    key: str
    request_hash: bytes
    part: int = 0
    bin_country: str | None = None
    return_url: str | None = None
    approvals_needed: int = 0


WITHDRAWALS_LOCK = 724_615_591
"""The first of an advisory lock's two numbers; the second one stands for the account."""
INSTRUMENTS_LOCK = 724_615_592
"""Likewise; the second one stands for the player."""


class PaymentRepository:
    """Rows in, values out. What takes a `connection` belongs to the caller's transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        """A connection in a transaction."""
        async with self._database.pool.acquire() as connection, connection.transaction():
            yield connection

    async def add(self, connection: Any, payment: Payment, asked: Asked) -> bool:
        """Insert a payment; false when the account has used the key for a payment of this kind before."""
        added = await connection.fetchval(
            "INSERT INTO wallet.payments (payment_id, kind, player_id, account_id, method, currency, amount, state,"
            " instrument_id, created_at, updated_at, idempotency_key, request_hash, part, bin_country, return_url)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11, $12, $13, $14, $15)"
            " ON CONFLICT (account_id, kind, idempotency_key, part) DO NOTHING RETURNING true",
            payment.payment_id, payment.kind, payment.player_id, payment.account_id, payment.method,
            payment.currency, payment.amount, payment.state, payment.instrument_id, payment.created_at, asked.key,
            asked.request_hash, asked.part, asked.bin_country, asked.return_url,
        )  # fmt: skip
        return bool(added)

    async def allows(self, connection: Any, act: Act) -> bool:
        """Whether the casino's state leaves an act now, by the database's clock."""
        return bool(await connection.fetchval("SELECT wallet.allows($1, clock_timestamp())", act))

    async def by_key(self, account_id: int, kind: Kind, key: str) -> list[tuple[Payment, bytes]]:
        """The payments that a request's key stands for, with the hash of the request."""
        rows = await self._database.pool.fetch(
            f"SELECT {PAYMENT_COLUMNS}, request_hash FROM wallet.payments"  # noqa: S608 - our own columns
            " WHERE account_id = $1 AND kind = $2 AND idempotency_key = $3 ORDER BY part",
            account_id, kind, key,
        )  # fmt: skip
        return [(payment_of_row(row), row["request_hash"]) for row in rows]

    async def get(self, payment_id: uuid.UUID) -> Payment | None:
        row = await self._database.pool.fetchrow(
            f"SELECT {PAYMENT_COLUMNS} FROM wallet.payments WHERE payment_id = $1",  # noqa: S608
            payment_id,
        )
        return payment_of_row(row) if row is not None else None

    async def of_account(self, account_id: int, kind: Kind, limit: int) -> list[Payment]:
        """An account's payments, newest first."""
        rows = await self._database.pool.fetch(
            f"SELECT {PAYMENT_COLUMNS} FROM wallet.payments WHERE account_id = $1 AND kind = $2"  # noqa: S608
            " ORDER BY created_at DESC, part LIMIT $3",
            account_id, kind, limit,
        )  # fmt: skip
        return [payment_of_row(row) for row in rows]

    async def lock(self, connection: Any, payment_id: uuid.UUID) -> tuple[Payment, Asked]:
        """A payment, which nobody else changes until the transaction ends. Raises LookupError."""
        row = await connection.fetchrow(
            f"SELECT {PAYMENT_COLUMNS}, idempotency_key, request_hash, part, bin_country, return_url,"  # noqa: S608
            " approvals_needed FROM wallet.payments WHERE payment_id = $1 FOR UPDATE",
            payment_id,
        )
        if row is None:
            raise LookupError("there is no such payment")
        asked = Asked(row["idempotency_key"], row["request_hash"], row["part"], row["bin_country"], row["return_url"],
                      row["approvals_needed"])  # fmt: skip
        return payment_of_row(row), asked

    async def save(
        self,
        connection: Any,
        before: Payment,
        step: Step,
        moved: Sequence[Moved],
        now: datetime,
        *,
        actor: str | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        """Write a transition: the payment as it is after it, and a line of its history."""
        after = step.payment
        sums = ", ".join(f"{name} = ${at}" for at, name in enumerate(_SUMS, start=7))
        version = await connection.fetchval(
            "UPDATE wallet.payments SET state = $2, provider = $3, decline_code = $4, approvals = $5, updated_at = $6,"  # noqa: S608
            f" version = version + 1, {sums} WHERE payment_id = $1 RETURNING version",
            after.payment_id, after.state, after.provider, after.decline_code, list(after.approvals), now,
            *(getattr(after, name) for name in _SUMS),
        )  # fmt: skip
        money = [
            asdict(one) | {"moved": what.amount, "short": what.short}
            for one, what in zip(step.money, moved, strict=True)
        ]
        await connection.execute(
            "INSERT INTO wallet.payment_transitions VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            after.payment_id, version, step.transition, before.state, after.state, actor, json.dumps(money),
            json.dumps(details or {}), now,
        )  # fmt: skip

    async def decided(self, connection: Any, payment_id: uuid.UUID, transition: str, key: str) -> dict[str, Any] | None:
        """The details of a decision that was made under a key before."""
        found = await connection.fetchval(
            "SELECT details FROM wallet.payment_transitions"
            " WHERE payment_id = $1 AND transition = $2 AND details ->> 'key' = $3",
            payment_id, transition, key,
        )  # fmt: skip
        return json.loads(found) if found is not None else None

    async def want_approvals(self, connection: Any, payment_id: uuid.UUID, needed: int) -> None:
        await connection.execute(
            "UPDATE wallet.payments SET approvals_needed = $2 WHERE payment_id = $1", payment_id, needed
        )

    async def touch(self, connection: Any, payment_id: uuid.UUID, now: datetime) -> None:
        """It was looked after: others come first next time."""
        await connection.execute("UPDATE wallet.payments SET updated_at = $2 WHERE payment_id = $1", payment_id, now)

    async def one_at_a_time(self, connection: Any, account_id: int) -> None:
        """Nobody else asks for a withdrawal of the account until the transaction ends."""
        await connection.execute("SELECT pg_advisory_xact_lock($1, hashint8($2))", WITHDRAWALS_LOCK, account_id)

    async def attempts(self, connection: Any, payment_id: uuid.UUID) -> list[Attempt]:
        """A payment's attempts in their order."""
        rows = await connection.fetch(
            f"SELECT {_ATTEMPT_COLUMNS} FROM wallet.payment_attempts WHERE payment_id = $1 ORDER BY number",  # noqa: S608
            payment_id,
        )
        return [_attempt(row) for row in rows]

    async def add_attempt(self, connection: Any, attempt: Attempt, instrument_id: uuid.UUID | None) -> None:
        """Note an attempt before its provider hears of it."""
        request = {"amount_minor": attempt.amount, "currency": attempt.currency}
        if instrument_id is not None:
            request["instrument_id"] = str(instrument_id)
        await connection.execute(
            "INSERT INTO wallet.payment_attempts (payment_id, number, operation, provider, method, reference, amount,"
            " currency, of_reference, request, started_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            attempt.payment_id, attempt.number, attempt.operation, attempt.provider, attempt.method, attempt.reference,
            attempt.amount, attempt.currency, attempt.of_reference, json.dumps(request), attempt.started_at,
        )  # fmt: skip

    async def save_attempt(self, connection: Any, attempt: Attempt, now: datetime) -> None:
        action = json.dumps(asdict(attempt.action)) if attempt.action is not None else None
        await connection.execute(
            "UPDATE wallet.payment_attempts SET outcome = $3, decline_code = $4, provider_id = $5, stray = $6,"
            " action = $7, heard_at = $8, moved = $9 WHERE payment_id = $1 AND number = $2",
            attempt.payment_id, attempt.number, attempt.outcome, attempt.decline_code, attempt.provider_id,
            attempt.stray, action, now, attempt.moved,
        )  # fmt: skip

    async def payment_of(self, reference: str) -> uuid.UUID | None:
        """The payment that an attempt's reference belongs to."""
        found: uuid.UUID | None = await self._database.pool.fetchval(
            "SELECT payment_id FROM wallet.payment_attempts WHERE reference = $1", reference
        )
        return found

    async def count_unanswered(self) -> int:
        """Deposits whose provider's answer was lost, or is not there yet."""
        found: int = await self._database.pool.fetchval(
            "SELECT count(*) FROM wallet.payment_attempts"
            " WHERE operation = 'charge' AND (outcome IS NULL OR outcome = 'unknown')"
        )
        return found

    async def under_way(self, before: datetime, limit: int) -> list[uuid.UUID]:
        """Payments that something is still to be done for and that have rested since `before`, oldest first."""
        rows = await self._database.pool.fetch(
            """WITH due AS (
                   SELECT payment_id FROM wallet.payments WHERE state IN
                       ('initiated', 'processing', 'authorized', 'refunding', 'sending_back', 'requested', 'approved')
                   UNION SELECT payment_id FROM wallet.payment_attempts
                       WHERE outcome IS NULL OR outcome IN ('unknown', 'pending')
                   UNION SELECT s.payment_id FROM wallet.payment_attempts s
                       WHERE s.stray AND s.operation = 'charge' AND NOT EXISTS (
                           SELECT FROM wallet.payment_attempts r WHERE r.payment_id = s.payment_id
                               AND r.operation = 'return' AND r.of_reference = s.reference)
                   UNION SELECT a.payment_id FROM wallet.psp_events e JOIN wallet.payment_attempts a USING (reference)
                       WHERE e.status = 'waiting')
               SELECT p.payment_id FROM due JOIN wallet.payments p USING (payment_id)
               WHERE p.updated_at <= $1 ORDER BY p.updated_at LIMIT $2""",
            before, limit,
        )  # fmt: skip
        return [row["payment_id"] for row in rows]

    async def instrument(
        self, connection: Any, *, player_id: uuid.UUID, method: Method, provider: str, token: str, now: datetime
    ) -> Instrument:
        """The player's instrument with a token, taken note of now or before."""
        row = await connection.fetchrow(
            "INSERT INTO wallet.instruments (instrument_id, player_id, method, provider, token, created_at)"
            " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (player_id, method, token) DO UPDATE SET removed_at = NULL"
            " RETURNING *",
            new_id(), player_id, method, provider, token, now,
        )  # fmt: skip
        return _instrument(row)

    async def instrument_by_id(self, connection: Any, instrument_id: uuid.UUID) -> Instrument | None:
        row = await connection.fetchrow("SELECT * FROM wallet.instruments WHERE instrument_id = $1", instrument_id)
        return _instrument(row) if row is not None else None

    async def instruments_of(self, player_id: uuid.UUID) -> list[Instrument]:
        rows = await self._database.pool.fetch(
            "SELECT * FROM wallet.instruments WHERE player_id = $1 ORDER BY created_at, instrument_id", player_id
        )
        return [_instrument(row) for row in rows]

    async def remove_instrument(self, player_id: uuid.UUID, instrument_id: uuid.UUID, now: datetime) -> bool:
        """Take an instrument out of the player's use; false when they have no such one in use."""
        done: str = await self._database.pool.execute(
            "UPDATE wallet.instruments SET removed_at = $3"
            " WHERE player_id = $1 AND instrument_id = $2 AND removed_at IS NULL",
            player_id, instrument_id, now,
        )  # fmt: skip
        return done == "UPDATE 1"

    async def one_player_at_a_time(self, connection: Any, player_id: uuid.UUID) -> None:
        """Nobody else adds an instrument of the player's until the transaction ends."""
        await connection.execute(
            "SELECT pg_advisory_xact_lock($1, hashtext($2::text))", INSTRUMENTS_LOCK, str(player_id)
        )

    async def judge_instrument(
        self, connection: Any, instrument_id: uuid.UUID, owner_match: bool, by: str, now: datetime,
        *, reason: str | None = None,
    ) -> None:  # fmt: skip
        """Whether an instrument is the player's own; what is not loses its verification.

        A person's word has a reason, which is kept; a provider's word has none, and does not undo a person's no.
        """
        await connection.execute(
            "UPDATE wallet.instruments SET owner_match = $2, verified_at = CASE WHEN $2 THEN $3::timestamptz END,"
            " verified_by = CASE WHEN $2 THEN $4 END WHERE instrument_id = $1 AND ($5 OR NOT $2 OR coalesce("
            "     (SELECT d.owner_match FROM wallet.instrument_decisions d WHERE d.instrument_id = $1"
            "      ORDER BY d.at DESC LIMIT 1), true))",
            instrument_id, owner_match, now, by, reason is not None,
        )  # fmt: skip
        if reason is not None:
            await connection.execute(
                "INSERT INTO wallet.instrument_decisions VALUES ($1, $2, $3, $4, $5)",
                instrument_id, now, by, owner_match, reason,
            )  # fmt: skip

    async def vouched_by(self, connection: Any, instrument_id: uuid.UUID) -> set[str]:
        """Who of the staff has ever said that an instrument is the player's own."""
        rows = await connection.fetch(
            "SELECT DISTINCT actor FROM wallet.instrument_decisions WHERE instrument_id = $1 AND owner_match",
            instrument_id,
        )
        return {row["actor"] for row in rows}

    async def asked_by(self, connection: Any, payment_id: uuid.UUID) -> set[str]:
        """Who of the staff asked for a withdrawal in the player's place."""
        rows = await connection.fetch(
            "SELECT actor FROM wallet.payment_transitions"
            " WHERE payment_id = $1 AND transition = 'hold' AND actor IS NOT NULL",
            payment_id,
        )
        return {row["actor"] for row in rows}

    async def set_country(self, connection: Any, instrument_id: uuid.UUID, country: str) -> None:
        """A card's country, as a provider reads it from the BIN: it chooses the route next time."""
        await connection.execute(
            "UPDATE wallet.instruments SET country = $2 WHERE instrument_id = $1", instrument_id, country
        )

    async def use_instrument(self, connection: Any, payment_id: uuid.UUID, instrument_id: uuid.UUID) -> None:
        """A deposit's instrument, told by the provider when it was paid."""
        await connection.execute(
            "UPDATE wallet.payments SET instrument_id = $2 WHERE payment_id = $1 AND instrument_id IS NULL",
            payment_id, instrument_id,
        )  # fmt: skip

    async def net_deposits(self, connection: Any, player_id: uuid.UUID, currency: str) -> dict[uuid.UUID, int]:
        """By instrument, in the order of first use: what it brought less what went back to it or is on its way."""
        rows = await connection.fetch(
            """SELECT instrument_id, sum(CASE kind WHEN 'deposit' THEN captured - refunding - refunded - disputed
                                         ELSE -held - paid END)::bigint AS net, min(created_at) AS first
               FROM wallet.payments WHERE player_id = $1 AND currency = $2 AND instrument_id IS NOT NULL
               GROUP BY instrument_id ORDER BY first, instrument_id""",
            player_id, currency,
        )  # fmt: skip
        return {row["instrument_id"]: row["net"] for row in rows}


def payment_of_row(row: Any) -> Payment:
    """The payment of a row with PAYMENT_COLUMNS."""
    values = {name: row[name] for name in _PAYMENT}
    return Payment(**(values | {"approvals": tuple(row["approvals"])}))


def _attempt(row: Any) -> Attempt:
    values = {name: row[name] for name in _ATTEMPT}
    action = Action(**json.loads(row["action"])) if row["action"] is not None else None
    return Attempt(**(values | {"action": action}))


def _instrument(row: Any) -> Instrument:
    return Instrument(row["instrument_id"], row["player_id"], row["method"], row["provider"], row["token"],
                      row["verified_at"] is not None, row["owner_match"], row["country"], row["created_at"],
                      row["verified_by"], row["removed_at"] is not None)  # fmt: skip

"""The protocol `Money` on the real ledger: the same promises that the tests' own keeps (test_payment_money.py)."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from casino.wallet.ledger import Ledger
from casino.wallet.payments.models import MoneyStep, Moved
from casino.wallet.payments.money import LedgerMoney
from casino.wallet.payments.ports import CashShort
from casino.wallet.service import AccountNotOpen
from payments_testkit import make_payment
from test_payment_money import COURSES


class Books:
    """A player with a payment, and where the money is."""

    def __init__(self, ledger: Any, account: int) -> None:
        self.ledger = ledger
        self.payment = make_payment(provider="alfa", account_id=account)
        self.money = LedgerMoney(Ledger(SimpleNamespace(pool=ledger.pool)))  # type: ignore[arg-type]

    async def move(self, operation: str, amount: int = 1000, key: str | None = None) -> Moved:
        async with self.ledger.pool.acquire() as connection, connection.transaction():
            step = MoneyStep(operation, key or operation, amount)
            moved: Moved = await getattr(self.money, operation)(connection, self.payment, step)
            return moved

    async def sums(self) -> tuple[int, int, int, int]:
        """Cash, pending withdrawals, what providers owe us, what we lost."""
        kinds = dict(await self.ledger.pool.fetch(
            "SELECT kind, sum(balance)::bigint FROM wallet.accounts GROUP BY kind"))  # fmt: skip
        return (
            kinds["player_cash"], kinds.get("player_withdrawal", 0), -kinds.get("psp_clearing", 0), -kinds["house"]
        )  # fmt: skip


@pytest.fixture
async def books(ledger: Any) -> Books:
    ledger.excused = frozenset({"deposit_postings_have_a_payment", "payments_match_their_postings"})
    return Books(ledger, await ledger.player())


@pytest.mark.parametrize(("before", "operation", "effect"), COURSES)
async def test_a_step_moves_its_amount_once_however_often_it_is_asked_for(
    books: Books, before: list[str], operation: str, effect: tuple[int, ...]
) -> None:
    for step in before:
        await books.move(step)
    old = await books.sums()
    first = await books.move(operation)
    assert first == Moved(1000)
    assert await books.move(operation) == first
    new = await books.sums()
    assert tuple(b - a for a, b in zip(old, new, strict=True)) == (*effect, 0)


async def test_what_the_cash_does_not_cover_is_refused_lessened_or_borne(books: Books) -> None:
    await books.move("captured", 300)
    with pytest.raises(CashShort):
        await books.move("reserve", 301)
    assert await books.sums() == (300, 0, 300, 0)
    assert await books.move("refunded", 400, "refunded:1") == Moved(300, 100)
    assert await books.move("refunded", 400, "refunded:1") == Moved(300, 100)
    assert await books.move("refunded", 400, "refunded:2") == Moved(0, 400)
    assert await books.move("charged_back", 50, "charged_back:1") == Moved(50, 50)
    assert await books.sums() == (0, 0, -50, 50)


async def test_of_a_chargeback_that_is_won_the_casino_gets_first_what_it_bore(books: Books) -> None:
    await books.move("captured", 300)
    await books.ledger.bet(books.payment.account_id, 200)
    assert await books.move("charged_back", 300, "charged_back:1") == Moved(300, 200)
    assert await books.sums() == (0, 0, 0, 0)
    assert await books.move("chargeback_won", 300, "chargeback_won:1") == Moved(300)
    assert await books.sums() == (100, 0, 300, -200)


async def test_a_transaction_that_is_rolled_back_has_moved_nothing(books: Books) -> None:
    with pytest.raises(RuntimeError):
        async with books.ledger.pool.acquire() as connection, connection.transaction():
            await books.money.captured(connection, books.payment, MoneyStep("captured", "captured", 1000))
            raise RuntimeError
    assert await books.sums() == (0, 0, 0, 0)
    assert await books.move("captured") == Moved(1000)


async def test_a_frozen_account_withdraws_nothing_and_is_paid_what_it_asked_for_before(books: Books) -> None:
    await books.move("captured")
    await books.move("reserve", 400)
    await books.ledger.pool.execute("UPDATE wallet.accounts SET status = 'frozen' WHERE kind = 'player_cash'")
    other = replace(books.payment, payment_id=make_payment().payment_id)
    async with books.ledger.pool.acquire() as connection, connection.transaction():
        with pytest.raises(AccountNotOpen):
            await books.money.reserve(connection, other, MoneyStep("reserve", "reserve", 100))
    assert await books.move("paid", 400) == Moved(400)
    assert await books.sums() == (600, 0, 600, 0)

"""What the protocol `Money` promises, held against the tests' own ledger: the real one is to pass the same."""

from __future__ import annotations

from typing import Any

import pytest
from casino.wallet.payments.models import MoneyStep, Moved
from casino.wallet.payments.ports import CashShort
from payments_testkit import make_payment
from payments_world import TableLedger

# Each operation after what has to be before it, and what it does to (cash, pending, what providers owe).
COURSES = [
    ([], "captured", (1000, 0, 1000)),
    (["captured"], "refunded", (-1000, 0, -1000)),
    (["captured", "refunded"], "refund_failed", (1000, 0, 1000)),
    (["captured"], "charged_back", (-1000, 0, -1000)),
    (["captured", "charged_back"], "chargeback_won", (1000, 0, 1000)),
    (["captured"], "reserve", (-1000, 1000, 0)),
    (["captured", "reserve"], "released", (1000, -1000, 0)),
    (["captured", "reserve"], "paid", (0, -1000, -1000)),
    (["captured", "reserve", "released"], "late_paid", (-1000, 0, -1000)),
    (["captured", "reserve", "paid"], "returned", (1000, 0, 1000)),
]


async def move(world: Any, payment: Any, operation: str, amount: int = 1000, key: str | None = None) -> Moved:
    async with world.payments.flow.repository.transaction() as connection:
        step = MoneyStep(operation, key or operation, amount)
        moved: Moved = await getattr(TableLedger(), operation)(connection, payment, step)
        return moved


async def sums(world: Any) -> tuple[int, ...]:
    found = await world.sums()
    return found["cash"], found["pending"], found["provider"]


@pytest.mark.parametrize(("before", "operation", "effect"), COURSES)
async def test_a_step_moves_its_amount_once_however_often_it_is_asked_for(
    world: Any, before: list[str], operation: str, effect: tuple[int, ...]
) -> None:
    payment = make_payment(provider="alfa")
    for step in before:
        await move(world, payment, step)
    old = await sums(world)
    first = await move(world, payment, operation)
    assert first == Moved(1000)
    assert await move(world, payment, operation) == first
    new = await sums(world)
    assert tuple(b - a for a, b in zip(old, new, strict=True)) == effect


async def test_what_the_cash_does_not_cover_is_refused_lessened_or_borne(world: Any) -> None:
    payment = make_payment(provider="alfa")
    await move(world, payment, "captured", 300)
    with pytest.raises(CashShort):
        await move(world, payment, "reserve", 301)
    assert await sums(world) == (300, 0, 300)
    assert await move(world, payment, "refunded", 400, "refunded:1") == Moved(300, 100)
    assert await move(world, payment, "charged_back", 50, "charged_back:1") == Moved(50, 50)
    assert await world.sums() == {"cash": 0, "pending": 0, "provider": -50, "loss": 50}


async def test_a_transaction_that_is_rolled_back_has_moved_nothing(world: Any) -> None:
    payment = make_payment(provider="alfa")
    with pytest.raises(RuntimeError):
        async with world.payments.flow.repository.transaction() as connection:
            await TableLedger().captured(connection, payment, MoneyStep("captured", "captured", 1000))
            raise RuntimeError
    assert await sums(world) == (0, 0, 0)
    assert await move(world, payment, "captured") == Moved(1000)

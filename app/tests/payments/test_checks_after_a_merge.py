"""A withdrawal's checks know what was deposited and played at an account that was merged into the one that asks."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from casino.wallet.payments.checks import turnover_open
from casino.wallet.payments.config import CheckSetting
from casino.wallet.payments.repository_history import HistoryRepository

PAID_IN = """
    WITH payment AS (
        INSERT INTO wallet.payments (payment_id, kind, player_id, account_id, method, currency, amount, state, provider,
            received, captured, idempotency_key, request_hash, created_at, updated_at)
        SELECT $2::uuid, 'deposit', player_id, account_id, 'card', currency, $3, 'captured', 'sandbox', $3, $3,
            $2::uuid::text, $4, now(), now()
        FROM wallet.accounts WHERE account_id = $1)
    SELECT * FROM wallet.post('deposit', $1::bigint, $2::uuid || ':captured', $4::bytea, wallet.uuid7(),
        ARRAY[ROW('psp_clearing', 'sandbox', 'player_cash', NULL, 'GBP', $3::bigint)::wallet.movement],
        jsonb_build_object('payment_id', $2::uuid))"""


async def paid_in(ledger: Any, account: int, amount: int) -> None:
    await ledger.pool.fetchrow(PAID_IN, account, uuid.uuid4(), amount, bytes(32))


async def merge(ledger: Any, kept: int, gone: int) -> None:
    players = dict(
        await ledger.pool.fetch("SELECT account_id, player_id FROM wallet.accounts WHERE player_id IS NOT NULL")
    )
    row = await ledger.pool.fetchrow(
        "SELECT * FROM wallet.merge_players($1, $2, $3)", players[kept], players[gone], f"merge:{players[gone]}"
    )
    assert row["outcome"] == "merged"


async def left_to_stake(ledger: Any, account: int, percent: int) -> int:
    payment: Any = SimpleNamespace(
        payment_id=uuid.uuid4(), account_id=account, amount=1, created_at=datetime.now(UTC), instrument_id=uuid.uuid4()
    )
    database: Any = SimpleNamespace(pool=ledger.pool)
    past = await HistoryRepository(database).past(payment, CheckSetting(turnover_percent=percent))
    return turnover_open(past.deposits, percent)


@pytest.mark.parametrize("percent", [0, 30, 100, 300])
async def test_what_a_merged_account_has_left_to_stake_is_to_be_staked(ledger: Any, percent: int) -> None:
    kept, middle, gone = await ledger.player(0), await ledger.player(0), await ledger.player(0)
    deposits, stakes = {kept: 500, middle: 100, gone: 1_000}, {kept: 150, middle: 70, gone: 25}
    for account, amount in deposits.items():
        await paid_in(ledger, account, amount)
        await ledger.bet(account, stakes[account], stakes[account])
    before = [await left_to_stake(ledger, account, percent) for account in deposits]
    await merge(ledger, middle, gone)
    assert sum(before[1:]) <= await left_to_stake(ledger, middle, percent) <= sum(before[1:]) + 4
    await merge(ledger, kept, middle)
    total = await left_to_stake(ledger, kept, percent)
    # What one account has staked too much is not the other's, and by a unit or two it is rounded up.
    assert sum(before) <= total <= sum(before) + 8
    await ledger.bet(kept, 90, 90)
    assert await left_to_stake(ledger, kept, percent) == max(0, total - 90)


async def test_what_a_merged_account_asked_for_lately_counts_with_what_the_survivor_asks_for(ledger: Any) -> None:
    kept, gone = await ledger.player(0), await ledger.player(0)
    for account in (kept, gone):
        await paid_in(ledger, account, 100)
    await merge(ledger, kept, gone)
    payment: Any = SimpleNamespace(
        payment_id=uuid.uuid4(), account_id=kept, amount=1, created_at=datetime.now(UTC), instrument_id=uuid.uuid4()
    )
    database: Any = SimpleNamespace(pool=ledger.pool)
    past = await HistoryRepository(database).past(payment, CheckSetting())
    assert [(one.kind, one.amount) for one in past.linked] == [("deposit", 100)] * 2

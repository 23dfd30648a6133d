"""Jackpots where they meet rounds that go on and months that go."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import asyncpg
import pytest
from casino.wallet.models import RoundRequest
from casino.wallet.repository import WalletRepository

FEED = """SELECT * FROM wallet.place_rounds(ARRAY[$1::bigint], ARRAY[$2], ARRAY[$3::bytea], ARRAY[wallet.uuid7()],
    '{1}', '{0}', '{NULL}', '{NULL}', ARRAY['{}'::jsonb], ARRAY['grand'], ARRAY[$4::bigint])"""


async def _waits(pool: Any, text: str) -> None:
    """Until a statement that contains the text waits for a lock."""
    while not await pool.fetchval(  # noqa: ASYNC110 - the database tells nobody
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE $1"
        " AND datname = current_database()",
        f"%{text}%",
    ):
        await asyncio.sleep(0.01)


async def test_what_rounds_owe_a_jackpot_while_it_is_posted_is_not_lost(ledger: Any) -> None:
    await ledger.pool.execute("SELECT wallet.open_jackpot('grand', 'GBP')")
    connections: dict[int, Any] = {}
    spare = []
    while len(connections) < 2:  # two processes with shards of their own
        one = await ledger.pool.acquire()
        shard = await one.fetchval("SELECT pg_backend_pid() & 63")
        if shard in connections:
            spare.append(one)
        else:
            connections[shard] = one
    # In the order in which their rows are locked.
    low, high = (connections[shard] for shard in sorted(connections))
    accounts = [await ledger.player(100) for _ in range(4)]
    fed = [2_000_000, 1_000_000, 1_000_000, 1_000_000]
    await low.fetchrow(FEED, accounts[0], "a", bytes(32), fed[0])
    async with low.transaction():
        await low.fetchrow(FEED, accounts[1], "b", bytes(32), fed[1])  # and the job waits for its row
        posting = asyncio.create_task(ledger.pool.fetchval("SELECT wallet.post_contributions('grand', 'GBP')"))
        await _waits(ledger.pool, "post_contributions")
        await high.fetchrow(FEED, accounts[2], "c", bytes(32), fed[2])  # a row that owed nothing whole before
        slow = high.transaction()
        await slow.start()
        await high.fetchrow(FEED, accounts[3], "d", bytes(32), fed[3])
    await asyncio.sleep(0.3)
    await slow.commit()
    await posting
    for one in (*connections.values(), *spare):
        await ledger.pool.release(one)
    stands = await ledger.pool.fetchval(
        "SELECT sum(balance) * 1000000 + sum(carry) FROM wallet.accounts WHERE kind = 'jackpot'"
    )
    assert stands == sum(fed)


async def test_a_bet_that_feeds_what_nobody_opened_does_not_take_the_others_with_it(ledger: Any) -> None:
    wallet = WalletRepository(SimpleNamespace(pool=ledger.pool))
    asked = [
        RoundRequest(
            account_id=await ledger.player(100), key="k", request_hash=bytes(32), stake_minor=1, win_minor=0,
            stake_cap_minor=None, min_cycle_ms=None, details={}, jackpot=jackpot, contribution_micros=1,
        )
        for jackpot in (None, "nobody", None)
    ]  # fmt: skip
    rows = await wallet._place_rounds(asked)
    assert [row["outcome"] for row in (rows[0], rows[2])] == ["placed", "placed"]
    assert isinstance(rows[1], asyncpg.NoDataFoundError)
    with pytest.raises(asyncpg.NoDataFoundError):
        await wallet.place_round(asked[1])

"""What feeds the streams, with each module's own role in the database: money, tables and jackpots become messages."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
from casino.gal.api import LiveRepository, LiveTable, LiveTables
from casino.kernel.cache import open_redis
from casino.kernel.clock import SystemClock
from casino.kernel.db import Databases
from casino.realtime.api import Streams
from casino.realtime.protocol import Position
from casino.realtime.topics import Topic, balance, jackpot, table
from casino.realtime_feed import MODULES, Feed
from casino.wallet.api import Ledger


class Running:
    """A feed that runs, and what it has published."""

    def __init__(self, streams: Streams, databases: Databases) -> None:
        self.streams = streams
        self.databases = databases

    async def told(self, topic: Topic, count: int) -> list[Any]:
        """The data of the topic's messages, when there are so many; of a state, of its newest."""
        async with asyncio.timeout(15):
            while True:
                past = await self.streams.since(topic, None)
                if past.last is not None and past.last.seq >= count:
                    break
                await asyncio.sleep(0.05)
        if topic.kind == "event":
            past = await self.streams.since(topic, Position(run=past.last.run, seq=0))
        return [json.loads("{" + body + "}")["data"] for _, body in past.messages]


@pytest.fixture
async def running(servers: Any, database: str) -> AsyncIterator[Running]:
    settings = servers.settings(database)
    databases = Databases(settings, None, MODULES, {"wallet": 1})
    await databases.open()
    redis = open_redis(settings, None)
    task = asyncio.create_task(Feed(redis, settings.redis_prefix, databases, SystemClock()).run())
    yield Running(Streams(redis, settings.redis_prefix), databases)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await redis.aclose()
    await databases.close()


async def test_money_that_moved_is_told_to_its_player(running: Running, ledger: Any) -> None:
    account = await ledger.player(1000)
    player = await ledger.pool.fetchval("SELECT player_id FROM wallet.accounts WHERE account_id = $1", account)
    (first,) = await running.told(balance(player), 1)
    assert first == {"balance_minor": 1000, "currency": "GBP", "version": 1}
    await ledger.hold(account, 300, "a bet")
    (then,) = await running.told(balance(player), 2)
    assert then == {"balance_minor": 700, "currency": "GBP", "version": 2}


async def test_a_jackpot_and_a_tables_course_are_told_to_all(running: Running, ledger: Any) -> None:
    await Ledger(running.databases.of("wallet")).seed_jackpot("grand", "GBP", 5000, "first")
    assert await running.told(jackpot("grand"), 1) == [{"jackpot_minor": 5000, "currency": "GBP"}]
    tables = LiveTables(
        [LiveTable(table_id="t1", name="Harbour wheel")],
        LiveRepository(running.databases.of("gal")),
        Ledger(running.databases.of("wallet")),
        lambda _: 1,
        SystemClock(),
    )
    opened = await tables.advance("t1")
    assert opened is not None
    await tables.void(opened.round_id, "the wheel stuck")
    told = await running.told(table("t1"), 2)
    assert [(one["what"], one["round_id"]) for one in told] == [
        ("opened", str(opened.round_id)),
        ("voided", str(opened.round_id)),
    ]
    assert told[0]["closes_at"] == opened.closes_at.isoformat() and told[1]["reason"] == "the wheel stuck"

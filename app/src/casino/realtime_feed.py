"""What feeds the streams: readers of the wallet's and the tables' events, and a look at the jackpots.

Part of the worker. Several may run, since each consumer's lease is held by one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from redis.asyncio import Redis

from casino.kernel.clock import Clock
from casino.kernel.db import Databases
from casino.kernel.events.model import Consumer
from casino.kernel.events.relay import Relay, run
from casino.realtime.api import Jackpots, PriceReader, Prices, Publisher, Streams, Topic, balances, tables
from casino.wallet.api import Ledger

MODULES = ("gal", "wallet")
POLL_S = 0.2
RETRY_S = 2.0


def consumers(publisher: Publisher) -> Sequence[Consumer]:
    """Readers of events, for whoever runs relays or asks how far they are."""
    return balances(publisher), tables(publisher)


class _Silent:
    """In a command nobody publishes: what it makes a reader pass over is told by the next movement anyway."""

    def offer(self, topic: Topic, data: Mapping[str, Any]) -> None:
        pass


def told_consumers() -> Sequence[Consumer]:
    """The same readers for commands that look after them."""
    return consumers(cast(Publisher, _Silent()))


class Feed:
    """`run()` publishes until cancelled. `databases` has the pools of `MODULES`."""

    def __init__(
        self, redis: Redis, prefix: str, databases: Databases, clock: Clock, prices_url: str | None = None
    ) -> None:
        self.publisher = Publisher(Streams(redis, prefix), clock)
        self._databases = databases
        self._prices_url = prices_url

    async def run(self) -> None:
        jackpots = Jackpots(self.publisher, Ledger(self._databases.of("wallet")).jackpots)
        pool_of: Callable[[str], Any] = lambda module: self._databases.of(module).pool  # noqa: E731
        async with asyncio.TaskGroup() as group:
            group.create_task(self.publisher.run())
            group.create_task(jackpots.run())
            if self._prices_url:
                group.create_task(PriceReader(self._prices_url, Prices(self.publisher)).run())
            for consumer in consumers(self.publisher):
                relay = Relay(consumer, pool_of)
                group.create_task(run(relay, asyncio.Event(), POLL_S, longest_pause_s=RETRY_S))

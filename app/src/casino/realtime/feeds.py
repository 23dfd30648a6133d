"""Where messages come from: the wallet's events, and a look at the jackpots now and then."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from casino.kernel.events.model import Consumer, Event
from casino.realtime import topics
from casino.realtime.publish import Publisher

log = logging.getLogger(__name__)

NOBODY = uuid.UUID(int=0)
MOVEMENTS = (
    "round", "deposit", "deposit_refund", "refund_failed", "chargeback", "chargeback_won", "withdrawal_request",
    "withdrawal_release", "withdrawal_paid", "withdrawal_paid_late", "withdrawal_returned", "bet", "bet_void",
    "bet_settled", "win", "win_reversal", "bet_return", "jackpot_win",
    "bonus_grant", "bonus_forfeit", "bonus_release", "exchange", "fee", "tax", "opening_balance", "adjustment",
    "reversal", "account_merge",
)  # fmt: skip
"""Kinds of transactions that may change what a player has."""


def balances(publisher: Publisher, module: str = "wallet") -> Consumer:
    """A consumer of the wallet's events that tells players their balance.

    After the fact, and at least once: a message says the account's version, and a client keeps the highest. What the
    publisher cannot write is not tried again, since the next movement, or the page's next request, tells it anyway.
    """

    async def tell(_: Any, event: Event) -> None:
        if event.aggregate == NOBODY:
            return  # a movement of the casino's own
        publisher.offer(
            topics.balance(event.aggregate),
            {
                "balance_minor": event.payload["balance_minor"],
                "currency": event.payload["currency"],
                "version": event.payload["account_version"],
            },
        )

    return Consumer(
        name="realtime_balances",
        module=module,
        producer="wallet",
        handlers={(f"wallet.{kind}", 1): tell for kind in MOVEMENTS},
        ignores_others=True,
    )


def tables(publisher: Publisher, module: str = "gal") -> Consumer:
    """A consumer of game aggregation's events that tells of live tables' rounds."""

    async def tell(_: Any, event: Event) -> None:
        what = event.type.partition(".live_")[2]
        publisher.offer(topics.table(event.payload["table_id"]), {"what": what, **event.payload})

    return Consumer(
        name="realtime_tables",
        module=module,
        producer="gal",
        handlers={(f"gal.live_{what}", 1): tell for what in ("opened", "closed", "resulted", "settled", "voided")},
        ignores_others=True,
    )


class Jackpots:
    """Publishes what stands in each jackpot, when that changed. `read` answers name, currency and minor units."""

    def __init__(
        self, publisher: Publisher, read: Callable[[], Awaitable[Sequence[tuple[str, str, int]]]], every_s: float = 2.0
    ) -> None:
        self._publisher = publisher
        self._read = read
        self._every_s = every_s
        self._told: dict[tuple[str, str], int] = {}

    async def tick(self) -> None:
        for name, currency, minor in await self._read():
            if self._told.get((name, currency)) != minor:
                self._told[name, currency] = minor
                try:
                    topic = topics.jackpot(name)
                except ValueError:
                    log.warning("a jackpot's name is none of a topic", extra={"jackpot": name})
                    continue
                self._publisher.offer(topic, {"jackpot_minor": minor, "currency": currency})

    async def run(self) -> None:
        """Tick until cancelled; a read that fails is one tick less."""
        while True:
            try:
                await self.tick()
            except Exception as error:
                log.warning("jackpots could not be read", extra={"error": type(error).__name__})
            await asyncio.sleep(self._every_s)

"""Tells of what happened, after the fact and best effort: nobody waits for it, and nothing fails because of it."""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from collections import deque
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from casino.kernel.clock import Clock
from casino.realtime import topics
from casino.realtime.metrics import DROPPED
from casino.realtime.streams import Streams
from casino.realtime.topics import Topic

log = logging.getLogger(__name__)

FLUSH_S = 0.05
AT_ONCE = 500
EVENTS_WAITING, STATES_WAITING = 10_000, 50_000


class Publisher:
    """Takes messages without waiting, and writes them in batches. The newest of a state replaces what still waits."""

    def __init__(self, streams: Streams, clock: Clock) -> None:
        self._streams = streams
        self._clock = clock
        self._states: dict[str, tuple[Topic, str]] = {}
        self._events: deque[tuple[Topic, str]] = deque()

    def offer(self, topic: Topic, data: Mapping[str, Any]) -> None:
        """Publish soon. `data` is JSON's, with amounts as integers of minor units; it may hold no secret."""
        at = self._clock.now()
        body = f'"at":"{at.isoformat()}","data":{json.dumps(data, separators=(",", ":"))}'
        if topic.kind == "state":
            if topic.key in self._states or len(self._states) < STATES_WAITING:
                self._states[topic.key] = (topic, body)
            else:
                DROPPED.labels("full").inc()
        elif len(self._events) < EVENTS_WAITING:
            self._events.append((topic, body))
        else:
            DROPPED.labels("full").inc()

    async def flush(self) -> int:
        """Write what waits, at most a batch; answers how many. What cannot be written is dropped and counted."""
        batch = [self._events.popleft() for _ in range(min(AT_ONCE, len(self._events)))]
        for key in list(self._states)[: AT_ONCE - len(batch)]:
            batch.append(self._states.pop(key))
        if not batch:
            return 0
        try:
            await self._streams.append(batch, int(self._clock.now().timestamp() * 1000))
        except Exception as error:
            DROPPED.labels("refused").inc(len(batch))
            log.warning("messages were not published", extra={"count": len(batch), "error": type(error).__name__})
        return len(batch)

    async def run(self) -> None:
        """Flush until cancelled."""
        while True:
            if await self.flush() < AT_ONCE:
                await asyncio.sleep(FLUSH_S)


class RealityChecks:
    """For responsible gaming: tells a player how long they have played. That it was seen is asked for elsewhere."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    def tell(
        self, player_id: uuid.UUID, *, since: datetime, played_s: int, staked_minor: int, won_minor: int, currency: str
    ) -> None:
        """`since` is when the session, or the time since the check before, began."""
        self._publisher.offer(
            topics.reality_check(player_id),
            {
                "since": since.isoformat(),
                "played_s": played_s,
                "staked_minor": staked_minor,
                "won_minor": won_minor,
                "net_minor": won_minor - staked_minor,
                "currency": currency,
            },
        )


class Prices:
    """For who makes prices or odds: decimal text, since a price is no amount of money."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    def tick(self, name: str, price: str) -> None:
        self._publisher.offer(topics.price(name), {"price": price})

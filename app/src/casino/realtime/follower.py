"""Reads the feed and gives each message to who is subscribed."""

from __future__ import annotations

import asyncio
import logging

from redis.exceptions import RedisError

from casino.realtime.hub import AT_ONCE, Hub
from casino.realtime.protocol import Place
from casino.realtime.streams import Entry, Streams

log = logging.getLogger(__name__)

RETRY_MAX_S = 5.0


class Follower:
    """One for a process. `alive` tells whether the streams answer."""

    def __init__(self, streams: Streams, hub: Hub) -> None:
        self._streams = streams
        self._hub = hub
        self._at: str | None = None
        self.alive = False

    async def run(self) -> None:
        """Follow until cancelled, also through outages: the feed is read on from where it was left."""
        delay = 0.1
        while True:
            try:
                await self.step()
                self.alive, delay = True, 0.1
            except (RedisError, OSError, TimeoutError) as error:
                self.alive = False
                log.warning("the streams do not answer", extra={"error": type(error).__name__})
                await asyncio.sleep(delay)
                delay = min(delay * 2, RETRY_MAX_S)
            except Exception:
                log.exception("a batch of messages was left out")
                self._at = None

    async def step(self) -> int:
        """Pass on what has come; answers how many messages that were."""
        if self._at is None:
            self._at = await self._streams.feed_end()
            self.alive = True
        entries, self._at = await self._streams.follow(self._at)
        given = 0
        for entry in entries:
            given += 1 + await self._pass_on(entry)
            if given >= AT_ONCE:  # connections get their turn, to be read from and to say that they are full
                given = 0
                await asyncio.sleep(0)
        return len(entries)

    async def _pass_on(self, entry: Entry) -> int:
        last = self._hub.last_of(entry.topic)
        if last is not None and entry.place <= last:
            return 0  # it was fetched from the topic's past
        same_run = last is not None and entry.place.run == last.run
        if last is not None and same_run and entry.topic.kind == "event" and entry.place.seq > last.seq + 1:
            # The feed was trimmed, or a publisher died before it wrote there.
            first, before = Place(last.run, last.seq + 1), Place(last.run, entry.place.seq - 1)
            found = await self._streams.between(entry.topic, first, before)
            if len(found) < before.seq - last.seq:
                # The topic's past does not reach back that far any more: who listens has to fetch what they missed.
                next_seq = found[0][0].seq if found else entry.place.seq
                self._hub.tell_gap(entry.topic, Place(last.run, next_seq - 1))
            for place, body in found:
                await self._hub.publish(entry.topic, place, body)
        return await self._hub.publish(entry.topic, entry.place, entry.body)

"""What Redis keeps of topics: of events a stream with their recent past, of a state the newest; and one feed of all.

A message's place in its topic is `run-seq`: the run is the millisecond at which the topic began, and the sequence
counts 1, 2, 3 in it. A topic that nobody has told of for a while is forgotten, and begins anew with a later run. A
state is a hash and no stream of one: each player has a balance, and a stream takes 4 KiB.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

from redis.asyncio import Redis

from casino.realtime.past import Past
from casino.realtime.protocol import Place, Position
from casino.realtime.topics import Topic, of_key

EVENTS_KEPT, FEED_KEPT = 500, 50_000
EVENTS_FORGOTTEN_MS, STATES_FORGOTTEN_MS = 3_600_000, 600_000
BLOCK_MS = 1000
READ_AT_ONCE = 1000

# One key alone each, so that they may run in a cluster.
_APPEND = """
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
local id = ARGV[1] .. '-1'
if last then id = string.match(last[1], '^%d+') .. '-*' end
id = redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], id, 'm', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return id
"""
_REPLACE = """
redis.call('HSETNX', KEYS[1], 'run', ARGV[1])
local seq = redis.call('HINCRBY', KEYS[1], 'seq', 1)
redis.call('HSET', KEYS[1], 'm', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return redis.call('HGET', KEYS[1], 'run') .. '-' .. seq
"""


class Entry(NamedTuple):
    """A message of the feed."""

    topic: Topic
    place: Place
    body: str


class Streams:
    """`prefix`: the tenant's, as for all its keys."""

    def __init__(self, redis: Redis, prefix: str) -> None:
        self._redis = redis
        self._prefix = f"{prefix}realtime:"
        self._feed = f"{self._prefix}feed"

    async def append(self, messages: Sequence[tuple[Topic, str]], now_ms: int) -> list[Place]:
        """Write messages; answers their places. Two round trips for as many as there are.

        What dies between the two is in the past of its topic, and found there when the next message comes.
        """
        pipe = self._redis.pipeline(transaction=False)
        for topic, body in messages:
            key, now = self._key(topic), str(now_ms)
            if topic.kind == "event":
                pipe.eval(_APPEND, 1, key, now, str(EVENTS_KEPT), body, str(EVENTS_FORGOTTEN_MS))
            else:
                pipe.eval(_REPLACE, 1, key, now, body, str(STATES_FORGOTTEN_MS))
        places = [_place(id_) for id_ in await pipe.execute()]
        pipe = self._redis.pipeline(transaction=False)
        for (topic, body), place in zip(messages, places, strict=True):
            fields: dict[Any, Any] = {"t": topic.key, "i": f"{place.run}-{place.seq}", "m": body}
            pipe.xadd(self._feed, fields, maxlen=FEED_KEPT, approximate=True)
        await pipe.execute()
        return places

    async def since(self, topic: Topic, after: Position | None) -> Past:
        """What came after a message. Of a state the newest, which stands for all; of events each, or `whole` false."""
        if topic.kind == "state":
            return await self._state(topic, after)
        newest: Any = await self._redis.xrevrange(self._key(topic), count=1)
        if not newest:
            return Past((), after is None, None)
        last, _ = _message(newest[0])
        if after is None or Place(after.run, after.seq) == last:
            return Past((), True, last)
        if after.run != last.run or after.seq > last.seq:
            return Past((), False, last)
        found = await self.between(topic, Place(after.run, after.seq + 1), last)
        if not found or found[0][0].seq != after.seq + 1:
            return Past((), False, last)
        return Past(found, True, found[-1][0])

    async def _state(self, topic: Topic, after: Position | None) -> Past:
        run, seq, body = cast("list[str | None]", await self._redis.hmget(self._key(topic), ["run", "seq", "m"]))
        if run is None or seq is None or body is None:
            return Past((), after is None, None)
        last = Place(int(run), int(seq))
        seen = after is not None and Place(after.run, after.seq) == last
        return Past(() if seen else ((last, body),), True, last)

    async def between(self, topic: Topic, first: Place, last: Place) -> list[tuple[Place, str]]:
        """Events of one run from one place to another, both included, as far as they are still there."""
        found: Any = await self._redis.xrange(
            self._key(topic), f"{first.run}-{first.seq}", f"{last.run}-{last.seq}", count=2 * EVENTS_KEPT
        )
        return [_message(one) for one in found]

    async def feed_end(self) -> str:
        """Where the feed ends now."""
        newest: Any = await self._redis.xrevrange(self._feed, count=1)
        return str(newest[0][0]) if newest else "0-0"

    async def follow(self, after: str) -> tuple[list[Entry], str]:
        """What the feed has after a place, at once or within a second; and the place to go on from."""
        found: Any = await self._redis.xread({self._feed: after}, count=READ_AT_ONCE, block=BLOCK_MS)
        entries = []
        for id_, fields in found[0][1] if found else ():
            after = id_
            topic = of_key(fields.get("t", ""))
            if topic is not None:
                entries.append(Entry(topic, _place(fields["i"]), fields["m"]))
        return entries, after

    def _key(self, topic: Topic) -> str:
        return f"{self._prefix}{'topic' if topic.kind == 'event' else 'state'}:{topic.key}"


def _place(id_: Any) -> Place:
    run, _, seq = str(id_).partition("-")
    return Place(int(run), int(seq))


def _message(entry: Any) -> tuple[Place, str]:
    return _place(entry[0]), entry[1]["m"]

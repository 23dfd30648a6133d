"""However messages, the feed's delay, its losses and reconnects fall together: a client's numbers have no gap unless it
was told so, and none comes twice."""

from __future__ import annotations

import asyncio
from typing import Any

from casino.realtime.follower import Follower
from casino.realtime.past import Past
from casino.realtime.protocol import Place, Position
from casino.realtime.streams import Entry
from casino.realtime.topics import Topic, table
from hypothesis import example, given, settings
from hypothesis import strategies as st
from realtime_wires import Wire, World

TOPIC = table("t")
KEPT = 6
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.integers(1, 4)),
        st.tuples(st.just("feed"), st.integers(1, 4)),
        st.tuples(st.just("feed loses"), st.integers(1, 2)),
        st.tuples(st.just("feed swaps"), st.just(0)),
        st.tuples(st.just("feed between"), st.integers(1, 3)),
        st.tuples(st.just("topic is forgotten"), st.just(0)),
        st.tuples(st.just("subscribe"), st.integers(0, 1)),
        st.tuples(st.just("let run"), st.integers(1, 3)),
        st.tuples(st.just("reconnect"), st.just(0)),
        st.tuples(st.just("slow"), st.just(0)),
        st.tuples(st.just("quick"), st.just(0)),
    ),
    min_size=10,
    max_size=60,
)


class Stored:
    """A topic's stream and the feed, as Redis has them: the last few of the one, what is not read yet of the other."""

    def __init__(self) -> None:
        self.run = self.seq = 1
        self.stream: list[Place] = []
        self.feed: list[Place] = []

    def publish(self) -> None:
        place = Place(self.run, self.seq)
        self.seq += 1
        self.stream = [*self.stream, place][-KEPT:]
        self.feed.append(place)

    def forget(self) -> None:
        self.run, self.seq, self.stream = self.run + 1, 1, []

    async def since(self, topic: Topic, after: Position | None) -> Past:
        await asyncio.sleep(0)
        last = self.stream[-1] if self.stream else None
        if last is None:
            return Past((), after is None, None)
        asked = Place(after.run, after.seq) if after else last
        later = [place for place in self.stream if place > asked]
        whole = asked.run == last.run and asked <= last and (not later or later[0].seq == asked.seq + 1)
        found = [(place, f'"data":{place.seq}') for place in later] if whole else []
        await asyncio.sleep(0)  # the answer is on its way while more happens
        return Past(found, whole, last)

    async def between(self, _: Topic, first: Place, last: Place) -> list[tuple[Place, str]]:
        await asyncio.sleep(0)
        return [(place, f'"data":{place.seq}') for place in self.stream if first <= place <= last]


class Client:
    """Keeps what it was told, and holds it against what it may be told."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.wire: Wire | None = None
        self.subscribed = False
        self.last: Place | None = None
        self.heard = 0

    async def reconnect(self) -> None:
        if self.wire is not None:
            self.listen()
            self.wire.end()
        self.wire, self.subscribed = await self.world.player(), False

    def subscribe(self, *, with_place: bool) -> None:
        assert self.wire is not None
        if not self.subscribed:
            after = {"after": {"run": self.last.run, "seq": self.last.seq}} if with_place and self.last else {}
            if not after:
                self.last = None
            self.wire.send({"op": "subscribe", "topic": "table:t"} | after)
            self.subscribed = True

    def listen(self) -> None:
        assert self.wire is not None
        for message in self.wire.said:
            if message["op"] == "subscribed":
                if not message["whole"] or self.last is None:
                    self.last = Place(message["run"], message["seq"]) if "run" in message else None
            elif message["op"] == "message":
                place = Place(message["run"], message["seq"])
                if self.last is not None and self.last.run == place.run:
                    assert place.seq == self.last.seq + 1, (self.last, place)
                else:
                    assert self.last is None or place > self.last
                self.last, self.heard = place, self.heard + 1
        self.wire.said.clear()


# Of two messages that were swapped the earlier has left the topic's past already: the client is told of a gap.
@example([("feed between", 2), ("publish", 3), ("publish", 4), ("feed swaps", 0), ("publish", 2)])
@settings(max_examples=250)
@given(STEPS)
def test_numbers_have_no_gap_and_no_repeat(steps: list[tuple[str, int]]) -> None:
    async def play() -> None:
        world, past = World(), Stored()
        world.hub._history = past
        streams: Any = past
        follower = Follower(streams, world.hub)
        client = Client(world)
        await client.reconnect()
        lost: set[Place] = set()

        async def pass_on(count: int) -> None:
            for place in past.feed[:count]:
                if place not in lost:
                    await follower._pass_on(Entry(TOPIC, place, f'"data":{place.seq}'))
            del past.feed[:count]

        for step, count in steps:
            assert client.wire is not None
            match step:
                case "publish":
                    for _ in range(count):
                        past.publish()
                case "feed":
                    await pass_on(count)
                case "feed loses":
                    # What the topic's past still has when the next one comes: more than that no process can know.
                    lost.update(place for place in past.feed[:count] if place in past.stream and past.feed[count:])
                    await pass_on(count + 1 if past.feed[count:] else 0)
                case "feed swaps":  # of two publishers the first to count was the second to write
                    past.feed[:2] = reversed(past.feed[:2])
                    await pass_on(2)
                case "feed between":  # while the client is being told of the past
                    client.subscribe(with_place=True)
                    for _ in range(count):
                        await asyncio.sleep(0)
                    past.publish()
                    await pass_on(len(past.feed))
                case "topic is forgotten":
                    await pass_on(len(past.feed))
                    past.forget()
                case "subscribe":
                    client.subscribe(with_place=count == 1)
                case "let run":
                    for _ in range(count):
                        await asyncio.sleep(0)
                case "reconnect":
                    await client.reconnect()
                case "slow":
                    client.wire.connection.pause_writing()
                case _:
                    client.wire.connection.resume_writing()
            client.listen()
        # In the end everything is told: the last number that there is, is the last that was heard.
        client.wire.connection.resume_writing()
        client.subscribe(with_place=True)
        await world.settle()
        past.publish()
        await pass_on(len(past.feed))
        client.listen()
        assert client.last == past.stream[-1]
        client.wire.end()

    asyncio.run(play())

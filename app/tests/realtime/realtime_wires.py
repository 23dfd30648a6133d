"""A hub without a network or Redis, and clients at the other end of its connections' transports."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Sequence
from typing import Any

from casino.realtime.connection import Connection
from casino.realtime.hub import Hub
from casino.realtime.past import Past
from casino.realtime.protocol import SUBPROTOCOL, Position
from casino.realtime.sessions import Session
from casino.realtime.settings import Limits, RealtimeSettings
from casino.realtime.topics import Topic
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

PLAYER = uuid.UUID(int=7)
GOOD = "a" * 43


class Store:
    """Sessions and pasts without Redis: each token of GOOD's sort is a session of PLAYER."""

    def __init__(self) -> None:
        self.left: float | None = 600.0
        self.past = Past((), True, None)
        self.fails = False

    async def find(self, token: str) -> Session | None:
        await asyncio.sleep(0)
        if self.fails:
            raise ConnectionError("no Redis")
        return Session(PLAYER, "csrf", token, 600.0) if token.startswith("a") else None

    async def remaining_s(self, keys: Sequence[str]) -> Sequence[float | None]:
        if self.fails:
            raise ConnectionError("no Redis")
        return [self.left for _ in keys]

    async def since(self, topic: Topic, after: Position | None) -> Past:
        await asyncio.sleep(0)
        return self.past


class Wire:
    """The transport of a connection, with a client at its other end that reads what is written."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.lost = self.reading = False
        self.client = ClientProtocol(parse_uri("ws://casino.test/ws"), subprotocols=[Subprotocol(SUBPROTOCOL)])
        self.closed_by: tuple[int, str] | None = None
        self.said: list[Any] = []
        self.connection: Connection = hub.factory()
        self.connection.connection_made(self)  # type: ignore[arg-type]

    # What a connection asks of its transport.

    def set_write_buffer_limits(self, high: int) -> None:
        assert high == Limits.buffered_bytes

    def write(self, data: bytes) -> None:
        assert not self.lost
        self.client.receive_data(bytes(data))
        for event in self.client.events_received():
            if isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                self.said.append(json.loads(bytes(event.data)))

    def write_eof(self) -> None:
        self.client.receive_eof()

    def can_write_eof(self) -> bool:
        return True

    def abort(self) -> None:
        self.end()

    def is_closing(self) -> bool:
        return self.lost

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    # What the client does.

    def receive(self, data: bytes) -> None:
        if not self.lost:
            self.connection.data_received(data)

    def handshake(self, **headers: str) -> Any:
        request = self.client.connect()
        for name, value in headers.items():
            request.headers[name.replace("_", "-")] = value
        self.receive(request.serialize())
        return self.client.handshake_exc

    def send(self, message: Any) -> None:
        text = message if isinstance(message, bytes) else json.dumps(message).encode()
        self.receive(Frame(Opcode.TEXT, text).serialize(mask=True))

    def end(self) -> None:
        if not self.lost:
            self.lost = True
            self.connection.connection_lost(None)

    @property
    def code(self) -> int | None:
        return self.client.close_rcvd.code if self.client.close_rcvd else None


class World:
    """A hub without a network, and a clock that the test moves."""

    def __init__(self, **settings: Any) -> None:
        self.time = 1000.0
        self.store = Store()
        self.hub = Hub(
            self.store, self.store, RealtimeSettings(**settings), cookie_name="session", clock=lambda: self.time
        )

    def wire(self) -> Wire:
        wire = Wire(self.hub)
        assert wire.handshake() is None
        return wire

    async def player(self) -> Wire:
        wire = self.wire()
        wire.send({"op": "authenticate", "token": GOOD})
        await self.settle()
        assert wire.said.pop()["op"] == "authenticated"
        return wire

    async def settle(self) -> None:
        while self.hub._tasks:
            await asyncio.gather(*self.hub._tasks)

    async def after(self, seconds: float) -> None:
        self.time += seconds
        await self.hub.sweep()

"""Real time with real sockets and Redis: from a movement of money to the client, through outages and reconnects."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import httpx
import pytest
from casino.dev.run import free_port
from casino.kernel.cache import open_redis
from casino.kernel.clock import SystemClock
from casino.kernel.events.relay import Relay
from casino.pam.sessions import SessionStore
from casino.realtime.api import Jackpots, Prices, Publisher, RealityChecks, Streams, balances, load_realtime_settings
from casino.realtime.protocol import SUBPROTOCOL, Code
from casino.realtime.topics import jackpot, price, table
from casino.realtime_server import RealtimeServer
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus


class World:
    """A process `realtime` within this one, on a socket; a publisher; sessions."""

    def __init__(self, servers: Any, database: str) -> None:
        self.settings = servers.settings(database, CASINO_HOST="127.0.0.1")
        self.redis = open_redis(self.settings, None)
        self.streams = Streams(self.redis, self.settings.redis_prefix)
        self.publisher = Publisher(self.streams, SystemClock())
        self.sessions = SessionStore(self.redis, self.settings, SystemClock(), lambda: 600)
        self.servers: list[RealtimeServer] = []
        self.clients: list[ClientConnection] = []

    async def start(self) -> RealtimeServer:
        server = RealtimeServer(self.settings, load_realtime_settings(CASINO_REALTIME_PORT=0))
        self.servers.append(server)
        await server.start()
        async with asyncio.timeout(5):
            while not server.follower.alive:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        return server

    async def token(self, player: uuid.UUID) -> str:
        token, _ = await self.sessions.open(player, 1, date(1980, 1, 1))
        return token

    async def client(self, server: RealtimeServer, player: uuid.UUID) -> ClientConnection:
        client = await connect(
            f"ws://127.0.0.1:{server.port}/ws",
            subprotocols=[SUBPROTOCOL],
            compression=None,
            proxy=None,
            close_timeout=0.2,
        )
        self.clients.append(client)
        await say(client, op="authenticate", token=await self.token(player))
        assert (await hear(client))["op"] == "authenticated"
        return client

    async def close(self) -> None:
        for client in self.clients:
            await client.close()
        for server in self.servers:
            await server.close()
        await self.redis.aclose()


async def say(client: ClientConnection, **message: Any) -> None:
    await client.send(json.dumps(message))


async def hear(client: ClientConnection) -> Any:
    async with asyncio.timeout(5):
        return json.loads(await client.recv())


async def subscribe(client: ClientConnection, topic: str, after: Any = None) -> Any:
    await say(client, op="subscribe", topic=topic, **({"after": after} if after else {}))
    return await hear(client)


@pytest.fixture
async def world(servers: Any, database: str) -> AsyncIterator[World]:
    world = World(servers, database)
    yield world
    await world.close()


async def test_a_players_balance_follows_their_money(world: World, ledger: Any, servers: Any) -> None:
    server = await world.start()
    account = await ledger.player(1000)
    player = await ledger.pool.fetchval("SELECT player_id FROM wallet.accounts WHERE account_id = $1", account)
    other = await ledger.player(50)
    relay = Relay(balances(world.publisher), lambda _: ledger.pool)
    while await relay.step():
        pass
    await world.publisher.flush()
    client = await world.client(server, player)
    assert (await subscribe(client, "balance"))["whole"]
    assert (await hear(client))["data"] == {"balance_minor": 1000, "currency": "GBP", "version": 1}
    await ledger.bet(other, 10)
    await ledger.bet(account, 100, 250)
    while await relay.step():
        pass
    await world.publisher.flush()
    told = await hear(client)
    assert told["data"] == {"balance_minor": 1150, "currency": "GBP", "version": 3}
    assert (told["topic"], told["seq"]) == ("balance", 2)
    await relay.close()


async def test_a_client_that_comes_back_is_told_what_it_missed_or_that_it_must_fetch_anew(world: World) -> None:
    player = uuid.uuid4()
    first, second = await world.start(), await world.start()
    client = await world.client(first, player)
    await subscribe(client, "table:t1")
    for number in range(3):
        world.publisher.offer(table("t1"), {"number": number})
    await world.publisher.flush()
    heard = [await hear(client) for _ in range(3)]
    assert [one["seq"] for one in heard] == [1, 2, 3]
    at = {"run": heard[0]["run"], "seq": 1}
    await client.close()
    # At another process, with more having come meanwhile.
    world.publisher.offer(table("t1"), {"number": 3})
    await world.publisher.flush()
    client = await world.client(second, player)
    back = await subscribe(client, "table:t1", at)
    assert (back["whole"], back["seq"]) == (True, 4)
    assert [(await hear(client))["data"]["number"] for _ in range(3)] == [1, 2, 3]
    world.publisher.offer(table("t1"), {"number": 4})
    await world.publisher.flush()
    assert (await hear(client))["seq"] == 5
    # Too old, of another run, or of the future: not whole, and nothing is made up.
    for _ in range(13):
        for number in range(50):
            world.publisher.offer(table("t1"), {"number": number})
        await world.publisher.flush()
    recent = await world.client(second, player)
    assert await subscribe(recent, "table:t1", {"run": at["run"], "seq": 205}) == {
        "op": "subscribed", "topic": "table:t1", "whole": True, "run": at["run"], "seq": 655,
    }  # fmt: skip
    assert [(await hear(recent))["seq"] for _ in range(450)] == list(range(206, 656))
    for wrong in (at, {"run": at["run"] - 1, "seq": 1}, {"run": at["run"], "seq": 10_000}):
        late = await world.client(second, player)
        assert not (await subscribe(late, "table:t1", wrong))["whole"]
    gone = await world.client(second, player)
    assert await subscribe(gone, "table:t2", at) == {"op": "subscribed", "topic": "table:t2", "whole": False}


async def test_of_a_state_the_newest_is_told_to_who_comes_and_only_if_it_is_new_to_them(world: World) -> None:
    server = await world.start()
    prices = Prices(world.publisher)
    for tick in ("1.5", "1.6", "1.7"):
        prices.tick("gold", tick)  # the first two are replaced before they are written
    assert await world.publisher.flush() == 1
    client = await world.client(server, uuid.uuid4())
    await subscribe(client, "price:gold")
    told = await hear(client)
    assert (told["data"], told["seq"]) == ({"price": "1.7"}, 1)
    again = await world.client(server, uuid.uuid4())
    await subscribe(again, "price:gold", {"run": told["run"], "seq": told["seq"]})
    prices.tick("gold", "1.8")
    await world.publisher.flush()
    assert [(await hear(one))["data"]["price"] for one in (client, again)] == ["1.8", "1.8"]


async def test_a_reality_check_reaches_its_player_alone_on_each_of_their_devices(world: World) -> None:
    server = await world.start()
    player, other = uuid.uuid4(), uuid.uuid4()
    devices = [await world.client(server, player), await world.client(server, player)]
    stranger = await world.client(server, other)
    for client in (*devices, stranger):
        await subscribe(client, "reality_check")
    RealityChecks(world.publisher).tell(
        player, since=SystemClock().now(), played_s=3600, staked_minor=500, won_minor=200, currency="GBP"
    )
    await world.publisher.flush()
    for client in devices:
        told = await hear(client)
        assert (told["topic"], told["data"]["net_minor"], told["data"]["played_s"]) == ("reality_check", -300, 3600)
    await say(stranger, op="ping")
    assert (await hear(stranger))["op"] == "pong"


async def test_a_jackpot_is_told_of_when_it_changes(world: World) -> None:
    values = [("grand", "GBP", 100), ("Not A Topic", "GBP", 1)]

    async def read() -> list[tuple[str, str, int]]:
        return values

    jackpots = Jackpots(world.publisher, read)
    await jackpots.tick()
    assert await world.publisher.flush() == 1
    await jackpots.tick()
    assert await world.publisher.flush() == 0
    values[0] = ("grand", "GBP", 101)
    await jackpots.tick()
    await world.publisher.flush()
    past = await world.streams.since(jackpot("grand"), None)
    assert json.loads("{" + past.messages[0][1] + "}")["data"] == {"jackpot_minor": 101, "currency": "GBP"}


async def test_logging_out_closes_and_staying_connected_does_not_lengthen_a_session(world: World) -> None:
    server = await world.start()
    token = await world.token(uuid.uuid4())
    key = world.sessions._key(token)
    await world.redis.pexpire(key, 100_000)
    client = await connect(f"ws://127.0.0.1:{server.port}/ws", subprotocols=[SUBPROTOCOL], proxy=None)
    world.clients.append(client)
    await say(client, op="authenticate", token=token)
    assert (await hear(client))["session_ends_in_s"] <= 100
    await subscribe(client, "price:gold")
    assert 0 < await world.redis.pttl(key) <= 100_000
    await world.sessions.close(token)
    for connection in server.hub._connections:
        connection.checked_at -= 1000
    await server.hub.sweep()
    with pytest.raises(ConnectionClosed) as closed:
        await hear(client)
    assert closed.value.rcvd is not None and closed.value.rcvd.code == Code.SESSION_ENDED


async def test_a_client_that_does_not_read_holds_little_and_keeps_nobody_waiting(world: World) -> None:
    server = await world.start()
    slow, quick = await world.client(server, uuid.uuid4()), await world.client(server, uuid.uuid4())
    for client in (slow, quick):
        await subscribe(client, "price:gold")
    slow.transport.pause_reading()
    (held,) = [one for one in server.hub._connections if one._transport.get_extra_info("peername")
               == slow.transport.get_extra_info("sockname")]  # fmt: skip
    text = "9" * 3000
    most = 0
    for number in range(1500):
        Prices(world.publisher).tick("gold", f"{text}{number}")
        await world.publisher.flush()
        assert (await hear(quick))["data"]["price"].endswith(str(number))
        most = max(most, held._transport.get_write_buffer_size())
        if held.blocked_since is not None and number > 200:
            break
    assert held.blocked_since is not None, "the client's buffers took everything"
    assert most < 128 * 1024
    Prices(world.publisher).tick("gold", "the newest")
    await world.publisher.flush()
    assert (await hear(quick))["data"]["price"] == "the newest"
    slow.transport.resume_reading()
    async with asyncio.timeout(5):
        while (heard := await hear(slow))["data"]["price"] != "the newest":
            pass
    assert heard["seq"] > 1


async def test_what_the_feed_lost_is_fetched_from_the_topics_past(world: World) -> None:
    server = await world.start()
    client = await world.client(server, uuid.uuid4())
    await subscribe(client, "table:t1")
    world.publisher.offer(table("t1"), {"number": 0})
    await world.publisher.flush()
    assert (await hear(client))["seq"] == 1
    # A publisher that died between the topic and the feed.
    feed = world.streams._feed
    world.streams._feed = feed + "-nowhere"
    world.publisher.offer(table("t1"), {"number": 1})
    await world.publisher.flush()
    world.streams._feed = feed
    world.publisher.offer(table("t1"), {"number": 2})
    await world.publisher.flush()
    assert [(await hear(client))["data"]["number"] for _ in range(2)] == [1, 2]


async def test_a_publisher_without_redis_drops_and_goes_on(world: World) -> None:
    publisher = Publisher(Streams(world.redis, "p:"), SystemClock())

    async def fails(*_: Any) -> Any:
        raise ConnectionError("no Redis")

    publisher._streams.append = fails  # type: ignore[method-assign]
    publisher.offer(price("gold"), {"price": "1"})
    assert await publisher.flush() == 1
    assert await publisher.flush() == 0


def start(variables: dict[str, str]) -> subprocess.Popen[bytes]:
    """The process, with an environment that has no database."""
    command = [sys.executable, "-m", "casino", "realtime"]
    return subprocess.Popen(command, env=os.environ | variables, stdout=subprocess.DEVNULL)


async def test_the_process_answers_probes_and_says_goodbye(servers: Any, database: str, tmp_path: Any) -> None:
    port = free_port()
    variables = {k: v for k, v in servers.environment(database).items() if not k.startswith("CASINO_DATABASE")}
    process = start(variables | {"CASINO_REALTIME_PORT": str(port)})
    world = World(servers, database)
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http, asyncio.timeout(60):
            while True:
                try:
                    if (await http.get("/readyz")).status_code == 200:
                        break
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.05)
            assert (await http.get("/healthz")).text == "ok\n"
            assert "casino_realtime_connections" in (await http.get("/metrics")).text
            assert (await http.get("/else")).status_code == 404
            assert (await http.get("/ws")).status_code in (400, 426)
        url = f"ws://127.0.0.1:{port}/ws"
        with pytest.raises(InvalidStatus):
            await connect(url, subprotocols=[SUBPROTOCOL], proxy=None, origin="https://evil.test")
        async with connect(url, subprotocols=[SUBPROTOCOL], proxy=None) as client:
            await say(client, op="authenticate", token=await world.token(uuid.uuid4()))
            assert (await hear(client))["op"] == "authenticated"
            process.send_signal(signal.SIGTERM)
            with pytest.raises(ConnectionClosed) as closed:
                await hear(client)
            assert closed.value.rcvd is not None and closed.value.rcvd.code == Code.GOING_AWAY
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
        await world.close()

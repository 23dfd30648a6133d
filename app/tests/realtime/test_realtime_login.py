"""Real time with the login of Redis that the operator's rules make: it serves, and nothing can be written or listed."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator
from datetime import date
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from casino.kernel.cache import open_redis
from casino.kernel.clock import SystemClock
from casino.kernel.settings import Settings, load_settings
from casino.pam.sessions import SessionStore
from casino.realtime.api import Publisher, Streams, load_realtime_settings
from casino.realtime.protocol import SUBPROTOCOL
from casino.realtime.topics import table
from casino.realtime_server import RealtimeServer
from domicile_operator.bao_documents import realtime_rules
from domicile_operator.names import Names
from redis.asyncio import Redis
from redis.exceptions import NoPermissionError
from websockets.asyncio.client import connect

TENANT = "rt-gb"


@pytest.fixture
async def logins(servers: Any) -> AsyncIterator[tuple[Settings, Settings]]:
    """Settings of the casino, and of real time with its own login, on one Redis."""
    casino = servers.settings("none", CASINO_HOST="127.0.0.1", CASINO_REDIS_PREFIX=Names(TENANT).redis_prefix)
    administrator = open_redis(casino, None)
    await administrator.execute_command(
        "ACL", "SETUSER", "realtime", "reset", "on", ">password", *realtime_rules(Names(TENANT))
    )
    url = urlsplit(casino.redis_url.get_secret_value())
    own = urlunsplit(url._replace(netloc=f"realtime:password@{url.hostname}:{url.port}"))
    yield casino, casino.model_copy(update={"redis_url": type(casino.redis_url)(own)})
    await administrator.execute_command("ACL", "DELUSER", "realtime")
    await administrator.aclose()


async def test_it_serves_with_that_login(logins: tuple[Settings, Settings]) -> None:
    casino, realtime = logins
    redis = open_redis(casino, None)
    sessions = SessionStore(redis, casino, SystemClock(), lambda: 600)
    publisher = Publisher(Streams(redis, casino.redis_prefix), SystemClock())
    token, _ = await sessions.open(uuid.uuid4(), 1, date(1980, 1, 1))
    server = RealtimeServer(realtime, load_realtime_settings(CASINO_REALTIME_PORT=0))
    await server.start()
    try:
        for number in range(3):
            publisher.offer(table("t"), {"number": number})
            await publisher.flush()
        address = f"ws://127.0.0.1:{server.port}/ws"
        async with connect(address, subprotocols=[SUBPROTOCOL], compression=None, proxy=None) as client:

            async def ask(**message: Any) -> Any:
                await client.send(json.dumps(message))
                return json.loads(await client.recv())

            assert (await ask(op="authenticate", token=token))["op"] == "authenticated"
            told = await ask(op="subscribe", topic="table:t")
            assert told["op"] == "subscribed" and told["seq"] == 3
            publisher.offer(table("t"), {"number": 3})
            await publisher.flush()
            assert json.loads(await client.recv())["data"] == {"number": 3}
            after = {"run": told["run"], "seq": 1}
            assert (await ask(op="subscribe", topic="table:t", after=after))["whole"]
            assert [json.loads(await client.recv())["seq"] for _ in range(3)] == [2, 3, 4]
    finally:
        await server.close()
        await redis.aclose()


@pytest.mark.parametrize(
    "command",
    [
        ("SET", f"{TENANT}:session:x", "1"), ("DEL", f"{TENANT}:session:x"), ("PEXPIRE", f"{TENANT}:session:x", "1"),
        ("XADD", f"{TENANT}:realtime:feed", "*", "m", "1"), ("GET", f"{TENANT}:login:x"), ("GET", "other:session:x"),
        ("XRANGE", "other:realtime:feed", "-", "+"), ("SMEMBERS", f"{TENANT}:sessions:x"), ("KEYS", "*"), ("SCAN", "0"),
        ("EVAL", "return 1", "0"), ("PUBLISH", f"{TENANT}:x", "1"), ("ACL", "LIST"), ("CONFIG", "GET", "*"),
    ],
    ids=lambda command: " ".join(command[:2]),
)  # fmt: skip
async def test_it_writes_nothing_lists_nothing_and_reads_nothing_else(
    logins: tuple[Settings, Settings], command: tuple[str, ...]
) -> None:
    async with Redis.from_url(logins[1].redis_url.get_secret_value(), decode_responses=True) as redis:  # type: ignore[union-attr]
        assert await redis.ping()
        with pytest.raises(NoPermissionError):
            await redis.execute_command(*command)


def test_real_time_needs_no_database_and_no_key_for_personal_data() -> None:
    settings = load_settings(
        needs_database=False, BAO_ADDR="https://bao.test", BAO_ROLE="r", CASINO_REDIS_HOST="h", BAO_REDIS_ROLE="r"
    )
    assert settings.bao_transit_key is None

"""Redis goes and comes back empty: play stops safely, everybody logs in again, and no money and no lock is lost."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from casino.dev.run import Child, free_port, redis_command
from fault_testkit import Lane, until_ready


class Redis:
    """A Redis of the test's own, on one port however often it dies."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.port = folder, free_port()
        self._child: Any = None

    def start(self) -> None:
        self._child = Child(redis_command(self.port, self._folder), "Redis", port=self.port)
        self._process = self._child.__enter__()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        self._child.__exit__()


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    server = Redis(tmp_path)
    server.start()
    yield server
    server.stop()


async def test_without_redis_play_stops_and_with_an_empty_one_it_goes_on(open_casino: Any, redis: Redis) -> None:
    casino = await open_casino(
        {"CASINO_REDIS_URL": f"redis://127.0.0.1:{redis.port}/0"}, max_failed_logins=3, lockout_minutes=20
    )
    lane, locked = await Lane.open(casino, 10_000), await casino.player()
    for _ in range(3):
        assert (await lane.bet(secrets.token_hex(8))).status_code == 200
        assert (await casino.login(locked.email, "wrong password")).status_code == 401
    redis.kill()
    ready = await casino.http.get("/readyz")
    assert ready.status_code == 503 and ready.json()["checks"]["redis"].startswith("unreachable")
    # Who a request is from cannot be told: nobody bets, and nobody logs in.
    under_way = [secrets.token_hex(8) for _ in range(4)]
    for answer in await asyncio.gather(*(lane.bet(key) for key in under_way)):
        assert answer.status_code == 503
    refused = await casino.login(lane.player.email)
    assert (refused.status_code, refused.json()["code"]) == (503, "NOT_READY")
    redis.start()
    await until_ready(casino)
    # Sessions are gone with it, and come back with the password alone: nothing that is owed was in Redis.
    gone = await lane.player.spin(10)
    assert (gone.status_code, gone.json()["code"]) == (401, "UNAUTHENTICATED")
    lane.player.token = (await casino.login(lane.player.email)).json()["token"]
    await lane.settle()
    # An account that was locked is locked still: that is in the database.
    assert (await casino.login(locked.email)).status_code == 401


async def test_redis_that_is_emptied_logs_everybody_out_and_loses_no_bet(open_casino: Any, redis: Redis) -> None:
    casino = await open_casino({"CASINO_REDIS_URL": f"redis://127.0.0.1:{redis.port}/0"})
    lane = await Lane.open(casino, 10_000)
    for _ in range(3):
        assert (await lane.bet(secrets.token_hex(8))).status_code == 200
    redis.kill()
    redis.start()
    assert (await lane.player.spin(10)).status_code == 401
    assert (await casino.http.get("/readyz")).status_code == 200
    lane.player.token = (await casino.login(lane.player.email)).json()["token"]
    await lane.settle()

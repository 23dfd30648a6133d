"""Logins of PostgreSQL run out, and are dropped with their sessions, while players play: no request notices."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from casino.grants import MODULES
from casino.kernel.openbao import Grant, Login
from casino.kernel.settings import PspSecret

PREFIX = "casino_test"
ROLES = {f"casino-rotating-{module}": module for module in MODULES}
LIFE_S = 6
"""Of a login, renewals included. In a cell it is a day, of which the last eight hours are left when it is replaced."""
CALLS = ("spin", "wallet", "history", "protection", "spin", "register", "games")
"""Of different modules: each has logins of its own."""
GENERATIONS = 2
"""So many are waited for until they are gone."""


class OpenBao:
    """Gives logins and takes them back, by the statements of the operator's `database/roles/<tenant>-<module>`."""

    def __init__(self, servers: Any) -> None:
        self.servers = servers
        self.numbers = itertools.count(time.time_ns() // 1_000_000)
        self.ended: Counter[str] = Counter()
        """Logins of each module that are gone."""
        self.in_use: list[str] = []
        """What sessions were doing that ended with their login."""
        self.endings: set[asyncio.Task[None]] = set()
        self.generations_gone = asyncio.Event()

    async def end(self, name: str, module: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self.servers.sql(f'ALTER ROLE "{name}" NOLOGIN')
        rows = await self.servers.sql(
            "SELECT application_name || ' ' || state AS doing, pg_terminate_backend(pid) FROM pg_stat_activity"
            f" WHERE usename = '{name}'"
        )
        self.in_use += [row["doing"] for row in rows if not row["doing"].endswith(" idle")]
        await self.servers.sql(f'DROP ROLE "{name}"')
        self.ended[module] += 1
        if all(self.ended[one] >= GENERATIONS for one in MODULES):
            self.generations_gone.set()


class Session:
    """One token, and the leases under it."""

    def __init__(self, bao: OpenBao) -> None:
        self._bao, self._until = bao, time.monotonic() + LIFE_S

    def _grant(self, name: str) -> Grant:
        now = time.monotonic()
        return Grant(name, max(0, round(self._until - now)), now)

    async def login(self) -> Grant:
        return self._grant("token")

    async def renew_token(self, wanted_s: int) -> Grant:
        return self._grant("token")

    async def renew(self, grant: Grant, wanted_s: int) -> Grant:
        return self._grant(grant.id)

    async def issue(self, role: str) -> tuple[Grant, Login]:
        module, name = ROLES[role], f"v_{role}_{next(self._bao.numbers)}"
        await self._bao.servers.sql(f'CREATE ROLE "{name}" LOGIN IN ROLE "{PREFIX}_{module}"')
        ending = asyncio.create_task(self._bao.end(name, module, self._until - time.monotonic()))
        self._bao.endings.add(ending)
        return self._grant(name), Login(name, "p")

    async def read_psp_secret(self, path: str) -> PspSecret:
        given = self._bao.servers
        return PspSecret(merchant_id="casino-dev", secret=given.psp_secret)

    async def revoke(self) -> None:
        return None


@pytest.fixture
async def bao(servers: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[OpenBao]:
    """OpenBao, and a PostgreSQL that lets its logins in over the socket: as in a pod, but without TLS."""
    made, real = OpenBao(servers), asyncpg.connect

    async def connect(*uri: str, **given: Any) -> Any:
        if uri:  # the test's own
            return await real(*uri, **given)
        assert given.pop("password") == "p" and given.pop("ssl") is not None
        for name in ("host", "port", "direct_tls"):
            given.pop(name)
        return await real(servers.uri(given.pop("database")), **given)

    monkeypatch.setattr("casino.kernel.db.asyncpg.connect", connect)
    monkeypatch.setattr("casino.kernel.credentials.BaoSession", lambda _: Session(made))
    yield made
    for ending in made.endings:
        ending.cancel()
    await asyncio.gather(*made.endings, return_exceptions=True)


async def test_no_request_fails_while_logins_are_replaced_and_dropped(
    open_casino: Any, bao: OpenBao, database: str
) -> None:
    provider = json.loads(bao.servers.environment(database)["CASINO_PSP"])[0]
    casino = await open_casino(
        {
            "CASINO_DATABASE_URL": None, "CASINO_DATABASE_HOST": "db.test", "CASINO_DATABASE_NAME": database,
            "BAO_ADDR": "https://bao.test", "BAO_ROLE": "casino-rotating",
            "BAO_DATABASE_ROLES": {module: role for role, module in ROLES.items()},
            "CASINO_PSP": json.dumps([provider | {"secret_path": "cell/psp/sandbox"}]),
        }
    )  # fmt: skip
    statuses: Counter[tuple[str, int]] = Counter()
    over = asyncio.Event()

    async def play(first: int) -> None:
        player = await casino.player(100_000)
        for what in itertools.islice(itertools.cycle(CALLS), first, None):
            if over.is_set():
                return
            match what:
                case "spin":
                    answer = await player.spin(100)
                case "wallet":
                    answer = await player.call("GET", "/wallet")
                case "history":
                    answer = await player.call("GET", "/history?kind=rounds")
                case "protection":
                    answer = await player.call("GET", "/players/me/protection")
                case "register":
                    answer = await casino.register()
                case _:
                    answer = await player.call("GET", "/games")
            statuses[what, answer.status_code] += 1
            await asyncio.sleep(0.01)

    players = [asyncio.create_task(play(first)) for first in range(4)]
    async with asyncio.timeout(60):
        await bao.generations_gone.wait()
    over.set()
    await asyncio.gather(*players)
    assert {status for _, status in statuses} <= {200, 201}, statuses
    assert all(statuses[what, 201 if what == "register" else 200] >= 10 for what in CALLS), statuses
    assert bao.in_use == [], "a session was in use when its login ended: it was replaced too late"

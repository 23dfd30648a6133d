"""Each module logs in by a login of its own, and by the newest one."""

from __future__ import annotations

import asyncio
import itertools
import time
from typing import Any

import asyncpg
import pytest
from casino.grants import MODULES
from casino.kernel.credentials import Credentials
from casino.kernel.db import Databases
from casino.kernel.errors import ConfigurationError
from casino.kernel.openbao import Grant, Login
from casino.kernel.settings import load_settings

PREFIX = "casino_test"
ROLES = {module: f"casino-test-{module}" for module in MODULES}
_generations = itertools.count(1)


class Bao:
    """OpenBao as far as a casino asks it for logins: each is a role of the server, a member of one group."""

    def __init__(self, servers: Any, groups: dict[str, str]) -> None:
        self._servers, self._groups, self._number = servers, groups, next(_generations)

    async def login(self) -> Grant:
        return Grant("token", 3600, time.monotonic())

    async def issue(self, role: str) -> tuple[Grant, Login]:
        name = f"v_{role}_{self._number}"
        await self._servers.sql(f'CREATE ROLE "{name}" LOGIN IN ROLE {PREFIX}_{self._groups[role]}')
        return Grant(role, 3600, time.monotonic()), Login(name, "p")


@pytest.fixture
def settings(servers: Any, database: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Those of a pod, but that PostgreSQL is reached over its socket, and without TLS."""
    real = asyncpg.connect

    async def connect(*uri: str, **given: Any) -> Any:
        if uri:  # the test's own
            return await real(*uri, **given)
        assert given.pop("password") == "p" and given.pop("ssl") is not None
        for name in ("host", "port", "direct_tls"):
            given.pop(name)
        return await real(servers.uri(given.pop("database")), **given)

    monkeypatch.setattr("casino.kernel.db.asyncpg.connect", connect)
    return load_settings(
        needs_redis=False, BAO_ADDR="https://bao.test", BAO_ROLE="casino-test", BAO_DATABASE_ROLES=ROLES,
        CASINO_DATABASE_HOST="db.test", CASINO_DATABASE_NAME=database, CASINO_DATABASE_ROLE_PREFIX=PREFIX,
    )  # fmt: skip


WHO = "SELECT session_user || ' as ' || current_user"


async def test_every_pool_has_its_own_login_and_changes_to_the_newest(servers: Any, settings: Any) -> None:
    groups = {role: module for module, role in ROLES.items()}
    credentials = Credentials(settings, list(ROLES.values()), session=lambda: Bao(servers, groups))  # type: ignore[arg-type,return-value]
    await credentials.start()
    databases = Databases(settings, credentials, MODULES, {"wallet": 2})
    await databases.open()
    first = [await databases.of(module).pool.fetchval(WHO) for module in MODULES]
    number = first[0].split("_")[2].split(" ")[0]
    assert first == [f"v_{ROLES[module]}_{number} as {PREFIX}_{module}" for module in MODULES]
    held = await databases.of("wallet").pool.acquire()  # a bet that is under way
    await credentials._replace()
    assert await held.fetchval(WHO) == first[MODULES.index("wallet")], "it finishes on the old one"
    await databases.of("wallet").pool.release(held)
    second = await asyncio.gather(*(databases.of(module).pool.fetchval(WHO) for module in MODULES))
    assert second == [who.replace(f"_{number} ", f"_{int(number) + 1} ") for who in first]
    await databases.close()


async def test_a_login_that_is_in_no_group_or_another_modules_serves_nobody(servers: Any, settings: Any) -> None:
    swapped = dict.fromkeys(ROLES.values(), "pam")
    credentials = Credentials(settings, list(ROLES.values()), session=lambda: Bao(servers, swapped))  # type: ignore[arg-type,return-value]
    await credentials.start()
    databases = Databases(settings, credentials, MODULES, {"wallet": 2})
    with pytest.raises(
        ConfigurationError, match=f"login of wallet is no member of the database's role {PREFIX}_wallet"
    ):
        await databases.open()
    await databases.close()


def test_a_pod_without_a_login_for_a_module_says_which(settings: Any) -> None:
    with pytest.raises(ConfigurationError, match="BAO_DATABASE_ROLES names no database role of OpenBao for tax"):
        settings.bao_role_of("tax")
    with pytest.raises(ConfigurationError, match="BAO_DATABASE_ROLE names no"):
        settings.bao_role_of("owner")

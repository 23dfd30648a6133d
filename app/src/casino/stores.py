"""The stores of a process: credentials that are renewed while it runs, a pool for each module."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from casino.grants import MODULES
from casino.kernel.credentials import Credentials
from casino.kernel.db import Databases
from casino.kernel.settings import Settings
from casino.kernel.tasks import end

KEPT = {"wallet": 2}
"""Connections that the pool of every bet keeps; the other pools are empty at rest."""


def credentials_of(settings: Settings, *, redis: bool = True) -> Credentials | None:
    """What OpenBao gives this process: a login for each module, and for Redis. None with development URLs."""
    if not settings.uses_openbao:
        return None
    roles = [settings.bao_redis_role] if redis and settings.bao_redis_role else []
    if settings.database_url is None:
        roles += [settings.bao_role_of(module) for module in MODULES]
    return Credentials(settings, roles, [path for path in (settings.bao_redis_secret,) if redis and path])


@dataclass(frozen=True, slots=True)
class Stores:
    """A pool for each module, and the credentials that they are opened with."""

    databases: Databases
    credentials: Credentials | None


@asynccontextmanager
async def open_stores(settings: Settings, *, redis: bool = False) -> AsyncIterator[Stores]:
    """The stores, for a command; what was issued for it is renewed meanwhile, and given back at the end."""
    credentials = credentials_of(settings, redis=redis)
    renewing = None
    if credentials is not None:
        await credentials.start()
        renewing = asyncio.create_task(credentials.run())
    databases = Databases(settings, credentials, MODULES, {})
    try:
        await databases.open()
        yield Stores(databases, credentials)
    finally:
        with suppress(Exception):
            await asyncio.wait_for(databases.close(), 10)
        if renewing is not None:
            await end([renewing])
        if credentials is not None:
            await credentials.close()

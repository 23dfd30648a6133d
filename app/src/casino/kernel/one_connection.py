"""One connection for a command: as a module or the owner, with credentials that are given back afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from casino.kernel.credentials import Credentials
from casino.kernel.db import connect
from casino.kernel.errors import ConfigurationError
from casino.kernel.settings import Settings

T = TypeVar("T")


async def with_connection(settings: Settings, member: str, use: Callable[[Any], Awaitable[T]], attempts: int = 5) -> T:
    """What `use` answers of a connection. Raises ConfigurationError when the database does not answer."""
    credentials = None
    if settings.uses_openbao and settings.database_url is None:
        credentials = Credentials(settings, [settings.bao_role_of(member)])
        await credentials.start()
    try:
        connection = await _connect_patiently(lambda: connect(settings, credentials, member), attempts)
        try:
            return await use(connection)
        finally:
            await connection.close()
    finally:
        if credentials is not None:
            await credentials.close()


async def _connect_patiently(connect: Callable[[], Awaitable[Any]], attempts: int) -> Any:
    for attempt in range(attempts):
        try:
            return await connect()
        except OSError as error:
            if attempt == attempts - 1:
                raise ConfigurationError(f"the database does not answer: {error}") from error
            await asyncio.sleep(0.5 * 2**attempt)
    raise AssertionError("unreachable")

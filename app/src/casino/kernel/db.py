"""The connection pool of PostgreSQL. SQL itself is in each module's repository.py."""

from __future__ import annotations

import logging
import ssl
from typing import Any

import asyncpg

from casino.kernel.credentials import Credentials
from casino.kernel.settings import Settings

log = logging.getLogger(__name__)

_SERVER_SETTINGS = {
    "application_name": "casino",
    "TimeZone": "UTC",
    # The statements are short and prepared: compiling them costs more than they take.
    "jit": "off",
    "statement_timeout": "10s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "30s",
}


async def connect(settings: Settings, credentials: Credentials | None, role_suffix: str, **kwargs: Any) -> Any:
    """One connection, as the group role `<database><role_suffix>` where that exists.

    A login is a short-lived member of the group role. What it makes must belong to the group, or nobody could
    drop the login when it runs out.
    """
    kwargs.setdefault("timeout", 10)
    kwargs["server_settings"] = _SERVER_SETTINGS | kwargs.get("server_settings", {})
    if settings.database_url is not None:
        connection = await asyncpg.connect(settings.database_url.get_secret_value(), **kwargs)
    else:
        assert credentials is not None and settings.bao_database_role is not None
        login = credentials.login(settings.bao_database_role)
        context = ssl.create_default_context(cafile=str(settings.ca_file) if settings.ca_file else None)
        connection = await asyncpg.connect(
            host=settings.database_host,
            port=settings.database_port,
            database=settings.database_name,
            user=login.username,
            password=login.password,
            ssl=context,  # checks chain and host name: libpq's verify-full
            direct_tls=False,
            **kwargs,
        )
    try:
        await _assume_group_role(connection, role_suffix)
    except BaseException:
        await connection.close()
        raise
    return connection


async def _assume_group_role(connection: Any, suffix: str) -> None:
    group = await connection.fetchval(
        """SELECT rolname FROM pg_roles
           WHERE rolname = current_database() || $1 AND pg_has_role(session_user, oid, 'MEMBER')""",
        suffix,
    )
    if group is not None:
        quoted = '"' + group.replace('"', '""') + '"'
        await connection.execute(f"SET ROLE {quoted}")


class Database:
    """A pool whose new connections always use the newest credentials."""

    def __init__(self, settings: Settings, credentials: Credentials | None) -> None:
        self._settings = settings
        self._credentials = credentials
        self._pool: Any = None

    @property
    def pool(self) -> Any:
        """The asyncpg pool; `acquire()`, `fetch*()` and `execute()` as there."""
        if self._pool is None:
            raise RuntimeError("the database is used before open()")
        return self._pool

    async def open(self) -> None:
        async def connect_(*_: Any, **kwargs: Any) -> Any:
            kwargs = {k: v for k, v in kwargs.items() if k in ("loop", "connection_class", "record_class")}
            try:
                return await connect(self._settings, self._credentials, "_app", **kwargs)
            except asyncpg.PostgresError as error:
                # Whatever the server's reason not to let us in: for a request it is an outage.
                raise ConnectionError(f"PostgreSQL refused a connection: {type(error).__name__}") from error

        async def reset(_: Any) -> None:
            """Nothing: no session state is left behind, and asyncpg's reset is one more round trip per bet."""

        self._pool = await asyncpg.create_pool(
            min_size=2,
            max_size=self._settings.database_pool_size,
            connect=connect_,
            reset=reset,
            max_inactive_connection_lifetime=300,
        )
        if self._credentials is not None:
            self._credentials.subscribe(self._expire)

    async def _expire(self) -> None:
        await self.pool.expire_connections()

    async def close(self) -> None:
        """Wait for what is running, then close."""
        if self._pool is not None:
            await self._pool.close()

"""Connections to PostgreSQL: a pool for each module, by a login that reaches that module's schema alone (ADR 31).

SQL itself is in each module's repository.py.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg

from casino.kernel.credentials import Credentials
from casino.kernel.errors import ConfigurationError
from casino.kernel.settings import Settings

log = logging.getLogger(__name__)

OWNER = "owner"
"""Who migrates: owns what there is, and serves nobody."""
IDLE_S = 30.0
"""How long a connection that nobody uses is kept, beyond a pool's minimum."""
_SERVER_SETTINGS = {
    "TimeZone": "UTC",
    # The statements are short and prepared: compiling them costs more than they take.
    "jit": "off",
    "statement_timeout": "10s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "30s",
}


async def connect(settings: Settings, credentials: Credentials | None, member: str, **kwargs: Any) -> Any:
    """One connection, as the group role `<prefix>_<member>`; `member` is a module or OWNER.

    A login is a short-lived member of the group role. What it makes must belong to the group, or nobody could drop
    the login when it runs out. Raises ConfigurationError when the login is no member, where the roles must be there
    (`Settings.needs_database_roles`); in development that role is then left out.

    Where several hosts are named, they are asked one after the other for the one that takes writes: after a fail-over
    the casino finds the new primary by itself, and never serves from a standby.
    """
    kwargs.setdefault("timeout", 10)
    kwargs["server_settings"] = (
        _SERVER_SETTINGS | {"application_name": f"casino {member}"} | kwargs.get("server_settings", {})
    )
    kwargs.setdefault("target_session_attrs", "read-write")
    if settings.database_url is not None:
        connection = await asyncpg.connect(settings.database_url.get_secret_value(), **kwargs)
    else:
        assert credentials is not None
        login = credentials.login(settings.bao_role_of(member))
        context = ssl.create_default_context(cafile=str(settings.ca_file) if settings.ca_file else None)
        connection = await asyncpg.connect(
            host=settings.database_hosts,
            port=settings.database_port,
            database=settings.database_name,
            user=login.username,
            password=login.password,
            ssl=context,  # checks chain and host name: libpq's verify-full
            direct_tls=False,
            **kwargs,
        )
    try:
        await _assume_group_role(connection, settings, member)
    except BaseException:
        await connection.close()
        raise
    return connection


async def _assume_group_role(connection: Any, settings: Settings, member: str) -> None:
    if member != OWNER and not settings.needs_database_roles:
        return
    name, is_member = await connection.fetchrow(
        """SELECT name, EXISTS (SELECT FROM pg_roles
                                WHERE rolname = name AND pg_has_role(session_user, oid, 'MEMBER'))
           FROM (SELECT coalesce($1, current_database()) || '_' || $2 AS name) AS wanted""",
        settings.database_role_prefix,
        member,
    )
    if is_member:
        quoted = '"' + name.replace('"', '""') + '"'
        await connection.execute(f"SET ROLE {quoted}")
    elif settings.needs_database_roles:
        raise ConfigurationError(f"the login of {member} is no member of the database's role {name}")


class Database:
    """One module's pool. Its new connections always use the newest credentials; none is made before it is needed."""

    def __init__(
        self, settings: Settings, credentials: Credentials | None, module: str, *, size: int, minimum: int = 0
    ) -> None:
        self._settings = settings
        self._credentials = credentials
        self._pool: Any = None
        self.module = module
        self.size = size
        self.minimum = minimum

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
                return await connect(self._settings, self._credentials, self.module, **kwargs)
            except (asyncpg.PostgresError, asyncpg.InternalClientError) as error:
                # Whatever the server's reason not to let us in: for a request it is an outage.
                raise ConnectionError(f"PostgreSQL refused a connection: {type(error).__name__}") from error

        async def reset(_: Any) -> None:
            """Nothing: no session state is left behind, and asyncpg's reset is one more round trip per bet."""

        self._pool = await asyncpg.create_pool(
            min_size=self.minimum,
            max_size=self.size,
            connect=connect_,
            reset=reset,
            max_inactive_connection_lifetime=IDLE_S,
        )
        if self._credentials is not None:
            self._credentials.subscribe(self._expire)

    async def _expire(self) -> None:
        await self.pool.expire_connections()

    async def close(self) -> None:
        """Wait for what is running, then close."""
        if self._pool is not None:
            await self._pool.close()


def pool_sizes(
    budget: int, modules: Sequence[str], given: Mapping[str, int], minimum: Mapping[str, int]
) -> dict[str, int]:
    """How many connections each module's pool may have at most, within one budget for the process.

    `given` are the sizes that a setting names. Of the rest, a pool without a `minimum` gets a tenth of the budget,
    and those with one, which are the busy ones, share what remains. Raises ConfigurationError when the budget does
    not hold them all.
    """
    unknown = sorted(set(given) - set(modules))
    if unknown:
        raise ConfigurationError(f"CASINO_DATABASE_POOL_SIZES names no module of this process: {', '.join(unknown)}")
    sizes = dict(given)
    for module in modules:
        if module not in minimum:
            sizes.setdefault(module, max(1, budget // 10))
    busy = [module for module in modules if module not in sizes]
    rest = budget - sum(sizes.values())
    for place, module in enumerate(busy):
        sizes[module] = rest // len(busy) + (1 if place < rest % len(busy) else 0)
    short = [module for module in modules if sizes[module] < max(1, minimum.get(module, 0))]
    if short or sum(sizes.values()) > budget:
        raise ConfigurationError(
            f"{budget} connections (CASINO_DATABASE_CONNECTIONS) are too few for the pools of {len(modules)} modules"
            + (f": nothing is left for {', '.join(short)}" if short else "")
        )
    return sizes


class Databases:
    """The pools of a process: one for each module that it serves, together within one budget of connections.

    `minimum`: how many connections the pools of busy modules keep. The other pools are empty at rest.
    """

    def __init__(
        self,
        settings: Settings,
        credentials: Credentials | None,
        modules: Sequence[str],
        minimum: Mapping[str, int],
    ) -> None:
        sizes = pool_sizes(settings.database_connections, modules, settings.database_pool_sizes, minimum)
        self._settings = settings
        self._pools = {
            module: Database(settings, credentials, module, size=sizes[module], minimum=minimum.get(module, 0))
            for module in modules
        }
        self.warmest = max(self._pools.values(), key=lambda pool: pool.minimum)
        """The pool that has connections anyway: who only wants to know whether the server is there asks this one."""

    def of(self, module: str) -> Database:
        """The module's pool."""
        return self._pools[module]

    async def open(self) -> None:
        """Open every pool; only those with a minimum connect. Raises ConfigurationError when a role is missing."""
        for pool in self._pools.values():
            await pool.open()
        if self._settings.needs_database_roles:
            rows = await self.warmest.pool.fetch(
                """SELECT name FROM unnest($2::text[]) AS module,
                       LATERAL (SELECT coalesce($1, current_database()) || '_' || module AS name) AS wanted
                   WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)""",
                self._settings.database_role_prefix,
                list(self._pools),
            )
            if rows:
                missing = ", ".join(row["name"] for row in rows)
                raise ConfigurationError(f"the database's roles {missing} are missing: the operator makes them")

    async def close(self) -> None:
        """Wait for what is running, then close."""
        for pool in self._pools.values():
            await pool.close()

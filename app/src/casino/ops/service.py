"""Readiness: whether the casino can take players right now, and what it lacks otherwise."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from redis.asyncio import Redis

from casino.compliance.api import RulesInForce
from casino.kernel.db import Database
from casino.kernel.metrics import READY
from casino.migrate import is_current

log = logging.getLogger(__name__)

CHECK_S = 2.0


class Readiness:
    """Asks each store, with a short time-out."""

    def __init__(self, database: Database, redis: Redis, games: Callable[[], str], rules: RulesInForce) -> None:
        self._database = database
        self._redis = redis
        self._games = games
        self._rules = rules

    async def check(self) -> dict[str, str]:
        """Each check's answer: `ok`, or what is wrong. The words are for an operator and hold no addresses."""
        database, redis = await asyncio.gather(
            _probe("database", self._check_database()), _probe("redis", self._check_redis())
        )
        checks = {"database": database, "redis": redis, "rules": "ok"}
        checks["games"] = self._games()
        READY.set(1 if all(value == "ok" for value in checks.values()) else 0)
        return checks

    def warnings(self) -> dict[str, str]:
        """What needs somebody's eyes and is no reason to turn players away."""
        fault = self._rules.fault
        return {} if fault is None else {"rules": f"the rules in place are not in force: {fault}"}

    async def _check_database(self) -> str:
        return "ok" if await is_current(self._database.pool) else "migrations are missing"

    async def _check_redis(self) -> str:
        await self._redis.ping()
        return "ok"


async def _probe(name: str, check: Awaitable[str]) -> str:
    try:
        async with asyncio.timeout(CHECK_S):
            return await check
    except Exception as error:
        log.warning("readiness check failed", extra={"check": name, "error": type(error).__name__})
        return f"unreachable: {type(error).__name__}"

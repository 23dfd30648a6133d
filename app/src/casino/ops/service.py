"""Readiness: whether the casino can take players right now, and what it lacks otherwise."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from redis.asyncio import Redis

from casino.compliance.api import RulesInForce
from casino.kernel.clock import Clock
from casino.kernel.db import Database
from casino.kernel.metrics import CLOCK_SKEW, READY
from casino.migrate import is_current
from casino.wallet.api import OperationInForce

log = logging.getLogger(__name__)

CHECK_S = 2.0
MOST_SKEW_S = 5.0
"""How far the casino's clock and the database's may be apart before somebody is told (docs/faults.md)."""


class Readiness:
    """Asks each store, with a short time-out."""

    def __init__(
        self,
        database: Database,
        redis: Redis,
        games: Callable[[], str],
        rules: RulesInForce,
        operation: OperationInForce,
        *,
        clock: Clock,
    ) -> None:
        self._operation = operation
        self._database = database
        self._redis = redis
        self._games = games
        self._rules = rules
        self._clock = clock
        self._skew_s = 0.0

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
        told = {}
        if self._rules.fault is not None:
            told["rules"] = f"the rules in place are not in force: {self._rules.fault}"
        register = self._rules.current.parameters.get("self_exclusion_register")
        if register and self._rules.current.exclusion_register is None:
            told["exclusion_register"] = (
                f"the law has {register} asked, and the rules leave it out: nobody is looked up"
            )
        if self._operation.fault is not None:
            told["operation"] = self._operation.fault
        if abs(self._skew_s) > MOST_SKEW_S:
            way = "ahead of" if self._skew_s > 0 else "behind"
            told["clock"] = f"the casino's clock is {abs(self._skew_s):.0f} s {way} the database's"
        return told

    async def _check_database(self) -> str:
        begun = self._clock.now()
        theirs = await self._database.pool.fetchval("SELECT clock_timestamp()")
        # The database was asked between two moments of ours; how long that took is no skew.
        ended = self._clock.now()
        self._skew_s = (
            min(((begun - theirs).total_seconds(), (ended - theirs).total_seconds()), key=abs)
            if not begun <= theirs <= ended
            else 0.0
        )
        CLOCK_SKEW.set(self._skew_s)
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

"""Builds the parts and puts them together; takes them apart at the end."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from datetime import timedelta
from typing import Literal

from fastapi import FastAPI
from redis.asyncio import Redis

from casino.backoffice.identities import AccountIdentities, PayoutNames
from casino.compliance.api import RulesInForce
from casino.gal.api import (
    Games,
    JackpotPlay,
    Launches,
    LiveRepository,
    LiveTables,
    Rounds,
    StudioPlay,
    Studios,
    build_jackpots,
    build_studios,
    load_tables,
)
from casino.game_control.api import (
    FairSeeds,
    GameControl,
    Overseer,
    RandomNumberGenerator,
    build_fair_seeds,
    build_oversight,
)
from casino.grants import MODULES
from casino.kernel.cache import open_redis
from casino.kernel.clock import Clock
from casino.kernel.container import Container
from casino.kernel.credentials import Credentials, psp_secrets, studio_secrets
from casino.kernel.db import Databases
from casino.kernel.errors import ConfigurationError
from casino.kernel.identity import Authenticator
from casino.kernel.settings import Settings
from casino.kernel.tasks import end
from casino.migrate import is_current
from casino.ops.api import PlayerHistory, Readiness, Reports
from casino.pam.api import PlayerAccounts, PlayerModule
from casino.pam.api import build as build_pam
from casino.realtime.api import RealityChecks, load_realtime_settings
from casino.realtime_feed import Feed
from casino.responsible_gaming.api import ResponsibleGaming, build_protection, open_register_key
from casino.stores import KEPT, credentials_of
from casino.wallet.api import (
    Connection,
    DepositGuard,
    GameRounds,
    Ledger,
    LedgerMoney,
    OperationInForce,
    Payments,
    Play,
    PlayerLimits,
    Standings,
    Wallet,
    build_connections,
    build_operation,
    build_payments,
    build_play,
    build_rounds,
)
from casino.wallet.api import build as build_wallet
from casino.work import Worker

log = logging.getLogger(__name__)

RETRY_MAX_S = 10.0
Kind = Literal["api", "worker", "all"]
"""What a process does: serve players, do what is done in the background, or, alone on a machine, both."""
MESSAGES_INTERVAL_S = 5.0
READERS = {"responsible_gaming": 4}
"""Connections of a worker where readers of events have transactions of their own beside the reader's: two readers do at
one moment, and with fewer each would hold what the other waits for."""


class Runtime:
    """The parts that have connections. `run()` brings them up, however long the stores take, and keeps them."""

    def __init__(
        self, app: FastAPI, settings: Settings, rules: RulesInForce, games: GameControl, clock: Clock, *, kind: Kind
    ) -> None:
        self._app = app
        self._kind = kind
        self._settings = settings
        self._rules = rules
        self._games = games
        self._clock = clock
        self._credentials: Credentials | None = None
        self._databases: Databases | None = None
        self._redis: Redis | None = None
        self._connections: dict[str, Connection] = {}
        self._players: PlayerModule | None = None
        self._protection: ResponsibleGaming | None = None
        self._studios: Studios | None = None
        self._tasks: list[asyncio.Task[None]] = []
        rules.before_change(games.readmit)

    async def run(self) -> None:
        """Start, and try again when a store is not there yet: readiness says so meanwhile."""
        delay = 0.2
        while True:
            try:
                await self._start()
            except Exception as error:
                log.warning(
                    "start failed; trying again", extra={"error": type(error).__name__, "reason": _reason(error)}
                )
                await self._close_parts()
                await asyncio.sleep(delay)
                delay = min(delay * 2, RETRY_MAX_S)
            else:
                log.info(
                    "started", extra={"tenant": self._settings.tenant, "jurisdiction": self._rules.current.jurisdiction}
                )
                return

    async def close(self) -> None:
        """Close everything, after the requests that were under way."""
        self._app.state.container = None
        await self._close_parts()
        log.info("closed")

    async def _start(self) -> None:
        settings = self._settings
        self._credentials = credentials_of(settings)
        if self._credentials is not None:
            await self._credentials.start()
            self._tasks.append(asyncio.create_task(self._credentials.run()))
        secrets = await psp_secrets(settings, self._credentials)
        self._connections = build_connections(settings, secrets, self._clock)
        databases = self._databases = Databases(self._pools(), self._credentials, MODULES, KEPT)
        await databases.open()
        if not await is_current(databases.warmest.pool):
            raise ConfigurationError("the database lacks migrations: run `python -m casino migrate`")
        self._redis = open_redis(settings, self._credentials)
        await self._redis.ping()

        parts = Container()
        parts.put(Settings, settings)
        parts.put(RulesInForce, self._rules)
        parts.put(Clock, self._clock)  # type: ignore[type-abstract]  # mypy: a protocol is as good a key as a class
        # Before anybody is answered: what the file says binds in the ledger from here on.
        operation = parts.put(OperationInForce, await build_operation(databases.of("wallet"), settings, self._clock))
        money = await build_wallet(
            databases.of("wallet"), self._rules.current.currency, self._rules.current.currency_exponent, operation
        )
        parts.put(Wallet, money)
        ledger = parts.put(Ledger, Ledger(databases.of("wallet"), operation))
        players = self._players = await build_pam(
            database=databases.of("pam"),
            redis=self._redis,
            settings=settings,
            wallet=money,
            standings=Standings(databases.of("wallet")),
            rules=self._rules,
            clock=self._clock,
            operation=operation,
            credentials=self._credentials,
        )
        self._put_payments(parts, databases, ledger, players)
        parts.put(PlayerModule, players)
        parts.put(PlayerAccounts, players.accounts)
        parts.put(Authenticator, players.accounts)  # type: ignore[type-abstract]
        protection = await self._protect(parts, databases, players, money)
        parts.put(GameControl, self._games)
        await self._oversee(parts, databases)
        jackpots = build_jackpots(self._games, databases.of("gal"), databases.of("wallet"), money.currency, self._clock)
        parts.put(Games, Games(self._games, money, self._rules, self._clock, parts.put(JackpotPlay, jackpots)))
        self._put_rounds(parts, databases, money, jackpots, players)
        self._put_live(parts, databases, ledger)
        studios = self._studios = await build_studios(
            settings=settings,
            secrets=await studio_secrets(settings, self._credentials),
            database=databases.of("gal"),
            play=parts.put(
                Play, build_play(databases.of("wallet"), money.currency, money.currency_exponent, operation)
            ),
            rules=self._rules,
            clock=self._clock,
        )
        parts.put(Studios, studios)
        parts.put(StudioPlay, studios.play)
        parts.put(Launches, studios.launches)
        parts.put(
            Readiness,
            Readiness(databases.warmest, self._redis, self._games.health, self._rules, operation, clock=self._clock),
        )
        self._tasks.append(asyncio.create_task(self._rules.watch(settings.rules_poll_s)))
        self._tasks.append(asyncio.create_task(operation.watch(settings.rules_poll_s)))
        if self._kind != "api":
            feed = Feed(self._redis, settings.redis_prefix, databases, self._clock, load_realtime_settings().prices_url)
            protection.presence.checks = RealityChecks(feed.publisher)
            self._tasks.append(asyncio.create_task(feed.run()))
            self._tasks.append(asyncio.create_task(players.messages.run(MESSAGES_INTERVAL_S)))
            self._tasks.append(asyncio.create_task(Worker(parts, databases).run()))
        self._app.state.container = parts

    def _pools(self) -> Settings:
        sizes = (
            self._settings.database_pool_sizes if self._kind == "api" else READERS | self._settings.database_pool_sizes
        )
        return self._settings.model_copy(update={"database_pool_sizes": sizes})

    def _put_live(self, parts: Container, databases: Databases, ledger: Ledger) -> None:
        tables, repository = load_tables(), LiveRepository(databases.of("gal"))
        draw = RandomNumberGenerator(personalisation=f"casino {self._settings.tenant} live").below
        operation = parts.get(OperationInForce)
        live = LiveTables(tables, repository, ledger, draw, self._clock, operation=operation)
        parts.put(LiveTables, live)
        if tables and self._kind != "api":
            self._tasks.append(asyncio.create_task(live.run()))

    def _put_payments(self, parts: Container, databases: Databases, ledger: Ledger, players: PlayerModule) -> None:
        payments = build_payments(
            databases.of("wallet"),
            self._connections,
            self._settings,
            self._rules,
            money=LedgerMoney(ledger),
            clock=self._clock,
            identities=AccountIdentities(players),
            owners=PayoutNames(players, self._settings.licence_holder, self._settings.tenant),
            operation=parts.get(OperationInForce),
        )
        parts.put(Payments, payments)

    async def _oversee(self, parts: Container, databases: Databases) -> None:
        """No game is offered before it is known what was decided about it; and what operations read."""
        overseer = build_oversight(databases.of("game_control"), self._games, self._rules, self._clock)
        await parts.put(Overseer, overseer).start()
        self._tasks.append(asyncio.create_task(overseer.watch()))
        parts.put(PlayerHistory, PlayerHistory(databases.of("ops")))
        parts.put(Reports, Reports(databases.of("ops")))

    def _put_rounds(
        self, parts: Container, databases: Databases, money: Wallet, jackpots: JackpotPlay, players: PlayerModule
    ) -> None:
        operation = parts.get(OperationInForce)
        rounds = parts.put(
            GameRounds, build_rounds(databases.of("wallet"), money.currency, money.currency_exponent, operation)
        )
        seal, database = players.hidden_state, databases.of("game_control")
        seeds = parts.put(FairSeeds, build_fair_seeds(database, self._games, rounds.statuses, seal))
        completion = timedelta(seconds=self._settings.round_completion_s)
        parts.put(
            Rounds,
            Rounds(
                control=self._games,
                rounds=rounds,
                seeds=seeds,
                jackpots=jackpots,
                seal=seal,
                rules=self._rules,
                clock=self._clock,
                completion=completion,
            ),
        )

    async def _protect(
        self, parts: Container, databases: Databases, players: PlayerModule, wallet: Wallet
    ) -> ResponsibleGaming:
        self._protection = build_protection(
            database=databases.of("responsible_gaming"),
            wallet_database=databases.of("wallet"),
            wallet=wallet,
            players=players,
            settings=self._settings,
            rules=self._rules,
            clock=self._clock,
            register_key=await open_register_key(self._settings, self._credentials),
        )
        parts.put(ResponsibleGaming, self._protection)
        parts.put(DepositGuard, self._protection)  # type: ignore[type-abstract]
        parts.put(PlayerLimits, self._protection.bindings)
        return self._protection

    async def _close_parts(self) -> None:
        await end(self._tasks)
        self._tasks.clear()
        for connection in self._connections.values():
            await connection.close()
        self._connections = {}
        if self._players is not None:
            await self._players.close()
            self._players = None
        if self._protection is not None:
            await self._protection.close()
            self._protection = None
        if self._studios is not None:
            await self._studios.close()
            self._studios = None
        if self._databases is not None:
            with suppress(Exception):
                await asyncio.wait_for(self._databases.close(), 10)
            self._databases = None
        if self._redis is not None:
            with suppress(Exception):
                await self._redis.aclose()
            self._redis = None
        if self._credentials is not None:
            await self._credentials.close()
            self._credentials = None


def _reason(error: Exception) -> str:
    """What to tell of a failed start. Only our own messages: another's may quote a URL with its password."""
    return str(error) if isinstance(error, ConfigurationError) else ""

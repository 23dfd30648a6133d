"""The ASGI application: routers, error handlers, the request layer, and the life of the process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.types import ASGIApp

from casino import __version__
from casino.backoffice.api import (
    free_rounds_router,
    games_router,
    reports_router,
    staff_operation_router,
    staff_payments_router,
    staff_rounds_router,
)
from casino.bootstrap import Kind, Runtime
from casino.compliance.api import RulesInForce
from casino.gal.api import SPIN, fair_router, jackpots_router, live_router, rounds_router, studio_router
from casino.gal.api import router as gal_router
from casino.game_control.api import GameControl
from casino.game_control.api import build as build_games
from casino.kernel.clock import Clock, SystemClock
from casino.kernel.error_handlers import add_error_handlers
from casino.kernel.fast_lane import FastLane
from casino.kernel.logs import configure_logging
from casino.kernel.metrics import RELEASE
from casino.kernel.middleware import RequestLayer
from casino.kernel.settings import Settings, load_settings
from casino.kernel.tasks import end
from casino.ops.api import history_router
from casino.ops.api import router as ops_router
from casino.pam.api import check_configuration, staff_players_router, staff_router
from casino.pam.api import router as pam_router
from casino.responsible_gaming.api import check_protection
from casino.responsible_gaming.api import router as protection_router
from casino.responsible_gaming.api import staff_router as protection_staff_router
from casino.wallet.api import payments_router
from casino.wallet.api import router as wallet_router
from casino.web.endpoints import add_static_files
from casino.web.endpoints import router as web_router


class Application(FastAPI):
    """FastAPI with our layers around it rather than within it: a bet does not pass what it has no need of."""

    def build_middleware_stack(self) -> ASGIApp:
        lane = FastLane(super().build_middleware_stack(), application=self, route=SPIN)
        return RequestLayer(lane, connects_to=self.state.connects_to)


def create_app(
    settings: Settings,
    rules: RulesInForce,
    *,
    games: GameControl | None = None,
    clock: Clock | None = None,
    kind: Kind = "api",
) -> FastAPI:
    """The application of a kind of process; a worker's answers no players.

    Rules and games are checked here, so that a casino without lawful ones never listens.

    Raises ConfigurationError, RngFailure.
    """
    clock = clock or SystemClock()
    if settings.release:
        RELEASE.labels(settings.release).set(1)
    check_configuration(settings, rules.current)
    check_protection(settings, rules.current)
    games = games or build_games(rules.current, settings.tenant)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        runtime = Runtime(app, settings, rules, games, clock, kind=kind)
        starting = asyncio.create_task(runtime.run())
        try:
            yield
        finally:
            await end([starting])
            await runtime.close()

    app = Application(
        title=settings.brand,
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        separate_input_output_schemas=False,
    )
    app.state.container = None
    app.state.draining = False
    app.state.connects_to = (settings.realtime_url or "").removesuffix("/ws")
    app.include_router(ops_router)
    if kind != "worker":
        routers = (
            pam_router,
            staff_router,
            games_router,
            reports_router,
            history_router,
            staff_players_router,
            protection_router,
            protection_staff_router,
            wallet_router,
            payments_router,
            staff_payments_router,
            gal_router,
            jackpots_router,
            rounds_router,
            fair_router,
            staff_rounds_router,
            staff_operation_router,
            free_rounds_router,
            live_router,
            studio_router,
            web_router,
        )
        for router in routers:
            app.include_router(router)
        add_static_files(app)
    add_error_handlers(app)
    return app


def create_app_from_environment() -> FastAPI:
    """For servers that want a factory (`python -m casino dev` reloads this): one process that does everything."""
    settings = load_settings()
    configure_logging(settings.log_level)
    return create_app(settings, RulesInForce.read(settings.rules_path), kind="all")

"""The ASGI application: routers, error handlers, the request layer, and the life of the process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI

from casino import __version__
from casino.bootstrap import Runtime
from casino.compliance.api import Rules, load_rules
from casino.gal.api import router as gal_router
from casino.game_control.api import GameControl
from casino.game_control.api import build as build_games
from casino.kernel.clock import Clock, SystemClock
from casino.kernel.error_handlers import add_error_handlers
from casino.kernel.logs import configure_logging
from casino.kernel.middleware import RequestLayer
from casino.kernel.settings import Settings, load_settings
from casino.ops.api import router as ops_router
from casino.pam.api import router as pam_router
from casino.wallet.api import router as wallet_router
from casino.web.endpoints import add_static_files
from casino.web.endpoints import router as web_router


def create_app(
    settings: Settings, rules: Rules, *, games: GameControl | None = None, clock: Clock | None = None
) -> FastAPI:
    """The application. Rules and games are checked here, so that a casino without lawful ones never listens.

    Raises ConfigurationError, RngFailure.
    """
    clock = clock or SystemClock()
    games = games or build_games(rules, settings.tenant)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        runtime = Runtime(app, settings, rules, games, clock)
        starting = asyncio.create_task(runtime.run())
        try:
            yield
        finally:
            starting.cancel()
            with suppress(asyncio.CancelledError):
                await starting
            await runtime.close()

    app = FastAPI(
        title=settings.brand,
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        separate_input_output_schemas=False,
    )
    app.state.container = None
    app.state.draining = False
    # The games first: routes are tried in turn, and a bet is what most requests are.
    for router in (gal_router, ops_router, pam_router, wallet_router, web_router):
        app.include_router(router)
    add_static_files(app)
    add_error_handlers(app)
    app.add_middleware(RequestLayer)
    return app


def create_app_from_environment() -> FastAPI:
    """For servers that want a factory (`python -m casino dev` reloads this)."""
    settings = load_settings()
    configure_logging(settings.log_level)
    return create_app(settings, load_rules(settings.rules_path))

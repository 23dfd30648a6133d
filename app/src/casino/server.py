"""uvicorn with an orderly end: readiness goes first, then the bets that are under way, then the sockets."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from casino.kernel.settings import Settings

log = logging.getLogger(__name__)

GRACE_S = 20
"""How long requests may take to finish after the socket is closed."""


class Server(uvicorn.Server):
    """On SIGTERM or SIGINT the process says that it is not ready, and goes on answering for `drain_seconds`.

    A cluster needs that time to stop sending requests here; a socket closed at once would refuse some of them.
    """

    def __init__(self, app: FastAPI, settings: Settings) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                host=settings.host,
                port=settings.port,
                loop="uvloop",
                http="httptools",
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=75,
                timeout_graceful_shutdown=GRACE_S,
                h11_max_incomplete_event_size=64 * 1024,
            )
        )
        self._app = app
        self._drain_seconds = settings.drain_seconds

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until told to end."""
        # What start-up made stays as long as the process does, and a request leaves few cycles behind: collecting
        # less often saves a few percent of a bet.
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 20, 20)
        super().run(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end, number)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)

    def _end(self, number: int) -> None:
        if self._app.state.draining:  # asked twice: go now
            self.should_exit = True
            return
        log.info("closing", extra={"signal": signal.Signals(number).name, "drain_seconds": self._drain_seconds})
        self._app.state.draining = True
        asyncio.get_running_loop().call_later(self._drain_seconds, self._exit)

    def _exit(self) -> None:
        self.should_exit = True

"""The process `realtime`: connections, the feed that they are told from, and an orderly end."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from contextlib import suppress

import uvloop
from redis.asyncio import Redis

from casino.kernel.cache import open_redis
from casino.kernel.clock import Clock, SystemClock
from casino.kernel.credentials import Credentials
from casino.kernel.http import cookie_name
from casino.kernel.settings import Settings
from casino.kernel.tasks import end
from casino.pam.api import SessionReader
from casino.realtime.api import Follower, Hub, RealtimeSettings, Streams

log = logging.getLogger(__name__)

BACKLOG = 4096
SEND_BUFFER = 64 * 1024
"""What the kernel keeps for a client that does not read: without a bound it is megabytes each."""
DRAIN_S = 5.0


class RealtimeServer:
    """Everything that the process has. `start()` listens; `port` is where."""

    def __init__(self, settings: Settings, realtime: RealtimeSettings, clock: Clock | None = None) -> None:
        self._settings = settings
        self._realtime = realtime
        self._clock = clock or SystemClock()
        self._credentials: Credentials | None = None
        self._redis: Redis | None = None
        self._server: asyncio.Server | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self.hub: Hub
        self.follower: Follower
        self.port = 0

    async def start(self) -> None:
        """Connect to Redis, listen, follow. Raises what taking credentials raises."""
        settings = self._settings
        if settings.uses_openbao:
            roles = [settings.bao_redis_role] if settings.bao_redis_role else []
            kept = [settings.bao_redis_secret] if settings.bao_redis_secret else []
            self._credentials = Credentials(settings, roles, kept)
            await self._credentials.start()
            self._tasks.append(asyncio.create_task(self._credentials.run()))
        self._redis = open_redis(settings, self._credentials)
        streams = Streams(self._redis, settings.redis_prefix)
        self.hub = Hub(
            SessionReader(self._redis, settings, self._clock),
            streams,
            self._realtime,
            cookie_name=cookie_name(settings),
            ready=lambda: self.follower.alive,
        )
        self.follower = Follower(streams, self.hub)
        self._tasks += [asyncio.create_task(self.follower.run()), asyncio.create_task(self.hub.run())]
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)  # connections inherit it
        listening.bind((settings.host, self._realtime.port))
        self.port = listening.getsockname()[1]
        self._server = await asyncio.get_running_loop().create_server(self.hub.factory, sock=listening, backlog=BACKLOG)
        log.info("started", extra={"tenant": settings.tenant, "port": self.port})

    async def close(self, drain_s: float = 0.0) -> None:
        """Say goodbye to the clients over `drain_s` seconds, then end everything."""
        if self._server is not None:
            self._server.close()
            await self.hub.drain(drain_s)
            await self.hub.close()
        await end(self._tasks)
        if self._redis is not None:
            with suppress(Exception):
                await self._redis.aclose()
        if self._credentials is not None:
            await self._credentials.close()
        log.info("closed")


def run(settings: Settings, realtime: RealtimeSettings) -> None:
    """Serve until SIGTERM or SIGINT."""

    async def main() -> None:
        server = RealtimeServer(settings, realtime)
        ended = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, ended.set)
        try:
            await server.start()
            await ended.wait()
            server.hub.draining = True  # the cluster looks away first
            await asyncio.sleep(settings.drain_seconds)
        finally:
            await server.close(DRAIN_S if settings.drain_seconds else 0.0)

    uvloop.run(main())

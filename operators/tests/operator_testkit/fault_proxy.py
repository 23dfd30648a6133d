"""Between an operator and its API server: what networks, balancers and busy servers do to requests, on demand."""

import asyncio
import json
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from yarl import URL

from operator_testkit.servers import Cluster, eventually, free_port
from operator_testkit.tls import Authority

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host"}


@dataclass(frozen=True)
class Request:
    """One request as it came. `at` is by time.monotonic."""

    at: float
    method: str
    path: str
    watch: bool

    @property
    def writes(self) -> bool:
        """Whether it changes something of a tenant or the law: the election is not meant."""
        return self.method != "GET" and "/leases/" not in self.path


@dataclass
class Faults:
    """What the proxy does to what comes from now on. Set from any thread; the defaults do nothing."""

    busy: int | None = None
    """Answer everything with 429, and this many seconds in Retry-After."""
    broken: int | None = None
    """Answer everything with this status."""
    slow: float = 0.0
    """Seconds before each request is passed on."""
    silent: bool = False
    """Watches are accepted, and nothing comes through them, those that are open included."""
    cut: bool = False
    """Connections are closed without an answer."""
    errors: set[str] = field(default_factory=set)
    """Paths whose next watches end with an ERROR event, once each."""
    after_write: Callable[[Request], None] | None = None
    """Called when the API server has taken a write, before the operator hears of it."""


class FaultProxy:
    """Serves on loopback, on a thread of its own that ends with the test run."""

    def __init__(self, cluster: Cluster, authority: Authority) -> None:
        self.port = free_port()
        self.url = f"https://localhost:{self.port}"
        self.faults = Faults()
        self.requests: list[Request] = []
        self._backend, self._authority = cluster.url, authority
        self._watching: set[asyncio.BaseTransport] = set()
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._run, name="fault-proxy", daemon=True).start()
        eventually(lambda: self._serving, what="the fault proxy")

    _serving = False

    def heal(self) -> None:
        """Pass everything on."""
        self.faults = Faults()

    def reset_watches(self) -> None:
        """Close every open watch in the middle, without a word."""

        def close() -> None:
            for transport in list(self._watching):
                transport.abort()  # type: ignore[attr-defined]

        self._loop.call_soon_threadsafe(close)

    def since(self, moment: float) -> list[Request]:
        """What came since then, by time.monotonic."""
        return [one for one in list(self.requests) if one.at >= moment]

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._start())
        self._loop.run_forever()

    async def _start(self) -> None:
        trusting = ssl.create_default_context(cafile=str(self._authority.certificate))
        self._client = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=trusting),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None),
        )
        application = web.Application(client_max_size=16 * 2**20)
        application.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(application, handle_signals=False, access_log=None, handler_cancellation=True)
        await runner.setup()
        serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        serving.load_cert_chain(*self._authority.issue("localhost"))
        await web.TCPSite(runner, "127.0.0.1", self.port, ssl_context=serving).start()
        self._serving = True

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        watch = request.query.get("watch") in ("true", "1")
        seen = Request(time.monotonic(), request.method, request.path, watch)
        self.requests.append(seen)
        faults = self.faults
        if faults.slow:
            await asyncio.sleep(faults.slow)
        if faults.cut:
            assert request.transport
            request.transport.abort()
            raise web.HTTPServiceUnavailable
        if faults.busy is not None:
            return _status(429, "TooManyRequests", {"Retry-After": str(faults.busy)})
        if faults.broken is not None:
            return _status(faults.broken, "InternalError")
        if watch:
            return await self._watch(request)
        body = await request.read()
        # What was sent is carried out, though the one who sent it may not live to hear the answer.
        return await asyncio.shield(self._pass_on(request, seen, body))

    async def _pass_on(self, request: web.Request, seen: Request, body: bytes) -> web.StreamResponse:
        try:
            async with self._ask(request, body) as answer:
                content = await answer.read()
                if seen.writes and answer.status < 300 and (hook := self.faults.after_write):
                    hook(seen)
                return web.Response(status=answer.status, body=content, headers=_headers(answer.headers))
        except aiohttp.ClientError:
            return _status(502, "the API server is away")

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        transport = request.transport
        assert transport
        self._watching.add(transport)
        try:
            if request.path in self.faults.errors:
                self.faults.errors.discard(request.path)
                await response.prepare(request)
                status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 500}
                await response.write(json.dumps({"type": "ERROR", "object": status}).encode() + b"\n")
                return response
            if self.faults.silent:
                await response.prepare(request)
                await self._until_heard()
                return response
            async with self._ask(request, b"") as answer:
                if answer.status != 200:
                    body = await answer.read()
                    return web.Response(status=answer.status, body=body, headers=_headers(answer.headers))
                await response.prepare(request)
                async for chunk in answer.content.iter_any():
                    await self._until_heard()
                    await response.write(chunk)
            return response
        except aiohttp.ClientError:
            transport.abort()
            return response
        finally:
            self._watching.discard(transport)

    async def _until_heard(self) -> None:
        while self.faults.silent:  # noqa: ASYNC110 - it is set from another thread
            await asyncio.sleep(0.1)

    def _ask(self, request: web.Request, body: bytes) -> Any:
        headers = [(key, value) for key, value in request.headers.items() if key.lower() not in HOP_BY_HOP]
        url = URL(self._backend + request.raw_path, encoded=True)
        return self._client.request(request.method, url, headers=headers, data=body or None, allow_redirects=False)


def _headers(found: Any) -> list[tuple[str, str]]:
    return [(key, value) for key, value in found.items() if key.lower() not in HOP_BY_HOP]


def _status(code: int, reason: str, headers: dict[str, str] | None = None) -> web.Response:
    status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": code}
    return web.json_response(status, status=code, headers=headers)

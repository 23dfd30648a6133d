"""One layer around every request: its id, the size of its body, its metrics and its log line."""

from __future__ import annotations

import asyncio
import functools
import logging
import os
import re
import time

from prometheus_client import Counter, Histogram
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from casino.kernel.errors import CasinoError
from casino.kernel.logs import request_id
from casino.kernel.metrics import REQUEST_SECONDS, REQUESTS

log = logging.getLogger("casino.access")

MAX_BODY_BYTES = 64 * 1024
BODY_S = 10.0
"""How long a request may take to send its body."""
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
_EVERYWHERE = [(b"x-content-type-options", b"nosniff"), (b"cross-origin-resource-policy", b"same-origin")]
_DATA = [
    *_EVERYWHERE,
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
]
_PAGE = [
    *_EVERYWHERE,
    # Not no-referrer: with that, browsers send `Origin: null` with our own forms, and the check of it fails.
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        b"form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
]


def _connecting(page: list[tuple[bytes, bytes]], to: str) -> list[tuple[bytes, bytes]]:
    """A page's headers that let its scripts connect to one more place: a WebSocket of another origin."""
    more = f"connect-src 'self' {to};".encode()
    return [(name, value.replace(b"connect-src 'self';", more) if to else value) for name, value in page]


class BodyTooLarge(CasinoError, HTTPException):  # type: ignore[misc]  # both have headers, ours are never None
    """Both an error of ours and one that FastAPI lets through while it reads a body."""

    status, code = 413, "BODY_TOO_LARGE"
    rule = f"a body has at most {MAX_BODY_BYTES} bytes"
    remedy = "Send a smaller request."

    def __init__(self) -> None:
        HTTPException.__init__(self, self.status)
        CasinoError.__init__(self, "The request's body is too large.")


class BodyTooSlow(CasinoError, HTTPException):  # type: ignore[misc]  # as above
    """Who sends byte after byte holds a socket and whatever the request has taken."""

    status, code = 408, "BODY_TOO_SLOW"
    rule = f"a body arrives within {BODY_S:g} seconds"
    remedy = "Send the request at once; with the same Idempotency-Key nothing is done twice."

    def __init__(self) -> None:
        HTTPException.__init__(self, self.status)
        CasinoError.__init__(self, "The request's body did not arrive in time.", headers={"Connection": "close"})


class RequestLayer:
    """ASGI middleware. Plain ASGI, since a wrapped response costs a task and a queue per request.

    `connects_to`: the origin that pages may connect to besides their own, for WebSockets.
    """

    def __init__(self, app: ASGIApp, connects_to: str = "") -> None:
        self.app = app
        self._page = _connecting(_PAGE, connects_to)
        self._players_page = [*self._page, (b"cache-control", b"no-store")]

    def _headers(self, path: str) -> list[tuple[bytes, bytes]]:
        if path.startswith("/api/"):
            return _DATA
        return self._players_page if path == "/" else self._page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        id_ = _incoming_id(headers) or os.urandom(16).hex()
        scope.setdefault("state", {})["request_id"] = id_
        reset = request_id.set(id_)
        started = time.perf_counter()
        status = 500

        async def send_(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message.get("headers", ()),
                    (b"x-request-id", id_.encode()),
                    *self._headers(scope["path"]),
                ]
            await send(message)

        try:
            await self.app(scope, _bounded(headers, receive), send_)
        finally:
            _account(scope, status, time.perf_counter() - started)
            request_id.reset(reset)


def _incoming_id(headers: dict[bytes, bytes]) -> str | None:
    """The ingress's id for the request, if it looks like one and not like an attempt to write into the log."""
    value = headers.get(b"x-request-id", b"").decode("latin-1")
    return value if _REQUEST_ID.fullmatch(value) else None


def _bounded(headers: dict[bytes, bytes], receive: Receive) -> Receive:
    declared = headers.get(b"content-length", b"0")
    too_large = not declared.isdigit() or int(declared) > MAX_BODY_BYTES
    # A request without a body has nothing to wait for but its end, which may be long after.
    whole = declared == b"0" and b"transfer-encoding" not in headers
    seen, deadline = 0, 0.0

    async def receive_() -> Message:
        nonlocal seen, whole, deadline
        if too_large:
            raise BodyTooLarge
        if whole:
            return await receive()
        deadline = deadline or asyncio.get_running_loop().time() + BODY_S
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError:
            raise BodyTooSlow from None
        if message["type"] == "http.request":
            whole = not message.get("more_body", False)
            seen += len(message.get("body", b""))
            if seen > MAX_BODY_BYTES:
                raise BodyTooLarge
        return message

    return receive_


def _account(scope: Scope, status: int, seconds: float) -> None:
    # The route's template, never the path: a path would make a label for each value in it.
    route = getattr(scope.get("route"), "path", "other")
    method = scope["method"] if route != "other" else "ANY"
    requests, durations = _series(method, route, status)
    requests.inc()
    durations.observe(seconds)
    if scope["path"] not in _QUIET:
        log.info(
            "request",
            extra={"method": method, "route": route, "status": status, "ms": round(seconds * 1000, 1)},
        )


@functools.cache  # bounded, as the labels are
def _series(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    return REQUESTS.labels(method, route, str(status)), REQUEST_SECONDS.labels(method, route)


def request_id_of(request: Request) -> str | None:
    """The id that the layer gave the request."""
    id_: str | None = request.scope.get("state", {}).get("request_id")
    return id_

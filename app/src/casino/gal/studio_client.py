"""Calls of a studio's own interface, behind a circuit breaker for each studio."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable
from typing import Any

import httpx

from casino.gal.breaker import Breaker
from casino.gal.studio_model import StudioRequest
from casino.kernel.acknowledgement import Acknowledgement, judge
from casino.kernel.clock import Clock
from casino.kernel.errors import CasinoError

MAX_ANSWER_BYTES = 64 * 1024


class StudioUnavailable(CasinoError):
    status, code = 503, "STUDIO_UNAVAILABLE"
    rule = "a studio that does not answer is left alone for a while"
    remedy = "Choose another game, or try again in a moment."


class StudioClient:
    """One studio. What it answers is JSON; anything else, and every HTTP error, counts as no answer."""

    def __init__(
        self, studio: str, url: str, clock: Clock, *, timeout_s: float, context: ssl.SSLContext | None = None
    ) -> None:
        self._studio = studio
        self._clock = clock
        self.breaker = Breaker()
        self._http = httpx.AsyncClient(
            base_url=url.rstrip("/"),
            timeout=timeout_s,
            verify=context if context is not None else True,
            trust_env=False,  # a proxy from the environment must not see sessions
            follow_redirects=False,
            limits=httpx.Limits(max_connections=20, max_keepalive_connections=5),
        )

    def require_closed(self) -> None:
        """Raise StudioUnavailable while the breaker is open: also a launch that asks nothing leads nowhere then."""
        wait = self.breaker.wait(self._clock.now())
        if wait:
            seconds = int(-(-wait.total_seconds() // 1))
            raise StudioUnavailable(
                "The studio does not answer at the moment.", headers={"Retry-After": str(max(1, seconds))}
            )

    async def post(self, request: StudioRequest) -> Any:
        """The studio's answer as JSON. Raises StudioUnavailable when there is none, or none is asked for now."""
        self.require_closed()
        self.breaker = self.breaker.admitted(self._clock.now())
        try:
            response = await self._send(request)
            if response.status_code >= 400 or len(response.content) > MAX_ANSWER_BYTES:
                raise ValueError(f"HTTP {response.status_code}")
            answer = json.loads(response.content)
        except (httpx.HTTPError, ValueError, RecursionError) as error:
            self.breaker = self.breaker.failure(self._clock.now())
            raise StudioUnavailable(
                f"The studio {self._studio} gave no usable answer ({type(error).__name__})."
            ) from None
        self.breaker = self.breaker.succeeded()
        return answer

    async def acknowledge(self, request: StudioRequest, understood: Callable[[Any], bool]) -> Acknowledgement:
        """Whether the studio takes a signed call that changes nothing. It is sent whatever the breaker says, and the
        breaker does not hear of it: players' launches decide about that."""
        try:
            response = await self._send(request)
            answer = json.loads(response.content) if len(response.content) <= MAX_ANSWER_BYTES else None
        except httpx.HTTPError:
            return judge(None, False)
        except (ValueError, RecursionError):
            answer = None
        return judge(response.status_code, response.status_code == 200 and understood(answer))

    async def close(self) -> None:
        await self._http.aclose()

    async def _send(self, request: StudioRequest) -> httpx.Response:
        headers = {"Content-Type": "application/json", **request.headers}
        return await self._http.post(request.path, content=request.body, headers=headers)

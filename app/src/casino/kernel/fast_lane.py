"""The way of those requests that come all the time: past the framework, straight to their endpoint.

FastAPI's layers resolve, validate and close what such an endpoint does by hand; they cost more than a bet does. The
route stays declared in FastAPI like any other, for /openapi.json, and answers the same without this.
"""

from __future__ import annotations

from typing import cast

from fastapi import FastAPI, Request, Response
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from casino.kernel.error_handlers import answer_error


class FastLane:
    """ASGI middleware for one `route`, whose endpoint takes the request alone and answers with a response."""

    def __init__(self, app: ASGIApp, *, application: FastAPI, route: APIRoute) -> None:
        self.app = app
        self._application = application
        self._route = route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = scope["type"] == "http" and self._route.path_regex.match(scope["path"])
        if not found or scope["method"] not in (self._route.methods or ()):
            await self.app(scope, receive, send)
            return
        scope["route"] = self._route
        scope["path_params"] = found.groupdict()
        request = Request(scope, receive)
        try:
            response = cast(Response, await self._route.endpoint(request))
        except Exception as error:
            response = await answer_error(self._application, request, error)
        await response(scope, receive, send)

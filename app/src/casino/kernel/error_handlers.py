"""Every error leaves as a problem document (RFC 9457), whatever raised it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

import asyncpg
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from redis.exceptions import RedisError
from starlette.exceptions import HTTPException

from casino.kernel.errors import (
    AmountInvalid,
    CasinoError,
    InternalError,
    MethodNotAllowed,
    NotFound,
    NotReady,
    RequestInvalid,
)
from casino.kernel.middleware import request_id_of
from casino.kernel.problems import MEDIA_TYPE, document

log = logging.getLogger(__name__)

_AMOUNT_FIELDS = frozenset({"amount_minor", "stake_minor"})
_OF_HTTP: dict[int, type[CasinoError]] = {400: RequestInvalid, 404: NotFound, 405: MethodNotAllowed}


def add_error_handlers(app: FastAPI) -> None:
    """Register the handlers."""
    app.add_exception_handler(CasinoError, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    for outage in (
        RedisError,
        OSError,
        TimeoutError,
        asyncpg.InterfaceError,
        # A connection that the server has ended, and whose end has not arrived yet.
        asyncpg.InternalClientError,
        asyncpg.PostgresConnectionError,
        asyncpg.OperatorInterventionError,
        asyncpg.InsufficientResourcesError,
        asyncpg.InvalidAuthorizationSpecificationError,
        asyncpg.LockNotAvailableError,
        asyncpg.DeadlockDetectedError,
        asyncpg.QueryCanceledError,
        # A primary that became a standby, and a casino whose clock is a day behind the database's.
        asyncpg.ReadOnlySQLTransactionError,
        asyncpg.ObjectNotInPrerequisiteStateError,
        # PostgreSQL cannot read or write its files.
        asyncpg.PostgresSystemError,
        asyncpg.PostgresIOError,
    ):
        app.add_exception_handler(outage, _unavailable)
    app.add_exception_handler(Exception, _unexpected)


async def answer_error(app: FastAPI, request: Request, error: Exception) -> Response:
    """What the handlers above answer, for code that FastAPI does not call."""
    kind = next(kind for kind in type(error).__mro__ if kind in app.exception_handlers)
    if kind is Exception:
        log.error("the casino failed to answer", exc_info=error)
    handler = cast(Callable[[Request, Exception], Awaitable[Response]], app.exception_handlers[kind])
    return await handler(request, error)


def respond(request: Request, error: CasinoError) -> JSONResponse:
    """The answer for a refusal."""
    body = document(error, request.url.path, request_id_of(request))
    return JSONResponse(body, error.status, headers=error.headers, media_type=MEDIA_TYPE)


async def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, CasinoError)
    return respond(request, error)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return respond(request, describe_validation(error.errors()))


def describe_validation(errors: Sequence[Any]) -> CasinoError:
    """A refusal that names each field and its fault, and never the value: it may be a password."""
    faults = []
    only_amounts = True
    for fault in errors:
        place = [str(part) for part in fault["loc"] if part not in ("body", "query", "path", "header")]
        # A body that is no JSON has its offset for a place.
        field = ".".join(place) if fault["type"] != "json_invalid" else "body"
        only_amounts = only_amounts and bool(place) and place[0] in _AMOUNT_FIELDS and fault["type"] != "missing"
        faults.append(f"{field or 'body'}: {fault['msg']}")
    message = "The request is not valid: " + "; ".join(faults) + "."
    return AmountInvalid(message) if only_amounts else RequestInvalid(message, rule="the interface's schema")


async def _http(request: Request, error: Exception) -> JSONResponse:
    if isinstance(error, CasinoError):
        return respond(request, error)
    assert isinstance(error, HTTPException)
    refusal = _OF_HTTP.get(error.status_code, CasinoError)(
        f"{request.method} here is answered with: {error.detail}.",
        rule="the interface",
        remedy="See /openapi.json for what can be asked.",
        headers=dict(error.headers or {}),
    )
    refusal.status = error.status_code
    return respond(request, refusal)


async def _unavailable(request: Request, error: Exception) -> JSONResponse:
    log.error("a dependency failed", exc_info=error)
    return respond(
        request,
        NotReady(
            "The casino cannot reach its stores at the moment; whether the request took effect is not known.",
            remedy="Repeat the request with the same Idempotency-Key: nothing is done twice.",
        ),
    )


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    return respond(request, InternalError("The casino failed to answer; the fault is logged under the request's id."))

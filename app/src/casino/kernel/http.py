"""HTTP plumbing that every module's endpoints share: bodies, keys, who is asking."""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Header, Request
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPBearer
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from casino.kernel.container import Container
from casino.kernel.errors import CasinoError, IdempotencyKeyMissing, NotReady, Unauthenticated
from casino.kernel.identity import Authenticator, Principal
from casino.kernel.money import MAX_AMOUNT_MINOR
from casino.kernel.problems import MEDIA_TYPE, Problem
from casino.kernel.settings import Settings

Model = TypeVar("Model", bound=BaseModel)
_KEY = re.compile(r"[\x21-\x7e]{1,128}")


class Body(BaseModel):
    """A request's body: unknown fields are refused and nothing is coerced."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


AmountMinor = Annotated[int, Field(strict=True, gt=0, le=MAX_AMOUNT_MINOR, json_schema_extra={"x-money": True})]
"""A positive amount in minor units. JSON true, "1", 1.0 and 1.5 are not amounts."""


class CsrfFailed(CasinoError):
    status, code = 403, "CSRF_FAILED"
    rule = "a request authenticated by cookie carries the page's X-CSRF-Token"
    remedy = "Reload the page and try again."


async def container(request: Request) -> Container:
    """What bootstrap built. Raises NotReady while the casino is starting or closing."""
    found: Container | None = getattr(request.app.state, "container", None)
    if found is None:
        raise NotReady("The casino is starting and cannot answer yet.")
    return found


Parts = Annotated[Container, Depends(container)]


def cookie_name(settings: Settings) -> str:
    """`__Host-` makes browsers refuse the cookie unless it is Secure and for this host alone."""
    return "__Host-casino_session" if settings.cookie_secure else "casino_session"


def session_token(request: Request, settings: Settings) -> tuple[str | None, bool]:
    """The request's session token, and whether it came as a cookie."""
    header = request.headers.get("authorization", "")
    scheme, _, token = header.partition(" ")
    if scheme.lower() == "bearer" and token:
        return token.strip(), False
    return request.cookies.get(cookie_name(settings)), True


async def optional_player(request: Request, parts: Parts) -> Principal | None:
    """The principal of a session, if there is one."""
    token, from_cookie = session_token(request, parts.get(Settings))
    if not token or len(token) > 256:
        return None
    # mypy: a protocol is as good a key as a class
    principal = await parts.get(Authenticator).authenticate(token)  # type: ignore[type-abstract]
    if principal is not None and from_cookie and request.method not in ("GET", "HEAD"):
        require_csrf(principal, request.headers.get("x-csrf-token", ""))
    return principal


_BEARER = HTTPBearer(auto_error=False, description="A session's token; the page sends its cookie instead.")


async def current_player(
    player: Annotated[Principal | None, Depends(optional_player)], _documented: Annotated[Any, Depends(_BEARER)] = None
) -> Principal:
    """The principal, or Unauthenticated."""
    if player is None:
        raise Unauthenticated("The request has no valid session; it may have ended after a time of inactivity.")
    return player


def require_csrf(principal: Principal, given: str) -> None:
    """Refuse with CsrfFailed unless `given` is the session's token."""
    if not hmac.compare_digest(principal.csrf_token.encode(), given.encode()):
        raise CsrfFailed("The request did not come from the casino's own page.")


MaybePlayer = Annotated[Principal | None, Depends(optional_player)]
Player = Annotated[Principal, Depends(current_player)]


# Asynchronous though they wait for nothing: FastAPI would send a plain function to a thread, for each request.
async def idempotency_key(key: Annotated[str | None, Header(alias="Idempotency-Key")] = None) -> str:
    """The request's key. Raises IdempotencyKeyMissing when absent or not 1 to 128 printable ASCII characters."""
    if key is None or not _KEY.fullmatch(key):
        raise IdempotencyKeyMissing("The request has no usable Idempotency-Key.")
    return key


IdempotencyKey = Annotated[str, Depends(idempotency_key)]


async def read_body(request: Request, model: type[Model]) -> Model:
    """The request's JSON as `model`; raises RequestValidationError as a declared body does."""
    try:
        return model.model_validate_json(await request.body())
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_input=False, include_url=False)) from None


def request_hash(request: Request, body: BaseModel) -> bytes:
    """SHA-256 of what was asked: method, path and the body's values, whatever their order and spacing."""
    what = f"{request.method} {request.url.path}\n{body.model_dump_json()}"
    return hashlib.sha256(what.encode()).digest()


_PROBLEM = {MEDIA_TYPE: {"schema": Problem.model_json_schema()}}
ERRORS: dict[int | str, dict[str, Any]] = {
    "4XX": {"content": _PROBLEM, "description": "Refused; see the code"},
    "5XX": {"content": _PROBLEM, "description": "Repeat it later, with the same Idempotency-Key"},
}

"""HTTP of player account management: registering, sessions, passwords."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from casino.kernel.addresses import client_address
from casino.kernel.http import ERRORS, Parts, Player, read_body, session_token
from casino.kernel.settings import Settings
from casino.pam import endpoints_account, endpoints_factors
from casino.pam.bodies import (
    Accepted,
    ClaimBody,
    KeyOptions,
    Located,
    LocationBody,
    NewPassword,
    PositionBody,
    Reauthenticated,
    ResetCompletion,
    ResetRequest,
    SessionEntry,
    SessionList,
    SessionRequest,
)
from casino.pam.claims import claim_of
from casino.pam.geolocation.models import Position
from casino.pam.models import LoginRequest, Registered, Registration, SessionOpened, registration_model
from casino.pam.module import PlayerModule
from casino.pam.refusals import SessionUnknown
from casino.pam.service import PlayerAccounts, Where

router = APIRouter(prefix="/api/v1", tags=["players"], responses=ERRORS)
router.include_router(endpoints_account.router)
router.include_router(endpoints_factors.router)

DEVICE_COOKIE = "casino_device"
DEVICE_COOKIE_S = 365 * 24 * 3600


def _without_references(schema: dict[str, Any]) -> Any:
    """A schema whose definitions stand where they are used: in /openapi.json they would be looked for elsewhere."""
    definitions = schema.pop("$defs", {})

    def resolve(part: Any) -> Any:
        if isinstance(part, dict):
            if "$ref" in part:
                return resolve(definitions[part["$ref"].rpartition("/")[2]])
            return {name: resolve(value) for name, value in part.items()}
        return [resolve(one) for one in part] if isinstance(part, list) else part

    return resolve(schema)


@router.post(
    "/players",
    status_code=201,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _without_references(Registration.model_json_schema())}},
        }
    },
)
async def register(request: Request, parts: Parts) -> Registered:
    """Register. Which fields are required is the jurisdiction's to say; every fault is named at once.

    Refuses UNDER_AGE, EMAIL_TAKEN and REGISTRATION_CLOSED.
    """
    accounts = parts.get(PlayerAccounts)
    body = await read_body(request, registration_model(accounts.required))
    address = client_address(request, parts.get(Settings).trusted_proxies)
    return Registered(player_id=await accounts.register_body(body, address))


@router.post("/sessions", status_code=201)
async def login(body: SessionRequest, request: Request, response: Response, parts: Parts) -> SessionOpened:
    """Log in. Refuses BAD_CREDENTIALS, LOGIN_RATE_LIMITED, SECOND_FACTOR_REQUIRED, ACCOUNT_NOT_AVAILABLE."""
    device = request.cookies.get(DEVICE_COOKIE)
    known = device if device is not None and len(device) <= 64 else None
    where = where_of(request, parts, body.position)
    opened = await parts.get(PlayerAccounts).open_session(body.email, claim_of(body), known, where)
    if opened.device_token is not None:
        response.set_cookie(
            DEVICE_COOKIE,
            opened.device_token,
            max_age=DEVICE_COOKIE_S,
            httponly=True,
            secure=parts.get(Settings).cookie_secure,
            samesite="strict",
            path="/",
        )
    return SessionOpened(token=opened.token, expires_at=opened.expires_at)


@router.post("/sessions/webauthn-options")
async def login_options(body: LoginRequest, parts: Parts) -> KeyOptions:
    """Options to log in with a key: the password comes first, so that nobody learns who has one."""
    options = await parts.get(PlayerAccounts).key_options(body.email, body.password)
    return KeyOptions(ceremony_id=options.ceremony_id, options=options.options)


@router.get("/sessions")
async def sessions(parts: Parts, player: Player) -> SessionList:
    """The player's open sessions."""
    found = await parts.get(PlayerModule).sessions.open_sessions(player.player_id)
    return SessionList(
        sessions=[
            SessionEntry(
                session_id=one.session_id,
                started_at=one.started_at,
                authenticated_at=one.authenticated_at,
                current=one.session_id == player.session_id,
            )
            for one in found
        ]
    )


@router.delete("/sessions", status_code=204)
async def logout_elsewhere(request: Request, parts: Parts, player: Player) -> Response:
    """End every session of the player but this one."""
    await parts.get(PlayerModule).sessions.revoke_all(player.player_id, but=_token(request, parts))
    return Response(status_code=204)


@router.delete("/sessions/current", status_code=204)
async def logout(request: Request, parts: Parts, player: Player) -> Response:
    """End the session that the request was made with."""
    await parts.get(PlayerAccounts).logout(_token(request, parts))
    return Response(status_code=204)


@router.post("/sessions/current/reauthentication")
async def reauthenticate(body: ClaimBody, request: Request, parts: Parts, player: Player) -> Reauthenticated:
    """Prove anew who one is: needed for what is sensitive."""
    at = await parts.get(PlayerAccounts).reauthenticate(player, _token(request, parts), claim_of(body))
    return Reauthenticated(authenticated_at=at)


@router.post("/sessions/current/location")
async def locate(body: LocationBody, request: Request, parts: Parts, player: Player) -> Located:
    """Establish where the player is, for deposits and bets of the next minutes. Refuses LOCATION_REFUSED."""
    where = where_of(request, parts, body.position)
    return Located(located_until=await parts.get(PlayerAccounts).locate(player, _token(request, parts), where))


@router.delete("/sessions/{session_id}", status_code=204)
async def revoke(
    session_id: Annotated[str, Path(min_length=16, max_length=16, pattern="^[0-9a-f]{16}$")],
    parts: Parts,
    player: Player,
) -> Response:
    """End one of the player's sessions."""
    if not await parts.get(PlayerModule).sessions.revoke(player.player_id, session_id):
        raise SessionUnknown("There is no such session.")
    return Response(status_code=204)


@router.post("/password-resets", status_code=202)
async def request_reset(body: ResetRequest, parts: Parts) -> Accepted:
    """Send a token to the address, if it has an account; the answer does not tell."""
    await parts.get(PlayerModule).recovery.request(body.email)
    return Accepted()


@router.post("/password-resets/completion", status_code=204)
async def complete_reset(body: ResetCompletion, parts: Parts) -> Response:
    """Set a password with the token of the message."""
    await parts.get(PlayerModule).recovery.complete(body.token, body.password)
    return Response(status_code=204)


@router.put("/players/me/password", status_code=204)
async def change_password(body: NewPassword, request: Request, parts: Parts, player: Player) -> Response:
    """Set a password. Refuses REAUTHENTICATION_REQUIRED."""
    await parts.get(PlayerModule).recovery.change(player, _token(request, parts), body.password)
    return Response(status_code=204)


def where_of(request: Request, parts: Parts, position: PositionBody | None) -> Where:
    """Where a request comes from: by its address, and by what the device says."""
    address = client_address(request, parts.get(Settings).trusted_proxies)
    return Where(address, Position(**position.model_dump()) if position is not None else None)


def _token(request: Request, parts: Parts) -> str:
    token, _ = session_token(request, parts.get(Settings))
    assert token is not None  # the player was found by it
    return token

"""HTTP of player account management."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from casino.kernel.http import ERRORS, Parts, Player, session_token
from casino.kernel.settings import Settings
from casino.pam.models import LoginRequest, Registered, Registration, SessionOpened
from casino.pam.service import PlayerAccounts

router = APIRouter(prefix="/api/v1", tags=["players"], responses=ERRORS)


@router.post("/players", status_code=201)
async def register(body: Registration, parts: Parts) -> Registered:
    """Register. Refuses UNDER_AGE and EMAIL_TAKEN."""
    accounts = parts.get(PlayerAccounts)
    return Registered(player_id=await accounts.register(body.email, body.password, body.date_of_birth))


@router.post("/sessions", status_code=201)
async def login(body: LoginRequest, parts: Parts) -> SessionOpened:
    """Log in. Refuses BAD_CREDENTIALS and LOGIN_RATE_LIMITED."""
    token, expires_at = await parts.get(PlayerAccounts).login(body.email, body.password)
    return SessionOpened(token=token, expires_at=expires_at)


@router.delete("/sessions/current", status_code=204)
async def logout(request: Request, parts: Parts, player: Player) -> Response:
    """End the session that the request was made with."""
    token, _ = session_token(request, parts.get(Settings))
    assert token is not None
    await parts.get(PlayerAccounts).logout(token)
    return Response(status_code=204)

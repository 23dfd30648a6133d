"""HTTP of staff: sessions. Tokens are of staff alone: a player's opens nothing here, nor the other way round."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.security import HTTPBearer

from casino.kernel.errors import Unauthenticated
from casino.kernel.http import ERRORS, Parts
from casino.pam.bodies import SessionRequest, StaffProfile
from casino.pam.claims import claim_of
from casino.pam.models import SessionOpened
from casino.pam.module import PlayerModule
from casino.pam.staff import StaffPrincipal

router = APIRouter(prefix="/api/v1/staff", tags=["staff"], responses=ERRORS)
_BEARER = HTTPBearer(auto_error=False, scheme_name="StaffBearer", description="A staff session's token.")


def _token(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and 0 < len(token) <= 256 else None


async def current_staff(
    request: Request, parts: Parts, _documented: Annotated[Any, Depends(_BEARER)] = None
) -> StaffPrincipal:
    """The member of staff of a session. Raises Unauthenticated."""
    token = _token(request)
    principal = await parts.get(PlayerModule).staff.find(token) if token else None
    if principal is None:
        raise Unauthenticated("The request has no valid staff session.")
    return principal


Staff = Annotated[StaffPrincipal, Depends(current_staff)]


@router.post("/sessions", status_code=201)
async def login(body: SessionRequest, parts: Parts) -> SessionOpened:
    """Log in; a second factor is always needed. Refuses BAD_CREDENTIALS, SECOND_FACTOR_REQUIRED, RATE_LIMITED."""
    token, expires_at = await parts.get(PlayerModule).staff.login(body.email, claim_of(body))
    return SessionOpened(token=token, expires_at=expires_at)


@router.get("/sessions/current")
async def who(staff: Staff) -> StaffProfile:
    """Whose session it is."""
    return StaffProfile(staff_id=staff.staff_id, role=staff.role)


@router.delete("/sessions/current", status_code=204)
async def logout(request: Request, parts: Parts, staff: Staff) -> Response:
    """End the session."""
    token = _token(request)
    assert token is not None
    await parts.get(PlayerModule).staff.logout(token)
    return Response(status_code=204)

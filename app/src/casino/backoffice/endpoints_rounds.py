"""HTTP of what staff may do about rounds: where player account management, which knows staff, and games meet."""

from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from casino.gal.api import RoundPicture, Rounds
from casino.kernel.http import ERRORS, Body, Parts
from casino.pam.api import Role, Staff, require_role

router = APIRouter(prefix="/api/v1/staff/rounds", tags=["staff"], responses=ERRORS)
MAY_SEE = (Role.COMPLIANCE, Role.SUPPORT)
MAY_VOID = (Role.COMPLIANCE,)


class VoidRequest(Body):
    """`reason` is kept with the round and told in the journal's event; it names no person."""

    reason: Annotated[str, Field(min_length=3, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]


@router.get("/{round_id}/recall")
async def recall(round_id: uuid.UUID, parts: Parts, staff: Staff) -> RoundPicture:
    """Any round or spin as it was; what an open round still hides is hidden from staff as well."""
    require_role(staff.role, MAY_SEE)
    return await parts.get(Rounds).show(round_id)


@router.post("/{round_id}/void")
async def void(round_id: uuid.UUID, body: VoidRequest, parts: Parts, staff: Staff) -> RoundPicture:
    """End an open round without a result: its stakes go back. A voided one is answered as it is."""
    require_role(staff.role, MAY_VOID)
    return await parts.get(Rounds).void(round_id, body.reason, staff.staff_id)

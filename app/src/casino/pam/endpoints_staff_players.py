"""HTTP of staff: the status of players' accounts, their identity, duplicates and their merge."""

from __future__ import annotations

import uuid
from typing import Annotated, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from casino.kernel.http import ERRORS, Body, Parts
from casino.pam.endpoints_staff import Staff
from casino.pam.four_eyes import require_role
from casino.pam.identity_verification import JUDGES, Verification
from casino.pam.module import PlayerModule
from casino.pam.status import Actor, Status
from casino.wallet.api import PlayerLimits

router = APIRouter(prefix="/api/v1/staff/players/{player_id}", tags=["staff"], responses=ERRORS)
Reason = Annotated[str, Field(min_length=3, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]


class StatusBody(Body):
    """Exclusions are not set here: responsible gaming has them."""

    status: Literal["active", "restricted", "suspended", "closed"]
    reason: Reason


class Judged(BaseModel):
    """The account's status after what was found."""

    player_id: uuid.UUID
    status: Status


class MergeBody(Body):
    """The account that ends; what it has goes to the account of the path."""

    merged_player_id: Annotated[uuid.UUID, Field(strict=False)]
    reason: Reason


class Duplicate(BaseModel):
    """An account that shares with another what `shared` names."""

    player_id: uuid.UUID
    shared: list[str]


@router.put("/status", status_code=204)
async def change_status(player_id: uuid.UUID, body: StatusBody, parts: Parts, staff: Staff) -> Response:
    """Take a step in an account's life. For compliance. Refuses STATUS_TRANSITION_REFUSED, IDENTITY_UNVERIFIED."""
    require_role(staff.role, JUDGES)
    await parts.get(PlayerModule).lifecycle.change(
        player_id, Status(body.status), Actor.STAFF, body.reason, staff.staff_id
    )
    return Response(status_code=204)


@router.post("/identity-verification", status_code=201)
async def judge_identity(player_id: uuid.UUID, found: Verification, parts: Parts, staff: Staff) -> Judged:
    """Note what was found about who a player is; verified, the account is active. For compliance.

    Refuses IDENTITY_NOT_AWAITED.
    """
    require_role(staff.role, JUDGES)
    status = await parts.get(PlayerModule).lifecycle.judge_identity(player_id, found, staff.staff_id)
    return Judged(player_id=player_id, status=status)


@router.get("/duplicates")
async def duplicates(player_id: uuid.UUID, parts: Parts, staff: Staff) -> list[Duplicate]:
    """Accounts that may be the same person's. For compliance."""
    require_role(staff.role, JUDGES)
    found = await parts.get(PlayerModule).lifecycle.duplicates(player_id)
    return [Duplicate(player_id=one, shared=list(shared)) for one, shared in found]


@router.post("/merge", status_code=204)
async def merge(player_id: uuid.UUID, body: MergeBody, parts: Parts, staff: Staff) -> Response:
    """End a duplicate in favour of this account, and move its money. For compliance.

    Refuses MERGE_BLOCKED while something is under way there, MERGE_REFUSED.
    """
    require_role(staff.role, JUDGES)
    lifecycle = parts.get(PlayerModule).lifecycle
    await lifecycle.merge(player_id, body.merged_player_id, staff.staff_id, body.reason, parts.get(PlayerLimits))
    return Response(status_code=204)

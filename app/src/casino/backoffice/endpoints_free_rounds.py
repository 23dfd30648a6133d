"""HTTP of free rounds that staff gives to players: where accounts, money and studios meet."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, Field

from casino.gal.api import Launches
from casino.kernel.http import ERRORS, Body, Parts
from casino.pam.api import Role, Staff, require_role
from casino.wallet.api import AccountNotOpen, OperationInForce, Play, PlayBarred, Wallet

router = APIRouter(prefix="/api/v1/staff/players/{player_id}/free-rounds", tags=["staff"], responses=ERRORS)
MAY_GRANT = (Role.SUPPORT,)


class GrantRequest(Body):
    """`grant_id` is the caller's: the same one gives the rounds once. `bet_minor` is what each round counts as."""

    grant_id: Annotated[uuid.UUID, Field(strict=False)]
    game_id: Annotated[str, Field(min_length=1, max_length=128)]
    rounds: Annotated[int, Field(ge=1, le=1000)]
    bet_minor: Annotated[int, Field(ge=1, le=100_000_000)]
    expires_at: Annotated[AwareDatetime, Field(strict=False)]


class GrantAnswer(BaseModel):
    """`told`: the studio has taken it. Until then it is told again and again, and nobody can play from it."""

    grant_id: uuid.UUID
    game_id: str
    rounds: int
    rounds_left: int
    bet_minor: int
    expires_at: datetime
    told: bool


@router.post("", status_code=201)
async def grant(player_id: uuid.UUID, body: GrantRequest, parts: Parts, staff: Staff) -> GrantAnswer:
    """Give a player free rounds of a studio's game. Who may not play is given none: they would be an invitation.

    Nobody is, while the casino may take no stakes.
    """
    require_role(staff.role, MAY_GRANT)
    account_id = await parts.get(Wallet).account_of(player_id)
    if account_id is None:
        raise AccountNotOpen("There is no such player.")
    await parts.get(OperationInForce).require("stake")
    if not (await parts.get(Play).standing(account_id)).may_stake:
        raise PlayBarred("The player may not play.", remedy="Give no bonus to who is excluded, or takes a break.")
    found = await parts.get(Launches).grant(
        player_id,
        account_id,
        body.game_id,
        grant_id=body.grant_id,
        rounds=body.rounds,
        bet_minor=body.bet_minor,
        expires_at=body.expires_at,
    )
    return GrantAnswer(
        grant_id=found.grant_id,
        game_id=found.game_id,
        rounds=found.rounds,
        rounds_left=found.rounds - found.used,
        bet_minor=found.bet,
        expires_at=found.expires_at,
        told=found.told_at is not None,
    )

"""HTTP of staff: what protects a player, and what the casino adds to it. Nothing here shortens anything."""

from __future__ import annotations

import logging
import uuid

from fastapi import APIRouter, Request

from casino.kernel.errors import CasinoError
from casino.kernel.http import ERRORS, IdempotencyKey, Parts, request_hash
from casino.pam.api import Role, Staff, require_role
from casino.responsible_gaming.bodies import (
    ExclusionAnswer,
    LimitAnswer,
    LimitKind,
    LimitPeriod,
    ReasonBody,
    StaffExclusion,
    StaffExclusionBody,
    StaffHistoryEntry,
    StaffLimitBody,
    StaffProtectionAnswer,
    StaffWithdrawalBody,
)
from casino.responsible_gaming.module import ResponsibleGaming
from casino.responsible_gaming.protection import Decision
from casino.responsible_gaming.views import exclusion_answer, history_entry, limit_answer, protection_of
from casino.wallet.api import Payments

log = logging.getLogger(__name__)

router = APIRouter(prefix="/api/v1/staff/players/{player_id}", tags=["staff"], responses=ERRORS)
SEES = (Role.COMPLIANCE, Role.SUPPORT)
DECIDES = (Role.COMPLIANCE,)
PAYS = (Role.FINANCE,)


class NoSuchAccount(CasinoError):
    status, code = 404, "ACCOUNT_UNKNOWN"
    rule = "an account is named by its player's id"
    remedy = "Check the player's id."


async def _account(module: ResponsibleGaming, player_id: uuid.UUID) -> int:
    account_id = await module.wallet.account_of(player_id)
    if account_id is None:
        raise NoSuchAccount("There is no account of this player.")
    return account_id


@router.get("/protection")
async def protection(player_id: uuid.UUID, parts: Parts, staff: Staff) -> StaffProtectionAnswer:
    """A player's limits, exclusions and their history. For compliance and support."""
    require_role(staff.role, SEES)
    module = parts.get(ResponsibleGaming)
    await _account(module, player_id)
    found = await protection_of(module, player_id)
    exclusions = await module.protection.repository.exclusions(player_id)
    history = await module.protection.repository.history(player_id)
    return StaffProtectionAnswer(
        **found.model_dump(exclude={"exclusions"}),
        exclusions=[StaffExclusion(**exclusion_answer(one).model_dump(), reason=why) for one, why in exclusions],
        history=[StaffHistoryEntry(**history_entry(one).model_dump(), reason=one.reason) for one in history],
    )


@router.put("/limits/{kind}/{period}")
async def set_limit(  # noqa: PLR0917 - FastAPI gives them by name
    player_id: uuid.UUID, kind: LimitKind, period: LimitPeriod, body: StaffLimitBody, parts: Parts, staff: Staff
) -> LimitAnswer:
    """Set a mandatory limit, beside the player's own; a looser one waits like theirs. For compliance."""
    require_role(staff.role, DECIDES)
    module = parts.get(ResponsibleGaming)
    await _account(module, player_id)
    by = Decision("staff", staff.staff_id, body.reason)
    return limit_answer(
        kind, period, "staff", await module.protection.set_limit(player_id, (kind, period), body.value, by)
    )


@router.post("/exclusions", status_code=201)
async def exclude(player_id: uuid.UUID, body: StaffExclusionBody, parts: Parts, staff: Staff) -> ExclusionAnswer:
    """Exclude a player: for compliance; support on the player's behalf alone.

    Refuses EXCLUSION_TOO_SHORT, TIME_OUT_TOO_LONG.
    """
    require_role(staff.role, DECIDES if body.kind == "mandatory" else SEES)
    module = parts.get(ResponsibleGaming)
    await _account(module, player_id)
    by = Decision("staff", staff.staff_id, body.reason)
    return exclusion_answer(await module.protection.exclude(player_id, body.kind, body.days, by))


@router.post("/exclusions/return", status_code=202)
async def ask_to_return(player_id: uuid.UUID, body: ReasonBody, parts: Parts, staff: Staff) -> list[ExclusionAnswer]:
    """Note that a self-excluded player asked to come back. Refuses RETURN_REFUSED before its time, NOT_EXCLUDED."""
    require_role(staff.role, SEES)
    asked = await parts.get(ResponsibleGaming).protection.ask_to_return(player_id)
    log.info("a return was asked for", extra={"player_id": str(player_id), "staff_id": str(staff.staff_id)})
    return [exclusion_answer(one) for one in asked]


@router.post("/withdrawals", status_code=201)
async def withdraw(  # noqa: PLR0917 - FastAPI gives them by name
    player_id: uuid.UUID,
    body: StaffWithdrawalBody,
    request: Request,
    parts: Parts,
    staff: Staff,
    key: IdempotencyKey,
) -> list[uuid.UUID]:
    """Return a balance to who cannot log in, to a verified instrument of theirs. Another person approves it.

    Answers the payments' ids. For finance.
    """
    require_role(staff.role, PAYS)
    module = parts.get(ResponsibleGaming)
    found = await parts.get(Payments).withdrawals.request(
        player_id=player_id,
        account_id=await _account(module, player_id),
        amount=body.amount_minor,
        instrument_id=body.instrument_id,
        key=key,
        request_hash=request_hash(request, body),
        actor=f"staff:{staff.staff_id}",
    )
    log.info("a balance is returned", extra={"player_id": str(player_id), "staff_id": str(staff.staff_id)})
    return [payment.payment_id for payment in found]

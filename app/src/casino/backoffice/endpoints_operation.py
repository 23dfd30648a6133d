"""HTTP of staff about what the casino may still do."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel

from casino.kernel.http import ERRORS, Parts
from casino.pam.api import Role, Staff, require_role
from casino.wallet.api import OperationInForce, Recorded

router = APIRouter(prefix="/api/v1/staff/operation", tags=["staff"], responses=ERRORS)
SEES = (Role.COMPLIANCE, Role.SUPPORT, Role.FINANCE)


class OperationAnswer(BaseModel):
    """A record of the operator's. From `play_until` on only `withdraw` of its acts is left. `recorded_at` is when the
    ledger was given it, by the database's clock: from that moment it binds."""

    revision: int
    state: str
    acts: list[str]
    play_until: datetime | None
    reason: str
    recorded_at: datetime


class OperationsAnswer(BaseModel):
    """`in_force` is null while no record was ever given, and everything is allowed. Newest first. `warning` says what
    is wrong with the file of the process that answers."""

    in_force: OperationAnswer | None
    records: list[OperationAnswer]
    warning: str | None


def _answer(one: Recorded) -> OperationAnswer:
    return OperationAnswer(**one.operation.model_dump(), recorded_at=one.recorded_at)


@router.get("")
async def operation(parts: Parts, staff: Staff) -> OperationsAnswer:
    """What the casino may do, why, since when, and what it might before. For compliance, support and finance."""
    require_role(staff.role, SEES)
    known = parts.get(OperationInForce)
    records = [_answer(one) for one in await known.repository.history()]
    return OperationsAnswer(in_force=records[0] if records else None, records=records, warning=known.fault)

"""HTTP of staff about reports."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from casino.compliance.api import RulesInForce
from casino.kernel.clock import Clock, local_date
from casino.kernel.http import ERRORS, Parts
from casino.ops.api import LONGEST_REPORT_DAYS, Reports
from casino.pam.api import Role, Staff, require_role

router = APIRouter(prefix="/api/v1/staff/reports", tags=["staff"], responses=ERRORS)
SEES = (Role.COMPLIANCE, Role.FINANCE)


class PlayOfDayAnswer(BaseModel):
    """Sums of one day (where the licence is), game and currency. `ggr_minor` is stakes minus wins."""

    day: date
    game_id: str
    currency: str
    rounds: int
    stake_minor: int
    win_minor: int
    ggr_minor: int


class DailyReport(BaseModel):
    """Oldest day first. It is built from events: what was played in the last seconds may not be in it yet."""

    since: date
    days: int
    play: list[PlayOfDayAnswer]


@router.get("/daily")
async def daily(
    parts: Parts,
    staff: Staff,
    since: Annotated[date | None, Query(ge=date(2000, 1, 1), le=date(2200, 1, 1))] = None,
    days: Annotated[int, Query(ge=1, le=LONGEST_REPORT_DAYS)] = 31,
) -> DailyReport:
    """Handle, wins and rounds by day and game; without `since`, of the last `days` days with today."""
    require_role(staff.role, SEES)
    clock = parts.get(Clock)  # type: ignore[type-abstract]  # mypy: a protocol is as good a key as a class
    first = since or local_date(clock, parts.get(RulesInForce).current.timezone) - timedelta(days=days - 1)
    found = await parts.get(Reports).daily(first, days)
    return DailyReport(
        since=first,
        days=days,
        play=[
            PlayOfDayAnswer(
                day=one.day,
                game_id=one.game_id,
                currency=one.currency,
                rounds=one.rounds,
                stake_minor=one.stake_minor,
                win_minor=one.win_minor,
                ggr_minor=one.ggr_minor,
            )
            for one in found
        ],
    )

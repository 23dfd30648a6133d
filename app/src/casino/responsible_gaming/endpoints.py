"""HTTP of a player's own protection: limits, breaks, exclusion, reality checks, what they did."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Response

from casino.kernel.clock import local_date
from casino.kernel.errors import RequestInvalid
from casino.kernel.http import ERRORS, Parts, Player
from casino.responsible_gaming.bodies import (
    ChecksAnswer,
    ExclusionAnswer,
    ExclusionBody,
    HistoryAnswer,
    LimitAnswer,
    LimitBody,
    LimitKind,
    LimitPeriod,
    ProtectionAnswer,
    StatementAnswer,
    TimeOutBody,
)
from casino.responsible_gaming.module import ResponsibleGaming
from casino.responsible_gaming.protection import Decision
from casino.responsible_gaming.views import (
    checks_of,
    exclusion_answer,
    history_entry,
    limit_answer,
    protection_of,
    statement_of,
)

router = APIRouter(prefix="/api/v1/players/me", tags=["protection"], responses=ERRORS)
LONGEST_STATEMENT = timedelta(days=366)


@router.get("/protection")
async def protection(parts: Parts, player: Player) -> ProtectionAnswer:
    """What protects the player: limits, what is used of them, breaks and exclusions."""
    return await protection_of(parts.get(ResponsibleGaming), player.player_id)


@router.put("/limits/{kind}/{period}")
async def set_limit(kind: LimitKind, period: LimitPeriod, body: LimitBody, parts: Parts, player: Player) -> LimitAnswer:
    """Set a limit. A tighter one is in force at once, a looser one waits. Refuses LIMIT_ABOVE_MAXIMUM."""
    by = Decision("player", player.player_id, "player")
    limit = await parts.get(ResponsibleGaming).protection.set_limit(player.player_id, (kind, period), body.value, by)
    return limit_answer(kind, period, "player", limit)


@router.post("/limits/{kind}/{period}/confirmation")
async def confirm_limit(kind: LimitKind, period: LimitPeriod, parts: Parts, player: Player) -> LimitAnswer:
    """Confirm a looser limit whose waiting time is over, where the rules ask for that. Refuses LIMIT_NOT_WAITING."""
    limit = await parts.get(ResponsibleGaming).protection.confirm_limit(player.player_id, (kind, period))
    return limit_answer(kind, period, "player", limit)


@router.get("/limits/history")
async def limit_history(parts: Parts, player: Player) -> HistoryAnswer:
    """The last changes of the player's limits, newest first."""
    found = await parts.get(ResponsibleGaming).protection.repository.history(player.player_id)
    return HistoryAnswer(entries=[history_entry(one) for one in found])


@router.post("/time-outs", status_code=201)
async def time_out(body: TimeOutBody, parts: Parts, player: Player) -> ExclusionAnswer:
    """Take a break from play and deposits for some days; nobody can shorten it. Refuses TIME_OUT_TOO_LONG."""
    by = Decision("player", player.player_id, "player")
    one = await parts.get(ResponsibleGaming).protection.exclude(player.player_id, "time_out", body.days, by)
    return exclusion_answer(one)


@router.post("/self-exclusion", status_code=201)
async def self_exclusion(body: ExclusionBody, parts: Parts, player: Player) -> ExclusionAnswer:
    """Exclude oneself, for days or without an end. Every session ends. Refuses EXCLUSION_TOO_SHORT."""
    by = Decision("player", player.player_id, "player")
    one = await parts.get(ResponsibleGaming).protection.exclude(player.player_id, "self_exclusion", body.days, by)
    return exclusion_answer(one)


@router.post("/self-exclusion/return", status_code=202)
async def ask_to_return(parts: Parts, player: Player) -> list[ExclusionAnswer]:
    """Ask to come back, where the rules let excluded players log in. Refuses RETURN_REFUSED, NOT_EXCLUDED."""
    asked = await parts.get(ResponsibleGaming).protection.ask_to_return(player.player_id)
    return [exclusion_answer(one) for one in asked]


@router.get("/activity")
async def activity(
    parts: Parts,
    player: Player,
    since: Annotated[date | None, Query()] = None,
    until: Annotated[date | None, Query()] = None,
) -> StatementAnswer:
    """What the player staked, won, deposited and withdrew, day by day; by default of the last 30 days."""
    module = parts.get(ResponsibleGaming)
    until = until or local_date(module.clock, module.rules.current.timezone)
    if since is None:
        since = until - min(timedelta(days=29), until - date.min)
    if not timedelta(0) <= until - since <= LONGEST_STATEMENT:
        raise RequestInvalid("A statement is of at most 366 days, from the first to the last.", rule="since, until")
    return await statement_of(module, player.player_id, since, until)


@router.get("/reality-checks")
async def reality_checks(parts: Parts, player: Player) -> ChecksAnswer:
    """The last reality checks, newest first; the WebSocket's topic `reality_check` tells of new ones."""
    return ChecksAnswer(checks=await checks_of(parts.get(ResponsibleGaming), player.player_id))


@router.post("/reality-checks/{check_id}/acknowledgement", status_code=204)
async def acknowledge(check_id: uuid.UUID, parts: Parts, player: Player) -> Response:
    """The player has seen a check, and plays on. Refuses REALITY_CHECK_UNKNOWN."""
    await parts.get(ResponsibleGaming).presence.acknowledge(player.player_id, player.account_id, check_id)
    return Response(status_code=204)

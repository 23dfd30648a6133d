"""HTTP of live tables."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request

from casino.gal.endpoints import require_play
from casino.gal.live.models import BetAnswer, BetRequest, TableAnswer
from casino.gal.live.service import Attempt, LiveTables
from casino.kernel.http import ERRORS, IdempotencyKey, Parts, Player, request_hash

router = APIRouter(prefix="/api/v1/live", tags=["live"], responses=ERRORS)
TableId = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]


async def received(parts: Parts) -> datetime:
    """When the request came, by the server's clock: taken before anything is waited for."""
    return parts.get(LiveTables).now()


@router.get("/{table_id}")
async def table(table_id: TableId, parts: Parts) -> TableAnswer:
    """A table and its newest round; the WebSocket's topic `table:{table_id}` tells what follows."""
    return await parts.get(LiveTables).show(table_id)


@router.post("/{table_id}/bets", status_code=201)
async def bet(  # noqa: PLR0917 - FastAPI gives them by name
    received_at: Annotated[datetime, Depends(received)],
    table_id: TableId,
    body: BetRequest,
    request: Request,
    parts: Parts,
    player: Player,
    key: IdempotencyKey,
) -> BetAnswer:
    """Bet on the round. The same key and body give the same bet, and its stake is taken once."""
    require_play(request, parts, player)
    attempt = Attempt(player.account_id, key, request_hash(request, body), body, received_at)
    return await parts.get(LiveTables).bet(table_id, attempt)

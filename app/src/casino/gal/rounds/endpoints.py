"""HTTP of rounds of several steps."""

from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import APIRouter, Query, Request

from casino.gal.endpoints import require_play
from casino.gal.rounds.models import ActionRequest, RoundAnswer, RoundPicture, RoundsAnswer, StartRequest
from casino.gal.rounds.service import Rounds
from casino.kernel.clock import Clock
from casino.kernel.http import ERRORS, IdempotencyKey, Parts, Player, request_hash

router = APIRouter(prefix="/api/v1", tags=["rounds"], responses=ERRORS)


@router.post("/games/{game_id}/rounds", status_code=201)
async def start(
    *, game_id: str, body: StartRequest, request: Request, parts: Parts, player: Player, key: IdempotencyKey
) -> RoundAnswer:
    """Start a round. The same key and body give the same answer, and the stake is taken once."""
    require_play(request, parts, player)
    return await parts.get(Rounds).start(player, game_id, key, request_hash(request, body), body)


@router.post("/rounds/{round_id}/actions")
async def act(
    *, round_id: uuid.UUID, body: ActionRequest, request: Request, parts: Parts, player: Player, key: IdempotencyKey
) -> RoundAnswer:
    """Take an open round a step further. Of actions that were chosen for one step, one counts."""
    received_at = parts.get(Clock).now()  # type: ignore[type-abstract]  # mypy: a protocol is as good a key as a class

    def admit() -> None:
        require_play(request, parts, player)

    return await parts.get(Rounds).act(
        player, round_id, key, request_hash(request, body), asked=body, received_at=received_at, admit=admit
    )


@router.get("/rounds")
async def rounds(parts: Parts, player: Player, only_open: Annotated[bool, Query(alias="open")] = False) -> RoundsAnswer:
    """The player's newest rounds; with `open=true` those that were interrupted and go on where they stood."""
    return RoundsAnswer(rounds=await parts.get(Rounds).of_player(player.account_id, only_open=only_open))


@router.get("/rounds/{round_id}")
async def show(round_id: uuid.UUID, parts: Parts, player: Player) -> RoundPicture:
    """A round of the player's, or a spin: where it is, and once it is over, its recall."""
    return await parts.get(Rounds).show(round_id, player.account_id)

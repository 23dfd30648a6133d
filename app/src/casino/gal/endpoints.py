"""HTTP of the games."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request

from casino.gal.models import GamesAnswer, SpinAnswer, SpinRequest
from casino.gal.service import Games
from casino.kernel.http import IdempotencyKey, MaybePlayer, Parts, Player, request_hash

router = APIRouter(prefix="/api/v1/games", tags=["games"])

GameId = Annotated[str, Path(max_length=64)]


@router.get("")
async def games(parts: Parts, player: MaybePlayer) -> GamesAnswer:
    """The games on offer; with a session, with the stakes that this player may choose."""
    return GamesAnswer(games=parts.get(Games).offered(player))


@router.post("/{game_id}/spins")
async def spin(  # noqa: PLR0917 - FastAPI passes by name
    game_id: GameId, body: SpinRequest, request: Request, parts: Parts, player: Player, key: IdempotencyKey
) -> SpinAnswer:
    """Play one round. The same key and body give the same answer, and the money moves once."""
    return await parts.get(Games).spin(player, game_id, key, request_hash(request, body), body.stake_minor)

"""HTTP of the games."""

from __future__ import annotations

from typing import cast

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

from casino.compliance.api import RulesInForce, require_located, require_may_play
from casino.gal.models import GamesAnswer, SpinAnswer, SpinRequest
from casino.gal.service import Games
from casino.kernel.addresses import request_address_hash
from casino.kernel.clock import Clock
from casino.kernel.http import (
    ERRORS,
    MaybePlayer,
    Parts,
    container,
    current_player,
    idempotency_key,
    optional_player,
    read_body,
    request_hash,
)

router = APIRouter(prefix="/api/v1/games", tags=["games"], responses=ERRORS)


@router.get("")
async def games(parts: Parts, player: MaybePlayer) -> GamesAnswer:
    """The games on offer; with a session, with the stakes that this player may choose."""
    return GamesAnswer(games=parts.get(Games).offered(player))


@router.post(
    "/{game_id}/spins",
    response_model=SpinAnswer,
    openapi_extra={
        "requestBody": {"required": True, "content": {"application/json": {"schema": SpinRequest.model_json_schema()}}},
        "security": [{"HTTPBearer": []}],
        "parameters": [
            {"name": "game_id", "in": "path", "required": True, "schema": {"type": "string"}},
            {"name": "Idempotency-Key", "in": "header", "required": True, "schema": {"type": "string"}},
        ],
    },
)
async def spin(request: Request) -> Response:
    """Play one round. The same key and body give the same answer, and the money moves once.

    It resolves by hand what the other endpoints declare, so that it may go by the fast lane.
    """
    game_id: str = request.path_params["game_id"]
    parts = await container(request)
    player = await current_player(await optional_player(request, parts))
    require_may_play(player)
    rules = parts.get(RulesInForce).current
    if rules.geolocation_moments:
        now = parts.get(Clock).now()  # type: ignore[type-abstract]  # mypy: a protocol is as good a key as a class
        require_located(rules, player, "bet", now, request_address_hash(request, parts))
    key = await idempotency_key(request.headers.get("Idempotency-Key"))
    body = await read_body(request, SpinRequest)
    answer = await parts.get(Games).spin(player, game_id, key, request_hash(request, body), body.stake_minor)
    return Response(answer.model_dump_json(), media_type="application/json")


SPIN = cast(APIRoute, next(route for route in router.routes if getattr(route, "endpoint", None) is spin))
"""The route that most requests take: kernel/fast_lane.py."""

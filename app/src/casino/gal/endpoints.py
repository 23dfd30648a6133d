"""HTTP of the games."""

from __future__ import annotations

from typing import cast

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

from casino.compliance.api import RulesInForce, require_located, require_may_play
from casino.gal.launches import Launches
from casino.gal.models import (
    FreeRoundsAnswer,
    FreeRoundsList,
    GamesAnswer,
    LaunchAnswer,
    SpinAnswer,
    SpinRequest,
    StudioGameAnswer,
)
from casino.gal.rounds.service import Rounds
from casino.gal.service import Games
from casino.kernel.addresses import request_address_hash
from casino.kernel.clock import Clock
from casino.kernel.container import Container
from casino.kernel.http import (
    ERRORS,
    MaybePlayer,
    Parts,
    Player,
    container,
    current_player,
    idempotency_key,
    optional_player,
    read_body,
    request_hash,
)
from casino.kernel.identity import Principal
from casino.wallet.api import OperationInForce

router = APIRouter(prefix="/api/v1/games", tags=["games"], responses=ERRORS)


@router.get("")
async def games(parts: Parts, player: MaybePlayer) -> GamesAnswer:
    """The games on offer; with a session, with the stakes that this player may choose."""
    studios = await parts.get(Launches).offered()
    return GamesAnswer(
        games=parts.get(Games).offered(player),
        round_games=parts.get(Rounds).offered(player),
        studio_games=[
            StudioGameAnswer(game_id=one.game_id, name=one.name, studio=one.studio, studio_name=one.studio_name)
            for one in studios
        ],
    )


@router.post("/{game_id}/launch", status_code=201)
async def launch(game_id: str, request: Request, parts: Parts, player: Player) -> LaunchAnswer:
    """Open a studio's game. Each call opens another session; the URL is secret."""
    require_play(request, parts, player)
    await parts.get(OperationInForce).require("stake")
    opened = await parts.get(Launches).launch(player, game_id)
    return LaunchAnswer(session_id=opened.session_id, launch_url=opened.url, expires_at=opened.expires_at)


@router.get("/free-rounds")
async def free_rounds(parts: Parts, player: Player) -> FreeRoundsList:
    """Free rounds that this player can still play, soonest to run out first."""
    found = await parts.get(Launches).free_rounds_of(player)
    return FreeRoundsList(
        free_rounds=[
            FreeRoundsAnswer(
                grant_id=one.grant_id,
                game_id=one.game_id,
                rounds_left=one.rounds - one.used,
                bet_minor=one.bet,
                expires_at=one.expires_at,
            )
            for one in found
        ]
    )


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
    require_play(request, parts, player)
    key = await idempotency_key(request.headers.get("Idempotency-Key"))
    body = await read_body(request, SpinRequest)
    answer = await parts.get(Games).spin(player, game_id, key, request_hash(request, body), body.stake_minor)
    return Response(answer.model_dump_json(), media_type="application/json")


def require_play(request: Request, parts: Container, player: Principal) -> None:
    """Refuse who may not play, or is not where they may, before their game is opened or their bet is drawn."""
    require_may_play(player)
    rules = parts.get(RulesInForce).current
    if rules.geolocation_moments:
        now = parts.get(Clock).now()  # type: ignore[type-abstract]  # mypy: a protocol is as good a key as a class
        require_located(rules, player, "bet", now, request_address_hash(request, parts))


SPIN = cast(APIRoute, next(route for route in router.routes if getattr(route, "endpoint", None) is spin))
"""The route that most requests take: kernel/fast_lane.py."""

"""HTTP of provably fair rounds: seeds, proofs, and their verification."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import asdict

from fastapi import APIRouter

from casino.gal.rounds.models import (
    ProofAnswer,
    ProofRequest,
    RotationRequest,
    SeedAnswer,
    SeedsAnswer,
    VerdictAnswer,
)
from casino.game_control.api import (
    FairSeeds,
    GameControl,
    ProofInvalid,
    RoundNotFair,
    RoundState,
    ShownSeed,
    verify_round,
)
from casino.kernel.http import ERRORS, Parts, Player
from casino.wallet.api import GameRounds

router = APIRouter(prefix="/api/v1", tags=["provably fair"], responses=ERRORS)


@router.get("/fair/seeds")
async def seeds(parts: Parts, player: Player) -> SeedsAnswer:
    """The player's seeds: commitments to the current and the next one, and those that are revealed."""
    return _answer(await parts.get(FairSeeds).shown(player.player_id))


@router.post("/fair/seeds/rotation")
async def rotate(body: RotationRequest, parts: Parts, player: Player) -> SeedsAnswer:
    """Retire the current seed, and name the client seed for the next. It may be asked again, and rotates once."""
    return _answer(await parts.get(FairSeeds).rotate(player.player_id, body.seed_id, body.client_seed))


@router.get("/rounds/{round_id}/proof")
async def proof(round_id: uuid.UUID, parts: Parts, player: Player) -> ProofAnswer:
    """What anybody needs to compute a round again, once it is over and its server seed is revealed."""
    rounds = parts.get(GameRounds)
    game = await rounds.find(round_id, player.account_id)
    seed = await parts.get(FairSeeds).revealed(player.player_id, game.draws)
    if game.status == "voided" or game.draws is None or seed.server_seed is None or seed.client_seed is None:
        raise RoundNotFair("The round was voided, and has no result to prove.")
    steps = await rounds.steps(round_id)
    return ProofAnswer(
        commitment=seed.commitment,
        server_seed=seed.server_seed,
        client_seed=seed.client_seed,
        nonce=int(game.draws["nonce"]),
        game_id=game.game_id,
        version=game.version,
        stake_minor=RoundState.of_json(game.state).stake_minor,
        choices=dict(steps[0].action["choices"]),
        actions=[dict(step.action) for step in steps[1:]],
        win_minor=game.won_minor,
    )


@router.post("/fair/verification")
async def verify(body: ProofRequest, parts: Parts) -> VerdictAnswer:
    """Play a round again from its proof. Needs no session: whoever has a proof may verify it."""
    definition = parts.get(GameControl).definition(body.game_id)
    if definition is None:
        raise ProofInvalid("The proof is of a game that is not offered here.")
    verdict = verify_round(definition, body.model_dump())
    return VerdictAnswer(
        fair=verdict.fair, win_minor=verdict.win_minor, outcome=dict(verdict.outcome), faults=list(verdict.faults)
    )


def _answer(shown: Sequence[ShownSeed]) -> SeedsAnswer:
    return SeedsAnswer(seeds=[SeedAnswer.model_validate(asdict(one)) for one in shown])

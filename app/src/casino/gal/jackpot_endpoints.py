"""HTTP of the jackpots."""

from __future__ import annotations

from fastapi import APIRouter

from casino.gal.jackpots import JackpotPlay
from casino.gal.models import JackpotAnswer, JackpotsAnswer
from casino.kernel.http import ERRORS, Parts

router = APIRouter(prefix="/api/v1/jackpots", tags=["games"], responses=ERRORS)


@router.get("")
async def jackpots(parts: Parts) -> JackpotsAnswer:
    """What stands in each jackpot, at most a second old."""
    found = await parts.get(JackpotPlay).shown()
    return JackpotsAnswer(
        jackpots=[
            JackpotAnswer(
                name=one.terms.name,
                kind=one.terms.kind,
                meter_minor=one.meter_minor,
                currency=one.currency,
                must_hit_by_minor=one.terms.must_hit_by_minor,
                games=list(one.games),
            )
            for one in found
        ]
    )

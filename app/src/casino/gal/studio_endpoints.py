"""HTTP that studios call. What they say is their dialect's, so it is not in /openapi.json: docs/studios.md has it."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from casino.gal.studio_model import RawRequest
from casino.gal.studio_play import StudioPlay
from casino.kernel.http import ERRORS, Parts

router = APIRouter(prefix="/api/v1/studios", tags=["studios"], responses=ERRORS)


@router.post("/{studio}/{call:path}", include_in_schema=False)
async def studio_call(studio: str, call: str, request: Request, parts: Parts) -> Response:
    """One call of a studio. The body is taken as it is: a signature is over its bytes."""
    raw = RawRequest(call=call, headers=dict(request.headers), body=await request.body())
    answer = await parts.get(StudioPlay).call(studio, raw)
    return Response(answer.encoded(), status_code=answer.status, media_type="application/json")

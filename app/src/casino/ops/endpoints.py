"""/healthz, /readyz, /metrics, and what each kind of problem means."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from casino.kernel.container import Container
from casino.kernel.errors import NotFound
from casino.kernel.http import ERRORS
from casino.kernel.metrics import READY, REGISTRY
from casino.kernel.problems import PATH, ProblemType, catalogue
from casino.ops.service import Readiness

router = APIRouter(tags=["operations"])


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """The process answers. It says nothing of its stores: restarting it would not mend those."""
    return {"status": "ok"}


@router.get("/readyz")
async def readyz(request: Request) -> JSONResponse:
    """200 when players may be sent here, else 503 with what is lacking; and what an operator should see to."""
    found: Container | None = getattr(request.app.state, "container", None)
    warnings: dict[str, str] = {}
    if getattr(request.app.state, "draining", False):
        checks = {"process": "closing"}
    elif found is None:
        checks = {"process": "starting"}
    else:
        readiness = found.get(Readiness)
        checks, warnings = await readiness.check(), readiness.warnings()
    ready = all(value == "ok" for value in checks.values())
    if not ready:
        READY.set(0)
    return JSONResponse({"ready": ready, "checks": checks, "warnings": warnings}, 200 if ready else 503)


@router.get("/metrics", response_class=PlainTextResponse, responses=ERRORS)
async def metrics(request: Request) -> Response:
    """Prometheus's text format, for who asks within the cell: handle and wins are nobody's outside.

    What an ingress passes on bears X-Forwarded-For, which a client cannot take off.
    """
    if "x-forwarded-for" in request.headers:
        raise NotFound("There is no such page.", remedy="Metrics are read within the cluster, of each pod.")
    return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)


@router.get(PATH, responses=ERRORS)
async def problems() -> list[ProblemType]:
    """Every kind of problem that the casino answers."""
    return catalogue()


@router.get(PATH + "/{code}", responses=ERRORS)
async def problem(code: str) -> ProblemType:
    """What a problem's `type` leads to."""
    for kind in catalogue():
        if kind.code == code:
            return kind
    raise NotFound("There is no problem of that code.", remedy=f"See {PATH} for every code.")

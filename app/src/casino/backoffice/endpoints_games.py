"""HTTP of staff about the games: what is offered and why not, switches, verification, what they return in play."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from casino.game_control.api import GameState, Judged, Overseer, Verdict
from casino.kernel.http import ERRORS, Body, Parts
from casino.pam.api import Role, Staff, require_role, require_second_person

router = APIRouter(prefix="/api/v1/staff/games", tags=["staff"], responses=ERRORS)
SEES = (Role.COMPLIANCE, Role.FINANCE, Role.SUPPORT)
SWITCHES_OFF = (Role.COMPLIANCE, Role.SUPPORT)
SWITCHES_ON = (Role.COMPLIANCE,)
"""Whoever sees that something is wrong may stop it; that it is right again is two people's to say."""
GameId = Annotated[str, Path(pattern=r"^[a-z][a-z0-9-]{1,31}$")]


class SwitchBody(Body):
    """`version`: that one alone; without it, all of the game's."""

    reason: Annotated[str, Field(min_length=1, max_length=500)]
    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")] | None = None


class DriftAnswer(BaseModel):
    """Play of a window against the certified figures: `rtp` lies from `low` to `high` while the game does what it
    should. Fractions of the stakes."""

    version: str
    currency: str
    span: str
    rounds: int
    staked_minor: int
    won_minor: int
    rtp: float
    low: float
    high: float
    z: float
    verdict: Verdict
    judged_at: datetime


class StaffGame(BaseModel):
    """`refusals` are all the reasons why it is not offered, by this process; `signature` what an approved list names.

    `out_of_bounds` are the windows in which it returns what it should not.
    """

    game_id: str
    name: str
    version: str
    signature: str
    offered: bool
    refusals: list[str]
    out_of_bounds: list[DriftAnswer]


class StaffGames(BaseModel):
    games: list[StaffGame]


class SwitchedAnswer(BaseModel):
    """A switch as it was set. Who did it is a member of staff, or somebody at the console."""

    version: str | None
    enabled: bool
    reason: str
    actor: str
    second_actor: str | None
    set_at: datetime


class SwitchesAnswer(BaseModel):
    """Newest first."""

    switches: list[SwitchedAnswer]


class EnableAsked(BaseModel):
    """Another person of the role agrees: POST .../enable/{request_id}/approval, within 24 hours."""

    request_id: uuid.UUID


class FaultAnswer(BaseModel):
    component: str
    path: str
    kind: str


class VerificationAnswer(BaseModel):
    """What the process that answers found of its own files. The others verify theirs within seconds, and keep what
    they find."""

    ok: bool
    disabled: list[str]
    faults: list[FaultAnswer]


class DriftList(BaseModel):
    windows: list[DriftAnswer]


@router.get("")
async def games(parts: Parts, staff: Staff) -> StaffGames:
    """Every game of this release: whether it is offered, and why not."""
    require_role(staff.role, SEES)
    overseer = parts.get(Overseer)
    out = [one for one in await overseer.repository.judged() if one.verdict in (Verdict.BELOW, Verdict.ABOVE)]
    return StaffGames(games=[_shown(state, out) for state in overseer.states()])


@router.get("/{game_id}/switches")
async def switches(game_id: GameId, parts: Parts, staff: Staff) -> SwitchesAnswer:
    """Who switched it off and on, and why: the last hundred."""
    require_role(staff.role, SEES)
    overseer = parts.get(Overseer)
    overseer.state(game_id)
    found = await overseer.repository.history(game_id)
    return SwitchesAnswer(
        switches=[
            SwitchedAnswer(
                version=one.version,
                enabled=one.enabled,
                reason=one.reason,
                actor=one.actor,
                second_actor=one.second_actor,
                set_at=one.set_at,
            )
            for one in found
        ]
    )


@router.post("/{game_id}/disable")
async def disable(game_id: GameId, body: SwitchBody, parts: Parts, staff: Staff) -> StaffGame:
    """Offer it no more: everywhere within seconds. Rounds under way end."""
    require_role(staff.role, SWITCHES_OFF)
    overseer = parts.get(Overseer)
    await overseer.disable(game_id, body.version, body.reason, _name(staff.staff_id))
    return _shown(overseer.state(game_id), await overseer.repository.judged(game_id))


@router.post("/{game_id}/enable", status_code=202)
async def enable(game_id: GameId, body: SwitchBody, parts: Parts, staff: Staff) -> EnableAsked:
    """Ask for it to be offered again."""
    require_role(staff.role, SWITCHES_ON)
    asked = await parts.get(Overseer).ask_to_enable(game_id, body.version, body.reason, _name(staff.staff_id))
    return EnableAsked(request_id=asked)


@router.post("/{game_id}/enable/{request_id}/approval")
async def approve(game_id: GameId, request_id: uuid.UUID, parts: Parts, staff: Staff) -> StaffGame:
    """Agree to what another person asked for. Other reasons against the game stand."""
    require_role(staff.role, SWITCHES_ON)
    overseer = parts.get(Overseer)
    asked = await overseer.request(request_id)
    overseer.require_about(asked, game_id)
    if (asker := _staff_id(asked.asked_by)) is not None:
        require_second_person(asked_by=asker, approved_by=staff.staff_id, approver_role=staff.role, allowed=SWITCHES_ON)
    await overseer.grant(asked, _name(staff.staff_id))
    return _shown(overseer.state(game_id), await overseer.repository.judged(game_id))


@router.post("/verification")
async def verify(parts: Parts, staff: Staff) -> VerificationAnswer:
    """Hold every process's software against the signed manifest, now."""
    require_role(staff.role, SEES)
    found = await parts.get(Overseer).verify_everywhere(_name(staff.staff_id))
    return VerificationAnswer(
        ok=found.ok,
        disabled=sorted(found.disabled),
        faults=[FaultAnswer(component=one.component, path=one.path, kind=one.kind) for one in found.faults],
    )


@router.get("/{game_id}/drift")
async def drift(game_id: GameId, parts: Parts, staff: Staff) -> DriftList:
    """What it returned in play, by version and window, as it was last judged."""
    require_role(staff.role, SEES)
    overseer = parts.get(Overseer)
    overseer.state(game_id)
    return DriftList(windows=[_judged(one) for one in await overseer.repository.judged(game_id)])


def _name(staff_id: uuid.UUID) -> str:
    return f"staff:{staff_id}"


def _staff_id(actor: str) -> uuid.UUID | None:
    kind, _, id_ = actor.partition(":")
    return uuid.UUID(id_) if kind == "staff" else None


def _shown(state: GameState, judged: list[Judged]) -> StaffGame:
    game, out = state.decision.game, (Verdict.BELOW, Verdict.ABOVE)
    return StaffGame(
        game_id=game.game_id,
        name=state.name,
        version=game.version,
        signature=state.signature,
        offered=state.decision.playable,
        refusals=[reason.value for reason in state.decision.refusals],
        out_of_bounds=[
            _judged(one)
            for one in judged
            if (one.game_id, one.version) == (game.game_id, game.version) and one.verdict in out
        ],
    )


def _judged(one: Judged) -> DriftAnswer:
    return DriftAnswer(
        version=one.version,
        currency=one.currency,
        span=one.span,
        rounds=one.play.rounds,
        staked_minor=one.play.staked_minor,
        won_minor=one.play.won_minor,
        rtp=one.play.won_minor / one.play.staked_minor,
        low=one.low,
        high=one.high,
        z=one.z,
        verdict=one.verdict,
        judged_at=one.judged_at,
    )

"""HTTP of the player's own account: data, devices, consents, closure."""

from __future__ import annotations

import uuid

from fastapi import APIRouter, Request, Response

from casino.kernel.http import Parts, Player, read_body
from casino.pam import repository_messages
from casino.pam.bodies import (
    ClosureBody,
    ConsentBody,
    ConsentEntry,
    ConsentList,
    DeviceEntry,
    DeviceList,
    Profile,
)
from casino.pam.models import DetailsBody
from casino.pam.module import PlayerModule
from casino.pam.proof import require_recent
from casino.pam.refusals import DeviceUnknown
from casino.pam.status import Actor, Status

router = APIRouter(prefix="/players/me")


@router.get("")
async def profile(parts: Parts, player: Player) -> Profile:
    """The player's status and personal data. Refuses REAUTHENTICATION_REQUIRED."""
    module = parts.get(PlayerModule)
    require_recent(player, module.clock.now())
    status, fields = await module.accounts.profile(player.player_id)
    waits = await module.lifecycle.awaits_verification(player.player_id)
    return Profile(player_id=player.player_id, status=status, awaits_verification=waits, fields=fields)


@router.patch(
    "",
    status_code=204,
    openapi_extra={
        "requestBody": {"required": True, "content": {"application/json": {"schema": DetailsBody.model_json_schema()}}}
    },
)
async def change_details(request: Request, parts: Parts, player: Player) -> Response:
    """Change address, phone or occupation. Refuses REAUTHENTICATION_REQUIRED."""
    body = await read_body(request, DetailsBody)
    await parts.get(PlayerModule).details.change(player, body.given())
    return Response(status_code=204)


@router.get("/devices")
async def devices(parts: Parts, player: Player) -> DeviceList:
    """Devices that have logged in, where the jurisdiction has them noted."""
    rows = await repository_messages.devices(parts.get(PlayerModule).repository.pool, player.player_id)
    return DeviceList(
        devices=[DeviceEntry(device_id=r.device_id, first_seen=r.first_seen, last_seen=r.last_seen) for r in rows]
    )


@router.delete("/devices/{device_id}", status_code=204)
async def forget_device(device_id: uuid.UUID, parts: Parts, player: Player) -> Response:
    """Forget a device: its next log-in is told as a new one's."""
    pool = parts.get(PlayerModule).repository.pool
    if not await repository_messages.forget_device(pool, player.player_id, device_id):
        raise DeviceUnknown("There is no such device.")
    return Response(status_code=204)


@router.get("/consents")
async def consents(parts: Parts, player: Player) -> ConsentList:
    """The player's newest decision on each subject."""
    rows = await parts.get(PlayerModule).consents.current(player.player_id)
    return ConsentList(
        consents=[
            ConsentEntry(
                subject=row.subject,
                granted=row.granted,
                version=row.version,
                source=row.source,
                recorded_at=row.recorded_at,
            )
            for row in rows
        ]
    )


@router.post("/consents", status_code=201)
async def record_consent(body: ConsentBody, parts: Parts, player: Player) -> ConsentList:
    """Record a decision; nothing before it is overwritten."""
    module = parts.get(PlayerModule)
    await module.consents.record(player.player_id, body.subject, body.granted, body.version, "account")
    return await consents(parts, player)


@router.post("/closure", status_code=204)
async def close(body: ClosureBody, parts: Parts, player: Player) -> Response:
    """Close the account; every session ends. Refuses REAUTHENTICATION_REQUIRED, STATUS_TRANSITION_REFUSED."""
    module = parts.get(PlayerModule)
    require_recent(player, module.clock.now())
    await module.lifecycle.change(
        player.player_id, Status.CLOSED, Actor.PLAYER, body.reason or "player_asked", player.player_id
    )
    return Response(status_code=204)

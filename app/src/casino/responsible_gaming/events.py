"""What responsible gaming tells, in the transaction that it tells of. Payloads name no person but by their id."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from casino.kernel.events.model import Event
from casino.kernel.events.outbox import Outbox, event

OUTBOX = Outbox("responsible_gaming")
CHANGED = "responsible_gaming.protection_changed"
REALITY_CHECK = "responsible_gaming.reality_check_told"


def protection_changed(player_id: uuid.UUID, at: datetime, revision: int, what: str) -> Event:
    """Limits or exclusions of a player changed; `what` names the change, and the state itself is asked for."""
    return event(CHANGED, player_id, at, {"revision": revision, "what": what})


def reality_check_told(player_id: uuid.UUID, at: datetime, check_id: uuid.UUID) -> Event:
    """A player was told how long they have played."""
    return event(REALITY_CHECK, player_id, at, {"check_id": str(check_id)})


async def tell(connection: Any, one: Event) -> None:
    """Write the event into the caller's transaction."""
    await OUTBOX.append(connection, one)

"""What player account management tells the other modules, written in the transaction that it tells of (ADR 0031).

Payloads hold no personal data: a reader that needs some asks for it, and an erasure leaves no copy here.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from casino.kernel.events.outbox import CHANNEL
from casino.kernel.identity import new_id


class Payload(BaseModel):
    """A payload of one type and version. A change that readers would not understand takes a new version."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    TYPE: ClassVar[str]
    VERSION: ClassVar[int] = 1


class PlayerRegistered(Payload):
    TYPE = "pam.player_registered"
    status: str
    deposit_limit_minor: int | None = None
    deposit_limit_period: str | None = None
    imported: bool = False


class StatusChanged(Payload):
    TYPE = "pam.status_changed"
    origin: str
    target: str
    actor: str
    reason: str


class IdentityJudged(Payload):
    """`result` is verified or failed; `reference` names the evidence where it is kept, never a person."""

    TYPE = "pam.identity_judged"
    result: str
    method: str
    reference: str
    judged_by: uuid.UUID


class PlayerLocked(Payload):
    """After too many failed log-ins; `until` is None for a lock that only a new password opens."""

    TYPE = "pam.player_locked"
    until: datetime | None


class PasswordChanged(Payload):
    TYPE = "pam.password_changed"


class FactorChanged(Payload):
    """`kind` is totp, webauthn or recovery_codes; `change` is added, removed or used."""

    TYPE = "pam.factor_changed"
    kind: str
    change: str


class DeviceSeen(Payload):
    """A log-in from a device that the account did not know."""

    TYPE = "pam.new_device"
    device_id: uuid.UUID


class ConsentGiven(Payload):
    TYPE = "pam.consent_recorded"
    subject: str
    granted: bool
    version: str
    source: str


class PlayersMerged(Payload):
    """`aggregate` is the surviving account."""

    TYPE = "pam.players_merged"
    merged_player_id: uuid.UUID


class PlayerErased(Payload):
    TYPE = "pam.player_erased"


class DetailsChanged(Payload):
    """Names of fields, never values."""

    TYPE = "pam.details_changed"
    fields: tuple[str, ...]


class ImportUndone(Payload):
    TYPE = "pam.import_undone"
    batch_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class Event:
    """`aggregate` is the player: their events are read in order."""

    aggregate: uuid.UUID
    occurred_at: datetime
    payload: Payload
    event_id: uuid.UUID = field(default_factory=new_id)


class EventLog:
    """Appends to pam.outbox. The connection's transaction decides whether the events ever were."""

    async def append(self, connection: Any, *events: Event) -> int | None:
        """Write them; of a single one, answers the number that its readers know it by."""
        position: int | None = None
        if len(events) == 1:
            position = await connection.fetchval(f"{_APPEND} RETURNING position", *_row(events[0]))
        elif events:
            await connection.executemany(_APPEND, _rows(events))
        if events:
            await connection.execute("SELECT pg_notify($1, 'pam')", CHANNEL)
        return position


_APPEND = (
    "INSERT INTO pam.outbox (event_id, type, schema_version, aggregate, occurred_at, payload)"
    " VALUES ($1, $2, $3, $4, $5, $6)"
)


def _rows(events: Sequence[Event]) -> list[tuple[Any, ...]]:
    return [_row(event) for event in events]


def _row(event: Event) -> tuple[Any, ...]:
    payload = event.payload
    document = json.dumps(payload.model_dump(mode="json"))
    return event.event_id, payload.TYPE, payload.VERSION, event.aggregate, event.occurred_at, document

"""SQL of messages to players, their devices, and password resets."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class MessageRow:
    message_id: uuid.UUID
    player_id: uuid.UUID
    kind: str
    sealed: bytes
    attempts: int
    person_sealed: bytes | None
    wrapped: str | None


@dataclass(frozen=True, slots=True)
class DeviceRow:
    device_id: uuid.UUID
    first_seen: datetime
    last_seen: datetime


async def add_message(
    connection: Any, message_id: uuid.UUID, player_id: uuid.UUID, kind: str, *, sealed: bytes, now: datetime
) -> None:
    await connection.execute(
        "INSERT INTO pam.messages (message_id, player_id, kind, sealed, created_at, due_at)"
        " VALUES ($1, $2, $3, $4, $5, $5)",
        message_id,
        player_id,
        kind,
        sealed,
        now,
    )


async def claim_messages(pool: Any, now: datetime, again_at: datetime, limit: int) -> list[MessageRow]:
    """Messages that are due, claimed until `again_at`: what a sender that dies took is sent by another then."""
    rows = await pool.fetch(
        """WITH due AS (
               SELECT message_id FROM pam.messages WHERE sealed IS NOT NULL AND due_at <= $1
               ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED
           ), claimed AS (
               UPDATE pam.messages m SET due_at = $2, attempts = attempts + 1 FROM due
               WHERE m.message_id = due.message_id
               RETURNING m.message_id, m.player_id, m.kind, m.sealed, m.attempts)
           SELECT c.*, p.sealed AS person_sealed, k.wrapped
           FROM claimed c JOIN pam.players p USING (player_id) LEFT JOIN pam.data_keys k ON k.subject = c.player_id""",
        now,
        again_at,
        limit,
    )
    return [MessageRow(**row) for row in rows]


async def end_message(pool: Any, message_id: uuid.UUID, now: datetime, *, sent: bool) -> None:
    """Sent, or given up: either way what it said is gone."""
    column = "sent_at" if sent else "failed_at"
    await pool.execute(
        f"UPDATE pam.messages SET sealed = NULL, {column} = $2 WHERE message_id = $1",  # noqa: S608 - one of two names
        message_id,
        now,
    )


async def put_off_message(pool: Any, message_id: uuid.UUID, due_at: datetime) -> None:
    await pool.execute("UPDATE pam.messages SET due_at = $2 WHERE message_id = $1", message_id, due_at)


async def see_device(
    connection: Any, player_id: uuid.UUID, device_id: uuid.UUID, token_hash: bytes, now: datetime
) -> tuple[bool, bool]:
    """`(new, first)`: whether the account did not know the device, and whether it knew none."""
    row = await connection.fetchrow(
        """WITH known AS (SELECT count(*) AS devices FROM pam.devices WHERE player_id = $2)
           INSERT INTO pam.devices (device_id, player_id, token_hash, first_seen, last_seen)
           VALUES ($1, $2, $3, $4, $4)
           ON CONFLICT (player_id, token_hash) DO UPDATE SET last_seen = $4
           RETURNING device_id = $1 AS new, (SELECT devices FROM known) = 0 AS first""",
        device_id,
        player_id,
        token_hash,
        now,
    )
    return row["new"], row["first"]


async def devices(pool: Any, player_id: uuid.UUID) -> list[DeviceRow]:
    rows = await pool.fetch(
        "SELECT device_id, first_seen, last_seen FROM pam.devices WHERE player_id = $1"
        " ORDER BY last_seen DESC LIMIT 100",
        player_id,
    )
    return [DeviceRow(**row) for row in rows]


async def forget_device(pool: Any, player_id: uuid.UUID, device_id: uuid.UUID) -> bool:
    found = await pool.fetchval(
        "DELETE FROM pam.devices WHERE player_id = $1 AND device_id = $2 RETURNING device_id", player_id, device_id
    )
    return found is not None


async def add_reset(connection: Any, token_hash: bytes, player_id: uuid.UUID, expires_at: datetime) -> None:
    """A reset in place of any before: the newest message is the one that works."""
    await connection.execute("DELETE FROM pam.password_resets WHERE player_id = $1", player_id)
    await connection.execute(
        "INSERT INTO pam.password_resets (token_hash, player_id, expires_at) VALUES ($1, $2, $3)",
        token_hash,
        player_id,
        expires_at,
    )


async def take_reset(connection: Any, token_hash: bytes, now: datetime) -> uuid.UUID | None:
    """The player of a reset that has not run out; it is used up."""
    found: uuid.UUID | None = await connection.fetchval(
        "DELETE FROM pam.password_resets WHERE token_hash = $1 AND expires_at > $2 RETURNING player_id",
        token_hash,
        now,
    )
    return found

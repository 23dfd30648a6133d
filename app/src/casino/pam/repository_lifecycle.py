"""SQL of the account's life: its status and history, dormancy, duplicates, consents."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from casino.pam.status import Actor, Status


@dataclass(frozen=True, slots=True)
class ConsentRow:
    subject: str
    granted: bool
    version: str
    source: str
    recorded_at: datetime


async def lock_status(connection: Any, player_id: uuid.UUID) -> Status | None:
    """The status, its row locked until the transaction ends; None for no such player."""
    found = await connection.fetchval("SELECT status FROM pam.players WHERE player_id = $1 FOR UPDATE", player_id)
    return Status(found) if found is not None else None


async def status_of(pool: Any, player_id: uuid.UUID) -> Status | None:
    """The status; None for no such player."""
    found = await pool.fetchval("SELECT status FROM pam.players WHERE player_id = $1", player_id)
    return Status(found) if found is not None else None


async def status_reason(connection: Any, player_id: uuid.UUID) -> str:
    found: str = await connection.fetchval("SELECT status_reason FROM pam.players WHERE player_id = $1", player_id)
    return found


async def set_status_reason(connection: Any, player_id: uuid.UUID, reason: str) -> None:
    await connection.execute("UPDATE pam.players SET status_reason = $2 WHERE player_id = $1", player_id, reason)


async def status_before(connection: Any, player_id: uuid.UUID, target: Status) -> Status | None:
    """From which status an account came to `target` last; None for one that began there."""
    found = await connection.fetchval(
        "SELECT origin FROM pam.status_history WHERE player_id = $1 AND target = $2 ORDER BY changed_at DESC LIMIT 1",
        player_id,
        target.value,
    )
    return Status(found) if found is not None else None


async def awaits_verification(connection: Any, player_id: uuid.UUID) -> bool:
    """Whether an account is pending, or left that status for another one and was not active since."""
    found: bool = await connection.fetchval(
        """SELECT p.status = 'pending_verification' OR coalesce(h.left_at > coalesce(h.active_at, '-infinity'), false)
           FROM pam.players p, LATERAL (
               SELECT max(changed_at) FILTER (WHERE origin = 'pending_verification') AS left_at,
                      max(changed_at) FILTER (WHERE target = 'active') AS active_at
               FROM pam.status_history WHERE player_id = p.player_id) h
           WHERE p.player_id = $1""",
        player_id,
    )
    return found


async def add_history(
    connection: Any,
    player_id: uuid.UUID,
    origin: Status,
    target: Status,
    *,
    actor: Actor,
    actor_id: uuid.UUID | None,
    reason: str,
    now: datetime,
) -> None:
    """A line of the history by itself: what was found, and changed no status."""
    await connection.execute(
        "INSERT INTO pam.status_history (player_id, changed_at, origin, target, actor, actor_id, reason)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)",
        player_id,
        now,
        origin.value,
        target.value,
        actor.value,
        actor_id,
        reason,
    )


async def merged_into(connection: Any, player_id: uuid.UUID) -> uuid.UUID | None:
    found: uuid.UUID | None = await connection.fetchval(
        "SELECT merged_into FROM pam.players WHERE player_id = $1", player_id
    )
    return found


async def set_status(
    connection: Any,
    player_id: uuid.UUID,
    origin: Status,
    target: Status,
    *,
    actor: Actor,
    actor_id: uuid.UUID | None,
    reason: str,
    now: datetime,
    merged_into: uuid.UUID | None = None,
) -> None:
    await connection.execute(
        """WITH changed AS (
               UPDATE pam.players SET status = $3, status_since = $6, status_reason = $7, merged_into = $8
               WHERE player_id = $1)
           INSERT INTO pam.status_history (player_id, changed_at, origin, target, actor, actor_id, reason)
           VALUES ($1, $6, $2, $3, $4, $5, $7)""",
        player_id,
        origin.value,
        target.value,
        actor.value,
        actor_id,
        now,
        reason,
        merged_into,
    )


async def history(pool: Any, player_id: uuid.UUID) -> list[tuple[datetime, str, str, str, str]]:
    """`(changed_at, origin, target, actor, reason)`, oldest first."""
    rows = await pool.fetch(
        "SELECT changed_at, origin, target, actor, reason FROM pam.status_history WHERE player_id = $1"
        " ORDER BY changed_at",
        player_id,
    )
    return [tuple(row) for row in rows]


async def not_seen_since(pool: Any, day: date, limit: int) -> list[uuid.UUID]:
    """Active players whose last log-in, or registration, is before a day."""
    rows = await pool.fetch(
        "SELECT player_id FROM pam.players WHERE status = 'active'"
        " AND coalesce(seen_on, (registered_at AT TIME ZONE 'UTC')::date) < $1 ORDER BY player_id LIMIT $2",
        day,
        limit,
    )
    return [row["player_id"] for row in rows]


async def same_person(pool: Any, player_id: uuid.UUID) -> list[tuple[uuid.UUID, tuple[str, ...]]]:
    """Other accounts that share a blind index with a player, and which: phone, national_id or person."""
    rows = await pool.fetch(
        """SELECT o.player_id, array_remove(ARRAY[
                   CASE WHEN o.national_id_index = p.national_id_index THEN 'national_id' END,
                   CASE WHEN o.person_index = p.person_index THEN 'person' END,
                   CASE WHEN o.phone_index = p.phone_index THEN 'phone' END], NULL) AS shared
           FROM pam.players p JOIN pam.players o ON o.player_id <> p.player_id AND o.status <> 'merged'
               AND (o.national_id_index = p.national_id_index OR o.person_index = p.person_index
                    OR o.phone_index = p.phone_index)
           WHERE p.player_id = $1 ORDER BY o.registered_at, o.player_id LIMIT 50""",
        player_id,
    )
    return [(row["player_id"], tuple(row["shared"])) for row in rows]


async def add_consent(connection: Any, consent_id: uuid.UUID, player_id: uuid.UUID, row: ConsentRow) -> None:
    await connection.execute(
        "INSERT INTO pam.consents (consent_id, player_id, subject, granted, version, source, recorded_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)",
        consent_id,
        player_id,
        row.subject,
        row.granted,
        row.version,
        row.source,
        row.recorded_at,
    )


async def consents(pool: Any, player_id: uuid.UUID) -> list[ConsentRow]:
    """The newest record of each subject."""
    rows = await pool.fetch(
        "SELECT DISTINCT ON (subject) subject, granted, version, source, recorded_at FROM pam.consents"
        " WHERE player_id = $1 ORDER BY subject, recorded_at DESC, consent_id DESC",
        player_id,
    )
    return [ConsentRow(**row) for row in rows]

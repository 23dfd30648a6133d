"""SQL of keys: the index key, re-wrapping, erasure, and players who were registered in the clear."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any


async def index_key(pool: Any, wrapped: str, version: int) -> str:
    """The wrapped key of blind indices: the one that is there, or else the one given. All processes get the same."""
    await pool.execute(
        "INSERT INTO pam.index_key (wrapped, key_version) VALUES ($1, $2) ON CONFLICT DO NOTHING", wrapped, version
    )
    return await find_index_key(pool) or ""


async def find_index_key(pool: Any) -> str | None:
    found: str | None = await pool.fetchval("SELECT wrapped FROM pam.index_key")
    return found


async def find_key(pool: Any, subject: uuid.UUID) -> str | None:
    """A data key as it is wrapped; None where there is none, or it was destroyed."""
    found: str | None = await pool.fetchval("SELECT wrapped FROM pam.data_keys WHERE subject = $1", subject)
    return found


async def add_key(pool: Any, subject: uuid.UUID, wrapped: str, version: int) -> str:
    """A data key: the one that is there, or else the one given. All processes get the same."""
    await pool.execute(
        "INSERT INTO pam.data_keys (subject, wrapped, key_version, created_at)"
        " VALUES ($1, $2, $3, clock_timestamp()) ON CONFLICT DO NOTHING",
        subject,
        wrapped,
        version,
    )
    return await find_key(pool, subject) or ""


async def replace_index_key(pool: Any, old: str, wrapped: str, version: int) -> None:
    await pool.execute(
        "UPDATE pam.index_key SET wrapped = $2, key_version = $3 WHERE wrapped = $1", old, wrapped, version
    )


async def keys_older_than(pool: Any, version: int, after: uuid.UUID, limit: int) -> list[tuple[uuid.UUID, str]]:
    """The next keys that an older version wrapped."""
    rows = await pool.fetch(
        "SELECT subject, wrapped FROM pam.data_keys"
        " WHERE key_version < $1 AND wrapped IS NOT NULL AND subject > $2 ORDER BY subject LIMIT $3",
        version,
        after,
        limit,
    )
    return [(row["subject"], row["wrapped"]) for row in rows]


async def count_keys_older_than(pool: Any, version: int) -> int:
    count: int = await pool.fetchval(
        "SELECT count(*) FROM pam.data_keys WHERE key_version < $1 AND wrapped IS NOT NULL", version
    )
    return count


async def rewrap(pool: Any, rows: list[tuple[uuid.UUID, str, str, int]]) -> None:
    """Write `(subject, old, new, version)`. A key that was destroyed or re-wrapped meanwhile stays as it is."""
    await pool.executemany(
        "UPDATE pam.data_keys SET wrapped = $3, key_version = $4 WHERE subject = $1 AND wrapped = $2", rows
    )


async def destroy_key(connection: Any, player_id: uuid.UUID, now: datetime) -> bool:
    """Destroy a player's data key and everything that still points at the person; false when that was done before."""
    destroyed = await connection.fetchval(
        "UPDATE pam.data_keys SET wrapped = NULL, destroyed_at = $2 WHERE subject = $1 AND wrapped IS NOT NULL"
        " RETURNING subject",
        player_id,
        now,
    )
    await connection.execute(
        "UPDATE pam.players SET sealed = NULL, email_index = NULL, phone_index = NULL, national_id_index = NULL,"
        " person_index = NULL, password_hash = NULL, erased_at = coalesce(erased_at, $2) WHERE player_id = $1",
        player_id,
        now,
    )
    await connection.execute("UPDATE pam.messages SET sealed = NULL WHERE player_id = $1", player_id)
    for statement in (
        "DELETE FROM pam.totp WHERE subject = $1",
        "DELETE FROM pam.recovery_codes WHERE subject = $1",
        "DELETE FROM pam.webauthn_credentials WHERE subject = $1",
        "DELETE FROM pam.devices WHERE player_id = $1",
        "DELETE FROM pam.password_resets WHERE player_id = $1",
    ):
        await connection.execute(statement, player_id)
    return destroyed is not None


async def erasable(pool: Any, closed_before: datetime, limit: int) -> list[uuid.UUID]:
    """Closed and merged accounts whose retention is over."""
    rows = await pool.fetch(
        "SELECT player_id FROM pam.players WHERE status IN ('closed', 'merged') AND status_since < $1"
        " AND erased_at IS NULL ORDER BY player_id LIMIT $2",
        closed_before,
        limit,
    )
    return [row["player_id"] for row in rows]


async def in_the_clear(pool: Any, limit: int) -> list[tuple[uuid.UUID, str, date]]:
    """Players who were registered before personal data was sealed."""
    rows = await pool.fetch(
        "SELECT player_id, email, date_of_birth FROM pam.players"
        " WHERE sealed IS NULL AND erased_at IS NULL AND email IS NOT NULL ORDER BY player_id LIMIT $1",
        limit,
    )
    return [(row["player_id"], row["email"], row["date_of_birth"]) for row in rows]


async def seal_player(
    pool: Any, player_id: uuid.UUID, wrapped: str, *, version: int, sealed: bytes, email: bytes
) -> bool:
    """Seal one of them; false when another process did."""
    done: bool = await pool.fetchval(
        "SELECT pam.seal_player($1, $2, $3, $4, $5)", player_id, wrapped, version, sealed, email
    )
    return done

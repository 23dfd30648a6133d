"""SQL of players and their data keys; of everything else in the files beside it (repository_*.py)."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Any

from casino.kernel.db import Database
from casino.pam.models import Player
from casino.pam.status import Status
from casino.pam.vault import SealedPerson

_PLAYER = """SELECT p.player_id, p.password_hash, k.wrapped, p.sealed, p.status,
        coalesce(p.locked_until > $2, false) AS locked, p.failed_logins, p.seen_on,
        EXISTS (SELECT FROM pam.totp t WHERE t.subject = p.player_id AND t.confirmed_at IS NOT NULL) AS has_totp,
        -- A key that was copied still asks for a second factor, though it is none: a thief must not switch it off.
        EXISTS (SELECT FROM pam.webauthn_credentials w WHERE w.subject = p.player_id) AS has_webauthn
    FROM pam.players p LEFT JOIN pam.data_keys k ON k.subject = p.player_id """


class PlayerRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def pool(self) -> Any:
        return self._database.pool

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        """A connection in a transaction."""
        async with self._database.pool.acquire() as connection, connection.transaction():
            yield connection

    async def add(
        self,
        connection: Any,
        *,
        player_id: uuid.UUID,
        person: SealedPerson,
        password_hash: str | None,
        status: Status,
        registered_at: datetime,
    ) -> bool:
        """Insert a player and their data key; false when the address is taken, however it is written.

        One statement and no exception: an import goes on in the same transaction.
        """
        added = await connection.fetchval(
            """WITH player AS (
                   INSERT INTO pam.players (player_id, password_hash, sealed, email_index, phone_index,
                       national_id_index, person_index, status, status_since, registered_at, seen_on)
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, ($9::timestamptz AT TIME ZONE 'UTC')::date)
                   ON CONFLICT (email_index) DO NOTHING RETURNING player_id)
               INSERT INTO pam.data_keys (subject, wrapped, key_version, created_at)
               SELECT player_id, $10, $11, $9 FROM player RETURNING subject""",
            player_id,
            password_hash,
            person.sealed,
            person.indices["email"],
            person.indices["phone"],
            person.indices["national_id"],
            person.indices["person"],
            status.value,
            registered_at,
            person.wrapped,
            person.key_version,
        )
        return added is not None

    async def by_email(self, email_index: bytes, now: datetime) -> Player | None:
        row = await self._database.pool.fetchrow(_PLAYER + "WHERE p.email_index = $1", email_index, now)
        return _player(row) if row is not None else None

    async def by_id(self, player_id: uuid.UUID, now: datetime) -> Player | None:
        row = await self._database.pool.fetchrow(_PLAYER + "WHERE p.player_id = $1", player_id, now)
        return _player(row) if row is not None else None

    async def status(self, player_id: uuid.UUID) -> Status:
        return Status(
            await self._database.pool.fetchval("SELECT status FROM pam.players WHERE player_id = $1", player_id)
        )

    async def set_password_hash(self, player_id: uuid.UUID, password_hash: str) -> None:
        await self._database.pool.execute(
            "UPDATE pam.players SET password_hash = $2 WHERE player_id = $1", player_id, password_hash
        )

    async def reset_password(self, connection: Any, player_id: uuid.UUID, password_hash: str) -> None:
        """A new password also opens what failed log-ins have locked."""
        await connection.execute(
            "UPDATE pam.players SET password_hash = $2, failed_logins = 0, locked_until = NULL WHERE player_id = $1",
            player_id,
            password_hash,
        )

    async def seen(self, player_id: uuid.UUID, today: date) -> None:
        """A log-in succeeded."""
        await self._database.pool.execute(
            "UPDATE pam.players SET failed_logins = 0, locked_until = NULL, seen_on = $2 WHERE player_id = $1",
            player_id,
            today,
        )

    async def count_failure(
        self, connection: Any, player_id: uuid.UUID, most: int, now: datetime, until: datetime | None
    ) -> bool:
        """Count a failed log-in; true when it was the one that locks. `until` None: for ever, until a reset."""
        locked: bool | None = await connection.fetchval(
            """UPDATE pam.players SET
                   failed_logins = CASE WHEN failed_logins + 1 >= $2 THEN 0 ELSE failed_logins + 1 END,
                   locked_until = CASE WHEN failed_logins + 1 >= $2 THEN coalesce($4, 'infinity'::timestamptz)
                       ELSE locked_until END
               WHERE player_id = $1 AND (locked_until IS NULL OR locked_until <= $3)
               RETURNING coalesce(locked_until > $3, false)""",
            player_id,
            most,
            now,
            until,
        )
        return bool(locked)

    async def lock_person(self, connection: Any, player_id: uuid.UUID) -> tuple[str, bytes] | None:
        """The wrapped key and the sealed document, the row locked until the transaction ends; None once erased."""
        row = await connection.fetchrow(
            "SELECT k.wrapped, p.sealed FROM pam.players p JOIN pam.data_keys k ON k.subject = p.player_id"
            " WHERE p.player_id = $1 AND p.sealed IS NOT NULL AND k.wrapped IS NOT NULL FOR UPDATE OF p",
            player_id,
        )
        return (row["wrapped"], row["sealed"]) if row is not None else None

    async def set_person(
        self, connection: Any, player_id: uuid.UUID, sealed: bytes, indices: dict[str, bytes | None]
    ) -> None:
        """Replace the document and the indices of what may change; an address is another matter."""
        await connection.execute(
            "UPDATE pam.players SET sealed = $2, phone_index = $3, national_id_index = $4, person_index = $5"
            " WHERE player_id = $1",
            player_id,
            sealed,
            indices["phone"],
            indices["national_id"],
            indices["person"],
        )


def _player(row: Any) -> Player:
    values = dict(row)
    values["status"] = Status(values["status"])
    return Player(**values)

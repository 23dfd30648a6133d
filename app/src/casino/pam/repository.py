"""All SQL of player account management."""

from __future__ import annotations

import uuid
from datetime import date, datetime

import asyncpg

from casino.kernel.db import Database
from casino.pam.models import Player, email_key


class PlayerRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(
        self,
        *,
        player_id: uuid.UUID,
        email: str,
        password_hash: str,
        date_of_birth: date,
        registered_at: datetime,
    ) -> bool:
        """Insert a player; false when the address is taken, however it is written."""
        try:
            await self._database.pool.execute(
                "INSERT INTO pam.players (player_id, email, email_key, password_hash, date_of_birth, registered_at)"
                " VALUES ($1, $2, $3, $4, $5, $6)",
                player_id,
                email,
                email_key(email),
                password_hash,
                date_of_birth,
                registered_at,
            )
        except asyncpg.UniqueViolationError:
            return False
        return True

    async def by_email(self, email: str) -> Player | None:
        row = await self._database.pool.fetchrow(
            "SELECT player_id, password_hash, date_of_birth FROM pam.players WHERE email_key = $1",
            email_key(email),
        )
        return Player(**row) if row is not None else None

    async def set_password_hash(self, player_id: uuid.UUID, password_hash: str) -> None:
        await self._database.pool.execute(
            "UPDATE pam.players SET password_hash = $2 WHERE player_id = $1", player_id, password_hash
        )

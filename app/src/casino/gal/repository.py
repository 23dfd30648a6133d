"""SQL of studios, their games, sessions and free rounds. What they say of money is in repository_transactions.py."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar

from casino.kernel.db import Database

_GAME = """SELECT g.game_id, g.studio, g.code, g.name, s.name AS studio_name
    FROM gal.studio_games g JOIN gal.studios s USING (studio)
    JOIN gal.game_approvals a ON a.game_id = g.game_id AND a.jurisdiction = $1
    WHERE g.enabled AND s.enabled"""


# A round counts as played while anything of it stands; what was refused or rolled back gives it back.
_FREE_ROUNDS = """SELECT f.*, (SELECT count(DISTINCT t.round_id) FROM gal.studio_transactions t
        WHERE t.grant_id = f.grant_id AND t.status IN ('pending', 'done'))::integer AS used
    FROM gal.free_rounds f"""


@dataclass(frozen=True, slots=True)
class StudioGame:
    """A studio's game that may be played here: enabled, its studio too, and approved in the jurisdiction."""

    game_id: str
    studio: str
    code: str
    name: str
    studio_name: str


@dataclass(frozen=True, slots=True)
class GameSession:
    """In what a player plays at a studio."""

    session_id: uuid.UUID
    studio: str
    game_id: str
    player_id: uuid.UUID
    account_id: int
    date_of_birth: date
    currency: str
    opened_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class FreeRounds:
    """A grant; `bet` in minor units, `used` in rounds. `told_at` is None until the studio has taken it."""

    grant_id: uuid.UUID
    studio: str
    game_id: str
    player_id: uuid.UUID
    account_id: int
    rounds: int
    used: int
    bet: int
    currency: str
    expires_at: datetime
    granted_at: datetime
    told_at: datetime | None


Record = TypeVar("Record", GameSession, FreeRounds)


class StudioRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_studio(self, studio: str, name: str) -> None:
        """Make the studio known under its name; whether it is enabled stays as it is."""
        await self._database.pool.execute(
            "INSERT INTO gal.studios (studio, name) VALUES ($1, $2)"
            " ON CONFLICT (studio) DO UPDATE SET name = excluded.name WHERE studios.name <> excluded.name",
            studio,
            name,
        )

    async def enable_studio(self, studio: str, enabled: bool) -> None:
        await self._database.pool.execute("UPDATE gal.studios SET enabled = $2 WHERE studio = $1", studio, enabled)

    async def enable_game(self, game_id: str, enabled: bool) -> None:
        await self._database.pool.execute(
            "UPDATE gal.studio_games SET enabled = $2 WHERE game_id = $1", game_id, enabled
        )

    async def add_game(self, game_id: str, studio: str, code: str, name: str) -> None:
        await self._database.pool.execute(
            "INSERT INTO gal.studio_games (game_id, studio, code, name) VALUES ($1, $2, $3, $4)"
            " ON CONFLICT (game_id) DO UPDATE SET name = excluded.name, code = excluded.code",
            game_id,
            studio,
            code,
            name,
        )

    async def approve_game(self, game_id: str, jurisdiction: str, certificate: str) -> None:
        await self._database.pool.execute(
            "INSERT INTO gal.game_approvals (game_id, jurisdiction, certificate) VALUES ($1, $2, $3)"
            " ON CONFLICT (game_id, jurisdiction) DO UPDATE SET certificate = excluded.certificate",
            game_id,
            jurisdiction,
            certificate,
        )

    async def games(self, jurisdiction: str) -> list[StudioGame]:
        """Every game of a studio that may be played in the jurisdiction, by name."""
        rows = await self._database.pool.fetch(f"{_GAME} ORDER BY g.name, g.game_id", jurisdiction)
        return [StudioGame(**row) for row in rows]

    async def game(self, jurisdiction: str, game_id: str) -> StudioGame | None:
        row = await self._database.pool.fetchrow(f"{_GAME} AND g.game_id = $2", jurisdiction, game_id)
        return StudioGame(**row) if row is not None else None

    async def game_by_code(self, jurisdiction: str, studio: str, code: str) -> StudioGame | None:
        row = await self._database.pool.fetchrow(
            f"{_GAME} AND g.studio = $2 AND g.code = $3", jurisdiction, studio, code
        )
        return StudioGame(**row) if row is not None else None

    async def open_session(self, session: GameSession, token_hash: bytes) -> None:
        await self._database.pool.execute(
            "INSERT INTO gal.game_sessions (token_hash, session_id, studio, game_id, player_id, account_id,"
            " date_of_birth, currency, opened_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            token_hash,
            *(getattr(session, name) for name in session.__slots__),
        )

    async def session(self, studio: str, token_hash: bytes) -> GameSession | None:
        """The session of a token, also one that has run out."""
        row = await self._database.pool.fetchrow(
            "SELECT * FROM gal.game_sessions WHERE token_hash = $1 AND studio = $2", token_hash, studio
        )
        return _read(GameSession, row)

    async def last_session(self, studio: str, player_id: uuid.UUID) -> GameSession | None:
        """A player's newest session at a studio, for a win or a rollback that names the player alone."""
        row = await self._database.pool.fetchrow(
            "SELECT * FROM gal.game_sessions WHERE studio = $1 AND player_id = $2 ORDER BY opened_at DESC LIMIT 1",
            studio,
            player_id,
        )
        return _read(GameSession, row)

    async def add_free_rounds(self, grant: FreeRounds) -> FreeRounds:
        """Write a grant down, or find the one that has its id."""
        await self._database.pool.execute(
            "INSERT INTO gal.free_rounds (grant_id, studio, game_id, player_id, account_id, rounds, bet,"
            " currency, expires_at, granted_at, told_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (grant_id) DO NOTHING",
            *(getattr(grant, name) for name in grant.__slots__ if name != "used"),
        )
        found = await self.free_rounds(grant.grant_id)
        assert found is not None
        return found

    async def free_rounds(self, grant_id: uuid.UUID) -> FreeRounds | None:
        row = await self._database.pool.fetchrow(f"{_FREE_ROUNDS} WHERE f.grant_id = $1", grant_id)
        return _read(FreeRounds, row)

    async def free_rounds_of(self, player_id: uuid.UUID, now: datetime) -> list[FreeRounds]:
        """What a player has left, soonest to run out first."""
        rows = await self._database.pool.fetch(
            f"{_FREE_ROUNDS} WHERE f.player_id = $1 AND f.expires_at > $2 AND f.told_at IS NOT NULL"
            " ORDER BY f.expires_at LIMIT 100",
            player_id,
            now,
        )
        found = [FreeRounds(**row) for row in rows]
        return [one for one in found if one.used < one.rounds]

    async def free_rounds_told(self, grant_id: uuid.UUID, now: datetime) -> None:
        await self._database.pool.execute(
            "UPDATE gal.free_rounds SET told_at = $2 WHERE grant_id = $1 AND told_at IS NULL", grant_id, now
        )

    async def free_rounds_untold(self, now: datetime, limit: int) -> Sequence[uuid.UUID]:
        """Grants whose studio has not confirmed them and that can still be played, oldest first."""
        rows = await self._database.pool.fetch(
            "SELECT grant_id FROM gal.free_rounds WHERE told_at IS NULL AND expires_at > $1"
            " ORDER BY granted_at LIMIT $2",
            now,
            limit,
        )
        return [row["grant_id"] for row in rows]


def _read(kind: type[Record], row: Any) -> Record | None:
    return kind(**{name: row[name] for name in kind.__slots__}) if row is not None else None

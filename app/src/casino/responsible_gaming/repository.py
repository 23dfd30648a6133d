"""SQL of limits and exclusions. Whoever changes something of a player's locks the row of that player first."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from casino.kernel.db import Database
from casino.kernel.identity import new_id
from casino.responsible_gaming.exclusions import Exclusion
from casino.responsible_gaming.limits import Change, Limit, Origin, Place


@dataclass(frozen=True, slots=True)
class PlayerState:
    """All that is decided for a player. `revision` counts the changes; `applied` is the one that others know of."""

    player_id: uuid.UUID
    revision: int = 0
    applied: int = -1
    rules: str = ""
    limits: Mapping[tuple[Place, Origin], Limit] = field(default_factory=dict)
    exclusions: Sequence[Exclusion] = ()


@dataclass(frozen=True, slots=True)
class LimitEntry:
    """A line of a limit's history."""

    kind: str
    period: str
    origin: str
    change: str
    value: int | None
    effective_at: datetime
    reason: str
    recorded_at: datetime


class ProtectionRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def pool(self) -> Any:
        return self._database.pool

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        async with self._database.pool.acquire() as connection, connection.transaction():
            yield connection

    async def lock(self, connection: Any, player_id: uuid.UUID) -> PlayerState:
        """A player's state, locked until the transaction ends."""
        await connection.execute(
            "INSERT INTO responsible_gaming.players (player_id) VALUES ($1) ON CONFLICT DO NOTHING", player_id
        )
        row = await connection.fetchrow(
            "SELECT revision, applied, rules FROM responsible_gaming.players WHERE player_id = $1 FOR UPDATE", player_id
        )
        return await self._state(connection, player_id, row)

    async def state(self, player_id: uuid.UUID) -> PlayerState:
        """A player's state as it is; of who is not known, that nothing was decided."""
        async with self._database.pool.acquire() as connection, connection.transaction(isolation="repeatable_read"):
            row = await connection.fetchrow(
                "SELECT revision, applied, rules FROM responsible_gaming.players WHERE player_id = $1", player_id
            )
            return PlayerState(player_id) if row is None else await self._state(connection, player_id, row)

    async def _state(self, connection: Any, player_id: uuid.UUID, row: Any) -> PlayerState:
        limits = await connection.fetch(
            "SELECT kind, period, origin, value, waiting, effective_at FROM responsible_gaming.limits"
            " WHERE player_id = $1",
            player_id,
        )
        exclusions = await connection.fetch(
            "SELECT exclusion_id, kind, began_at, until, asked_at, return_at, ended_at"
            " FROM responsible_gaming.exclusions WHERE player_id = $1 AND ended_at IS NULL ORDER BY began_at",
            player_id,
        )
        return PlayerState(
            player_id,
            row["revision"],
            row["applied"],
            row["rules"],
            {
                ((one["kind"], one["period"]), one["origin"]): Limit(one["value"], one["waiting"], one["effective_at"])
                for one in limits
            },
            [Exclusion(**one) for one in exclusions],
        )

    async def changed(self, connection: Any, player_id: uuid.UUID) -> int:
        """Count a change of a locked player; answers its number."""
        revision: int = await connection.fetchval(
            "UPDATE responsible_gaming.players SET revision = revision + 1 WHERE player_id = $1 RETURNING revision",
            player_id,
        )
        return revision

    async def applied(self, connection: Any, player_id: uuid.UUID, revision: int, rules: str) -> None:
        """Note that the wallet and the sessions have been brought to a revision of a locked player."""
        await connection.execute(
            "UPDATE responsible_gaming.players SET applied = $2, rules = $3 WHERE player_id = $1",
            player_id,
            revision,
            rules,
        )

    async def save_limit(
        self, connection: Any, player_id: uuid.UUID, place: Place, origin: Origin, limit: Limit
    ) -> None:
        await connection.execute(
            """INSERT INTO responsible_gaming.limits
                   (player_id, kind, period, origin, value, loosening, waiting, effective_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
               ON CONFLICT (player_id, kind, period, origin) DO UPDATE SET value = excluded.value,
                   loosening = excluded.loosening, waiting = excluded.waiting, effective_at = excluded.effective_at""",
            player_id,
            *place,
            origin,
            limit.value,
            limit.loosening,
            limit.waiting,
            limit.effective_at,
        )

    async def note(
        self,
        connection: Any,
        player_id: uuid.UUID,
        place: Place,
        origin: Origin,
        *,
        change: Change,
        value: int | None,
        effective_at: datetime,
        actor_id: uuid.UUID | None,
        reason: str,
        now: datetime,
    ) -> None:
        """Add to a limit's history."""
        await connection.execute(
            "INSERT INTO responsible_gaming.limit_history VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            new_id(),
            player_id,
            *place,
            origin,
            change,
            value,
            effective_at,
            actor_id,
            reason,
            now,
        )

    async def history(self, player_id: uuid.UUID, limit: int = 100) -> list[LimitEntry]:
        """The last entries of a player's limits, newest first."""
        rows = await self.pool.fetch(
            "SELECT kind, period, origin, change, value, effective_at, reason, recorded_at"
            " FROM responsible_gaming.limit_history WHERE player_id = $1 ORDER BY recorded_at DESC, entry_id DESC"
            " LIMIT $2",
            player_id,
            limit,
        )
        return [LimitEntry(**row) for row in rows]

    async def add_exclusion(
        self, connection: Any, player_id: uuid.UUID, one: Exclusion, reason: str, actor_id: uuid.UUID | None
    ) -> None:
        await connection.execute(
            "INSERT INTO responsible_gaming.exclusions"
            " (exclusion_id, player_id, kind, began_at, until, reason, actor_id) VALUES ($1, $2, $3, $4, $5, $6, $7)",
            one.exclusion_id,
            player_id,
            one.kind,
            one.began_at,
            one.until,
            reason,
            actor_id,
        )

    async def save_exclusion(self, connection: Any, one: Exclusion) -> None:
        await connection.execute(
            "UPDATE responsible_gaming.exclusions SET asked_at = $2, return_at = $3, ended_at = $4"
            " WHERE exclusion_id = $1",
            one.exclusion_id,
            one.asked_at,
            one.return_at,
            one.ended_at,
        )

    async def exclusions(self, player_id: uuid.UUID) -> list[tuple[Exclusion, str]]:
        """All exclusions of a player with their reasons, newest first."""
        rows = await self.pool.fetch(
            "SELECT exclusion_id, kind, began_at, until, asked_at, return_at, ended_at, reason"
            " FROM responsible_gaming.exclusions WHERE player_id = $1 ORDER BY began_at DESC, exclusion_id DESC",
            player_id,
        )
        return [(Exclusion(**{k: v for k, v in row.items() if k != "reason"}), row["reason"]) for row in rows]

    async def due(
        self, now: datetime, rules: str, limit: int, *, confirmed: bool, ends_itself: bool
    ) -> list[uuid.UUID]:
        """Players of whom something has to be done: a limit or an exclusion whose time has come, a change that others
        have not heard of (these first), other rules than it was computed by.

        `confirmed`: looser limits wait for their players; `ends_itself`: a self-exclusion ends without being asked.
        """
        rows = await self.pool.fetch(
            """SELECT player_id FROM (
                   SELECT player_id, 1 AS turn FROM responsible_gaming.players WHERE applied < revision
                   UNION ALL SELECT player_id, 2 FROM responsible_gaming.limits
                       WHERE loosening AND effective_at <= $1 AND (origin = 'staff' OR NOT $4)
                   UNION ALL SELECT player_id, 2 FROM responsible_gaming.exclusions
                       WHERE ended_at IS NULL AND (return_at <= $1 OR (until <= $1
                           AND (kind IN ('time_out', 'mandatory') OR (kind = 'self_exclusion' AND $5))))
                   UNION ALL SELECT player_id, 3 FROM responsible_gaming.players WHERE rules <> $2) AS due
               GROUP BY player_id ORDER BY min(turn) LIMIT $3""",
            now,
            rules,
            limit,
            confirmed,
            ends_itself,
        )
        return [row["player_id"] for row in rows]

    async def add_check(self, player_id: uuid.UUID | None, moment: str, answer: str, now: datetime) -> None:
        """Note what a register answered."""
        await self.pool.execute(
            "INSERT INTO responsible_gaming.register_checks VALUES ($1, $2, $3, $4, $5)",
            new_id(),
            player_id,
            moment,
            answer,
            now,
        )

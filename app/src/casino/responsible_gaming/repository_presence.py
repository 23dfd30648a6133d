"""SQL of sessions' time, reality checks and activity."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from casino.kernel.db import Database


@dataclass(frozen=True, slots=True)
class Present:
    """A player with a session: when it began, was last looked at, and the last reality check with the sums then."""

    player_id: uuid.UUID
    account_id: int
    began_at: datetime
    looked_at: datetime
    told_at: datetime
    staked: int
    won: int


@dataclass(frozen=True, slots=True)
class RealityCheck:
    """What a player was told: staked and won since `since`, in minor units."""

    check_id: uuid.UUID
    since: datetime
    told_at: datetime
    staked: int
    won: int
    acknowledged_at: datetime | None


@dataclass(frozen=True, slots=True)
class DayOfPlay:
    """What a player did on a day where the licence is, in minor units."""

    day: date
    currency: str
    rounds: int
    staked: int
    won: int
    deposited: int
    withdrawn: int


class PresenceRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def pool(self) -> Any:
        return self._database.pool

    async def begin(self, player_id: uuid.UUID, account_id: int, now: datetime, unless_looked_since: datetime) -> None:
        """A session is open. One that is looked after already goes on: a second device begins no new time."""
        staked, won = await self.sums(player_id)
        await self.pool.execute(
            """INSERT INTO responsible_gaming.presence AS p
                   (player_id, account_id, began_at, looked_at, told_at, staked, won)
               VALUES ($1, $2, $3, $3, $3, $5, $6)
               ON CONFLICT (player_id) DO UPDATE SET began_at = $3, looked_at = $3, told_at = $3, staked = $5, won = $6
                   WHERE p.looked_at < $4""",
            player_id,
            account_id,
            now,
            unless_looked_since,
            staked,
            won,
        )

    async def present(self, limit: int, *, everybody: bool) -> list[Present]:
        """Who has to be looked after, the longest not looked at first: everybody, or who has a limit of time."""
        rows = await self.pool.fetch(
            """SELECT player_id, account_id, began_at, looked_at, told_at, staked, won
               FROM responsible_gaming.presence p
               WHERE $2 OR EXISTS (SELECT FROM responsible_gaming.limits l
                   WHERE l.player_id = p.player_id AND l.kind = 'session' AND l.value IS NOT NULL)
               ORDER BY looked_at LIMIT $1""",
            limit,
            everybody,
        )
        return [Present(**row) for row in rows]

    async def end(self, player_id: uuid.UUID, looked_at: datetime) -> None:
        """The player has no session any more, unless one was opened since."""
        await self.pool.execute(
            "DELETE FROM responsible_gaming.presence WHERE player_id = $1 AND looked_at = $2", player_id, looked_at
        )

    async def add_time(self, player_id: uuid.UUID, day: date, seconds: int, now: datetime) -> None:
        """Count time of a day, and note that it is counted."""
        await self.pool.execute(
            """WITH looked AS (UPDATE responsible_gaming.presence SET looked_at = $4 WHERE player_id = $1)
               INSERT INTO responsible_gaming.session_time AS t VALUES ($1, $2, $3)
               ON CONFLICT (player_id, day) DO UPDATE SET seconds = t.seconds + excluded.seconds""",
            player_id,
            day,
            seconds,
            now,
        )

    async def time_since(self, player_id: uuid.UUID, day: date) -> int:
        """Seconds with a session since the beginning of a day."""
        found: int = await self.pool.fetchval(
            "SELECT coalesce(sum(seconds), 0)::bigint FROM responsible_gaming.session_time"
            " WHERE player_id = $1 AND day >= $2",
            player_id,
            day,
        )
        return found

    async def time_between(self, player_id: uuid.UUID, since: date, until: date) -> int:
        """Seconds with a session from one day to another, both within."""
        found: int = await self.pool.fetchval(
            "SELECT coalesce(sum(seconds), 0)::bigint FROM responsible_gaming.session_time"
            " WHERE player_id = $1 AND day BETWEEN $2 AND $3",
            player_id,
            since,
            until,
        )
        return found

    async def tell(self, connection: Any, player_id: uuid.UUID, check: RealityCheck, sums: tuple[int, int]) -> None:
        """Keep a reality check, and that the next one counts from here."""
        await connection.execute(
            "INSERT INTO responsible_gaming.reality_checks VALUES ($1, $2, $3, $4, $5, $6)",
            check.check_id,
            player_id,
            check.since,
            check.told_at,
            check.staked,
            check.won,
        )
        await connection.execute(
            "UPDATE responsible_gaming.presence SET told_at = $2, staked = $3, won = $4 WHERE player_id = $1",
            player_id,
            check.told_at,
            *sums,
        )

    async def acknowledge(self, player_id: uuid.UUID, check_id: uuid.UUID, now: datetime) -> bool:
        """Note that a check was seen; false when the player was told none of that id."""
        found = await self.pool.fetchval(
            "UPDATE responsible_gaming.reality_checks SET acknowledged_at = coalesce(acknowledged_at, $3)"
            " WHERE player_id = $1 AND check_id = $2 RETURNING true",
            player_id,
            check_id,
            now,
        )
        return bool(found)

    async def unacknowledged(self, player_id: uuid.UUID) -> int:
        found: int = await self.pool.fetchval(
            "SELECT count(*) FROM responsible_gaming.reality_checks WHERE player_id = $1 AND acknowledged_at IS NULL",
            player_id,
        )
        return found

    async def checks(self, player_id: uuid.UUID, limit: int) -> list[RealityCheck]:
        """A player's last reality checks, newest first."""
        rows = await self.pool.fetch(
            "SELECT check_id, since, told_at, staked, won, acknowledged_at FROM responsible_gaming.reality_checks"
            " WHERE player_id = $1 ORDER BY told_at DESC LIMIT $2",
            player_id,
            limit,
        )
        return [RealityCheck(**row) for row in rows]

    async def sums(self, player_id: uuid.UUID) -> tuple[int, int]:
        """All that a player has staked and won."""
        row = await self.pool.fetchrow(
            "SELECT coalesce(sum(staked), 0)::bigint AS staked, coalesce(sum(won), 0)::bigint AS won"
            " FROM responsible_gaming.activity WHERE player_id = $1",
            player_id,
        )
        return row["staked"], row["won"]

    async def days(self, player_id: uuid.UUID, since: date, until: date) -> list[DayOfPlay]:
        """A player's days from `since` to `until`, both within, oldest first."""
        rows = await self.pool.fetch(
            "SELECT day, currency, rounds, staked, won, deposited, withdrawn FROM responsible_gaming.activity"
            " WHERE player_id = $1 AND day BETWEEN $2 AND $3 ORDER BY day, currency",
            player_id,
            since,
            until,
        )
        return [DayOfPlay(**row) for row in rows]


async def add_activity(connection: Any, rows: Sequence[tuple[uuid.UUID, date, str, int, int, int, int, int]]) -> None:
    """Add to players' days; each of `rows` is another player, day and currency."""
    columns = [list(column) for column in zip(*rows, strict=True)]
    await connection.execute(
        """INSERT INTO responsible_gaming.activity AS a
           SELECT * FROM unnest($1::uuid[], $2::date[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[],
               $7::bigint[], $8::bigint[])
           ON CONFLICT (player_id, day, currency) DO UPDATE SET rounds = a.rounds + excluded.rounds,
               staked = a.staked + excluded.staked, won = a.won + excluded.won,
               deposited = a.deposited + excluded.deposited, withdrawn = a.withdrawn + excluded.withdrawn""",
        *columns,
    )


async def forget_activity(connection: Any) -> None:
    """Empty it, for building it anew."""
    await connection.execute("DELETE FROM responsible_gaming.activity")

"""SQL of sessions' time, reality checks and activity."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from casino.kernel.db import Database
from casino.kernel.identity import new_id
from casino.responsible_gaming.limits import Limit, Origin, Place
from casino.responsible_gaming.windows import Period

_PRESENT = "player_id, account_id, began_at, looked_at, told_at, staked, won, last_login"


@dataclass(frozen=True, slots=True)
class Present:
    """A player with a session: when it began, was last looked at, and the last reality check with the sums then.

    `last_login` is another one after each log-in.
    """

    player_id: uuid.UUID
    account_id: int
    began_at: datetime
    looked_at: datetime
    told_at: datetime
    staked: int
    won: int
    last_login: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class Spent:
    """Time with a session, from one look to the next: whole seconds by the day where the licence is."""

    player_id: uuid.UUID
    since: datetime
    until: datetime
    days: Sequence[tuple[date, int]]


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

    async def begin(self, player_id: uuid.UUID, account_id: int, now: datetime) -> None:
        """A session is open. Who is looked after already goes on: a second device begins no new time."""
        staked, won = await self.sums(player_id)
        await self.pool.execute(
            """INSERT INTO responsible_gaming.presence
                   (player_id, account_id, began_at, looked_at, told_at, staked, won, last_login)
               VALUES ($1, $2, $3, $3, $3, $4, $5, $6)
               ON CONFLICT (player_id) DO UPDATE SET last_login = excluded.last_login""",
            player_id,
            account_id,
            now,
            staked,
            won,
            new_id(),
        )

    async def present(self, limit: int, after: uuid.UUID | None, *, everybody: bool) -> list[Present]:
        """Who has to be looked after, by their ids from `after` on: everybody, or who has a limit of time."""
        rows = await self.pool.fetch(
            f"""SELECT {_PRESENT} FROM responsible_gaming.presence p
               WHERE player_id > $3 AND ($2 OR EXISTS (SELECT FROM responsible_gaming.limits l
                   WHERE l.player_id = p.player_id AND l.kind = 'session' AND l.value IS NOT NULL))
               ORDER BY player_id LIMIT $1""",  # noqa: S608 - columns
            limit,
            everybody,
            after or uuid.UUID(int=0),
        )
        return [Present(**row) for row in rows]

    async def find(self, player_id: uuid.UUID) -> Present | None:
        """A player who is looked after."""
        row = await self.pool.fetchrow(
            f"SELECT {_PRESENT} FROM responsible_gaming.presence WHERE player_id = $1",  # noqa: S608 - columns
            player_id,
        )
        return None if row is None else Present(**row)

    async def end(self, gone: Sequence[Present]) -> None:
        """The players have no session any more, but for those who have come since they were read."""
        await self.pool.execute(
            """DELETE FROM responsible_gaming.presence p USING unnest($1::uuid[], $2::uuid[]) AS gone (player_id, login)
               WHERE p.player_id = gone.player_id AND p.last_login IS NOT DISTINCT FROM gone.login""",
            [one.player_id for one in gone],
            [one.last_login for one in gone],
        )

    async def add_time(self, spent: Sequence[Spent]) -> None:
        """Count time, and note up to when it is counted. Of two who count the same time only one does."""
        days = [(one.player_id, day, seconds) for one in spent for day, seconds in one.days]
        await self.pool.execute(
            """WITH looked AS (
                   UPDATE responsible_gaming.presence p SET looked_at = told.until
                   FROM unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[]) AS told (player_id, since, until)
                   WHERE p.player_id = told.player_id AND p.looked_at = told.since
                   RETURNING p.player_id)
               INSERT INTO responsible_gaming.session_time AS t
                   SELECT day.* FROM unnest($4::uuid[], $5::date[], $6::bigint[]) AS day (player_id, day, seconds)
                   JOIN looked USING (player_id)
               ON CONFLICT (player_id, day) DO UPDATE SET seconds = t.seconds + excluded.seconds""",
            [one.player_id for one in spent],
            [one.since for one in spent],
            [one.until for one in spent],
            *([one[place] for one in days] for place in range(3)),
        )

    async def limits(self, player_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, dict[tuple[Place, Origin], Limit]]:
        """The limits of session time of those players who have some."""
        found: dict[uuid.UUID, dict[tuple[Place, Origin], Limit]] = {}
        for row in await self.pool.fetch(
            "SELECT player_id, kind, period, origin, value, waiting, effective_at FROM responsible_gaming.limits"
            " WHERE player_id = ANY ($1) AND kind = 'session'",
            player_ids,
        ):
            limit = Limit(row["value"], row["waiting"], row["effective_at"])
            found.setdefault(row["player_id"], {})[((row["kind"], row["period"]), row["origin"])] = limit
        return found

    async def times_since(
        self, player_ids: Sequence[uuid.UUID], days: Mapping[Period, date]
    ) -> dict[uuid.UUID, dict[Period, int]]:
        """Seconds with a session since the first day of each period, of those players who have some."""
        since = [days["day"], days["week"], days["month"]]
        rows = await self.pool.fetch(
            """SELECT player_id, coalesce(sum(seconds) FILTER (WHERE day >= $2), 0)::bigint AS day,
                   coalesce(sum(seconds) FILTER (WHERE day >= $3), 0)::bigint AS week,
                   coalesce(sum(seconds) FILTER (WHERE day >= $4), 0)::bigint AS month
               FROM responsible_gaming.session_time
               WHERE player_id = ANY ($1) AND day >= least($2::date, $3::date, $4::date) GROUP BY player_id""",
            player_ids,
            *since,
        )
        return {row["player_id"]: {"day": row["day"], "week": row["week"], "month": row["month"]} for row in rows}

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


async def forget_activity(connection: Any, since: date | None = None) -> None:
    """Empty it, for building it anew; of a day and those after it, or all."""
    await connection.execute("DELETE FROM responsible_gaming.activity WHERE $1::date IS NULL OR day >= $1", since)


async def move_time(connection: Any, survivor: uuid.UUID, merged: uuid.UUID) -> None:
    """Count a merged player's time with a session as the survivor's."""
    await connection.execute(
        """WITH moved AS (DELETE FROM responsible_gaming.session_time WHERE player_id = $2 RETURNING day, seconds)
           INSERT INTO responsible_gaming.session_time AS t SELECT $1, day, seconds FROM moved
           ON CONFLICT (player_id, day) DO UPDATE SET seconds = t.seconds + excluded.seconds""",
        survivor,
        merged,
    )

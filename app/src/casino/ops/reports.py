"""The read models of operations: what was played and moved on each day, built from the wallet's events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from casino.kernel.clock import day_after
from casino.kernel.db import Database
from casino.kernel.events.model import Consumer, Event

LONGEST_REPORT_DAYS = 366
UNNAMED = "unnamed"
"""The game of a round whose details name none."""
_PLAY = ("round", "bet_settled", "win", "jackpot_win")
_TAKEN_BACK = ("win_reversal", "bet_return")


@dataclass(frozen=True, slots=True)
class PlayOfDay:
    """Sums of one day, game and currency, in minor units."""

    COLUMNS: ClassVar = ("day", "game_id", "currency", "rounds", "stake_minor", "win_minor", "ggr_minor")

    day: date
    game_id: str
    currency: str
    rounds: int
    stake_minor: int
    win_minor: int

    @property
    def ggr_minor(self) -> int:
        """Gross gaming revenue: stakes minus wins."""
        return self.stake_minor - self.win_minor

    def as_json(self) -> dict[str, Any]:
        """By the names of COLUMNS; the day in ISO 8601."""
        return {name: getattr(self, name) for name in self.COLUMNS} | {"day": self.day.isoformat()}


class Reports:
    """Reads the reports."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def daily(self, since: date, days: int) -> list[PlayOfDay]:
        """The days from `since` on, at most `days` of them, oldest first."""
        return list(await play_by_day(self._database.pool, since, days))


class DailyReports:
    """`timezone` is where the licence is: its days are the report's."""

    def __init__(self, timezone: str) -> None:
        self._timezone = ZoneInfo(timezone)

    def consumer(self) -> Consumer:
        """Reads what the wallet tells."""
        kinds = (*_PLAY, *_TAKEN_BACK)
        return Consumer(
            "daily_reports",
            "ops",
            "wallet",
            {(f"wallet.{kind}", 1): self._one for kind in kinds},
            ignores_others=True,
            reset=self._reset,
            keep=self._keep,
            together=self._together,
        )

    async def _one(self, connection: Any, event: Event) -> None:
        await self._together(connection, [event])

    async def _together(self, connection: Any, events: Sequence[Event]) -> None:
        sums: dict[tuple[date, str, str], list[int]] = {}
        for event in events:
            payload, kind = event.payload, event.type.removeprefix("wallet.")
            day = event.occurred_at.astimezone(self._timezone).date()
            key = (day, str(payload["details"].get("game_id", UNNAMED)), payload["currency"])
            found = sums.setdefault(key, [0, 0, 0])
            # What is taken back lowers the sum that it was in: a win, or a stake.
            taken, given = payload["taken_minor"], payload["given_minor"]
            found[0] += kind in ("round", "bet_settled")
            found[1] += -given if kind == "bet_return" else 0 if kind == "win_reversal" else taken
            found[2] += -taken if kind == "win_reversal" else 0 if kind == "bet_return" else given
        keys = sorted(sums)  # in one order, so that two days' readers do not deadlock
        await connection.execute(
            """INSERT INTO ops.play_by_day
               SELECT * FROM unnest($1::date[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[])
               ON CONFLICT (day, game_id, currency) DO UPDATE SET rounds = play_by_day.rounds + excluded.rounds,
                   stake_minor = play_by_day.stake_minor + excluded.stake_minor,
                   win_minor = play_by_day.win_minor + excluded.win_minor""",
            *(list(column) for column in zip(*keys, strict=True)),
            *([sums[key][place] for key in keys] for place in range(3)),
        )

    async def _reset(self, connection: Any) -> None:
        await connection.execute("DELETE FROM ops.play_by_day")

    async def _keep(self, connection: Any, until: datetime) -> datetime:
        # The day that the moment is in is of both, and stays whole as it was built.
        day, begins = day_after(until, self._timezone)
        await connection.execute("DELETE FROM ops.play_by_day WHERE day >= $1", day)
        return begins


async def play_by_day(connection: Any, since: date, days: int = 31) -> Sequence[PlayOfDay]:
    """The days from `since` on, at most `days` of them, oldest first."""
    rows = await connection.fetch(
        "SELECT * FROM ops.play_by_day WHERE day >= $1 AND day < $2 ORDER BY day, game_id, currency",
        since,
        since + timedelta(days=days),
    )
    return [PlayOfDay(**row) for row in rows]

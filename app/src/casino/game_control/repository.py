"""All SQL of game control: the approved list, switches, verifications, what was played and how it was judged."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from casino.game_control.approval import Approval, Switch
from casino.game_control.drift import Drift, Play, Verdict
from casino.game_control.manifest import Verification
from casino.kernel.db import Database
from casino.kernel.events.model import Event
from casino.kernel.events.outbox import Outbox
from casino.kernel.identity import new_id

_SWITCHING = 7_246_155_917
"""Switches are written one after the other: their order is their meaning."""


@dataclass(frozen=True, slots=True)
class SwitchRequest:
    """Somebody asks for a game, or one version of it, to be offered again."""

    request_id: uuid.UUID
    game_id: str
    version: str | None
    reason: str
    asked_by: str
    asked_at: datetime
    done: bool


@dataclass(frozen=True, slots=True)
class Switched:
    """A switch as it was set, for who reads the history."""

    game_id: str
    version: str | None
    enabled: bool
    reason: str
    actor: str
    second_actor: str | None
    set_at: datetime


@dataclass(frozen=True, slots=True)
class Judged:
    """How the play of a version in a window stands to its figures."""

    game_id: str
    version: str
    currency: str
    span: str
    play: Play
    low: float
    high: float
    z: float
    verdict: Verdict
    judged_at: datetime


class OversightRepository:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._outbox = Outbox("game_control")

    @property
    def pool(self) -> Any:
        return self._database.pool

    async def state(self) -> tuple[int, int, int]:
        """The newest switch, list and request for verification, by number; 0 where there is none: it is polled."""
        row = await self.pool.fetchrow(
            "SELECT (SELECT coalesce(max(position), 0) FROM game_control.switches) AS switch,"
            " (SELECT coalesce(max(position), 0) FROM game_control.approved_lists) AS list,"
            " (SELECT coalesce(max(position), 0) FROM game_control.verification_requests) AS request"
        )
        return row["switch"], row["list"], row["request"]

    async def switches(self) -> list[Switch]:
        """The last switch of each scope, in the order in which they were set: all that a decision needs."""
        rows = await self.pool.fetch(
            "SELECT game_id, version, enabled, reason FROM (SELECT DISTINCT ON (game_id, version) *"
            " FROM game_control.switches ORDER BY game_id, version, position DESC) AS last ORDER BY position"
        )
        return [Switch(**row) for row in rows]

    async def approved(self) -> list[Approval] | None:
        """The list in force; None where none was ever taken over."""
        newest = await self.pool.fetchval(
            "SELECT list_id FROM game_control.approved_lists ORDER BY position DESC LIMIT 1"
        )
        if newest is None:
            return None
        rows = await self.pool.fetch(
            "SELECT game_id, version, signature, valid_from, valid_until FROM game_control.approved_games"
            " WHERE list_id = $1",
            newest,
        )
        return [Approval(**row) for row in rows]

    async def add_list(
        self, entries: Sequence[Approval], *, source: str, sha256: bytes, actor: str, now: datetime, told: Event
    ) -> uuid.UUID:
        list_id = new_id()
        async with self.pool.acquire() as connection, connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1)", _SWITCHING)
            await connection.execute(
                "INSERT INTO game_control.approved_lists (list_id, source, sha256, recorded_by, recorded_at)"
                " VALUES ($1, $2, $3, $4, $5)",
                list_id,
                source,
                sha256,
                actor,
                now,
            )
            await connection.executemany(
                "INSERT INTO game_control.approved_games (list_id, game_id, version, signature, valid_from,"
                " valid_until) VALUES ($1, $2, $3, $4, $5, $6)",
                [(list_id, e.game_id, e.version, e.signature, e.valid_from, e.valid_until) for e in entries],
            )
            await self._outbox.append(connection, told)
        return list_id

    async def add_switch(
        self,
        switch: Switch,
        *,
        actor: str,
        second_actor: str | None = None,
        request_id: uuid.UUID | None = None,
        now: datetime,
        told: Event,
    ) -> bool:
        """Set it; false when the request was granted before."""
        async with self.pool.acquire() as connection, connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1)", _SWITCHING)
            added = await connection.fetchval(
                "INSERT INTO game_control.switches (switch_id, game_id, version, enabled, reason, actor, second_actor,"
                " request_id, set_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
                " ON CONFLICT (request_id) DO NOTHING RETURNING switch_id",
                new_id(),
                switch.game_id,
                switch.version,
                switch.enabled,
                switch.reason,
                actor,
                second_actor,
                request_id,
                now,
            )
            if added is not None:
                await self._outbox.append(connection, told)
        return added is not None

    async def history(self, game_id: str, limit: int = 100) -> list[Switched]:
        """The switches of a game, newest first."""
        rows = await self.pool.fetch(
            "SELECT game_id, version, enabled, reason, actor, second_actor, set_at FROM game_control.switches"
            " WHERE game_id = $1 ORDER BY position DESC LIMIT $2",
            game_id,
            limit,
        )
        return [Switched(**row) for row in rows]

    async def add_request(self, game_id: str, version: str | None, reason: str, actor: str, now: datetime) -> uuid.UUID:
        request_id = new_id()
        await self.pool.execute(
            "INSERT INTO game_control.switch_requests (request_id, game_id, version, reason, asked_by, asked_at)"
            " VALUES ($1, $2, $3, $4, $5, $6)",
            request_id,
            game_id,
            version,
            reason,
            actor,
            now,
        )
        return request_id

    async def request(self, request_id: uuid.UUID) -> SwitchRequest | None:
        row = await self.pool.fetchrow(
            "SELECT r.*, EXISTS (SELECT FROM game_control.switches s WHERE s.request_id = r.request_id) AS done"
            " FROM game_control.switch_requests r WHERE r.request_id = $1",
            request_id,
        )
        return None if row is None else SwitchRequest(**row)

    async def ask_verification(self, actor: str, now: datetime) -> int:
        """Ask every process to verify; answers the request's number."""
        found: int = await self.pool.fetchval(
            "INSERT INTO game_control.verification_requests (request_id, asked_by, asked_at) VALUES ($1, $2, $3)"
            " RETURNING position",
            new_id(),
            actor,
            now,
        )
        return found

    async def add_verification(
        self, found: Verification, *, process: str, occasion: str, now: datetime, told: Event | None
    ) -> None:
        async with self.pool.acquire() as connection, connection.transaction():
            await connection.execute(
                "INSERT INTO game_control.verifications (verification_id, process, occasion, ok, disabled, faults,"
                " verified_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
                new_id(),
                process,
                occasion,
                found.ok,
                sorted(found.disabled),
                json.dumps([asdict(fault) for fault in found.faults]),
                now,
            )
            if told is not None:
                await self._outbox.append(connection, told)

    async def played(self, since: date | None) -> list[tuple[str, str, str, Play]]:
        """What was played since a day, or ever: game, version, currency and sums. Unsound sums are left out."""
        rows = await self.pool.fetch(
            "SELECT game_id, version, currency, sum(rounds)::bigint AS rounds, sum(staked)::bigint AS staked,"
            " sum(won)::bigint AS won, sum(stake_squares)::text AS squares FROM game_control.play_by_day"
            " WHERE $1::date IS NULL OR day >= $1 GROUP BY game_id, version, currency"
            " HAVING sum(rounds) > 0 AND sum(staked) > 0 AND sum(won) >= 0 AND sum(stake_squares) >= sum(rounds)"
            " ORDER BY game_id, version, currency",
            since,
        )
        return [
            (
                row["game_id"],
                row["version"],
                row["currency"],
                Play(row["rounds"], row["staked"], row["won"], int(row["squares"])),
            )
            for row in rows
        ]

    async def judged(self, game_id: str | None = None) -> list[Judged]:
        """The last judgements, of one game or all."""
        rows = await self.pool.fetch(
            "SELECT * FROM game_control.drift WHERE $1::text IS NULL OR game_id = $1"
            " ORDER BY game_id, version, currency, span",
            game_id,
        )
        return [
            Judged(
                game_id=row["game_id"],
                version=row["version"],
                currency=row["currency"],
                span=row["span"],
                play=Play(row["rounds"], row["staked"], row["won"]),
                low=row["low"],
                high=row["high"],
                z=row["z"],
                verdict=Verdict(row["verdict"]),
                judged_at=row["judged_at"],
            )
            for row in rows
        ]

    async def add_judgement(
        self,
        *,
        game_id: str,
        version: str,
        currency: str,
        span: str,
        play: Play,
        drift: Drift,
        now: datetime,
        told: Event | None,
    ) -> None:
        """Keep a judgement in place of the one before, and tell of it where something changed."""
        async with self.pool.acquire() as connection, connection.transaction():
            await connection.execute(
                """INSERT INTO game_control.drift (game_id, version, currency, span, rounds, staked, won, low, high, z,
                       verdict, judged_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
                   ON CONFLICT (game_id, version, currency, span) DO UPDATE SET rounds = excluded.rounds,
                       staked = excluded.staked, won = excluded.won, low = excluded.low, high = excluded.high,
                       z = excluded.z, verdict = excluded.verdict, judged_at = excluded.judged_at""",
                game_id,
                version,
                currency,
                span,
                play.rounds,
                play.staked_minor,
                play.won_minor,
                drift.low,
                drift.high,
                drift.z,
                drift.verdict.value,
                now,
            )
            if told is not None:
                await self._outbox.append(connection, told)


async def forget_play(connection: Any, since: date | None = None) -> None:
    """Empty what is built from the wallet's events; of a day and those after it, or all."""
    await connection.execute("DELETE FROM game_control.play_by_day WHERE $1::date IS NULL OR day >= $1", since)


async def add_play(connection: Any, rows: Sequence[tuple[Any, ...]]) -> None:
    """Add to what was played: game, version, currency, day, rounds, staked, won, squares. In the caller's
    transaction."""
    await connection.execute(
        """INSERT INTO game_control.play_by_day
           SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::date[], $5::bigint[], $6::bigint[],
               $7::bigint[], $8::numeric[])
           ON CONFLICT (game_id, version, currency, day) DO UPDATE SET
               rounds = play_by_day.rounds + excluded.rounds, staked = play_by_day.staked + excluded.staked,
               won = play_by_day.won + excluded.won,
               stake_squares = play_by_day.stake_squares + excluded.stake_squares""",
        *(list(column) for column in zip(*rows, strict=True)),
    )

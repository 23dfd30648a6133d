"""All SQL of live tables. A transition and its event are written together, and only from the state it begins at."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from casino.gal.live.round import LiveRound, Transition
from casino.kernel.db import Database
from casino.kernel.events.outbox import Outbox, event

_TABLES = uuid.UUID("6f1a2d0e-6b5e-4c0f-9a53-7b0f6d1a9c11")


@dataclass(frozen=True, slots=True)
class Bet:
    """A bet's row. `stake` and `win` are minor units."""

    bet_id: uuid.UUID
    round_id: uuid.UUID
    account_id: int
    request_hash: bytes
    selection: str
    stake: int
    status: str
    win: int | None = None


class LiveRepository:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._outbox = Outbox("gal")

    async def running(self, table_id: str) -> LiveRound | None:
        """The table's round that is not over."""
        row = await self._database.pool.fetchrow(
            "SELECT * FROM gal.live_rounds WHERE table_id = $1 AND state NOT IN ('settled', 'voided')", table_id
        )
        return _round(row)

    async def latest(self, table_id: str) -> LiveRound | None:
        """The table's newest round."""
        row = await self._database.pool.fetchrow(
            "SELECT * FROM gal.live_rounds WHERE table_id = $1 ORDER BY round_id DESC LIMIT 1", table_id
        )
        return _round(row)

    async def round(self, round_id: uuid.UUID) -> LiveRound | None:
        return _round(await self._database.pool.fetchrow("SELECT * FROM gal.live_rounds WHERE round_id = $1", round_id))

    async def move(self, transition: Transition, wins: Mapping[uuid.UUID, int] | None = None) -> bool:
        """Write a transition with its event, and with the settlement what each bet brought back.

        False when somebody else has moved the round, or the table plays another one; then nothing was written.
        """
        before, after = transition.before, transition.after
        async with self._database.pool.acquire() as connection, connection.transaction():
            if before is None:
                made = await connection.fetchval(
                    "INSERT INTO gal.live_rounds (round_id, table_id, state, opened_at, closes_at)"
                    " VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING RETURNING true",
                    after.round_id, after.table_id, after.state, after.opened_at, after.closes_at,
                )  # fmt: skip
            else:
                made = await connection.fetchval(
                    "UPDATE gal.live_rounds SET state = $3, closed_at = $4, result = $5, resulted_at = $6,"
                    " ended_at = $7 WHERE round_id = $1 AND state = $2 RETURNING true",
                    after.round_id, before.state, after.state, after.closed_at, after.result, after.resulted_at,
                    after.ended_at,
                )  # fmt: skip
            if not made:
                return False
            if wins:
                await connection.execute(
                    "UPDATE gal.live_bets b SET status = 'settled', win = w.win"
                    " FROM unnest($1::uuid[], $2::bigint[]) AS w (bet_id, win)"
                    " WHERE b.bet_id = w.bet_id AND b.status = 'accepted'",
                    list(wins), list(wins.values()),
                )  # fmt: skip
            at = after.ended_at or after.resulted_at or after.closed_at or after.opened_at
            table = uuid.uuid5(_TABLES, after.table_id)
            await self._outbox.append(connection, event(transition.event, table, at, transition.payload))
        return True

    async def note_bet(self, bet: Bet, key: str, received_at: datetime) -> Bet | None:
        """A pending bet, or the one that the key stands for. None when the round takes no more: the database decides
        by its own clock, whatever was thought at receipt."""
        row = await self._database.pool.fetchrow(
            """WITH taking AS (
                   SELECT round_id FROM gal.live_rounds
                   WHERE round_id = $2 AND state = 'open' AND clock_timestamp() < closes_at FOR SHARE)
               INSERT INTO gal.live_bets
                   (bet_id, round_id, account_id, key, request_hash, selection, stake, status, received_at)
               SELECT $1, round_id, $3, $4, $5, $6, $7, 'pending', $8 FROM taking
               ON CONFLICT (account_id, key) DO NOTHING RETURNING *""",
            bet.bet_id, bet.round_id, bet.account_id, key, bet.request_hash, bet.selection, bet.stake, received_at,
        )  # fmt: skip
        return _bet(row) if row is not None else await self.bet_of(bet.account_id, key)

    async def bet_of(self, account_id: int, key: str) -> Bet | None:
        """The bet that a key stands for."""
        row = await self._database.pool.fetchrow(
            "SELECT * FROM gal.live_bets WHERE account_id = $1 AND key = $2", account_id, key
        )
        return _bet(row) if row is not None else None

    async def accept(self, bet_id: uuid.UUID) -> bool:
        """The stake is held: the bet takes part. False when the round has a result already, or is over."""
        accepted = await self._database.pool.fetchval(
            """WITH playing AS (
                   SELECT r.round_id FROM gal.live_rounds r JOIN gal.live_bets b USING (round_id)
                   WHERE b.bet_id = $1 AND r.state IN ('open', 'closed') FOR SHARE OF r)
               UPDATE gal.live_bets b SET status = 'accepted' FROM playing p
               WHERE b.round_id = p.round_id AND b.bet_id = $1 AND b.status IN ('pending', 'accepted')
               RETURNING true""",
            bet_id,
        )
        return bool(accepted)

    async def drop(self, bet_id: uuid.UUID) -> None:
        """A bet that was refused leaves its key free."""
        await self._database.pool.execute("DELETE FROM gal.live_bets WHERE bet_id = $1 AND status = 'pending'", bet_id)

    async def end(self, bet_id: uuid.UUID) -> None:
        """A bet that came too late, or whose round does not count: its stake has gone back."""
        await self._database.pool.execute(
            "UPDATE gal.live_bets SET status = 'voided' WHERE bet_id = $1 AND status IN ('pending', 'accepted')", bet_id
        )

    async def bets(self, round_id: uuid.UUID, *statuses: str) -> Sequence[Bet]:
        """A round's bets, by account."""
        rows = await self._database.pool.fetch(
            "SELECT * FROM gal.live_bets WHERE round_id = $1 AND status = ANY ($2) ORDER BY account_id, bet_id",
            round_id,
            list(statuses),
        )
        return [_bet(row) for row in rows]


def _bet(row: Any) -> Bet:
    return Bet(**{name: row[name] for name in Bet.__slots__})


def _round(row: Any) -> LiveRound | None:
    return LiveRound(**{name: row[name] for name in LiveRound.__slots__}) if row is not None else None

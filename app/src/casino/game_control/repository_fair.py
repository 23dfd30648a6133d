"""SQL of the seeds of provably fair rounds (migrations `fair_seeds` and `sealed_seeds`)."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from casino.game_control.hidden import Seal
from casino.kernel.db import Database
from casino.kernel.identity import new_id


@dataclass(frozen=True, slots=True)
class Seed:
    """A row of game_control.seed_pairs. `repr` does not show the server's seed."""

    seed_id: uuid.UUID
    player_id: uuid.UUID
    server_seed: bytes = field(repr=False)
    client_seed: str | None
    state: str
    nonce: int


class FairRepository:
    """A server seed is sealed until it is revealed; one from before there was a seal is read as it is."""

    def __init__(self, database: Database, seal: Seal) -> None:
        self._database = database
        self._seal = seal

    async def reserve(
        self, player_id: uuid.UUID, key: str, fresh: Callable[[], bytes]
    ) -> tuple[Seed, int, uuid.UUID, datetime]:
        """`(seed, nonce, round, now)`: the request's nonce of the current seed, taken now or before."""
        async with self._database.pool.acquire() as connection, connection.transaction():
            seed = await self._current(connection, player_id, fresh)
            row = await connection.fetchrow(
                "SELECT nonce, round_id FROM game_control.fair_rounds"
                " WHERE player_id = $1 AND key = $2 AND seed_id = $3 ORDER BY nonce DESC LIMIT 1",
                player_id,
                key,
                seed.seed_id,
            )
            if row is None:
                row = await connection.fetchrow(
                    """WITH taken AS (
                           UPDATE game_control.seed_pairs SET nonce = nonce + 1 WHERE seed_id = $1
                           RETURNING nonce - 1 AS nonce)
                       INSERT INTO game_control.fair_rounds (seed_id, nonce, player_id, key, round_id)
                       SELECT $1, nonce, $2, $3, $4 FROM taken RETURNING nonce, round_id""",
                    seed.seed_id,
                    player_id,
                    key,
                    new_id(),
                )
            now = await connection.fetchval("SELECT clock_timestamp()")
            return seed, row["nonce"], row["round_id"], now

    async def seeds_of(self, player_id: uuid.UUID, limit: int, fresh: Callable[[], bytes]) -> Sequence[Seed]:
        """The player's seeds, newest first; made where there are none yet."""
        async with self._database.pool.acquire() as connection:
            async with connection.transaction():
                await self._current(connection, player_id, fresh)
            rows = await connection.fetch(
                "SELECT * FROM game_control.seed_pairs WHERE player_id = $1 ORDER BY seed_id DESC LIMIT $2",
                player_id,
                limit,
            )
        return [self._seed(row) for row in rows]

    async def rotate(
        self, player_id: uuid.UUID, seed_id: uuid.UUID, client_seed: str, fresh: Callable[[], bytes]
    ) -> bool:
        """Retire `seed_id` and put the next one in its place; false where another one is current.

        True also where this very rotation was done before.
        """
        async with self._database.pool.acquire() as connection, connection.transaction():
            current = await self._current(connection, player_id, fresh)
            if current.seed_id != seed_id:
                return bool(
                    await connection.fetchval(
                        "SELECT $3::text = $4 AND $1 = (SELECT seed_id FROM game_control.seed_pairs"
                        " WHERE player_id = $2 AND state IN ('retired', 'revealed') ORDER BY retired_at DESC LIMIT 1)",
                        seed_id,
                        player_id,
                        current.client_seed,
                        client_seed,
                    )
                )
            await connection.execute(
                "UPDATE game_control.seed_pairs SET state = 'retired', retired_at = clock_timestamp()"
                " WHERE seed_id = $1",
                seed_id,
            )
            await connection.execute(
                "UPDATE game_control.seed_pairs SET state = 'current', client_seed = $2"
                " WHERE player_id = $1 AND state = 'next'",
                player_id,
                client_seed,
            )
            await self._add(connection, player_id, fresh(), None, "next")
            return True

    async def seed(self, seed_id: uuid.UUID) -> Seed | None:
        row = await self._database.pool.fetchrow("SELECT * FROM game_control.seed_pairs WHERE seed_id = $1", seed_id)
        return self._seed(row) if row is not None else None

    async def rounds_of(self, seed_id: uuid.UUID, fence: timedelta) -> tuple[list[uuid.UUID], bool]:
        """The rounds that may have come of a retired seed, and whether it was retired longer ago than the fence."""
        rows = await self._database.pool.fetch(
            "SELECT round_id FROM game_control.fair_rounds WHERE seed_id = $1", seed_id
        )
        rested = await self._database.pool.fetchval(
            "SELECT retired_at + $2 < clock_timestamp() FROM game_control.seed_pairs WHERE seed_id = $1", seed_id, fence
        )
        return [row["round_id"] for row in rows], bool(rested)

    async def reveal(self, seed: Seed) -> None:
        """Note that a seed was shown: from now on it is there for everybody."""
        await self._database.pool.execute(
            "UPDATE game_control.seed_pairs SET state = 'revealed', server_seed = $2"
            " WHERE seed_id = $1 AND state = 'retired'",
            seed.seed_id,
            seed.server_seed,
        )

    async def _current(self, connection: Any, player_id: uuid.UUID, fresh: Callable[[], bytes]) -> Seed:
        """The player's current seed, locked; the first pair is made where there is none yet."""
        query = "SELECT * FROM game_control.seed_pairs WHERE player_id = $1 AND state = 'current' FOR UPDATE"
        row = await connection.fetchrow(query, player_id)
        if row is None:
            # Until the player names a client seed of their own by the first rotation, it is one at random.
            await self._add(connection, player_id, fresh(), secrets.token_hex(8), "current")
            await self._add(connection, player_id, fresh(), None, "next")
            row = await connection.fetchrow(query, player_id)
        return self._seed(row)

    async def _add(
        self, connection: Any, player_id: uuid.UUID, server_seed: bytes, client_seed: str | None, state: str
    ) -> None:
        seed_id = new_id()
        await connection.execute(
            "INSERT INTO game_control.seed_pairs (seed_id, player_id, sealed_seed, client_seed, state, created_at)"
            " VALUES ($1, $2, $3, $4, $5, clock_timestamp()) ON CONFLICT DO NOTHING",
            seed_id,
            player_id,
            self._seal.seal(server_seed, _bound(seed_id, player_id)),
            client_seed,
            state,
        )

    def _seed(self, row: Any) -> Seed:
        fields = {name: row[name] for name in Seed.__slots__}
        if row["server_seed"] is None:
            bound_to = _bound(row["seed_id"], row["player_id"])
            fields["server_seed"] = self._seal.open(row["sealed_seed"], bound_to)
        return Seed(**fields)


def _bound(seed_id: uuid.UUID, player_id: uuid.UUID) -> bytes:
    return b"seed" + seed_id.bytes + player_id.bytes

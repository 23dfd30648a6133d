"""SQL of rounds that hit a jackpot."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from casino.kernel.db import Database


@dataclass(frozen=True, slots=True)
class Hit:
    """A round that was drawn to hit, by the key that the round is asked for with."""

    hit_id: uuid.UUID
    jackpot: str
    cycle: int | None
    account_id: int
    key: str


class HitRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def note(self, hit: Hit, now: datetime) -> None:
        """Write it down before its round is written."""
        await self._database.pool.execute(
            "INSERT INTO gal.jackpot_hits (hit_id, jackpot, cycle, account_id, key, noted_at)"
            " VALUES ($1, $2, $3, $4, $5, $6)",
            hit.hit_id,
            hit.jackpot,
            hit.cycle,
            hit.account_id,
            hit.key,
            now,
        )

    async def resolve(
        self, hit_id: uuid.UUID, outcome: str, now: datetime, *, round_id: Any = None, amount_minor: int | None = None
    ) -> None:
        """What became of it: `paid`, `gone` or `no_round`. The first says it."""
        await self._database.pool.execute(
            "UPDATE gal.jackpot_hits SET outcome = $2, resolved_at = $3, round_id = $4, amount = $5"
            " WHERE hit_id = $1 AND outcome IS NULL",
            hit_id,
            outcome,
            now,
            round_id,
            amount_minor,
        )

    async def unresolved(self, before: datetime, limit: int) -> list[Hit]:
        """Hits of before a moment whose rounds' fate is not known here, oldest first."""
        rows = await self._database.pool.fetch(
            "SELECT hit_id, jackpot, cycle, account_id, key FROM gal.jackpot_hits"
            " WHERE outcome IS NULL AND noted_at < $1 ORDER BY noted_at LIMIT $2",
            before,
            limit,
        )
        return [Hit(**row) for row in rows]

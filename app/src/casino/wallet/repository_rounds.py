"""SQL of rounds of several steps (migrations `open_rounds` and `jackpots_of_rounds`)."""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from casino.kernel.db import Database
from casino.kernel.metrics import LEDGER_SECONDS
from casino.wallet.round_values import GameRound, PlayedRound, RoundStep, StepRequest

_STEP = """SELECT outcome, balance, amount, game, stepped FROM wallet.step_round(
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)"""


class RoundRepository:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._seconds = LEDGER_SECONDS.labels("game_round")

    async def step(
        self, request: StepRequest
    ) -> tuple[str, int | None, int | None, GameRound | None, RoundStep | None]:
        """`(outcome, balance, amount, round, step)` of the function: one round trip."""
        with self._seconds.time():
            row = await self._database.pool.fetchrow(
                _STEP,
                request.round_id,
                request.account_id,
                request.seen,
                request.key,
                request.request_hash,
                json.dumps(request.action),
                request.stake_minor,
                request.closes,
                request.win_minor,
                json.dumps(request.state),
                json.dumps(request.draws) if request.draws is not None else None,
                request.stake_cap_minor,
                request.min_cycle_ms,
                request.at,
                request.due_at,
                request.before,
                request.reason,
                json.dumps(request.jackpot) if request.jackpot is not None else None,
            )
        return row["outcome"], row["balance"], row["amount"], _round(row["game"]), _step(row["stepped"])

    async def step_of_key(self, account_id: int, key: str) -> tuple[bytes, GameRound, RoundStep] | None:
        """The hash of a key's request, its round as it is now, and the step it made."""
        row = await self._database.pool.fetchrow(
            "SELECT s.request_hash, r AS game, s AS stepped FROM wallet.game_round_steps s"
            " JOIN wallet.game_rounds r USING (round_id) WHERE s.account_id = $1 AND s.key = $2",
            account_id,
            key,
        )
        if row is None:
            return None
        game, step = _round(row["game"]), _step(row["stepped"])
        assert game is not None and step is not None
        return row["request_hash"], game, step

    async def find(self, round_id: uuid.UUID) -> GameRound | None:
        return _round(
            await self._database.pool.fetchrow("SELECT * FROM wallet.game_rounds WHERE round_id = $1", round_id)
        )

    async def played(self, round_id: uuid.UUID) -> PlayedRound | None:
        row = await self._database.pool.fetchrow(
            "SELECT * FROM wallet.transactions WHERE transaction_id = $1 AND kind = 'round'", round_id
        )
        if row is None:
            return None
        return PlayedRound(
            round_id=row["transaction_id"],
            account_id=row["account_id"],
            currency=row["currency"],
            staked_minor=row["taken"],
            won_minor=row["given"],
            balance_after_minor=row["balance_after"],
            details=json.loads(row["details"]),
            played_at=row["created_at"],
        )

    async def of_player(self, account_id: int, only_open: bool, limit: int) -> Sequence[GameRound]:
        rows = await self._database.pool.fetch(
            "SELECT * FROM wallet.game_rounds WHERE account_id = $1 AND (status = 'open' OR NOT $2)"
            " ORDER BY round_id DESC LIMIT $3",
            account_id,
            only_open,
            limit,
        )
        return [game for row in rows if (game := _round(row)) is not None]

    async def steps(self, round_id: uuid.UUID) -> Sequence[RoundStep]:
        rows = await self._database.pool.fetch(
            "SELECT * FROM wallet.game_round_steps WHERE round_id = $1 ORDER BY step", round_id
        )
        return [step for row in rows if (step := _step(row)) is not None]

    async def due(self, now: datetime, after: tuple[datetime, uuid.UUID] | None, limit: int) -> Sequence[GameRound]:
        at, last = after if after is not None else (None, None)
        rows = await self._database.pool.fetch(
            "SELECT * FROM wallet.game_rounds WHERE status = 'open' AND due_at <= $1"
            " AND ($2::timestamptz IS NULL OR (due_at, round_id) > ($2, $3::uuid)) ORDER BY due_at, round_id LIMIT $4",
            now,
            at,
            last,
            limit,
        )
        return [game for row in rows if (game := _round(row)) is not None]

    async def statuses(self, round_ids: Collection[uuid.UUID]) -> Mapping[uuid.UUID, str]:
        rows = await self._database.pool.fetch(
            "SELECT round_id, status FROM wallet.game_rounds WHERE round_id = ANY ($1)", list(round_ids)
        )
        return {row["round_id"]: row["status"] for row in rows}

    async def void(
        self, round_id: uuid.UUID, reason: str, by: uuid.UUID | None, at: datetime
    ) -> tuple[str, GameRound | None]:
        with self._seconds.time():
            row = await self._database.pool.fetchrow(
                "SELECT outcome, game FROM wallet.void_round($1, $2, $3, $4)", round_id, reason, by, at
            )
        return row["outcome"], _round(row["game"])


def _round(row: Any) -> GameRound | None:
    if row is None or row["round_id"] is None:
        return None
    return GameRound(
        round_id=row["round_id"],
        account_id=row["account_id"],
        game_id=row["game_id"],
        version=row["version"],
        status=row["status"],
        step=row["step"],
        staked_minor=row["staked"],
        won_minor=row["won"],
        balance_before_minor=row["balance_before"],
        balance_after_minor=row["balance_after"],
        state=json.loads(row["state"]),
        draws=json.loads(row["draws"]) if row["draws"] is not None else None,
        started_at=row["started_at"],
        stepped_at=row["stepped_at"],
        due_at=row["due_at"],
        ended_at=row["ended_at"],
        end_reason=row["end_reason"],
    )


def _step(row: Any) -> RoundStep | None:
    if row is None or row["round_id"] is None:
        return None
    return RoundStep(
        round_id=row["round_id"],
        step=row["step"],
        action=json.loads(row["action"]),
        stake_minor=row["stake"],
        won_minor=row["won"],
        closed=row["closed"],
        balance_minor=row["balance"],
        state=json.loads(row["state"]),
        at=row["at"],
    )

"""Jackpots in the ledger: begun with a seed, fed by rounds, paid whole, held against the journal to the millionth."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from casino.kernel.db import Database
from casino.kernel.identity import new_id
from casino.wallet.ledger import Posted, Request

MICROS = 1_000_000
"""Millionths in the smallest unit."""

# What the rounds say that they owe, what the postings moved, and what stands there, in one snapshot. Of months that are
# retired their seals tell it.
_RECONCILE = """
    WITH told AS (
        SELECT j.* FROM wallet.jackpots_of(wallet.kept_from(), NULL) AS j
        UNION ALL
        SELECT j.* FROM wallet.seals s, jsonb_to_recordset(s.document::jsonb -> 'jackpots') AS j (name text,
            currency text, rounds bigint, micros numeric, contributions numeric, seeds numeric, wins numeric,
            others numeric)
        WHERE s.month <= wallet.base()
    ), moved AS (
        SELECT name, currency, sum(rounds)::bigint AS rounds, sum(micros) AS micros,
            sum(contributions) AS contributions, sum(seeds) AS seeds, sum(wins) AS wins, sum(others) AS others
        FROM told GROUP BY 1, 2
    ), stands AS (
        SELECT name, currency, sum(balance) AS balance, sum(carry) AS carry
        FROM wallet.accounts WHERE player_id IS NULL AND kind = 'jackpot' GROUP BY 1, 2
    )
    SELECT name, currency, coalesce(m.rounds, 0) AS rounds, coalesce(m.micros, 0)::text AS owed_micros,
        coalesce(m.contributions, 0)::text AS contributions, coalesce(m.seeds, 0)::text AS seeds,
        coalesce(m.wins, 0)::text AS wins, coalesce(m.others, 0)::text AS others,
        coalesce(s.balance, 0)::text AS balance, coalesce(s.carry, 0)::text AS carry
    FROM stands s FULL JOIN moved m USING (name, currency)
    ORDER BY name, currency"""


class Meter(NamedTuple):
    """What stands in a jackpot, in millionths of the smallest unit, and how often it was begun."""

    micros: int
    cycle: int


@dataclass(frozen=True, slots=True)
class JackpotBalance:
    """A jackpot held against the journal. Amounts in minor units, but for the millionths that rounds say they owe.

    `carry_micros` is what is owed and not posted yet.
    """

    name: str
    currency: str
    rounds: int
    owed_micros: int
    contributions: int
    seeds: int
    wins: int
    others: int
    balance: int
    carry_micros: int

    @property
    def difference_micros(self) -> int:
        """Contributions - wins + seeds - balance, to the millionth: 0 when the jackpot balances."""
        came = self.owed_micros + (self.seeds + self.others - self.wins) * MICROS
        return came - self.balance * MICROS - self.carry_micros

    @property
    def ok(self) -> bool:
        """Whether it balances, and what rounds owe was posted or is carried."""
        return self.difference_micros == 0 and self.owed_micros == self.contributions * MICROS + self.carry_micros

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"difference_micros": self.difference_micros, "ok": self.ok}


class JackpotLedger:
    """The ledger's functions of jackpots (migrations `movements`, `oversight` and `jackpots_of_rounds`)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, name: str, currency: str, seed_minor: int) -> None:
        """Put the first seed in, once however often this is called."""
        await self._database.pool.execute("SELECT wallet.begin_jackpot($1, $2, $3)", name, currency, seed_minor)

    async def meter(self, name: str, currency: str) -> Meter:
        row = await self._database.pool.fetchrow("SELECT * FROM wallet.jackpot_meter($1, $2)", name, currency)
        return Meter(row["micros"], row["cycle"])

    async def pay(
        self, name: str, cycle: int | None, request: Request, *, seed_minor: int, details: Mapping[str, Any]
    ) -> Posted:
        """All that stands in it, once for the request's key, and its seed anew in the same statement.

        With `cycle`, only if that is not over yet, else `jackpot_gone`.
        """
        row = await self._database.pool.fetchrow(
            "SELECT * FROM wallet.pay_jackpot_of($1, $2, $3, $4, $5, $6, $7, $8)",
            name,
            cycle,
            request.account_id,
            request.key,
            request.request_hash,
            new_id(),
            seed_minor,
            json.dumps(details),
        )
        return Posted(row["outcome"], row["transaction_id"], row["balance"], row["amount"])

    async def rounds_of(self, account_id: int, key: str) -> list[tuple[uuid.UUID, dict[str, Any]]]:
        """What requests of a key have ended, and its details: a spin, and a round by its last step."""
        rows = await self._database.pool.fetch(
            """SELECT t.transaction_id AS round_id, t.details FROM wallet.request_keys k
                   JOIN wallet.transactions t USING (transaction_id)
               WHERE k.account_id = $1 AND k.kind = 'round' AND k.key = $2
               UNION ALL
               SELECT r.round_id, t.details FROM wallet.game_round_steps s
                   JOIN wallet.game_rounds r ON r.round_id = s.round_id AND r.step = s.step AND r.status = 'closed'
                   JOIN wallet.transactions t ON t.transaction_id = r.ended_by
               WHERE s.account_id = $1 AND s.key = $2""",
            account_id,
            key,
        )
        return [(row["round_id"], json.loads(row["details"])) for row in rows]

    async def ending(self, round_id: uuid.UUID) -> dict[str, Any] | None:
        """The details of the transaction that closed a round of several steps; None while none has."""
        found = await self._database.pool.fetchval(
            "SELECT t.details FROM wallet.game_rounds r JOIN wallet.transactions t ON t.transaction_id = r.ended_by"
            " WHERE r.round_id = $1 AND r.status = 'closed'",
            round_id,
        )
        return None if found is None else json.loads(found)


async def reconcile_jackpots(connection: Any) -> list[JackpotBalance]:
    """Hold every jackpot against the whole journal, in one snapshot; nothing is changed."""
    await connection.execute("SET statement_timeout = 0")
    try:
        rows = await connection.fetch(_RECONCILE)
    finally:
        await connection.execute("RESET statement_timeout")
    return [
        JackpotBalance(
            name=row["name"],
            currency=row["currency"],
            rounds=row["rounds"],
            owed_micros=int(row["owed_micros"]),
            contributions=int(row["contributions"]),
            seeds=int(row["seeds"]),
            wins=int(row["wins"]),
            others=int(row["others"]),
            balance=int(row["balance"]),
            carry_micros=int(row["carry"]),
        )
        for row in rows
    ]

"""Months that are over: their tables, and play that is dated into them."""

from __future__ import annotations

import random
import secrets
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg

RETENTION = 5
BET = """SELECT * FROM wallet.place_rounds(ARRAY[$1::bigint], ARRAY[$2], ARRAY[$3::bytea], ARRAY[wallet.uuid7()],
    '{1}', '{1}', '{NULL}', '{NULL}', ARRAY['{}'::jsonb])"""
"""A round of today that gives back what it takes: account, key, hash."""


def months_ago(count: int) -> date:
    """The first day of the month so many months before this one."""
    today = datetime.now(UTC).date()
    number = today.year * 12 + today.month - 1 - count
    return date(number // 12, number % 12 + 1, 1)


async def make_month(connection: Any, month: date) -> None:
    """The journal's tables of a month of the past, as wallet.make_months makes those to come."""
    for journal, more in (
        ("transactions", "CREATE INDEX ON {0} (xact)"),
        ("postings", "CREATE UNIQUE INDEX ON {0} (debit_account, debit_version);"
                     "CREATE UNIQUE INDEX ON {0} (credit_account, credit_version)"),
    ):  # fmt: skip
        table = f"wallet.{journal}_{month:y%Ym%m}"
        bounds = await connection.fetchrow(
            "SELECT wallet.month_floor($1)::text, wallet.month_floor(wallet.next_month($1))::text", month
        )
        await connection.execute(
            f"CREATE TABLE {table} (LIKE wallet.{journal} INCLUDING ALL); {more.format(table)};"
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            "  FOR EACH STATEMENT EXECUTE FUNCTION wallet.refuse_rewrite();"
            f"ALTER TABLE wallet.{journal} ATTACH PARTITION {table} FOR VALUES FROM ('{bounds[0]}') TO ('{bounds[1]}');"
            f"ALTER TABLE {table} OWNER TO casino_test_owner"
        )


@dataclass
class Past:
    """Plays in months of the past. `connections` are several, since each has its own shard of the house."""

    connections: list[Any]
    rng: random.Random
    accounts: list[int] = field(default_factory=list)

    async def begin(self, at: datetime, players: int = 4) -> None:
        for number in range(players):
            connection = self.connections[number % len(self.connections)]
            account = await connection.fetchval("SELECT wallet.open_player_account(gen_random_uuid(), 'GBP')")
            await connection.execute(
                "SELECT wallet.post('opening_balance', $1, 'o', $2, wallet.uuid7($3),"
                " ARRAY[ROW('opening', 'books', 'player_cash', NULL, 'GBP', 100000)::wallet.movement], '{}')",
                account, bytes(32), at,
            )  # fmt: skip
            self.accounts.append(account)

    async def move(self, at: datetime) -> None:
        """A round, or a bet that is settled; dated at `at`."""
        account, connection = self.rng.choice(self.accounts), self.rng.choice(self.connections)
        if self.rng.random() < 0.7:
            row = await connection.fetchrow(
                "SELECT * FROM wallet.place_rounds(ARRAY[$1::bigint], ARRAY[$2], ARRAY[$3::bytea],"
                " ARRAY[wallet.uuid7($4)], ARRAY[$5::bigint], ARRAY[$6::bigint], '{NULL}', '{NULL}',"
                """ ARRAY['{"game_id": "a|b", "note": "ü"}'::jsonb])""",
                account, secrets.token_hex(8), bytes(32), at, self.rng.randint(1, 50), self.rng.choice([0, 80]),
            )  # fmt: skip
            assert row["outcome"] == "placed"
            return
        hand = secrets.token_hex(4)
        opened = await connection.fetchrow(
            "SELECT * FROM wallet.open_hold('open_bet', gen_random_uuid(), $1, $2, $3, $2, wallet.uuid7($4), 30,"
            " now() + interval '1 day', NULL, '{}')",
            account, hand, bytes(32), at,
        )  # fmt: skip
        assert opened["outcome"] == "opened"
        settled = await connection.fetchrow(
            "SELECT * FROM wallet.resolve_holds('open_bet', $1, $2, NULL, $3, $4, wallet.uuid7($5), 'captured', NULL,"
            " $6, '{}')",
            account, hand, "end " + hand, bytes(32), at, self.rng.choice([0, 50]),
        )  # fmt: skip
        assert settled["outcome"] == "resolved"

    async def play(self, months: list[date], moves: int = 25) -> None:
        """Play each month; around midnight what is dated before it and after it is written in any order."""
        times = []
        for month in months:
            start = datetime(month.year, month.month, 1, tzinfo=UTC)
            times += [start + timedelta(hours=2, minutes=n) for n in range(moves)]
        for at in range(moves - 4, len(times) - 4, moves):
            middle = times[at : at + 8]
            self.rng.shuffle(middle)
            times[at : at + 8] = middle
        for at in times:
            await self.move(at)


async def backdating(uri: str, count: int) -> list[Any]:
    """Connections whose writes may be dated long ago, as only the server's superuser can have it."""
    connections = [await asyncpg.connect(uri) for _ in range(count)]
    for connection in connections:
        await connection.execute("SET session_replication_role = replica")
    return connections

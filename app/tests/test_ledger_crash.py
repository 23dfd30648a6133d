"""PostgreSQL dies without warning while players bet: what was acknowledged stands once, and nothing stands by half."""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from casino.dev.run import embedded_postgresql
from casino.kernel.identity import new_id
from casino.migrate import migrate
from casino.wallet.api import verify_ledger

PLAYERS, LANES = 12, 4
LOST = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection that the server has ended, and whose end has not arrived yet
    asyncpg.OperatorInterventionError,
)
PLACE = "SELECT * FROM wallet.place_rounds($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"


@pytest.fixture
def server() -> Iterator[Any]:
    """A server of the test's own, as durable as it comes: the others' would lose their connections too."""
    folder = Path(tempfile.mkdtemp(prefix="domicile-crash-"))  # not pytest's, which PostgreSQL's user may not enter
    try:
        with embedded_postgresql(folder / "postgresql") as started:
            yield started
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def connect(uri: str) -> Any:
    async with asyncio.timeout(30):
        while True:
            try:
                return await asyncpg.connect(uri)
            except (*LOST, asyncpg.CannotConnectNowError):
                await asyncio.sleep(0.02)


async def batch(connection: Any, rounds: list[tuple[int, str, int, int]]) -> list[Any]:
    """Rounds `(account, key, stake, win)`, each of which feeds a jackpot."""
    count = len(rounds)
    accounts, keys, stakes, wins = (list(column) for column in zip(*rounds, strict=True))
    rows: list[Any] = await connection.fetch(
        PLACE, accounts, keys, [bytes(32)] * count, [new_id() for _ in rounds], stakes, wins, [None] * count,
        [None] * count, ["{}"] * count, ["grand"] * count, [700_000] * count,
    )  # fmt: skip
    return rows


@pytest.mark.drill
async def test_a_bet_that_was_acknowledged_survives_the_death_of_postgresql_once(server: Any, drill: Any) -> None:
    rng, crashes = random.Random(drill.seed), drill.count(20, 200)
    uri = server.get_uri(database="postgres")
    connection = await connect(uri)
    await migrate(connection)
    await connection.execute("SELECT wallet.add_currency('GBP', 2::smallint)")
    await connection.execute("SELECT wallet.open_jackpot('grand', 'GBP')")
    accounts = [
        await connection.fetchval("SELECT wallet.open_player_account(gen_random_uuid(), 'GBP')") for _ in range(PLAYERS)
    ]
    for account in accounts:
        await connection.execute(
            "SELECT wallet.post('opening_balance', $1, 'o', $2, wallet.uuid7(),"
            " ARRAY[ROW('opening', 'x', 'player_cash', NULL, 'GBP', 1000000)::wallet.movement], '{}')",
            account, bytes(32),
        )  # fmt: skip
    await connection.close()
    expected = dict.fromkeys(accounts, 1_000_000)
    unknown: list[list[tuple[int, str, int, int]]] = []
    stood = 0

    async def play(lane: list[int]) -> None:
        """Bet until the server is gone; what was under way then is not known to have been."""
        mine = await connect(uri)
        while True:
            rounds = [(account, secrets.token_hex(8), rng.randint(1, 50), rng.choice([0, 0, 80])) for account in lane]
            try:
                rows = await batch(mine, rounds)
            except LOST:
                unknown.append(rounds)
                return
            for (account, *_), row in zip(rounds, rows, strict=True):
                assert row["outcome"] == "placed"
                expected[account] += row["win"] - row["stake"]
                assert row["balance"] == expected[account]

    for _ in range(crashes):
        lanes = [asyncio.create_task(play(accounts[at::LANES])) for at in range(LANES)]
        await asyncio.sleep(rng.uniform(0.02, 0.12))
        watcher = await connect(uri)
        victims = await watcher.fetch(
            "SELECT pid FROM pg_stat_activity WHERE query LIKE '%place_rounds%' AND pid <> pg_backend_pid()"
        )
        if victims:
            # A process of the server's that dies takes all of them with it: shared memory may be torn.
            os.kill(rng.choice(victims)["pid"], signal.SIGKILL)
        else:
            await watcher.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            )
        await asyncio.gather(*lanes)
        after = await connect(uri)
        while unknown:
            rounds = unknown.pop()
            rows = await batch(after, rounds)
            # All of a batch or nothing: it is one statement.
            outcomes = {row["outcome"] for row in rows}
            assert outcomes in ({"placed"}, {"replayed"})
            stood += outcomes == {"replayed"}
            for (account, *_), row in zip(rounds, rows, strict=True):
                expected[account] += row["win"] - row["stake"]
                assert row["balance"] == expected[account]
        await after.close()
    connection = await connect(uri)
    report = await verify_ledger(connection)
    balances = dict(
        await connection.fetch("SELECT account_id, balance FROM wallet.accounts WHERE kind = 'player_cash'")
    )
    await connection.close()
    assert report.ok, report.breaks
    assert balances == expected
    assert stood < crashes * LANES
    drill.injected(crashes)

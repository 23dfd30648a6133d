"""Months that are sealed and retired, where they meet rounds of several steps and jackpots."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from casino.wallet import sealing
from casino.wallet.api import reconcile_jackpots
from casino.wallet.verify import verify_ledger
from sealing_testkit import RETENTION, Past, backdating, make_month, months_ago

MONTH = months_ago(75)
AT = datetime(MONTH.year, MONTH.month, 2, tzinfo=UTC)


@pytest.fixture
async def owner(servers: Any, database: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(servers.uri(database))
    await connection.execute("SELECT wallet.add_currency('GBP', 2::smallint)")
    await make_month(connection, MONTH)
    await connection.execute("SET ROLE casino_test_owner")
    yield connection
    await connection.close()


@pytest.fixture
async def past(servers: Any, database: str, owner: Any) -> AsyncIterator[Past]:
    connections = await backdating(servers.uri(database), 1)
    yield Past(connections, random.Random(20))
    for connection in connections:
        await connection.close()


async def _holds(connection: Any) -> None:
    for from_last_seal in (False, True):
        report = await verify_ledger(connection, from_last_seal=from_last_seal)
        assert report.ok, report.breaks


async def _retire(servers: Any, database: str, owner: Any, folder: Path) -> None:
    """Seal, export and retire the month; the ledger holds at every step."""
    wallet = await asyncpg.connect(servers.uri(database))
    await wallet.execute("SET ROLE casino_test_wallet")
    try:
        await sealing.seal(wallet, MONTH)
        await _holds(wallet)
        assert (await sealing.export_month(wallet, MONTH, folder)).faults == []
        await sealing.retire(owner, sealing.file_of(folder, MONTH), RETENTION, drop=False)
        await _holds(wallet)
    finally:
        await wallet.close()


@asynccontextmanager
async def _then(connection: Any) -> AsyncIterator[None]:
    """Within it the database draws its identifiers in the month."""
    function = await connection.fetchval("SELECT pg_get_functiondef('wallet.uuid7(timestamptz)'::regprocedure)")
    await connection.execute(
        function.replace("wallet.uuid7_floor(p_at)", f"wallet.uuid7_floor('{AT.isoformat()}'::timestamptz)")
    )
    yield
    await connection.execute(function)


async def _step(connection: Any, round_id: uuid.UUID, account: int, seen: int, *, closes: bool) -> None:
    state = {"game_id": "poker", "version": "1.0.0", "staked_minor": (seen + 1) * 10, "win_minor": 7 * closes}
    outcome = await connection.fetchval(
        "SELECT outcome FROM wallet.step_round($1, $2, $3, $4, $5, '{}', 10, $6, $7, $8, NULL, NULL, NULL, $9, $10,"
        " NULL, NULL)",
        round_id, account, seen, f"{round_id} {seen}", bytes(32), closes, 7 * closes, json.dumps(state), AT,
        AT + timedelta(days=1),
    )  # fmt: skip
    assert outcome == "stepped"


async def test_rounds_of_several_steps_outlive_the_month_that_they_ended_in(
    servers: Any, database: str, past: Past, owner: Any, tmp_path: Path
) -> None:
    connection = past.connections[0]
    async with _then(connection):
        await past.begin(AT)
        won, voided, at_once, _ = past.accounts
        ids = [await connection.fetchval("SELECT wallet.uuid7()") for _ in range(3)]
        await _step(connection, ids[0], won, 0, closes=False)
        await _step(connection, ids[0], won, 1, closes=True)
        await _step(connection, ids[1], voided, 0, closes=False)
        await connection.execute("SELECT outcome FROM wallet.void_round($1, 'not finished', NULL, $2)", ids[1], AT)
        await _step(connection, ids[2], at_once, 0, closes=True)
    await _retire(servers, database, owner, tmp_path)


FEED = """SELECT outcome FROM wallet.place_rounds(ARRAY[$1::bigint], ARRAY[$2], ARRAY[$3::bytea],
    ARRAY[wallet.uuid7()], '{1}', '{0}', '{NULL}', '{NULL}',
    ARRAY[jsonb_build_object('jackpot', jsonb_build_object('name', 'grand', 'micros', $4::bigint))], ARRAY['grand'],
    ARRAY[$4::bigint])"""
BEGIN = "SELECT wallet.begin_jackpot('grand', 'GBP', 500)"


async def test_a_jackpot_is_begun_once_and_balances_when_its_first_month_is_gone(
    servers: Any, database: str, past: Past, owner: Any, tmp_path: Path
) -> None:
    connection = past.connections[0]

    async def meter() -> tuple[int, int]:
        return tuple(await connection.fetchrow("SELECT * FROM wallet.jackpot_meter('grand', 'GBP')"))

    async def balances() -> None:
        [found] = await reconcile_jackpots(connection)
        assert found.ok, found

    async def feed(key: str) -> None:
        for account in past.accounts:
            assert await connection.fetchval(FEED, account, key, bytes(32), 1_400_000) == "placed"
        await connection.execute("SELECT wallet.post_contributions('grand', 'GBP')")

    async def pay(key: str) -> None:
        outcome = await connection.fetchval(
            "SELECT outcome FROM wallet.pay_jackpot_of('grand', NULL, $1, $2, $3, wallet.uuid7(), 500, '{}')",
            past.accounts[0], key, bytes(32),
        )  # fmt: skip
        assert outcome == "posted"

    async with _then(connection):
        await past.begin(AT)
        await connection.execute(BEGIN)
        await feed("first")
        await pay("won")
        await feed("second")
        stood = await meter()
    assert stood[1] == 2
    await balances()
    await _retire(servers, database, owner, tmp_path)
    await balances()
    await connection.execute(BEGIN)  # as a casino does that starts
    assert await meter() == stood
    await feed("third")
    await balances()
    await pay("won again")
    await balances()
    await _holds(connection)
    await connection.execute("UPDATE wallet.accounts SET carry = carry + 1 WHERE name = 'grand'")
    assert not (await reconcile_jackpots(connection))[0].ok

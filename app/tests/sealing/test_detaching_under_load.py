"""A month is taken out of the journal while players bet: none of them waits for it."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
from casino.wallet import repository_seals as repository
from casino.wallet import sealing
from casino.wallet.verify import verify_ledger
from sealing_testkit import BET, RETENTION, Past, backdating, make_month, months_ago

MONTH = months_ago(75)


async def test_bets_and_an_old_reader_go_on_while_a_month_is_detached(
    servers: Any, database: str, tmp_path: Path
) -> None:
    uri = servers.uri(database)
    owner = await asyncpg.connect(uri)
    await owner.execute("SELECT wallet.add_currency('GBP', 2::smallint)")
    await make_month(owner, MONTH)
    past = Past(await backdating(uri, 2), random.Random(3))
    await past.begin(datetime(MONTH.year, MONTH.month, 2, tzinfo=UTC), players=6)
    await past.play([MONTH], moves=20)
    await sealing.seal(owner, MONTH)
    assert (await sealing.export_month(owner, MONTH, tmp_path)).faults == []
    await owner.execute("SET ROLE casino_test_owner")
    slowest, bets, over = 0.0, 0, asyncio.Event()

    async def play(account: int) -> None:
        nonlocal slowest, bets
        connection = await asyncpg.connect(uri)
        while not over.is_set():
            begun = time.perf_counter()
            row = await connection.fetchrow(BET, account, secrets.token_hex(8), bytes(32), timeout=10)
            slowest, bets = max(slowest, time.perf_counter() - begun), bets + 1
            assert row["outcome"] == "placed"
        await connection.close()

    players = [asyncio.create_task(play(account)) for account in past.accounts]
    # A report that began before, and has read the month: the detaching has to wait for it, and nobody else.
    reader = await asyncpg.connect(uri)
    report = reader.transaction(isolation="repeatable_read")
    await report.start()
    before = await reader.fetchval("SELECT count(*) FROM wallet.postings")
    going = asyncio.create_task(sealing.retire(owner, sealing.file_of(tmp_path, MONTH), RETENTION, drop=True))
    await asyncio.sleep(0.7)
    assert not going.done() and bets > 50
    assert await reader.fetchval("SELECT count(*) FROM wallet.postings") == before
    await report.rollback()
    assert (await asyncio.wait_for(going, 20))["dropped"]
    over.set()
    await asyncio.gather(*players)
    assert slowest < 1.0, f"a bet waited {slowest:.2f} s"
    assert (await verify_ledger(reader)).ok
    for connection in (owner, reader, *past.connections):
        await connection.close()


async def test_a_detaching_that_was_broken_off_is_finished(servers: Any, database: str, tmp_path: Path) -> None:
    uri = servers.uri(database)
    owner = await asyncpg.connect(uri)
    await owner.execute("SELECT wallet.add_currency('GBP', 2::smallint)")
    await make_month(owner, MONTH)
    past = Past(await backdating(uri, 1), random.Random(4))
    await past.begin(datetime(MONTH.year, MONTH.month, 2, tzinfo=UTC), players=2)
    await past.play([MONTH], moves=10)
    await sealing.seal(owner, MONTH)
    await sealing.export_month(owner, MONTH, tmp_path)
    file = sealing.file_of(tmp_path, MONTH)
    reader = await asyncpg.connect(uri)
    report = reader.transaction(isolation="repeatable_read")
    await report.start()
    await reader.fetchval("SELECT count(*) FROM wallet.postings")
    broken_off = await asyncpg.connect(uri)
    going = asyncio.create_task(sealing.retire(broken_off, file, RETENTION, drop=True))
    await asyncio.sleep(0.3)
    await owner.fetchval("SELECT pg_terminate_backend($1)", broken_off.get_server_pid())
    assert isinstance((await asyncio.gather(going, return_exceptions=True))[0], Exception)
    assert await owner.fetchval("SELECT count(*) FROM pg_inherits WHERE inhdetachpending") == 1
    await past.move(datetime.now(UTC))  # what is half-way keeps nobody from playing
    await report.rollback()
    assert (await verify_ledger(owner)).ok
    assert (await sealing.retire(owner, file, RETENTION, drop=True))["dropped"]
    assert [one["state"] for one in await repository.months(owner)] == ["dropped"]
    assert (await verify_ledger(owner)).ok
    for connection in (owner, reader, *past.connections):
        await connection.close()

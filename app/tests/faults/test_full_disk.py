"""The database's disk is full: bets are refused, nothing acknowledged is lost, and with space play goes on."""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import Any

import asyncpg
import pytest
from casino.wallet.api import verify_ledger
from fault_testkit import Lane, Postgres, disk, fill, folder_of_drill, until_ready


@pytest.mark.drill
async def test_on_a_full_disk_bets_are_refused_and_with_space_play_goes_on(open_casino: Any, drill: Any) -> None:
    turns = drill.count(1, 10)
    with folder_of_drill() as folder, disk(folder, 192) as mounted:
        # Small segments of the log: it is what the next bet needs space for.
        server = Postgres.make(mounted / "data", wal_segment_mb=1)
        server.configure(min_wal_size="2MB", max_wal_size="8MB", wal_recycle="off", wal_init_zero="on")
        server.start()
        try:
            await server.prepare()
            casino = await open_casino({"CASINO_DATABASE_URL": server.url("casino")})
            lanes = [await Lane.open(casino, 100_000) for _ in range(4)]
            for _ in range(turns):
                await run_full(casino, server, mounted, lanes)
            connection = await asyncpg.connect(server.url("casino"))
            report = await verify_ledger(connection)
            await connection.close()
            assert report.ok, report.breaks
        finally:
            server.stop()
    drill.injected(turns)


async def run_full(casino: Any, server: Postgres, mounted: Any, lanes: list[Lane]) -> None:
    async def play_until_refused(lane: Lane) -> None:
        end = time.monotonic() + 20
        while (status := (await lane.bet(secrets.token_hex(8))).status_code) == 200:
            assert time.monotonic() < end, "the disk was not full"
        assert status == 503  # whatever PostgreSQL does about it

    await asyncio.gather(*(lane.bet(secrets.token_hex(8)) for lane in lanes))
    filler = fill(mounted)
    for _ in range(2):  # a checkpoint may make room for a few bets more
        await asyncio.gather(*(play_until_refused(lane) for lane in lanes))
    assert all(len(lane.unknown) >= 2 for lane in lanes)
    filler.unlink()
    # Where it could not even write its log it has stopped: it comes up again as it would be started by its operator.
    if not server.running():
        server.start()
    await until_ready(casino)
    for lane in lanes:
        await lane.settle()
        assert (await lane.bet(secrets.token_hex(8))).status_code == 200

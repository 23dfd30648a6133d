"""The primary dies and its standby takes over: the casino finds it, and every acknowledged bet is there once."""

from __future__ import annotations

import asyncio
import itertools
import random
import secrets
from typing import Any

import asyncpg
import pytest
from casino.wallet.api import verify_ledger
from fault_testkit import Lane, Postgres, folder_of_drill, until_ready


@pytest.mark.drill
async def test_after_a_fail_over_every_acknowledged_bet_is_there_once(open_casino: Any, drill: Any) -> None:
    rng, failovers = random.Random(drill.seed), drill.count(1, 10)
    with folder_of_drill() as folder:
        servers = [Postgres.make(folder / "server0")]
        servers[0].configure(synchronous_standby_names="*", synchronous_commit="local", wal_keep_size="64MB")
        servers[0].start()
        try:
            await servers[0].prepare()
            await fail_over(open_casino, servers, folder, rng, failovers)
        finally:
            for server in servers:
                server.stop()
    drill.injected(failovers)


async def fail_over(open_casino: Any, servers: list[Postgres], folder: Any, rng: Any, failovers: int) -> None:
    async def add_standby() -> None:
        primary = servers[-1]
        servers.append(Postgres.standby_of(primary, folder / f"server{len(servers)}", "standby"))
        servers[-1].start()
        # From now on a commit is acknowledged when the standby has it on its disk.
        await primary.sql("ALTER SYSTEM SET synchronous_commit = 'on'")
        await primary.sql("ALTER SYSTEM SET synchronous_standby_names = 'standby'")
        await primary.sql("SELECT pg_reload_conf()")
        while not await primary.sql("SELECT FROM pg_stat_replication WHERE sync_state = 'sync'"):  # noqa: ASYNC110
            await asyncio.sleep(0.05)

    await add_standby()
    for turn in range(failovers):
        hosts = ",".join(f"127.0.0.1:{server.port}" for server in servers[-2:])
        url = f"postgresql://postgres@{hosts}/casino"
        casino = await open_casino({"CASINO_DATABASE_URL": url})
        casino.emails = itertools.count(turn * 100)  # the players of the casino before are still there
        lanes = [await Lane.open(casino, 100_000) for _ in range(4)]
        dead = asyncio.Event()

        async def play(lane: Lane, dead: asyncio.Event = dead) -> None:
            while not dead.is_set():
                if (await lane.bet(secrets.token_hex(8))).status_code != 200:
                    return

        playing = [asyncio.create_task(play(lane)) for lane in lanes]
        await asyncio.sleep(rng.uniform(0.3, 0.6))
        servers[-2].kill()
        await asyncio.gather(*playing)
        assert all(lane.unknown for lane in lanes)
        # A standby is no place to serve from: nothing is answered until it has taken over.
        assert (await casino.http.get("/readyz")).status_code == 503
        assert (await lanes[0].bet(secrets.token_hex(8))).status_code == 503
        servers[-1].promote()
        await servers[-1].sql("ALTER SYSTEM SET synchronous_standby_names = ''")
        await servers[-1].sql("SELECT pg_reload_conf()")
        await until_ready(casino)
        for lane in lanes:
            await lane.settle()
            assert len(lane.acknowledged) > 2
        connection = await asyncpg.connect(servers[-1].url("casino"))
        report = await verify_ledger(connection)
        await connection.close()
        assert report.ok, report.breaks
        if turn + 1 < failovers:
            await add_standby()

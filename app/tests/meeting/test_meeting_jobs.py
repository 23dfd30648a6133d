"""Jobs of all modules on one schedule: one that takes hours beside those that bind players."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from casino.kernel.schedule import Job, Schedule
from casino.responsible_gaming import presence
from casino.responsible_gaming.api import ResponsibleGaming


async def test_a_long_job_keeps_no_other_one_waiting_and_is_given_back_when_its_worker_ends(ledger: Any) -> None:
    begun, ran = asyncio.Event(), asyncio.Semaphore(0)

    async def long() -> Mapping[str, Any]:
        begun.set()
        await asyncio.Event().wait()
        return {}

    async def short() -> Mapping[str, Any]:
        ran.release()
        return {}

    jobs = [Job("a long", timedelta(days=1), long, timedelta(hours=4)), Job("short", timedelta(seconds=0.01), short)]
    worker = asyncio.create_task(Schedule(ledger.pool, jobs).run(poll_s=0.02))
    async with asyncio.timeout(10):
        await begun.wait()
        for _ in range(3):
            await ran.acquire()
    worker.cancel()
    await asyncio.gather(worker, return_exceptions=True)
    row = await ledger.pool.fetchrow(
        "SELECT holder, next_at <= clock_timestamp() AS due FROM ops.jobs WHERE name = 'a long'"
    )
    assert row["holder"] is None and row["due"]


async def test_everybody_with_a_session_is_looked_at_by_each_run(
    open_casino: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "BATCH", 2)
    casino = await open_casino(reality_check_minutes=60)
    for _ in range(5):
        await casino.player()
    looks = casino.part(ResponsibleGaming).presence
    for seconds in (20, 7):
        casino.clock.forward(seconds=seconds)
        assert await looks.look() == 5
    spent = await looks.repository.pool.fetch("SELECT seconds FROM responsible_gaming.session_time")
    assert [row["seconds"] for row in spent] == [27] * 5

"""Jobs by the clock: once when due, by one worker, and again after a failure."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from casino.kernel.metrics import REGISTRY
from casino.kernel.schedule import Job, Schedule


@pytest.fixture
async def pool(servers: Any, database: str) -> AsyncIterator[Any]:
    made = await asyncpg.create_pool(servers.uri(database), min_size=1, max_size=10)
    yield made
    await made.close()


def counting(counts: list[str], name: str = "job", seconds: float = 0, error: type[Exception] | None = None) -> Any:
    async def run() -> Mapping[str, Any]:
        counts.append(name)
        await asyncio.sleep(seconds)
        if error:
            raise error("what it says is not kept")
        return {"counted": len(counts)}

    return run


async def due(pool: Any, name: str = "job") -> None:
    await pool.execute("UPDATE ops.jobs SET next_at = clock_timestamp() WHERE name = $1", name)


async def test_a_job_runs_when_it_is_due_and_its_result_is_kept(pool: Any) -> None:
    counts: list[str] = []
    schedule = Schedule(pool, [Job("job", timedelta(hours=1), counting(counts))])
    assert (await schedule.run_due(), await schedule.run_due()) == (["job"], [])
    await due(pool)
    assert await schedule.run_due() == ["job"]
    row = await pool.fetchrow("SELECT *, next_at - ended_at AS pause FROM ops.jobs")
    assert (row["result"], row["failures"], row["holder"]) == ('{"counted": 2}', 0, None)
    assert timedelta(minutes=59) < row["pause"] <= timedelta(hours=1, seconds=1)


async def test_of_several_workers_one_runs_a_job(pool: Any) -> None:
    counts: list[str] = []
    jobs = [Job(name, timedelta(hours=1), counting(counts, name, 0.05)) for name in ("a", "b", "c")]
    done = await asyncio.gather(*(Schedule(pool, jobs).run_due() for _ in range(5)))
    assert sorted(name for names in done for name in names) == sorted(counts) == ["a", "b", "c"]


async def test_a_failed_job_is_tried_again_sooner_and_ever_later(pool: Any) -> None:
    counts: list[str] = []
    broken = Schedule(pool, [Job("job", timedelta(days=1), counting(counts, error=ValueError))])
    pauses = []
    for _ in range(4):
        await broken.run_due()
        row = await pool.fetchrow("SELECT result, failures, next_at - ended_at AS pause FROM ops.jobs")
        pauses.append(row["pause"])
        await due(pool)
    assert (row["result"], row["failures"]) == ('{"error": "ValueError"}', 4)
    assert pauses == sorted(pauses) and pauses[0] < timedelta(seconds=5)
    await Schedule(pool, [Job("job", timedelta(days=1), counting(counts))]).run_due()
    assert await pool.fetchval("SELECT failures FROM ops.jobs") == 0


async def test_a_job_of_a_dead_worker_is_taken_up_when_its_lease_ends(pool: Any) -> None:
    counts: list[str] = []
    job = Job("job", timedelta(hours=1), counting(counts), longest=timedelta(seconds=0.3))
    dead = Schedule(pool, [job])
    await pool.execute("INSERT INTO ops.jobs (name, next_at) VALUES ('job', clock_timestamp())")
    assert await dead._claim() is job
    assert await Schedule(pool, [job]).run_due() == []
    await asyncio.sleep(0.4)
    assert await Schedule(pool, [job]).run_due() == ["job"]
    await dead._run(job)  # it was not dead but slow: what it writes down is no longer its own
    assert await pool.fetchval("SELECT result FROM ops.jobs") == '{"counted": 1}'


async def test_a_job_that_takes_too_long_has_failed(pool: Any) -> None:
    job = Job("job", timedelta(hours=1), counting([], seconds=30), longest=timedelta(seconds=0.1))
    async with asyncio.timeout(5):
        await Schedule(pool, [job]).run_due()
    assert await pool.fetchval("SELECT result FROM ops.jobs") == '{"error": "TimeoutError"}'


def shown(metric: str, job: str) -> float | None:
    return REGISTRY.get_sample_value(f"casino_job_{metric}", {"job": job})


async def test_whoever_watches_sees_when_each_job_was_done_last_and_how_often_it_failed_since(pool: Any) -> None:
    jobs = [
        Job("shown-well", timedelta(hours=6), counting([])),
        Job("shown-ill", timedelta(minutes=1), counting([], error=ValueError)),
    ]
    schedule = Schedule(pool, jobs)
    assert [shown("interval_seconds", job.name) for job in jobs] == [21600, 60]
    await schedule._note()
    await schedule._show()
    assert [shown("last_success_timestamp_seconds", job.name) for job in jobs] == [0, 0], "never done: overdue at once"
    before = time.time()
    for _ in range(2):
        await schedule.run_due()
        await due(pool, "shown-ill")
    done = shown("last_success_timestamp_seconds", "shown-well")
    assert done is not None and before - 1 <= done <= time.time() + 1
    assert [shown("failures_in_a_row", job.name) for job in jobs] == [0, 2]
    assert shown("last_success_timestamp_seconds", "shown-ill") == 0
    # Another worker did it meanwhile.
    await Schedule(pool, [Job("shown-ill", timedelta(minutes=1), counting([]))]).run_due()
    await schedule._show()
    assert shown("failures_in_a_row", "shown-ill") == 0 and shown("last_success_timestamp_seconds", "shown-ill")


async def test_a_worker_that_starts_shows_what_was_done_before_it(pool: Any) -> None:
    job = Job("shown-before", timedelta(hours=1), counting([]))
    await pool.execute(
        "INSERT INTO ops.jobs (name, next_at, ended_at) VALUES ($1, now() + interval '1 hour', to_timestamp(1e9))",
        job.name,
    )
    running = asyncio.create_task(Schedule(pool, [job]).run(poll_s=0.05))
    async with asyncio.timeout(5):
        while shown("last_success_timestamp_seconds", job.name) is None:  # noqa: ASYNC110 - it is in the registry
            await asyncio.sleep(0.02)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert shown("last_success_timestamp_seconds", job.name) == 1e9

"""What is done by the clock: by one worker at a time, again after a failure, and never twice at once.

A job's row in ops.jobs has its next time and a lease. The lease outlives the job's longest run; a worker that dies
leaves it to run out, and the next one takes the job up. Times are the database's, so workers need not agree.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from casino.kernel.metrics import JOB_FAILURES, JOB_FAILURES_IN_A_ROW, JOB_INTERVAL, JOB_LAST_SUCCESS, JOB_SECONDS
from casino.kernel.tasks import end

log = logging.getLogger(__name__)

LONGEST_PAUSE = timedelta(minutes=10)
SHOWN_EVERY_S = 15.0
"""How often /metrics is brought up to date with the table, where other workers write as well."""


@dataclass(frozen=True, slots=True)
class Job:
    """`run` is due every `every`; what it answers is kept as its last result. `longest`: after so long it is dead."""

    name: str
    every: timedelta
    run: Callable[[], Awaitable[Mapping[str, Any]]]
    longest: timedelta = timedelta(minutes=5)


class Schedule:
    """Runs jobs. `pool` is of the module `ops`."""

    def __init__(self, pool: Any, jobs: Sequence[Job]) -> None:
        self._pool = pool
        self._jobs = {job.name: job for job in jobs}
        self._holder = uuid.uuid4()
        for job in jobs:
            JOB_INTERVAL.labels(job.name).set(job.every.total_seconds())

    async def run_due(self) -> list[str]:
        """Run what is due, one after the other; answers the names."""
        await self._note()
        done = []
        while (job := await self._claim()) is not None:
            await self._run(job)
            done.append(job.name)
        await self._show()
        return done

    async def run(self, poll_s: float = 5.0) -> None:
        """Run what is due, for ever. A job that takes hours keeps no other one waiting."""
        running: set[asyncio.Task[None]] = set()
        shown_at = -SHOWN_EVERY_S
        try:
            while True:
                try:
                    await self._note()
                    if time.monotonic() - shown_at >= SHOWN_EVERY_S:
                        await self._show()
                        shown_at = time.monotonic()
                    while (job := await self._claim()) is not None:
                        task = asyncio.create_task(self._run_to_its_end(job))
                        running.add(task)
                        task.add_done_callback(running.discard)
                except Exception as error:
                    log.warning("the schedule waits for its database", extra={"error": type(error).__name__})
                await asyncio.sleep(poll_s)
        finally:
            await end(running)

    async def _note(self) -> None:
        await self._pool.execute(
            "INSERT INTO ops.jobs (name, next_at) SELECT unnest($1::text[]), clock_timestamp() ON CONFLICT DO NOTHING",
            list(self._jobs),
        )

    async def _show(self) -> None:
        """Put into /metrics what the table says of each job, whoever ran it.

        The table has no time of the last success beside a later failure: then what was known of it stays.
        """
        rows = await self._pool.fetch(
            "SELECT name, failures, extract(epoch FROM ended_at)::float8 AS ended FROM ops.jobs WHERE name = ANY ($1)",
            list(self._jobs),
        )
        for row in rows:
            JOB_FAILURES_IN_A_ROW.labels(row["name"]).set(row["failures"])
            if not row["failures"]:
                JOB_LAST_SUCCESS.labels(row["name"]).set(row["ended"] or 0)

    async def _run_to_its_end(self, job: Job) -> None:
        try:
            await self._run(job)
        except asyncio.CancelledError:
            # Given back, so that whoever comes next need not wait until the lease has run out.
            await self._pool.execute(
                "UPDATE ops.jobs SET holder = NULL, lease_until = NULL, next_at = clock_timestamp()"
                " WHERE name = $1 AND holder = $2",
                job.name,
                self._holder,
            )
            raise
        except Exception as error:
            log.warning("a job's end was not noted", extra={"job": job.name, "error": type(error).__name__})

    async def _claim(self) -> Job | None:
        name = await self._pool.fetchval(
            """UPDATE ops.jobs j SET holder = $1, started_at = clock_timestamp(),
                   lease_until = clock_timestamp() + longest.s * interval '1 second'
               FROM unnest($2::text[], $3::float8[]) AS longest (name, s)
               WHERE j.name = longest.name AND j.name = (
                   SELECT due.name FROM ops.jobs due
                   WHERE due.name = ANY ($2) AND due.next_at <= clock_timestamp()
                       AND (due.lease_until IS NULL OR due.lease_until < clock_timestamp())
                   ORDER BY due.next_at LIMIT 1 FOR UPDATE SKIP LOCKED)
               RETURNING j.name""",
            self._holder,
            list(self._jobs),
            [job.longest.total_seconds() for job in self._jobs.values()],
        )
        return None if name is None else self._jobs[name]

    async def _run(self, job: Job) -> None:
        started = time.perf_counter()
        failed, result = False, {}
        try:
            async with asyncio.timeout(job.longest.total_seconds()):
                result = dict(await job.run())
        except Exception as error:
            failed = True
            result = {"error": type(error).__name__}
            JOB_FAILURES.labels(job.name).inc()
            log.exception("a job failed; it is tried again", extra={"job": job.name})
        seconds = time.perf_counter() - started
        JOB_SECONDS.labels(job.name).observe(seconds)
        await self._pool.execute(
            """UPDATE ops.jobs SET holder = NULL, lease_until = NULL, ended_at = clock_timestamp(), result = $3,
                   failures = CASE WHEN $4 THEN failures + 1 ELSE 0 END,
                   next_at = CASE WHEN $4
                       -- Sooner than its time, but ever later: what stays broken must not be tried all the time.
                       THEN clock_timestamp() + least($5, $6, 2 ^ least(failures, 20) * interval '1 second')
                       ELSE clock_timestamp() + $5 END
               WHERE name = $1 AND holder = $2""",
            job.name,
            self._holder,
            json.dumps(result),
            failed,
            job.every,
            LONGEST_PAUSE,
        )
        log.info("job done", extra={"job": job.name, "failed": failed, "ms": round(seconds * 1000)} | result)

"""The operator as it runs: workers over the queue, and a list that makes up for lost watch events.

Passes are synchronous code in threads: the clients of Kubernetes, OpenBao and PostgreSQL block, and a
slow store must not stop the event loop that keeps the watches alive.
"""

import asyncio
import logging
import random
import time

from domicile_operator import metrics
from domicile_operator.errors import Fault
from domicile_operator.law import keep_law
from domicile_operator.names import API_VERSION, KIND
from domicile_operator.reconcile import Outcome, reconcile
from domicile_operator.settings import Settings
from domicile_operator.workqueue import WorkQueue
from domicile_operator.world import World

log = logging.getLogger(__name__)

COALESCE_SECONDS = 0.2
"""A rollout makes a dozen events in a row; one pass serves them all."""
WAITING_SECONDS = 3.0
"""The events of what is waited for come first; this is for one that was lost."""
REFUSED_SECONDS = 600.0
STALLED_SECONDS = 300.0
LAW_SETTLES_SECONDS = 1.0
"""The API server's policies learn of a new ConfigMap by a watch."""
LAW_SECONDS = 60.0
"""How long after a local midnight, or a new attestation, the API server may go by the law of before."""


class Runtime:
    """Queue, workers and heartbeat of one operator process."""

    def __init__(self, world: World, settings: Settings) -> None:
        self.world, self._settings = world, settings
        self._queue = WorkQueue()
        self._tasks: list[asyncio.Task[None]] = []
        self._beat = time.monotonic()
        self._law_at: float | None = None

    def wake(self, tenant: str, delay: float = COALESCE_SECONDS) -> None:
        """A tenant or one of its children changed."""
        self._queue.add(tenant, delay)

    async def start(self) -> None:
        """Tell the API server the law, then start the workers and the periodic list.

        Without the law the admission policies refuse whatever a first pass would write. Where it cannot be written
        the workers start all the same: the law of before holds.
        """
        await self._write_law()
        await asyncio.sleep(LAW_SETTLES_SECONDS)
        workers = [self._work() for _ in range(self._settings.workers)]
        self._tasks = [asyncio.create_task(task) for task in (*workers, self._relist(), self._keep_law())]

    async def stop(self) -> None:
        """Stop taking tenants; passes under way end on their own, and are safe to cut."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def healthy(self) -> bool:
        """Whether the event loop turns and no pass hangs."""
        turning = time.monotonic() - self._beat < max(60.0, 3 * self._settings.relist_seconds)
        return turning and self._queue.longest_running < STALLED_SECONDS

    @property
    def ready(self) -> bool:
        """Whether the API server has been told the law, and not long ago."""
        return self._law_at is not None and time.monotonic() - self._law_at < STALLED_SECONDS

    async def _work(self) -> None:
        while True:
            name = await self._queue.take()
            started = time.monotonic()
            try:
                outcome = await asyncio.to_thread(reconcile, name, self.world)
            except Exception:
                # `reconcile` reports its own trouble; a worker must outlive even a bug in the reporting.
                log.exception("pass over %s failed", name)
                outcome = Outcome("fault", "INTERNAL")
            finally:
                self._queue.done(name)
            metrics.DURATION.observe(time.monotonic() - started)
            self._schedule(name, outcome)

    def _schedule(self, name: str, outcome: Outcome) -> None:
        metrics.RECONCILES.labels(outcome.kind).inc()
        metrics.QUEUE.set(self._queue.depth)
        log.debug("pass over %s: %s %s", name, outcome.kind, outcome.code)
        if outcome.kind == "fault":
            metrics.FAULTS.labels(outcome.code).inc()
            self._queue.add_after_failure(name)
            return
        self._queue.succeed(name)
        if outcome.kind == "gone":
            self._queue.forget(name)
            metrics.forget(name)
        elif outcome.kind == "waiting":
            self._queue.add(name, WAITING_SECONDS)
        elif outcome.kind == "refused":
            self._queue.add(name, REFUSED_SECONDS)
        else:
            # Spread, so that a restart does not make every tenant due in the same second for ever.
            self._queue.add(name, self._settings.resync_seconds * random.uniform(0.8, 1.0))  # noqa: S311

    async def _keep_law(self) -> None:
        while True:
            await asyncio.sleep(LAW_SECONDS if self.ready else 2.0)
            await self._write_law()

    async def _write_law(self) -> None:
        try:
            await asyncio.to_thread(keep_law, self.world)
            self._law_at = time.monotonic()
        except Fault as fault:
            metrics.FAULTS.labels(fault.code).inc()
            log.warning("the law of this cell cannot be written: %s", fault.message)
        except Exception:
            log.exception("the law of this cell cannot be written")

    async def _relist(self) -> None:
        while True:
            self._beat = time.monotonic()
            try:
                tenants = await asyncio.to_thread(self.world.kube.list, API_VERSION, KIND)
            except Fault as fault:
                log.warning("tenants cannot be listed: %s", fault.message)
            else:
                for tenant in tenants:
                    if tenant["metadata"]["name"] not in self._queue:
                        self._queue.add(tenant["metadata"]["name"])
            await asyncio.sleep(self._settings.relist_seconds)

"""The operator as it runs: workers over the queue, and a list that makes up for lost watch events.

All of it works while this process leads (leadership.py), and stands still while it does not: the watches go on, so
that whoever takes over has only to begin. Passes are synchronous code in threads: the clients of Kubernetes, OpenBao
and PostgreSQL block, and a slow store must not stop the event loop that keeps the watches alive.
"""

import asyncio
import logging
import random
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from domicile_operator import metrics
from domicile_operator.backups.keeping import keep_backups
from domicile_operator.clients.viewed import Pages, fill
from domicile_operator.errors import Fault
from domicile_operator.gate import UNDER_WAY, Pass
from domicile_operator.law import keep_law
from domicile_operator.leadership import Leadership
from domicile_operator.names import API_VERSION, KIND
from domicile_operator.reconcile import Outcome, reconcile
from domicile_operator.settings import Settings
from domicile_operator.view import View
from domicile_operator.watches import Watches
from domicile_operator.workqueue import WorkQueue
from domicile_operator.world import World

log = logging.getLogger(__name__)

COALESCE_SECONDS = 0.2
"""A rollout makes a dozen events in a row; one pass serves them all."""
WAITING_SECONDS = 3.0
"""The events of what is waited for come first; this is for one that was lost."""
FIGHT_SECONDS = 5.0
"""Between two repairs of what somebody breaks again at once: their every write is an event, and none may be hurried by
it. Within the 30 seconds that drift may last, and no tenant's fight keeps the workers from the others."""
REFUSED_SECONDS = 600.0
STALLED_SECONDS = 300.0
STUCK_SECONDS = 120.0
"""Longer than any single step of a pass: a statement of PostgreSQL may take 60 s, after a login of some 20."""
LOOP_STUCK_SECONDS = 60.0
STOP_SECONDS = 20.0
"""How long a stop waits for passes under way, of the 30 that Kubernetes gives."""
PASSES_PER_SECOND = 4.0
"""That are made because time went by: a fifth of a processor (docs/scale.md)."""
STORES_AFTER = 0.75
"""Of the time between two such passes: a pass that time brings looks at the stores, one for an event does not."""
THREADS_BESIDE = 5
"""For the law, the list of tenants, backups, the view, and what kopf asks for."""
FILL_SECONDS, FILL_AGAIN_SECONDS = 0.5, 5.0
BELIEVED_SECONDS = 10.0
"""How long the watch of the Lease, which moves every other second, may show nothing before no watch is believed."""
BACKUPS_SECONDS = 30.0
"""Between two looks at the backups where no event tells of one: a store's or OpenBao's trouble is over by itself."""
LAW_SETTLES_SECONDS = 1.0
"""The API server's policies learn of a new ConfigMap by a watch."""
LAW_SECONDS = 60.0
"""How long after a local midnight, or a new attestation, the API server may go by the law of before."""


class Runtime:
    """Queue, workers and heartbeat of one operator process."""

    def __init__(
        self,
        world: World,
        settings: Settings,
        leadership: Leadership,
        view: View | None = None,
        source: Pages | None = None,
    ) -> None:
        """`view` is what `world` reads of, and `source` where it is filled from."""
        self.world, self._settings, self._leadership = world, settings, leadership
        self.watches = Watches(settings.watch_silence_seconds)
        self.view, self._source = view or View(), source
        self.view.live = lambda: self.watches.lag < BELIEVED_SECONDS
        self._doubted: set[str] = set()
        self._queue = WorkQueue()
        self._tasks: list[asyncio.Task[None]] = []
        self._passes: dict[str, Pass] = {}
        self._threads: set[asyncio.Future[Outcome]] = set()
        self._leads = asyncio.Event()
        self._backups = asyncio.Event()
        self._beat = time.monotonic()
        self._unwell = ""
        self._law_at: float | None = None

    def wake(self, tenant: str, delay: float = COALESCE_SECONDS) -> None:
        """A tenant or one of its children changed."""
        self._queue.add(tenant, delay)

    def listing(self, kind: str | None) -> None:
        """A watch of that kind begins anew: of what went while it was away no event will tell."""
        if kind is not None:
            self.view.doubt(kind)
            self._doubted.add(kind)

    def wake_backups(self) -> None:
        """A CasinoBackup, or the Job of one, changed."""
        self._backups.set()

    async def start(self) -> None:
        """Stand for election, and start what works while this process leads."""
        # Python's own pool is of the machine's processors: workers beyond that would wait for a thread.
        threads = ThreadPoolExecutor(self._settings.workers + THREADS_BESIDE, thread_name_prefix="pass")
        asyncio.get_running_loop().set_default_executor(threads)
        workers = [self._work() for _ in range(self._settings.workers)]
        others = (
            self._leadership.run(),
            self._lead(),
            self._relist(),
            self._keep_law(),
            self._back_up(),
            self._listen(),
            self._fill(),
        )
        self._tasks = [asyncio.create_task(task) for task in (*workers, *others)]

    async def stop(self) -> None:
        """Begin nothing more, wait for passes under way to meet the closed gate, and let the next one lead.

        Where they take too long the Lease runs out by itself: nobody leads beside what still runs here.
        """
        self._leadership.step_down()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._threads:
            await asyncio.wait(self._threads, timeout=STOP_SECONDS)
        if all(thread.done() for thread in self._threads):
            await self._leadership.release()

    @property
    def healthy(self) -> bool:
        """Whether the event loop turns, no step of a pass hangs, and the watches live."""
        unwell = self._trouble()
        if unwell and not self._unwell:
            log.error("not healthy: %s", unwell)
        self._unwell = unwell
        return not unwell

    @property
    def ready(self) -> bool:
        """Whether tenants are served: by this process, and the API server was told the law not long ago, or by another
        whose Lease is seen to move."""
        if not self._leadership.leading:
            return self._leadership.in_touch
        return self._law_at is not None and time.monotonic() - self._law_at < STALLED_SECONDS

    def _trouble(self) -> str:
        now = time.monotonic()
        if now - self._beat > LOOP_STUCK_SECONDS:
            return f"The event loop has not turned for {LOOP_STUCK_SECONDS:.0f} s."
        stuck = [name for name, under_way in self._passes.copy().items() if now - under_way.step_at > STUCK_SECONDS]
        if stuck:
            return f"The pass over {', '.join(stuck)} has been in one step for {STUCK_SECONDS:.0f} s."
        return self.watches.trouble()

    async def _listen(self) -> None:
        moved_at = None
        while True:
            self._beat = time.monotonic()
            self.watches.listen()
            if self._leadership.moved_at != moved_at:
                moved_at = self._leadership.moved_at
                self.watches.lease_polled()
            await asyncio.sleep(1)

    async def _lead(self) -> None:
        """Begin when this process leads, and hold when it does not.

        Without the law the admission policies refuse whatever a first pass would write. Where it cannot be written
        the workers start all the same: the law of before holds.
        """
        while True:
            await self._leadership.changed.wait()
            self._leadership.changed.clear()
            if not self._leadership.leading:
                self._leads.clear()
                metrics.forget_all()
            elif not self._leads.is_set():
                await self._write_law()
                await asyncio.sleep(LAW_SETTLES_SECONDS)
                self._leads.set()

    async def _work(self) -> None:
        while True:
            await self._leads.wait()
            name = await self._queue.take()
            if not self._leadership.leading:
                # Whoever leads next lists every tenant anew; here it waits for the case that it is this process.
                self._queue.done(name)
                self._queue.add(name)
                self._leads.clear()
                continue
            started = time.monotonic()
            try:
                outcome = await self._pass(name)
            except Exception:
                # `reconcile` reports its own trouble; a worker must outlive even a bug in the reporting.
                log.exception("pass over %s failed", name)
                outcome = Outcome("fault", "INTERNAL")
            finally:
                self._queue.done(name)
            metrics.DURATION.observe(time.monotonic() - started)
            self._schedule(name, outcome)
            if not self._leadership.leading:
                metrics.forget_all()

    async def _pass(self, name: str) -> Outcome:
        under_way = self._passes[name] = Pass()
        UNDER_WAY.set(under_way)
        thread = asyncio.ensure_future(asyncio.to_thread(reconcile, name, self.world))
        self._threads.add(thread)
        thread.add_done_callback(self._threads.discard)
        try:
            return await asyncio.shield(thread)
        finally:
            self._passes.pop(name, None)

    def _schedule(self, name: str, outcome: Outcome) -> None:
        metrics.RECONCILES.labels(outcome.kind).inc()
        if outcome.kind == "settled":
            metrics.record_settled(name)
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
            self.world.budget.forget(name)
            self.world.rounds.forget(name)
            return
        if outcome.again:
            self._queue.rest(name, FIGHT_SECONDS)
        if outcome.kind == "waiting" or outcome.behind:
            self._queue.add(name, WAITING_SECONDS)
        elif outcome.kind == "refused" and not outcome.soon:
            self._queue.add(name, REFUSED_SECONDS)
        else:
            # Spread, so that a restart does not make every tenant due in the same second for ever.
            pause = resync_seconds(self._settings, self._queue.size)
            self.world.rounds.pause = pause * STORES_AFTER
            self._queue.add(name, pause * random.uniform(0.8, 1.0))  # noqa: S311

    async def _keep_law(self) -> None:
        while True:
            await asyncio.sleep(LAW_SECONDS if self.ready else 2.0)
            await self._leads.wait()
            await self._write_law()

    async def _write_law(self) -> None:
        try:
            await asyncio.to_thread(keep_law, self.world)
            self._law_at = time.monotonic()
            metrics.LAW_WRITTEN.set_to_current_time()
        except Fault as fault:
            metrics.FAULTS.labels(fault.code).inc()
            log.warning("the law of this cell cannot be written: %s", fault.message)
        except Exception:
            log.exception("the law of this cell cannot be written")

    async def _back_up(self) -> None:
        """One pass over the cell's backups at a time: that is how no two begin together."""
        while True:
            await self._leads.wait()
            self._backups.clear()
            try:
                await asyncio.to_thread(keep_backups, self.world)
            except Fault as fault:
                metrics.FAULTS.labels(fault.code).inc()
                log.warning("backups cannot be looked after: %s", fault.message)
            except Exception:
                log.exception("backups cannot be looked after")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._backups.wait(), BACKUPS_SECONDS)
            await asyncio.sleep(COALESCE_SECONDS)

    async def _relist(self) -> None:
        while True:
            await self._leads.wait()
            try:
                tenants = await asyncio.to_thread(self.world.kube.names, API_VERSION, KIND)
            except Fault as fault:
                log.warning("tenants cannot be listed: %s", fault.message)
            except Exception:
                log.exception("tenants cannot be listed")  # a bug must not end this for good
            else:
                for name in tenants:
                    if name not in self._queue:
                        self._queue.add(name)
            await asyncio.sleep(self._settings.relist_seconds)

    async def _fill(self) -> None:
        """Bring the view up to what there is, of each kind whose watch has begun anew."""
        while True:
            for kind in sorted(self._doubted):
                self._doubted.discard(kind)
                try:
                    news = await asyncio.to_thread(fill, self.view, kind, self._source) if self._source else set()
                except Fault as fault:
                    log.warning("%s cannot be listed: %s", kind, fault.message)
                    self._doubted.add(kind)
                    await asyncio.sleep(FILL_AGAIN_SECONDS)
                    break
                except Exception:
                    log.exception("%s cannot be listed", kind)  # nor this: lists are asked for meanwhile
                    self._doubted.add(kind)
                    await asyncio.sleep(FILL_AGAIN_SECONDS)
                    break
                else:
                    for name in news:
                        self.wake(name)
            await asyncio.sleep(FILL_SECONDS)


def resync_seconds(settings: Settings, tenants: int) -> float:
    """How long a settled tenant is left alone. The more there are the longer, so that what nobody asked for takes no
    more than a part of one processor, however large the fleet."""
    return max(settings.resync_seconds, tenants / PASSES_PER_SECOND)

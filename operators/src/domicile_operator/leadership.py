"""Keeps this process in the election, or out of it: reads and writes the Lease, and tells who asks whether it leads."""

import asyncio
import logging
import socket
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, Protocol

from domicile_operator import metrics
from domicile_operator.election import Candidate, Timing, claimed, look, released, stepped_down, wrote
from domicile_operator.errors import Fault

log = logging.getLogger(__name__)

Object = dict[str, Any]


class Leases(Protocol):
    """The one Lease. Both verbs raise Fault; `write` raises CONFLICT where somebody wrote since it was read."""

    def read(self) -> Object:
        """The Lease as it stands."""

    def write(self, lease: Object) -> Object:
        """Write over the version that was read. Gives it as stored."""


def identity() -> str:
    """A name for this process alone. A container that is started anew is another: what it began may still be on its
    way."""
    return f"{socket.gethostname()}_{uuid.uuid4().hex[:12]}"


def clock() -> float:
    """Seconds that no one sets, and that go on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Leadership:
    """One process' part in the election. `leading` and `seconds_to_write` may be asked from any thread.

    `run` lives on one event loop, so that a loop that is stuck loses the Lease to a process that is not; its calls
    have a thread of their own, so that a slow store cannot hold them up.
    """

    def __init__(
        self, leases: Leases, name: str, timing: Timing | None = None, now: Callable[[], float] = clock
    ) -> None:
        self._leases, self._clock = leases, now
        self._candidate = Candidate(name, timing or Timing())
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="lease")
        self._stopping = False
        self._moved_at: float | None = None
        self._trouble = ""
        self._told = False
        self.changed = asyncio.Event()
        """Set whenever `leading` may have changed; whoever waits for it clears it."""

    @property
    def leading(self) -> bool:
        """Whether this process may begin anything now."""
        return not self._stopping and self._candidate.leads(self._clock())

    @property
    def in_touch(self) -> bool:
        """Whether the Lease was seen to move, by whoever leads, within its duration."""
        moved, lease = self._moved_at, self._candidate.timing.lease
        return moved is not None and self._clock() < moved + lease

    @property
    def moved_at(self) -> float | None:
        """When the Lease was last seen in a version that is new, by the clock of this object."""
        return self._moved_at

    def seconds_to_write(self) -> float:
        """Until another may lead. Raises Fault NOT_LEADING."""
        candidate, now = self._candidate, self._clock()
        if self._stopping or not candidate.leads(now):
            raise Fault(
                "NOT_LEADING", "This operator does not hold its Lease and writes nothing; another goes on in its place."
            )
        return candidate.seconds_left(now)

    async def run(self) -> None:
        """Look at the Lease, renew or take it, for ever."""
        while True:
            try:
                await self._call(self._turn)
                self._heard("")
            except Fault as fault:
                self._heard(f"{fault.code}: {fault.message}")
            except Exception:
                log.exception("the election failed")
            self._tell()
            await asyncio.sleep(self._candidate.timing.retry)

    def step_down(self) -> None:
        """Begin nothing more. The Lease stays taken until `release`, for what is under way."""
        self._stopping = True
        self._tell()

    async def release(self) -> None:
        """Let the next one lead at once. Only after `step_down`, and when nothing is under way any more."""
        try:
            await self._call(self._give_back)
        except Fault as fault:
            log.warning("the Lease runs out by itself: %s", fault.message)

    async def _call(self, work: Callable[[], None]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _turn(self) -> None:
        if self._stopping:
            return
        lease = self._leases.read()
        before = self._candidate.seen
        self._candidate, wish = look(self._candidate, lease, self._clock())
        if before is not None and self._candidate.seen != before:
            self._moved_at = self._clock()
        if wish == "wait":
            return
        began = self._clock()
        written = self._leases.write(claimed(lease, self._candidate, datetime.now(UTC)))
        self._candidate = wrote(self._candidate, written, began, self._clock())
        self._moved_at = self._clock()

    def _give_back(self) -> None:
        if self._candidate.renewed_at is None:
            return
        lease = self._leases.read()
        self._candidate, wish = look(self._candidate, lease, self._clock())
        if wish == "renew":
            self._leases.write(released(lease, datetime.now(UTC)))
        self._candidate = stepped_down(self._candidate)

    def _tell(self) -> None:
        leading = self.leading
        if leading != self._told:
            log.info("%s %s", self._candidate.identity, "leads" if leading else "leads no more")
        self._told = leading
        metrics.LEADER.set(leading)
        self.changed.set()

    def _heard(self, trouble: str) -> None:
        """Trouble is said once, not every two seconds."""
        if trouble and not self._trouble:
            log.warning("the Lease cannot be kept: %s", trouble)
        self._trouble = trouble

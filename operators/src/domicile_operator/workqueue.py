"""Which tenant is worked on when.

A set of due times, one per tenant: many events fold into one pass, no tenant is in two passes at once, and
trouble is retried with growing pauses. It lives on one event loop and needs no lock.
"""

import asyncio
import time
from collections.abc import Callable

BACKOFF_FIRST, BACKOFF_MOST = 1.0, 30.0
"""Seconds."""


class WorkQueue:
    """Takes a monotonic clock in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._due: dict[str, float] = {}
        self._running: set[str] = set()
        self._failures: dict[str, int] = {}
        self._rests: dict[str, float] = {}
        self._changed = asyncio.Event()

    def add(self, name: str, delay: float = 0.0) -> None:
        """Ask for a pass in `delay` seconds; an earlier wish stands, and a rest is kept."""
        due = max(self._clock() + delay, self._rests.get(name, 0.0))
        if due < self._due.get(name, float("inf")):
            self._due[name] = due
            self._changed.set()

    def add_after_failure(self, name: str) -> None:
        """Ask for a pass after a pause that doubles with each failure in a row."""
        failures = self._failures.get(name, 0)
        self._failures[name] = failures + 1
        self.add(name, min(BACKOFF_FIRST * 2**failures, BACKOFF_MOST))

    def succeed(self, name: str) -> None:
        """Begin the pauses anew, and end a rest."""
        self._failures.pop(name, None)
        self._rests.pop(name, None)

    def rest(self, name: str, seconds: float) -> None:
        """No pass before that, whoever asks: somebody undoes at once what each pass does."""
        self._rests[name] = self._clock() + seconds
        if name in self._due:
            self._due[name] = max(self._due[name], self._rests[name])

    def forget(self, name: str) -> None:
        """Ask for nothing any more."""
        for kept in (self._due, self._failures, self._rests):
            kept.pop(name, None)

    async def take(self) -> str:
        """The next tenant that is due; it belongs to the caller until `done`."""
        while True:
            self._changed.clear()
            now = self._clock()
            free = [(due, name) for name, due in self._due.items() if name not in self._running]
            if free:
                due, name = min(free)
                if due <= now:
                    del self._due[name]
                    self._running.add(name)
                    return name
            pause = min(free)[0] - now if free else None
            try:
                await asyncio.wait_for(self._changed.wait(), pause)
            except TimeoutError:
                continue

    def done(self, name: str) -> None:
        """Give a tenant back; wishes made meanwhile take effect."""
        self._running.discard(name)
        self._changed.set()

    def __contains__(self, name: str) -> bool:
        return name in self._due or name in self._running

    @property
    def size(self) -> int:
        """Tenants that are known: due some time, or worked on."""
        return len(self._due.keys() | self._running)

    @property
    def depth(self) -> int:
        """Tenants due now."""
        now = self._clock()
        return sum(due <= now for due in self._due.values())

"""When the stores of a settled tenant are looked at: on rounds, since OpenBao and PostgreSQL tell nobody of drift.

A tenant's documents and roles are some thirty questions. A pass that an event brings, or the first one of a new
process, believes the status instead, where that says that everything wanted was in place; whatever was asked for anew
is looked at at once.
"""

import random
import threading
import time
from collections.abc import Callable


class Rounds:
    """By tenant, when its stores are due. `pause` is in seconds, zero for at every pass; `clock` is monotonic. May be
    used from several threads."""

    def __init__(self, pause: float = 0.0, clock: Callable[[], float] = time.monotonic) -> None:
        self.pause, self._clock = pause, clock
        self._due: dict[str, float] = {}
        self._lock = threading.Lock()

    def due(self, tenant: str) -> bool:
        """Whether to look now. Of tenants that this process has not looked at yet, each has its turn within a pause."""
        now = self._clock()
        with self._lock:
            due = self._due.setdefault(tenant, now + self.pause * random.uniform(0.0, 1.0))  # noqa: S311
        return now >= due

    def looked(self, tenant: str) -> None:
        """They are as they should be."""
        with self._lock:
            self._due[tenant] = self._clock() + self.pause

    def forget(self, tenant: str) -> None:
        with self._lock:
            self._due.pop(tenant, None)

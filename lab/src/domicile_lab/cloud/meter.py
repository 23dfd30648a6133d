"""How many calls the cloud has answered, and for how long it worked on them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from domicile_lab.cloud.http import Answer, Call


class Meter:
    """A handler that counts, before one that answers. `seconds` is the sum over calls, also of those side by side."""

    def __init__(self, handle: Callable[[Call], Answer]) -> None:
        self._handle = handle
        self._lock = threading.Lock()
        self.calls = 0
        self.seconds = 0.0

    def handle(self, call: Call) -> Answer:
        began = time.perf_counter()
        try:
            return self._handle(call)
        finally:
            with self._lock:
                self.calls += 1
                self.seconds += time.perf_counter() - began

    def told(self) -> dict[str, float]:
        """The two figures as they are now."""
        with self._lock:
            return {"calls": self.calls, "seconds": round(self.seconds, 6)}

"""Waiting for a cluster, bounded, and given up when the engine is being stopped."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from domicile_lab.providers.interface import ProviderError
from domicile_lab.providers.kubernetes.client import Unreachable

PAUSE_SECONDS = 0.25
"""Between two looks; doubled up to PAUSE_LIMIT."""
PAUSE_LIMIT = 2.0


class Waits:
    """The waits of one provider; `cancel` ends them all."""

    def __init__(self) -> None:
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        self._cancelled.set()

    def until(self, done: Callable[[], bool], seconds: float, why: Callable[[], str]) -> None:
        """Until `done`, for at most `seconds`. Raises ProviderError with `why` when it did not come about.

        An API that does not answer while it is waited for is waited for as well.
        """
        until, pause, silence = time.monotonic() + seconds, PAUSE_SECONDS, ""
        while True:
            try:
                if done():
                    return
                silence = ""
            except Unreachable as error:
                silence = f" Last of all, {error}"
            if time.monotonic() > until:
                raise ProviderError(f"{why()}{silence} (waited {seconds:.0f} s; custom_timeouts allow more)")
            if self._cancelled.wait(pause):
                raise ProviderError(f"{why()}{silence} (given up: the update was cancelled)")
            pause = min(pause * 2, PAUSE_LIMIT)

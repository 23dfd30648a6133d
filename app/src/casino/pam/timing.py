"""Refusals that would tell who is registered take as long as each other."""

from __future__ import annotations

import asyncio
import time

QUANTUM_S = 0.1


class EvenPace:
    """Answers at whole multiples of `QUANTUM_S` from when it was made.

    What is done for an account that exists, and is not for one that does not, is a matter of milliseconds: it
    disappears in the rounding. Only refusals wait; who is let in is not kept.
    """

    def __init__(self) -> None:
        self._started = time.monotonic()

    async def wait(self) -> None:
        """Wait for the next multiple."""
        taken = time.monotonic() - self._started
        await asyncio.sleep(QUANTUM_S - taken % QUANTUM_S)

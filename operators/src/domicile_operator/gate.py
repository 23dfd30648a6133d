"""What every call of a client passes: who leads no more writes no more, and whoever watches a pass sees it move."""

import contextvars
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from typing import Protocol


class Gate(Protocol):
    """Asked by the clients, in the thread of the call and at once before it. Raises Fault NOT_LEADING."""

    def read(self) -> None:
        """Something is about to be asked for."""

    def write(self) -> float:
        """Something is about to be changed. Gives the seconds within which that has to end."""


@dataclass
class Pass:
    """One pass that is under way: when it began its latest step, by the clock of `time.monotonic`."""

    step_at: float = field(default_factory=time.monotonic)


UNDER_WAY: contextvars.ContextVar[Pass | None] = contextvars.ContextVar("domicile_pass", default=None)
"""The pass that this thread works on. asyncio.to_thread hands it on."""


class LeadersGate:
    """Lets through whoever leads. `seconds_to_write` raises Fault where this process does not lead."""

    def __init__(self, seconds_to_write: Callable[[], float]) -> None:
        self._seconds = seconds_to_write

    def read(self) -> None:
        _step()

    def write(self) -> float:
        _step()
        return self._seconds()


class OpenGate:
    """For programs that run once, by themselves."""

    def read(self) -> None:
        return

    def write(self) -> float:
        return inf


OPEN = OpenGate()


def _step() -> None:
    under_way = UNDER_WAY.get()
    if under_way is not None:
        under_way.step_at = time.monotonic()

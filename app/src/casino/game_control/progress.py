"""How far a long command is, on a terminal alone: in a log it would be noise."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TextIO

WIDTH = 30
EVERY_S = 0.1


class Progress:
    """A bar on standard error. `Progress(...)(done)` draws it, at most ten times a second; leaving clears it."""

    def __init__(self, label: str, total: int, stream: TextIO | None = None) -> None:
        self._label, self._total = label, max(1, total)
        self._stream = stream or sys.stderr
        self._shown = self._stream.isatty()
        self._next = 0.0

    def __call__(self, done: int) -> None:
        # How long a person has waited is not the casino's time: the clock of records stays out of it.
        now = time.monotonic()
        if not self._shown or (now < self._next and done < self._total):
            return
        self._next = now + EVERY_S
        filled = min(WIDTH, WIDTH * done // self._total)
        bar = "#" * filled + "." * (WIDTH - filled)
        self._stream.write(f"\r{self._label} [{bar}] {100 * done // self._total:3d} %")
        self._stream.flush()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._shown:
            self._stream.write("\r\x1b[K")
            self._stream.flush()

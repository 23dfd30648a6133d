"""The random number generator: the one source of every game's outcome."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from typing import NoReturn

from casino.game_control.drbg import (
    MAX_REQUEST_BYTES,
    RESEED_INTERVAL,
    RESEED_SECONDS,
    HmacDrbg,
    RngFailure,
    known_answer_test,
)
from casino.game_control.entropy import Entropy, EntropySource
from casino.game_control.rounds import Drawing
from casino.kernel.clock import Clock, SystemClock

_BUFFER = 256


class RandomNumberGenerator(Drawing):
    """Uniform integers below a bound, from HMAC_DRBG seeded by the entropy source.

    A bound is met by masking to its bits and rejecting what is too large: never a remainder, which would favour
    small numbers, and never a float. Outcomes do not depend on stake, balance or history: none is an input.
    It reseeds by count and by time, and in a process that was forked. A failure of any health test is for good: from
    then on every call raises the same RngFailure, until the process is started anew. `failure` tells readiness.
    """

    def __init__(self, personalisation: str = "", source: Entropy | None = None, clock: Clock | None = None) -> None:
        known_answer_test()
        self.failure: str | None = None
        self._source = source or EntropySource()
        self._clock = clock or SystemClock()
        self._personalisation = personalisation.encode()
        self._buffer = b""
        self._previous = b""
        self._source.start_up()
        self._instantiate()

    def below(self, bound: int) -> int:
        """A uniform integer in `range(bound)`. Raises RngFailure when a health test failed: stop play then."""
        if bound < 1:
            raise ValueError(f"no integer is below {bound} and not negative")
        bits = (bound - 1).bit_length()
        size, mask = (bits + 7) // 8, (1 << bits) - 1
        while True:
            candidate = int.from_bytes(self._take(size), "big") & mask
            if candidate < bound:
                return candidate

    def random_bytes(self, size: int) -> bytes:
        """Raw output, by the same calls as every draw: server seeds, and what laboratories collect."""
        if size < 0:
            raise ValueError(f"no output has {size} bytes")
        return self._take(size)

    def reseed(self) -> None:
        """Reseed now; what is left of earlier output is thrown away."""
        self._guarded(self._reseed)

    def _take(self, size: int) -> bytes:
        if self.failure is not None:
            self._stop()
        if os.getpid() != self._pid:
            # A forked process holds the same state as its parent: both would deal the same outcomes.
            self._guarded(self._instantiate)
        elapsed = (self._clock.now() - self._seeded_at).total_seconds()
        if not 0 <= elapsed < RESEED_SECONDS:
            # A clock that was set back tells nothing of the seed's age.
            self._guarded(self._reseed)
        while len(self._buffer) < size:
            self._guarded(self._refill, size)
        taken, self._buffer = self._buffer[:size], self._buffer[size:]
        return taken

    def _refill(self, size: int) -> None:
        if self._drbg.requests > RESEED_INTERVAL:
            self._reseed()
        fresh = self._drbg.generate(max(_BUFFER, min(size - len(self._buffer), MAX_REQUEST_BYTES)))
        if fresh == self._previous:
            raise RngFailure("The generator gave the same block twice in a row.")
        self._previous = fresh
        self._buffer += fresh

    def _reseed(self) -> None:
        self._drbg.reseed(self._source.read(32))
        self._buffer = b""
        self._seeded_at: datetime = self._clock.now()

    def _instantiate(self) -> None:
        self._pid = os.getpid()
        self._drbg = HmacDrbg(self._source.read(32), self._source.read(16), self._personalisation)
        self._buffer = b""
        self._previous = b""
        self._seeded_at = self._clock.now()

    def _guarded(self, step: Callable[..., None], *arguments: int) -> None:
        """Any failure on the way to output is kept: a source that errs once is not asked again."""
        try:
            step(*arguments)
        except Exception as error:
            self.failure = error.message if isinstance(error, RngFailure) else f"{type(error).__name__}"
            self._buffer = b""
            raise RngFailure(self.failure) from error

    def _stop(self) -> NoReturn:
        raise RngFailure(self.failure or "The generator has failed.")

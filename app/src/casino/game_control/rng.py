"""The random number generator: the one source of every game's outcome."""

from __future__ import annotations

import os

from casino.game_control.drbg import RESEED_INTERVAL, EntropySource, HmacDrbg, RngFailure, known_answer_test

_BUFFER = 256


class RandomNumberGenerator:
    """Uniform integers below a bound, from HMAC_DRBG seeded by the operating system.

    A bound is met by masking to its bits and rejecting what is too large: never a remainder, which would favour
    small numbers, and never a float. Outcomes do not depend on stake, balance or history: none is an input.
    """

    def __init__(self, personalisation: str = "", source: EntropySource | None = None) -> None:
        known_answer_test()
        self._source = source or EntropySource()
        self._personalisation = personalisation.encode()
        self._pid = 0
        self._buffer = b""
        self._previous = b""
        self._source.read(4096)  # start-up health test: these bytes are not used
        self._instantiate()

    def below(self, bound: int) -> int:
        """A uniform integer in `range(bound)`. Raises RngFailure when a health test fails: stop play then."""
        if bound < 1:
            raise ValueError(f"no integer is below {bound} and not negative")
        bits = (bound - 1).bit_length()
        size, mask = (bits + 7) // 8, (1 << bits) - 1
        while True:
            candidate = int.from_bytes(self._take(size), "big") & mask
            if candidate < bound:
                return candidate

    def _take(self, size: int) -> bytes:
        if os.getpid() != self._pid:
            # A forked process holds the same state as its parent: both would deal the same outcomes.
            self._instantiate()
        if len(self._buffer) < size:
            if self._drbg.requests > RESEED_INTERVAL:
                self._drbg.reseed(self._source.read(32))
            fresh = self._drbg.generate(_BUFFER)
            if fresh == self._previous:
                raise RngFailure("the generator gave the same block twice in a row")
            self._previous = fresh
            self._buffer += fresh
        taken, self._buffer = self._buffer[:size], self._buffer[size:]
        return taken

    def _instantiate(self) -> None:
        self._pid = os.getpid()
        self._drbg = HmacDrbg(self._source.read(32), self._source.read(16), self._personalisation)
        self._buffer = b""
        self._previous = b""

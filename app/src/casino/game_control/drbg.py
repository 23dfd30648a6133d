"""HMAC_DRBG with SHA-256 (NIST SP 800-90A rev. 1, section 10.1.2), and the health tests of its entropy.

Written out because no library of ours offers one; the known-answer test at start is NIST's own vector.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable

RESEED_INTERVAL = 10_000
"""Requests between reseeds. The standard allows 2**48; reseeding often costs nothing here."""
MAX_REQUEST_BYTES = 1 << 16


class RngFailure(Exception):
    """A health test failed. Play must stop: no outcome may come from this generator."""


class HmacDrbg:
    """The mechanism alone: instantiate with entropy, nonce and personalisation, then generate and reseed."""

    def __init__(self, entropy: bytes, nonce: bytes, personalisation: bytes = b"") -> None:
        self._key, self._value = b"\x00" * 32, b"\x01" * 32
        self._update(entropy + nonce + personalisation)
        self.requests = 1

    def reseed(self, entropy: bytes) -> None:
        self._update(entropy)
        self.requests = 1

    def generate(self, size: int) -> bytes:
        """`size` bytes; earlier output cannot be computed from the state that remains."""
        if not 0 < size <= MAX_REQUEST_BYTES:
            raise ValueError(f"a request is for 1 to {MAX_REQUEST_BYTES} bytes, not {size}")
        output = b""
        while len(output) < size:
            self._value = hmac.digest(self._key, self._value, "sha256")
            output += self._value
        self._update(b"")
        self.requests += 1
        return output[:size]

    def _update(self, data: bytes) -> None:
        self._key = hmac.digest(self._key, self._value + b"\x00" + data, "sha256")
        self._value = hmac.digest(self._key, self._value, "sha256")
        if data:
            self._key = hmac.digest(self._key, self._value + b"\x01" + data, "sha256")
            self._value = hmac.digest(self._key, self._value, "sha256")


def known_answer_test() -> None:
    """Run a vector of NIST's CAVP (HMAC_DRBG, SHA-256, no reseed, count 0). Raises RngFailure when it differs."""
    drbg = HmacDrbg(
        bytes.fromhex("ca851911349384bffe89de1cbdc46e6831e44d34a4fb935ee285dd14b71a7488"),
        bytes.fromhex("659ba96c601dc69fc902940805ec0ca8"),
    )
    drbg.generate(128)
    expected = bytes.fromhex(
        "e528e9abf2dece54d47c7e75e5fe302149f817ea9fb4bee6f4199697d04d5b89"
        "d54fbb978a15b5c443c9ec21036d2460b6f73ebad0dc2aba6e624abf07745bc1"
        "07694bb7547bb0995f70de25d6b29e2d3011bb19d27676c07162c8b5ccde0668"
        "961df86803482cb37ed6d5c0bb8d50cf1f50d476aa0458bdaba806f48be9dcb8"
    )
    if drbg.generate(128) != expected:
        raise RngFailure("the generator does not reproduce NIST's known answer")


class EntropySource:
    """The operating system's entropy under the repetition count test (SP 800-90B, 4.4.1) on 32-bit samples."""

    # Two equal samples in a row happen once in 4 billion; three never, with a healthy source.
    CUTOFF = 3

    def __init__(self, read: Callable[[int], bytes] = os.urandom) -> None:
        self._read = read
        self._last = b""
        self._run = 0

    def read(self, size: int) -> bytes:
        """`size` bytes (a multiple of 4). Raises RngFailure when the source repeats itself."""
        data = self._read(size)
        if len(data) != size:
            raise RngFailure("the entropy source gave less than asked for")
        for start in range(0, size, 4):
            sample = data[start : start + 4]
            self._run = self._run + 1 if sample == self._last else 1
            self._last = sample
            if self._run >= self.CUTOFF:
                raise RngFailure("the entropy source repeats itself")
        return data

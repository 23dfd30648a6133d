"""Continuous health tests of an entropy source (NIST SP 800-90B, section 4.4). A sample is a byte."""

from __future__ import annotations

import math
from fractions import Fraction

from casino.game_control.drbg import RngFailure

ALPHA_BITS = 40
"""The chance of a false alarm per test is 2**-40: the standard's range is 2**-20 to 2**-40, and ours stops play."""
WINDOW = 512
"""The adaptive proportion test's window where samples have more than two values."""
STARTUP_SAMPLES = 4096
"""The start-up test needs at least 1024 samples (4.3)."""


def repetition_cutoff(min_entropy: float, alpha_bits: int = ALPHA_BITS) -> int:
    """4.4.1: C = 1 + ceil(-log2(alpha) / H), for H bits of min-entropy in a sample."""
    return 1 + math.ceil(alpha_bits / min_entropy)


def proportion_cutoff(min_entropy: float, window: int = WINDOW, alpha_bits: int = ALPHA_BITS) -> int:
    """4.4.2: C = 1 + critbinom(W, 2**-H, 1 - alpha).

    critbinom is the least k with P(B <= k) >= 1 - alpha for B of Binomial(W, 2**-H). Computed in fractions: 1 - alpha
    and the tail are too near to one another's rounding for floats.
    """
    alpha, likeliest = Fraction(1, 2**alpha_bits), Fraction(2.0**-min_entropy)
    above, k = Fraction(0), window
    while True:
        # above is P(B > k); step down while P(B > k - 1) would still be at most alpha.
        term = math.comb(window, k) * likeliest**k * (1 - likeliest) ** (window - k)
        if above + term > alpha:
            return 1 + k
        above += term
        k -= 1


class HealthTests:
    """Both tests over one source's samples, with the min-entropy that is assumed of a sample (a byte)."""

    def __init__(self, min_entropy: float, name: str) -> None:
        self.name = name
        self.repetition_cutoff = repetition_cutoff(min_entropy)
        self.proportion_cutoff = proportion_cutoff(min_entropy)
        self._last: int | None = None
        self._run = 0
        self._first: int | None = None
        self._seen = 0
        self._same = 0

    def feed(self, samples: bytes) -> None:
        """Test the samples, which follow the ones before. Raises RngFailure with the test that failed."""
        for sample in samples:
            self._repetition(sample)
            self._proportion(sample)

    def _repetition(self, sample: int) -> None:
        self._run = self._run + 1 if sample == self._last else 1
        self._last = sample
        if self._run >= self.repetition_cutoff:
            raise RngFailure(f"The entropy source {self.name} repeats itself {self._run} times (SP 800-90B 4.4.1).")

    def _proportion(self, sample: int) -> None:
        if self._first is None:
            self._first, self._seen, self._same = sample, 1, 1
            return
        self._seen += 1
        self._same += sample == self._first
        if self._same >= self.proportion_cutoff:
            raise RngFailure(
                f"The entropy source {self.name} gave one value {self._same} times in {self._seen} samples "
                "(SP 800-90B 4.4.2)."
            )
        if self._seen == WINDOW:
            self._first = None

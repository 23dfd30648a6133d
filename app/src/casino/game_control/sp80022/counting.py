"""Tests that count ones and runs: sections 2.1 to 2.4 and 2.13."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from casino.game_control.sp80022.special import chi_square_p, igamc, normal_cdf

Bits = NDArray[np.uint8]


def frequency(bits: Bits) -> dict[str, float]:
    """2.1: as many ones as zeros."""
    n = len(bits)
    return {"frequency": math.erfc(abs(2 * int(bits.sum()) - n) / math.sqrt(n) / math.sqrt(2))}


def block_frequency(bits: Bits, block: int = 128) -> dict[str, float]:
    """2.2: as many ones as zeros in every block."""
    blocks = len(bits) // block
    share = bits[: blocks * block].reshape(blocks, block).mean(axis=1)
    return {"block_frequency": igamc(blocks / 2, 4 * block * float(((share - 0.5) ** 2).sum()) / 2)}


def runs(bits: Bits) -> dict[str, float]:
    """2.3: as many runs as there should be. A sequence that fails 2.1 by far has p-value 0."""
    n = len(bits)
    share = float(bits.mean())
    if abs(share - 0.5) >= 2 / math.sqrt(n):
        return {"runs": 0.0}
    count = 1 + int((bits[1:] != bits[:-1]).sum())
    expected = 2 * n * share * (1 - share)
    return {"runs": math.erfc(abs(count - expected) / (2 * math.sqrt(2 * n) * share * (1 - share)))}


# Least length -> block, the classes' first and last run length, and the classes' chances (2.4.4, 3.4).
_LONGEST = (
    (750_000, 10_000, 10, 16, (0.0882, 0.2092, 0.2483, 0.1933, 0.1208, 0.0675, 0.0727)),
    (6_272, 128, 4, 9, (0.1174, 0.2430, 0.2493, 0.1752, 0.1027, 0.1124)),
    (128, 8, 1, 4, (0.2148, 0.3672, 0.2305, 0.1875)),
)


def longest_run(bits: Bits) -> dict[str, float]:
    """2.4: the longest run of ones in a block. Needs 128 bits."""
    for least, block, first, last, chances in _LONGEST:
        if len(bits) >= least:
            blocks = len(bits) // block
            rows = bits[: blocks * block].reshape(blocks, block)
            lengths = np.clip([_longest(row) for row in rows], first, last)
            counts = np.bincount(lengths - first, minlength=len(chances))
            return {"longest_run": _fit(counts, np.array(chances) * blocks)}
    return {}


def _longest(row: Bits) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate(([0], row, [0])).astype(np.int8)))
    return int((edges[1::2] - edges[::2]).max()) if len(edges) else 0


def _fit(counts: NDArray[np.int64], expected: NDArray[np.float64]) -> float:
    return chi_square_p(float(((counts - expected) ** 2 / expected).sum()), len(expected) - 1)


def cumulative_sums(bits: Bits) -> dict[str, float]:
    """2.13: how far the random walk strays, forwards and backwards."""
    steps = bits.astype(np.int64) * 2 - 1
    return {
        "cumulative_sums.forward": _excursion(steps),
        "cumulative_sums.reverse": _excursion(steps[::-1]),
    }


def _excursion(steps: NDArray[np.int64]) -> float:
    n = len(steps)
    z = int(np.abs(np.cumsum(steps)).max())

    def between(k: int, low: int, high: int) -> float:
        return normal_cdf((4 * k + high) * z / math.sqrt(n)) - normal_cdf((4 * k + low) * z / math.sqrt(n))

    # Bounds are cut towards zero, as in the standard's reference code. Beyond 40 standard deviations a term is zero.
    far = int(10 * math.sqrt(n) / z) + 2
    first, last = max(-far, int((-n / z + 1) / 4)), min(far, int((n / z - 1) / 4))
    p = 1.0 - sum(between(k, -1, 1) for k in range(first, last + 1))
    first = max(-far, int((-n / z - 3) / 4))
    return min(1.0, max(0.0, p + sum(between(k, 1, 3) for k in range(first, last + 1))))

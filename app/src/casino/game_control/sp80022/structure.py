"""Tests of structure: ranks of matrices, spectrum, distances, linear complexity. Sections 2.5, 2.6, 2.9 and 2.10."""

from __future__ import annotations

import math

import numpy as np

from casino.game_control.sp80022.counting import Bits
from casino.game_control.sp80022.special import chi_square_p


def _rank_chance(rank: int, size: int) -> float:
    """The chance that a random binary matrix has this rank (3.5)."""
    exponent = rank * (2 * size - rank) - size * size
    product = math.prod((1 - 2.0 ** (i - size)) ** 2 / (1 - 2.0 ** (i - rank)) for i in range(rank))
    return float(2.0**exponent * product)


def rank_of(rows: list[int]) -> int:
    """The rank over GF(2) of rows given as whole numbers."""
    rank, left = 0, list(rows)
    while left:
        pivot = left.pop()
        if pivot:
            rank += 1
            low = pivot & -pivot
            left = [row ^ pivot if row & low else row for row in left]
    return rank


def matrix_rank(bits: Bits, size: int = 32) -> dict[str, float]:
    """2.5: ranks of square matrices. Needs 38 of them to be judged, which the suite sees to."""
    matrices = len(bits) // (size * size)
    if not matrices:
        return {}
    rows = bits[: matrices * size * size].reshape(matrices, size, size).astype(object)
    numbers = rows.dot(np.array([1 << place for place in range(size)], dtype=object))
    ranks = [rank_of(list(matrix)) for matrix in numbers]
    full, less = _rank_chance(size, size), _rank_chance(size - 1, size)
    counts = (ranks.count(size), ranks.count(size - 1))
    observed = (*counts, matrices - sum(counts))
    expected = [matrices * chance for chance in (full, less, 1 - full - less)]
    return {"matrix_rank": chi_square_p(sum((o - e) ** 2 / e for o, e in zip(observed, expected, strict=True)), 2)}


def spectral(bits: Bits) -> dict[str, float]:
    """2.6: peaks of the discrete Fourier transform below the 95 % threshold."""
    n = len(bits)
    moduli = np.abs(np.fft.rfft(bits.astype(np.float64) * 2 - 1))[: n // 2]
    below = int((moduli < math.sqrt(math.log(1 / 0.05) * n)).sum())
    d = (below - 0.95 * n / 2) / math.sqrt(n * 0.95 * 0.05 / 4)
    return {"spectral": math.erfc(abs(d) / math.sqrt(2))}


# Block length -> mean and variance of the statistic (2.9.4).
_UNIVERSAL = {
    6: (5.2177052, 2.954),
    7: (6.1962507, 3.125),
    8: (7.1836656, 3.238),
    9: (8.1764248, 3.311),
    10: (9.1723243, 3.356),
    11: (10.170032, 3.384),
    12: (11.168765, 3.401),
    13: (12.168070, 3.410),
    14: (13.167693, 3.416),
    15: (14.167488, 3.419),
    16: (15.167379, 3.421),
}


def universal_statistic(bits: Bits, block: int, initial: int) -> tuple[float, int]:
    """2.9.4 (4): the mean distance of a block to its last occurrence, in bits, and over how many blocks."""
    blocks = len(bits) // block
    weights = 1 << np.arange(block - 1, -1, -1, dtype=np.int64)
    values = bits[: blocks * block].reshape(blocks, block).astype(np.int64) @ weights
    order = np.argsort(values, kind="stable")
    previous = np.full(blocks, -1, dtype=np.int64)
    same = values[order[1:]] == values[order[:-1]]
    previous[order[1:][same]] = order[:-1][same]
    distances = np.arange(initial, blocks) - previous[initial:]
    return float(np.log2(distances).sum()) / (blocks - initial), blocks - initial


def universal(bits: Bits) -> dict[str, float]:
    """2.9: Maurer's universal test, the block length by the sequence's. Needs 387,840 bits."""
    block = max((length for length in _UNIVERSAL if len(bits) >= 1010 * 2**length * length), default=0)
    if not block:
        return {}
    statistic, count = universal_statistic(bits, block, 10 * 2**block)
    mean, variance = _UNIVERSAL[block]
    c = 0.7 - 0.8 / block + (4 + 32 / block) * count ** (-3 / block) / 15
    return {"universal": math.erfc(abs(statistic - mean) / (math.sqrt(2) * c * math.sqrt(variance / count)))}


def linear_complexity_of(bits: list[int]) -> int:
    """The length of the shortest linear feedback shift register that gives the bits (Berlekamp and Massey).

    Polynomials are whole numbers, so that a discrepancy is the parity of one AND.
    """
    connection, before = 1, 1
    length, since = 0, 1
    window = 0
    for place, bit in enumerate(bits):
        window = window << 1 | bit
        if (connection & window & ((1 << length + 1) - 1)).bit_count() & 1:
            changed = connection ^ before << since
            if 2 * length <= place:
                length, before, since = place + 1 - length, connection, 0
            connection = changed
        since += 1
    return length


# Chances of the seven classes of T (2.10.4): exact, as in the standard's reference code.
_COMPLEXITY = (0.01047, 0.03125, 0.125, 0.5, 0.25, 0.0625, 0.020833)


def linear_complexity(bits: Bits, block: int = 500) -> dict[str, float]:
    """2.10: the linear complexity of blocks."""
    blocks = len(bits) // block
    if not blocks:
        return {}
    sign = -1 if block % 2 else 1
    mean = block / 2 + (9 - sign) / 36 - (block / 3 + 2 / 9) / 2.0**block
    counts = [0] * 7
    for row in bits[: blocks * block].reshape(blocks, block):
        t = sign * (linear_complexity_of(row.tolist()) - mean) + 2 / 9
        counts[min(6, max(0, math.ceil(t + 2.5)))] += 1
    expected = [blocks * chance for chance in _COMPLEXITY]
    return {"linear_complexity": chi_square_p(sum((c - e) ** 2 / e for c, e in zip(counts, expected, strict=True)), 6)}

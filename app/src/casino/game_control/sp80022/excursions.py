"""Tests of the random walk between its returns to zero: sections 2.14 and 2.15."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from casino.game_control.sp80022.counting import Bits
from casino.game_control.sp80022.special import chi_square_p

STATES = (-4, -3, -2, -1, 1, 2, 3, 4)
VARIANT_STATES = (*range(-9, 0), *range(1, 10))


def walk(bits: Bits) -> NDArray[np.int64]:
    """The sums, with a zero in front and one behind."""
    return np.concatenate(([0], np.cumsum(bits.astype(np.int64) * 2 - 1), [0]))


def _cycles(sums: NDArray[np.int64]) -> int:
    """How often the walk comes back to zero, the zero that was put behind it among them, but once."""
    return int((sums[1:] == 0).sum()) - (1 if sums[-2] == 0 else 0)


def enough_cycles(bits: Bits) -> bool:
    """2.14.4: the tests are not applicable with fewer returns than this."""
    return _cycles(walk(bits)) >= max(0.005 * math.sqrt(len(bits)), 500)


def _chance(state: int, visits: int) -> float:
    """The chance of so many visits to a state in a cycle; 5 stands for 5 and more (3.14)."""
    x = abs(state)
    if visits == 0:
        return 1 - 1 / (2 * x)
    if visits == 5:
        return 1 / (2 * x) * (1 - 1 / (2 * x)) ** 4
    return 1 / (4 * x * x) * (1 - 1 / (2 * x)) ** (visits - 1)


def random_excursions(bits: Bits) -> dict[str, float]:
    """2.14: visits to each of eight states in each cycle. The suite asks `enough_cycles` first."""
    sums = walk(bits)
    cycles = _cycles(sums)
    cycle_of = np.cumsum(sums == 0) - 1
    results = {}
    for state in STATES:
        visits = np.bincount(cycle_of[sums == state], minlength=cycles)[:cycles]
        counts = np.bincount(np.minimum(visits, 5), minlength=6)
        expected = [cycles * _chance(state, k) for k in range(6)]
        chi_square = sum((int(count) - e) ** 2 / e for count, e in zip(counts, expected, strict=True))
        results[f"random_excursions.{state:+d}"] = chi_square_p(chi_square, 5)
    return results


def random_excursions_variant(bits: Bits) -> dict[str, float]:
    """2.15: visits to each of eighteen states over the whole walk."""
    sums = walk(bits)
    cycles = _cycles(sums)
    return {
        f"random_excursions_variant.{state:+d}": math.erfc(
            abs(int((sums == state).sum()) - cycles) / math.sqrt(2 * cycles * (4 * abs(state) - 2))
        )
        for state in VARIANT_STATES
    }

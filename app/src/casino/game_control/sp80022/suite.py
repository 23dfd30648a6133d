"""The suite over many sequences, judged as section 4.2 says: by the share that passes, and by uniform p-values."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from casino.game_control.sp80022 import counting, excursions, patterns, structure
from casino.game_control.sp80022.counting import Bits
from casino.game_control.sp80022.special import chi_square_p

ALPHA = 0.01
"""A sequence passes a test with a p-value of at least this (1.1.5)."""
UNIFORM_LIMIT = 0.0001
"""P-values are uniform when the p-value of their chi-square is at least this (4.2.2)."""
LEAST_FOR_UNIFORMITY = 55
LEAST_BITS = 387_840
"""The longest of the tests' least lengths: that of the universal test."""
FAULT_LIMIT = 1e-6
"""Our verdict. The standard's limits are crossed by about one of 188 statistics in every other run of a perfect source:
they ask for a second look. What is less likely than this is called a fault."""

TESTS: tuple[Callable[[Bits], dict[str, float]], ...] = (
    counting.frequency,
    counting.block_frequency,
    counting.cumulative_sums,
    counting.runs,
    counting.longest_run,
    structure.matrix_rank,
    structure.spectral,
    patterns.non_overlapping,
    patterns.overlapping,
    structure.universal,
    patterns.approximate_entropy,
    patterns.serial,
    structure.linear_complexity,
    excursions.random_excursions,
    excursions.random_excursions_variant,
)
_ON_CYCLES = {excursions.random_excursions, excursions.random_excursions_variant}


@dataclass(frozen=True, slots=True)
class Statistic:
    """One statistic over all sequences to which its test applies.

    `proportion` passed; `within` says whether it lies in the standard's interval (three standard errors), `uniformity`
    is the p-value of the p-values (None below 55 of them), `fault` our verdict.
    """

    name: str
    sequences: int
    passed: int
    proportion: float
    interval: tuple[float, float]
    within: bool
    uniformity: float | None
    fault: bool


@dataclass(frozen=True, slots=True)
class Report:
    """`second_look` names what lies outside of the standard's limits, `faults` what cannot be chance."""

    bits: int
    sequences: int
    statistics: tuple[Statistic, ...]

    @property
    def second_look(self) -> list[str]:
        return [s.name for s in self.statistics if not s.within or _below(s.uniformity, UNIFORM_LIMIT)]

    @property
    def faults(self) -> list[str]:
        return [statistic.name for statistic in self.statistics if statistic.fault]

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"second_look": self.second_look, "faults": self.faults, "alpha": ALPHA}


def p_values(bits: Bits) -> dict[str, float]:
    """Every test over one sequence. Tests on cycles are left out where the walk has too few of them."""
    values: dict[str, float] = {}
    cycles = excursions.enough_cycles(bits)
    for test in TESTS:
        if cycles or test not in _ON_CYCLES:
            values |= test(bits)
    return values


def to_bits(data: bytes) -> Bits:
    """The most significant bit of each byte first."""
    return np.unpackbits(np.frombuffer(data, dtype=np.uint8))


def run_suite(sequences: Iterable[bytes], progress: Callable[[int], object] = lambda done: None) -> Report:
    """Test every sequence. All have one length, at least LEAST_BITS bits; raises ValueError otherwise."""
    collected: dict[str, list[float]] = {}
    length = count = 0
    for count, data in enumerate(sequences, start=1):
        bits = to_bits(data)
        if len(bits) < LEAST_BITS or length not in (0, len(bits)):
            raise ValueError(f"sequences have one length, at least {LEAST_BITS} bits: this one has {len(bits)}")
        length = len(bits)
        for name, value in p_values(bits).items():
            collected.setdefault(name, []).append(value)
        progress(count)
    if not count:
        raise ValueError("there is no sequence to test")
    return Report(length, count, tuple(judge(name, values) for name, values in collected.items()))


def judge(name: str, values: list[float]) -> Statistic:
    """Sections 4.2.1 and 4.2.2, and our verdict."""
    count = len(values)
    passed = sum(value >= ALPHA for value in values)
    spread = 3 * math.sqrt(ALPHA * (1 - ALPHA) / count)
    interval = (1 - ALPHA - spread, min(1.0, 1 - ALPHA + spread))
    uniformity = uniformity_of(values) if count >= LEAST_FOR_UNIFORMITY else None
    return Statistic(
        name,
        count,
        passed,
        passed / count,
        interval,
        within=interval[0] <= passed / count <= interval[1],
        uniformity=uniformity,
        fault=_failures_chance(count, count - passed) < FAULT_LIMIT or _below(uniformity, FAULT_LIMIT),
    )


def _below(value: float | None, limit: float) -> bool:
    return value is not None and value < limit


def uniformity_of(values: list[float]) -> float:
    """4.2.2: ten bins, igamc(9/2, chi-square/2)."""
    counts = np.bincount(np.minimum((np.array(values) * 10).astype(np.int64), 9), minlength=10)
    expected = len(values) / 10
    return chi_square_p(float(((counts - expected) ** 2 / expected).sum()), 9)


def _failures_chance(count: int, failures: int) -> float:
    """The chance of at least so many failures in `count` sequences of a perfect source."""
    return (
        1.0
        if not failures
        else math.fsum(math.comb(count, k) * ALPHA**k * (1 - ALPHA) ** (count - k) for k in range(failures, count + 1))
    )


def pieces(read: Callable[[int], bytes], bits: int, count: int) -> Iterator[bytes]:
    """`count` sequences of `bits` bits, a multiple of eight. Raises ValueError when the source ends before."""
    for _ in range(count):
        data = read(bits // 8)
        if len(data) != bits // 8:
            raise ValueError("the file ends before the last sequence")
        yield data

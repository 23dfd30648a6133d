"""Tests of short patterns: sections 2.7, 2.8, 2.11 and 2.12."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from casino.game_control.sp80022.counting import Bits
from casino.game_control.sp80022.special import chi_square_p, igamc


def windows(bits: Bits, length: int, *, around: bool) -> NDArray[np.int64]:
    """The value of the `length` bits from each place on; `around` goes on at the start behind the end."""
    extended = np.concatenate((bits, bits[: length - 1])) if around else bits
    values = np.zeros(len(extended) - length + 1, dtype=np.int64)
    for place in range(length):
        values = values << 1 | extended[place : place + len(values)]
    return values


def aperiodic_templates(length: int) -> list[int]:
    """Those that cannot overlap themselves: no shift of one agrees with itself."""
    return [
        template
        for template in range(1 << length)
        if all(template >> shift != template & ((1 << length - shift) - 1) for shift in range(1, length))
    ]


def non_overlapping(
    bits: Bits, length: int = 9, blocks: int = 8, templates: list[int] | None = None
) -> dict[str, float]:
    """2.7: occurrences of each aperiodic template. Such a template never overlaps itself: its matches are counted."""
    block = len(bits) // blocks
    mean = (block - length + 1) / 2**length
    variance = block * (2.0**-length - (2 * length - 1) * 2.0 ** (-2 * length))
    rows = bits[: blocks * block].reshape(blocks, block)
    counts = np.array([np.bincount(windows(row, length, around=False), minlength=1 << length) for row in rows])
    statistics = ((counts - mean) ** 2 / variance).sum(axis=0)
    return {
        f"non_overlapping.{template:0{length}b}": chi_square_p(float(statistics[template]), blocks)
        for template in (aperiodic_templates(length) if templates is None else templates)
    }


# Chances of 0 to 4 and of 5 or more occurrences of nine ones in a block of 1032 (2.8.4, as corrected in rev. 1a).
_OVERLAPPING = (0.364091, 0.185659, 0.139381, 0.100571, 0.0704323, 0.139865)


def overlapping(bits: Bits, length: int = 9, block: int = 1032) -> dict[str, float]:
    """2.8: occurrences of a run of ones, overlapping ones among them."""
    blocks = len(bits) // block
    if not blocks:
        return {}
    rows = bits[: blocks * block].reshape(blocks, block)
    hits = np.array([(windows(row, length, around=False) == (1 << length) - 1).sum() for row in rows])
    counts = np.bincount(np.minimum(hits, 5), minlength=6)
    expected = blocks * np.array(_OVERLAPPING)
    return {"overlapping": chi_square_p(float(((counts - expected) ** 2 / expected).sum()), 5)}


def _psi_square(bits: Bits, length: int) -> float:
    if length <= 0:
        return 0.0
    counts = np.bincount(windows(bits, length, around=True), minlength=1 << length).astype(np.float64)
    return float((counts**2).sum()) * float(2**length) / len(bits) - len(bits)


def serial(bits: Bits, length: int = 16) -> dict[str, float]:
    """2.11: every pattern of `length` bits as often as every other."""
    psi, less, least = (_psi_square(bits, length - shorter) for shorter in range(3))
    return {
        "serial.first": igamc(2.0 ** (length - 2), (psi - less) / 2),
        "serial.second": igamc(2.0 ** (length - 3), (psi - 2 * less + least) / 2),
    }


def _phi(bits: Bits, length: int) -> float:
    counts = np.bincount(windows(bits, length, around=True), minlength=1 << length)
    shares = counts[counts > 0] / len(bits)
    return float((shares * np.log(shares)).sum())


def approximate_entropy(bits: Bits, length: int = 10) -> dict[str, float]:
    """2.12: patterns of one length against those of the next."""
    entropy = _phi(bits, length) - _phi(bits, length + 1)
    return {"approximate_entropy": igamc(2.0 ** (length - 1), len(bits) * (math.log(2) - entropy))}

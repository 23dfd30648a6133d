"""The special functions that the tests need: the standard names them igamc and Phi (5.5.3)."""

from __future__ import annotations

import math

MAX_STEPS = 10_000
EPSILON = 1e-15
TINY = 1e-300


def igamc(a: float, x: float) -> float:
    """The upper incomplete gamma function, regularised: Q(a, x). a > 0; x <= 0 gives 1.

    The series for x < a + 1 and the continued fraction (modified Lentz) otherwise: each where it converges fast.
    """
    if a <= 0:
        raise ValueError("igamc needs a > 0")
    if x <= 0:
        return 1.0
    factor = math.exp(-x + a * math.log(x) - math.lgamma(a))
    if x < a + 1:
        return 1.0 - factor * _series(a, x)
    return factor * _fraction(a, x)


def _series(a: float, x: float) -> float:
    term = total = 1 / a
    for step in range(1, MAX_STEPS):
        term *= x / (a + step)
        total += term
        if term < total * EPSILON:
            return total
    raise ArithmeticError("the series for igamc does not converge")


def _fraction(a: float, x: float) -> float:
    b = x + 1 - a
    c, d = 1 / TINY, 1 / b
    value = d
    for step in range(1, MAX_STEPS):
        numerator = -step * (step - a)
        b += 2
        d = 1 / (numerator * d + b or TINY)
        c = b + numerator / c or TINY
        value *= c * d
        if abs(c * d - 1) < EPSILON:
            return value
    raise ArithmeticError("the continued fraction for igamc does not converge")


def normal_cdf(x: float) -> float:
    """Phi: the standard normal distribution."""
    return math.erfc(-x / math.sqrt(2)) / 2


def chi_square_p(chi_square: float, degrees: int) -> float:
    """The chance of a chi-square at least as large."""
    return igamc(degrees / 2, chi_square / 2)

"""Amounts that providers write in major units."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from casino.kernel.money import MAX_AMOUNT_MINOR


def minor_of(written: str, exponent: int) -> int:
    """A decimal string of major units as minor units; `minor_of("12.30", 2)` is 1230. Raises ValueError."""
    try:
        minor = Decimal(written).scaleb(exponent)
    except InvalidOperation:
        raise ValueError(f"no amount of {exponent} decimals") from None
    if not minor.is_finite() or minor != minor.to_integral_value() or not 0 <= minor <= MAX_AMOUNT_MINOR:
        raise ValueError(f"no amount of {exponent} decimals")
    return int(minor)

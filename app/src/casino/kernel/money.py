"""Money: integer minor units with a currency. There is no float here, and no arithmetic across currencies."""

from __future__ import annotations

from dataclasses import dataclass

MAX_AMOUNT_MINOR = 10**12
"""The largest amount that one request may name, in minor units. Far below a bigint, so sums cannot overflow."""


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units (pence, cents) of one currency (ISO 4217)."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.minor) is not int:
            raise TypeError(f"money is an integer of minor units, not {type(self.minor).__name__}")
        if len(self.currency) != 3 or not self.currency.isupper():
            raise ValueError(f"{self.currency!r} is not an ISO 4217 currency code")

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other), self.currency)

    def _same(self, other: Money) -> int:
        if other.currency != self.currency:
            raise ValueError(f"cannot combine {self.currency} with {other.currency}")
        return other.minor


def format_minor(minor: int, currency: str, exponent: int) -> str:
    """Write minor units for a person: `format_minor(123456, "GBP", 2)` is `"1,234.56 GBP"`."""
    sign = "-" if minor < 0 else ""
    whole, fraction = divmod(abs(minor), 10**exponent)
    decimals = f".{fraction:0{exponent}d}" if exponent else ""
    return f"{sign}{whole:,}{decimals} {currency}"

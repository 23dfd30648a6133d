"""What a game is certified for: exact figures, never floats and never simulated."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, PlainValidator


def _fraction(value: object) -> Fraction:
    if isinstance(value, Fraction):
        return value
    if not isinstance(value, str) or len(value) > 4096:
        raise ValueError('an exact figure is a fraction as text, for example "36/37"')
    try:
        return Fraction(value)
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"{value!r} is no fraction") from None


def _text(value: Fraction) -> str:
    return f"{value.numerator}/{value.denominator}"


ExactFraction = Annotated[Fraction, PlainValidator(_fraction), PlainSerializer(_text)]
"""A fraction that JSON holds as text: `"36/37"`."""


class Figures(BaseModel):
    """The figures of one wager of a game, each per unit of the first stake.

    `rtp` is what a round pays in the mean by what it takes in the mean, further stakes (a double, a split) among
    them: it is what wins divided by stakes comes to. `hit_rate` is the chance that a round pays anything at all, a
    returned stake among it. `variance` is that of the net result (won - staked); its root is the volatility.
    `mean_stake` is what a round takes in the mean: 1 where there are no further stakes.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    rtp: ExactFraction
    hit_rate: ExactFraction
    variance: ExactFraction
    mean_stake: ExactFraction = Field(default=Fraction(1))

    @property
    def volatility(self) -> Decimal:
        """The standard deviation of the net result per unit stake, to twelve digits."""
        with localcontext() as context:
            context.prec = 40
            root = (Decimal(self.variance.numerator) / Decimal(self.variance.denominator)).sqrt()
            context.prec = 12
            return +root

    @property
    def mean_net(self) -> Fraction:
        """The mean net result of a round: negative, for what the house keeps."""
        return self.mean_stake * (self.rtp - 1)


def figures_of(distribution: dict[tuple[Fraction, Fraction], Fraction]) -> Figures:
    """Figures from the exact distribution of a round: `(staked, won)` in units of the first stake -> probability.

    Raises ValueError when the probabilities do not sum to one: something was left out.
    """
    if sum(distribution.values()) != 1:
        raise ValueError(f"the probabilities sum to {sum(distribution.values())}, not to 1")
    staked = sum((s * p for (s, _), p in distribution.items()), Fraction(0))
    won = sum((w * p for (_, w), p in distribution.items()), Fraction(0))
    squares = sum(((w - s) ** 2 * p for (s, w), p in distribution.items()), Fraction(0))
    return Figures(
        rtp=won / staked,
        hit_rate=sum((p for (_, w), p in distribution.items() if w > 0), Fraction(0)),
        variance=squares - (won - staked) ** 2,
        mean_stake=staked,
    )


def figures_of_wins(distribution: dict[Fraction, Fraction]) -> Figures:
    """The same for a wager whose stake is one unit: `won -> probability`."""
    return figures_of({(Fraction(1), won): chance for won, chance in distribution.items()})

"""Jackpots as data: what a stake pays in, when one is hit, and its exact part of the game's return. Pure.

A jackpot belongs to the definition of a game, so that it is versioned, certified and signed with it. Several games may
feed one jackpot by naming it with the same terms.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from casino.game_control.figures import ExactFraction

MICROS = 1_000_000
"""Millionths in the smallest unit: what contributions and meters are counted in."""
Minor = Annotated[int, Field(gt=0, le=10**12)]


class Jackpot(BaseModel):
    """`fixed` pays its seed; `progressive` its seed and what stakes have paid in since it was last won; `must_hit_by`
    is a progressive that is won before it reaches `must_hit_by_minor`.

    `contribution_ppm`: millionths of each stake that go into it, out of what the house keeps. `one_in_minor`: in the
    mean it is hit once in so many minor units staked, each unit with the same chance. A must-hit-by has no such chance:
    every millionth from its seed to `must_hit_by_minor - reserve_minor` is equally likely to be the one that hits. The
    reserve is for rounds that are under way at one moment and do not see each other's contributions.

    `rtp_low` and `rtp_high` are what was certified: the jackpot's part of the return per unit staked, to be added to
    the figures of the game. They are one number but for a must-hit-by, whose part lies between them however the stakes
    are. Loading computes them again and refuses others.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{1,31}$")
    kind: Literal["fixed", "progressive", "must_hit_by"]
    seed_minor: Minor
    contribution_ppm: int = Field(ge=0, lt=MICROS)
    one_in_minor: Minor | None = None
    must_hit_by_minor: Minor | None = None
    reserve_minor: int = Field(default=0, ge=0)
    rtp_low: ExactFraction
    rtp_high: ExactFraction

    @model_validator(mode="after")
    def _terms_fit_the_kind(self) -> Jackpot:
        limited = self.kind == "must_hit_by"
        if limited != (self.must_hit_by_minor is not None) or limited == (self.one_in_minor is not None):
            raise ValueError("a must_hit_by has must_hit_by_minor, the other kinds have one_in_minor")
        if (self.contribution_ppm == 0) != (self.kind == "fixed"):
            raise ValueError("stakes pay into every jackpot but a fixed one")
        if not limited and self.reserve_minor:
            raise ValueError("a reserve is a must_hit_by's")
        if self.must_hit_by_minor is not None and self.must_hit_by_minor - self.reserve_minor <= self.seed_minor:
            raise ValueError("a must_hit_by has room between its seed and its limit less the reserve")
        if (self.rtp_low, self.rtp_high) != (exact := self.exact_rtp()):
            raise ValueError(f"the jackpot declares a part of the RTP of {self.rtp_low} to {self.rtp_high}, but its "
                             f"terms give {exact[0]} to {exact[1]}: certify what is played")  # fmt: skip
        return self

    def exact_rtp(self) -> tuple[Fraction, Fraction]:
        """The least and the most that it returns of a unit staked, in the long run.

        All contributions are paid out, and each hit costs a seed besides. A must-hit-by is hit at the latest at its
        limit, and in the mean, with contributions that are small beside it, half-way there.
        """
        rate = Fraction(self.contribution_ppm, MICROS)
        if self.one_in_minor is not None:
            part = rate + Fraction(self.seed_minor, self.one_in_minor)
            return part, part
        assert self.must_hit_by_minor is not None
        last = self.must_hit_by_minor - self.seed_minor
        usual = Fraction(self.must_hit_by_minor - self.reserve_minor - self.seed_minor, 2)
        return rate + self.seed_minor * rate / last, rate + self.seed_minor * rate / usual

    def contribution_micros(self, stake_minor: int) -> int:
        """What a stake pays in, in millionths of the smallest unit."""
        return stake_minor * self.contribution_ppm

    def chance(self, stake_minor: int, meter_micros: int) -> tuple[int, int]:
        """The chance of a round to hit it, as a whole number of so many equally likely ones.

        `meter_micros` is what stands in it before the round; a must-hit-by that would reach its limit less the reserve
        is hit for certain.
        """
        if self.one_in_minor is not None:
            return min(stake_minor, self.one_in_minor), self.one_in_minor
        assert self.must_hit_by_minor is not None
        left = (self.must_hit_by_minor - self.reserve_minor) * MICROS - meter_micros
        pays_in = self.contribution_micros(stake_minor)
        return (1, 1) if left <= pays_in else (pays_in, left)

"""Does a game return in play what it was certified for? Statistical bounds on won and staked, as pure functions.

By the central limit theorem the net result of n rounds is nearly normal with n times the round's mean and variance, so
the played RTP lies within certified RTP +- z * sd / sqrt(n) with the chance that z stands for. The approximation needs
many rounds where a game pays seldom: `minimum_rounds` asks for enough expected hits beside an absolute minimum.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from statistics import NormalDist

from casino.game_control.figures import Figures

MINIMUM_ROUNDS = 10_000
MINIMUM_HITS = 1_000
CONFIDENCE = 0.99999
"""Of both sides together. Each game is judged each day: at 99 % a few would be accused every day."""


@dataclass(frozen=True, slots=True)
class Play:
    """What was played of one wager of one version. Amounts in minor units.

    `stake_squares` is the sum of the squared first stakes: with stakes that differ much, a few large ones decide the
    result, and bounds without it are too narrow. None stands for equal stakes.
    """

    rounds: int
    staked_minor: int
    won_minor: int
    stake_squares: int | None = None

    def __post_init__(self) -> None:
        if min(self.rounds, self.staked_minor, self.won_minor) < 0 or (self.rounds == 0) != (self.staked_minor == 0):
            raise ValueError("rounds, stakes and wins are not negative, and there are stakes exactly with rounds")
        if self.stake_squares is not None and self.stake_squares < self.rounds:
            raise ValueError("stakes are whole minor units: their squares sum to at least the rounds")


class Verdict(StrEnum):
    TOO_FEW = "too_few_rounds"
    WITHIN = "within"
    BELOW = "below"
    ABOVE = "above"


@dataclass(frozen=True, slots=True)
class Drift:
    """`rtp` is what was played, `low` and `high` the bounds around the certified one; `z` its distance in standard
    errors. The bounds are there even with too few rounds: they are then wide, and judge nothing."""

    rounds: int
    rtp: float | None
    certified: float
    low: float
    high: float
    z: float
    verdict: Verdict


def minimum_rounds(figures: Figures) -> int:
    """How many rounds a judgement needs: MINIMUM_ROUNDS, and enough for MINIMUM_HITS rounds that pay."""
    hits = math.ceil(MINIMUM_HITS / figures.hit_rate) if figures.hit_rate else MINIMUM_ROUNDS
    return max(MINIMUM_ROUNDS, hits)


def judge(figures: Figures, play: Play, confidence: float = CONFIDENCE) -> Drift:
    """Hold what was played against the certified figures.

    Raises ValueError for a confidence that is not between 0 and 1.
    """
    if not 0 < confidence < 1:
        raise ValueError("a confidence lies between 0 and 1")
    z_limit = NormalDist().inv_cdf((1 + confidence) / 2)
    certified = float(figures.rtp)
    if not play.rounds:
        return Drift(0, None, certified, -math.inf, math.inf, 0.0, Verdict.TOO_FEW)
    error = standard_error(figures, play)
    rtp = Fraction(play.won_minor, play.staked_minor)
    z = float(rtp - figures.rtp) / error if error else 0.0
    if play.rounds < minimum_rounds(figures):
        verdict = Verdict.TOO_FEW
    elif abs(z) <= z_limit:
        verdict = Verdict.WITHIN
    else:
        verdict = Verdict.BELOW if z < 0 else Verdict.ABOVE
    spread = z_limit * error
    return Drift(play.rounds, float(rtp), certified, certified - spread, certified + spread, z, verdict)


def judge_game(figures: Mapping[str, Figures], play: Play, confidence: float = CONFIDENCE) -> Drift:
    """Hold a game's play, all its wagers together, against what they are certified for.

    Who plays which wager is not counted, so a game is out of bounds only where no mixture of its wagers explains it:
    below the lowest of their RTPs or above the highest, by the bounds of the one that varies most and pays least often.
    Bets on one outcome that are placed together vary no more than their sum on one wager, so this holds for them too.
    """
    widest = max(figures.values(), key=lambda one: one.variance)
    seldom = min(one.hit_rate for one in figures.values())
    rtps = [one.rtp for one in figures.values()]
    low, high = (
        judge(widest.model_copy(update={"rtp": rtp, "hit_rate": seldom}), play, confidence)
        for rtp in (min(rtps), max(rtps))
    )
    nearer = high if high.verdict == Verdict.ABOVE or abs(high.z) < abs(low.z) else low
    verdict = nearer.verdict
    if {low.verdict, high.verdict} == {Verdict.ABOVE, Verdict.BELOW} or Verdict.WITHIN in (low.verdict, high.verdict):
        verdict = Verdict.WITHIN
    return replace(nearer, low=low.low, high=high.high, verdict=verdict)


def standard_error(figures: Figures, play: Play) -> float:
    """Of the played RTP: won / staked.

    A round of first stake s has a net variance of s**2 times the figure's. `staked` has further stakes in it, so the
    mean first stake is staked / rounds / mean_stake.
    """
    squares: Fraction | int | None = play.stake_squares
    if squares is None:
        squares = (play.staked_minor / figures.mean_stake) ** 2 / play.rounds
    return math.sqrt(float(figures.variance * squares)) / play.staked_minor

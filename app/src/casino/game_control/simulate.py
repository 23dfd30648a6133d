"""Monte Carlo: does what is played agree with what was computed? Evidence beside the exact figures, never instead."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from casino.game_control.definition import Definition, act, start
from casino.game_control.rounds import Draw

Z_LIMIT = 5.0
"""How many standard errors the mean may lie off: a false alarm about once in two million runs."""


@dataclass(frozen=True, slots=True)
class Simulation:
    """What was played. Amounts in minor units; `z_*` are distances from the exact figures in standard errors."""

    game_id: str
    version: str
    wager: str
    rounds: int
    staked_minor: int
    won_minor: int
    hits: int
    z_net: float
    z_hit_rate: float
    volatility: float

    @property
    def rtp(self) -> float:
        return self.won_minor / self.staked_minor

    @property
    def agrees(self) -> bool:
        return max(abs(self.z_net), abs(self.z_hit_rate)) <= Z_LIMIT

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"rtp": self.rtp, "z_limit": Z_LIMIT, "agrees": self.agrees}


def simulate(
    definition: Definition,
    wager: str,
    rounds: int,
    draw: Draw,
    progress: Callable[[int], object] = lambda done: None,
) -> Simulation:
    """Play `rounds` rounds of the wager by its stated strategy, the same calls as production.

    `progress` is told how many rounds are done, about every thousand. Raises KeyError for an unknown wager.
    """
    figures = definition.figures[wager]
    player = definition.reference_player(wager)
    staked = won = hits = squares = 0
    for number in range(1, rounds + 1):
        state = start(definition, player.stake_minor, player.choices, draw)
        while state.actions:
            state = act(definition, state, player.decide(state), draw)
        staked += state.staked_minor
        won += state.win_minor
        hits += state.win_minor > 0
        squares += state.net_minor**2
        if number % 1000 == 0 or number == rounds:
            progress(number)
    net = (won - staked) / player.stake_minor / rounds
    hit_error = math.sqrt(float(figures.hit_rate * (1 - figures.hit_rate)) / rounds)
    return Simulation(
        definition.game_id,
        definition.version,
        wager,
        rounds=rounds,
        staked_minor=staked,
        won_minor=won,
        hits=hits,
        z_net=(net - float(figures.mean_net)) / (float(figures.volatility) / math.sqrt(rounds)),
        z_hit_rate=(hits / rounds - float(figures.hit_rate)) / hit_error if hit_error else 0.0,
        volatility=math.sqrt(squares / player.stake_minor**2 / rounds - net**2),
    )

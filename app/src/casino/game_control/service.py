"""Which games may be played, and the playing of one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from casino.compliance.api import Rules
from casino.game_control.catalogue import (
    DEFAULT_KIND,
    GameRefused,
    definition_texts,
    kind_of,
    parse_definition,
    require_figures,
)
from casino.game_control.engines.line_slot import WAGER, LineSlot
from casino.game_control.manifest import GENERATOR, Verification
from casino.game_control.models import Outcome, ParSheet
from casino.game_control.rng import RandomNumberGenerator
from casino.game_control.slot import LinePays, evaluate

if TYPE_CHECKING:
    from casino.game_control.verification import SoftwareVerification

__all__ = ["Game", "GameControl", "GameRefused", "admit", "load_games", "load_par_sheet", "outcome_details"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Game:
    """A game that was admitted: its par sheet and its exact return to player."""

    par: ParSheet
    rtp: Fraction

    @property
    def rtp_percent(self) -> str:
        """The RTP in percent with two decimals, cut and not rounded: nothing better than true is told."""
        hundredths = self.rtp.numerator * 10_000 // self.rtp.denominator
        return f"{hundredths // 100}.{hundredths % 100:02d}"


def admit(par: LineSlot, rules: Rules) -> Game:
    """Admit a game under the rules.

    Raises GameRefused when the par sheet's declared RTP is not its true one, or the true one is below
    `rtp_minimum_basis_points`.
    """
    figures = par.exact_figures()
    rtp = figures[WAGER].rtp
    if rtp != par.certified_rtp:
        raise GameRefused(
            f"{par.game_id} {par.version}: the par sheet declares an RTP of {par.theoretical_rtp}, but its reels and "
            f"paytable give {rtp}: certify what is played"
        )
    if par.figures:
        require_figures(par, figures)
    minimum = rules.rtp_minimum_basis_points
    if minimum is not None and rtp < Fraction(minimum, 10_000):
        raise GameRefused(
            f"{par.game_id} {par.version}: its RTP of {float(rtp):.4%} is below the {minimum / 100:.2f} % that "
            f"{rules.jurisdiction_name} demands (rtp_minimum_basis_points): offer another version"
        )
    return Game(par, rtp)


def load_par_sheet(text: str, origin: str) -> LineSlot:
    """A par sheet from its JSON. Raises GameRefused with every fault."""
    definition = parse_definition(text, origin)
    if not isinstance(definition, LineSlot):
        raise GameRefused(f"{origin} is no par sheet but a definition of kind {definition.kind}")
    return definition


class GameControl:
    """The admitted games and the generator that plays them."""

    def __init__(self, games: list[Game], rng: RandomNumberGenerator) -> None:
        self._admitted = {game.par.game_id: game for game in games}
        self.games = dict(self._admitted)
        self._pays = {game.par.game_id: LinePays(game.par) for game in games}
        self._rng = rng
        self.verification: SoftwareVerification | None = None

    def apply(self, verification: Verification) -> None:
        """Offer the admitted games less those that failed software verification; without a generator, none."""
        disabled = verification.disabled
        self.games = {name: game for name, game in self._admitted.items() if not disabled & {name, GENERATOR}}

    async def readmit(self, rules: Rules) -> Callable[[], None]:
        """Judge every game by other rules; what this answers makes it so."""
        games = await asyncio.to_thread(load_games, rules)

        def offer() -> None:
            # A round that is under way on a game that is offered no more comes to its end.
            self._pays |= {game.par.game_id: LinePays(game.par) for game in games}
            self.games = {game.par.game_id: game for game in games}

        return offer

    @property
    def rng_failure(self) -> str | None:
        """Why the generator stopped play, for readiness; None while it is healthy. It does not recover by itself."""
        return self._rng.failure

    def play(self, game: Game, stake_minor: int) -> Outcome:
        """Draw a stop for each reel and compute the wins. The stake has no part in the draw."""
        stops = tuple(self._rng.below(len(strip)) for strip in game.par.reels)
        return evaluate(self._pays[game.par.game_id], stops, stake_minor)


def load_games(rules: Rules) -> list[Game]:
    """The games of this package that the rules admit; who is refused is logged with the reason."""
    games = []
    for name, text in definition_texts().items():
        # What players are offered by a spin of one step; the other kinds are in the catalogue.
        if kind_of(text) != DEFAULT_KIND:
            continue
        try:
            games.append(admit(load_par_sheet(text, name), rules))
        except GameRefused as refused:
            log.error("game refused", extra={"reason": str(refused)})
    return games


def outcome_details(game: Game, outcome: Outcome) -> dict[str, object]:
    """What the ledger keeps of a round: enough to show and to judge it later."""
    return {
        "game_id": game.par.game_id,
        "version": game.par.version,
        "stops": list(outcome.stops),
        "reels": [list(reel) for reel in outcome.reels],
        "wins": [
            {"line": w.line, "symbol": w.symbol, "count": w.count, "win_minor": w.win_minor} for w in outcome.wins
        ],
    }

"""Which games may be played, and the playing of one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from casino.compliance.api import Rules
from casino.game_control.catalogue import (
    DEFAULT_KIND,
    GameRefused,
    checked,
    definition_texts,
    kind_of,
    parse_definition,
    require_figures,
)
from casino.game_control.definition import Definition, act, start
from casino.game_control.engines.line_slot import WAGER, LineSlot
from casino.game_control.manifest import GENERATOR, Verification
from casino.game_control.models import Outcome, ParSheet
from casino.game_control.rng import RandomNumberGenerator
from casino.game_control.rounds import Json, RoundState
from casino.game_control.slot import LinePays, evaluate

if TYPE_CHECKING:
    from casino.game_control.verification import SoftwareVerification

__all__ = [
    "Game",
    "GameControl",
    "GameRefused",
    "admit",
    "load_definitions",
    "load_games",
    "load_par_sheet",
    "outcome_details",
]

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

    def __init__(
        self, games: list[Game], rng: RandomNumberGenerator, definitions: Mapping[str, Definition] | None = None
    ) -> None:
        self._admitted = {game.par.game_id: game for game in games}
        self._definitions = dict(definitions or {})
        self._disabled: frozenset[str] = frozenset()
        self._offer()
        self._pays = {game.par.game_id: LinePays(game.par) for game in games}
        self._rng = rng
        self.verification: SoftwareVerification | None = None

    def apply(self, verification: Verification) -> None:
        """Offer the admitted games less those that failed software verification; without a generator, none."""
        self._disabled = verification.disabled
        self._offer()

    async def readmit(self, rules: Rules) -> Callable[[], None]:
        """Judge every game by other rules; what this answers makes it so."""
        games = await asyncio.to_thread(load_games, rules)

        def offer() -> None:
            # A round that is under way on a game that is offered no more comes to its end.
            self._pays |= {game.par.game_id: LinePays(game.par) for game in games}
            self._admitted = {game.par.game_id: game for game in games}
            self._offer()

        return offer

    def _offer(self) -> None:
        without = self._disabled
        self.games = {name: game for name, game in self._admitted.items() if not without & {name, GENERATOR}}
        self.definitions = {
            name: definition for name, definition in self._definitions.items() if not without & {name, GENERATOR}
        }

    def start(self, game_id: str, stake_minor: int, choices: Json) -> RoundState:
        """Start a round of one of `definitions`. Raises KeyError, ChoiceInvalid, RngFailure.

        Store the state with `step_stake_minor` taken, or throw it away unseen.
        """
        return start(self.definitions[game_id], stake_minor, choices, self._rng)

    def act(self, state: RoundState, action: Json) -> RoundState:
        """Go on with an open round. Raises KeyError, ActionInvalid, ChoiceInvalid, RngFailure."""
        return act(self.definitions[state.game_id], state, action, self._rng)

    def health(self) -> str:
        """`ok`, or why no player may be sent here: for readiness. A failed generator does not recover by itself."""
        if self._rng.failure is not None:
            return f"the random number generator has failed: {self._rng.failure}"
        return "ok" if self.games else "no game is admitted under the rules"

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


def load_definitions(rules: Rules) -> dict[str, Definition]:
    """Every game of the package, of every kind, that the rules admit; who is refused is logged with the reason.

    The rules' least RTP is held against the worst wager of a game.
    """
    definitions = {}
    minimum = rules.rtp_minimum_basis_points
    for name, text in definition_texts().items():
        try:
            definition = checked(parse_definition(text, name))
            if minimum is not None and definition.lowest_rtp < Fraction(minimum, 10_000):
                raise GameRefused(
                    f"{definition.game_id} {definition.version}: a wager returns {float(definition.lowest_rtp):.4%}, "
                    f"below the {minimum / 100:.2f} % of {rules.jurisdiction_name} (rtp_minimum_basis_points)"
                )
        except GameRefused as refused:
            log.error("game refused", extra={"reason": str(refused)})
        else:
            definitions[definition.game_id] = definition
    return definitions


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

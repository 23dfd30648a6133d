"""Which games may be played, and the playing of one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING

from casino.compliance.api import Rules
from casino.game_control.approval import Approval, Decision, Offered, Switch, decide
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
from casino.game_control.fair import SEED_BYTES
from casino.game_control.jackpots import Jackpot
from casino.game_control.manifest import GENERATOR, Verification
from casino.game_control.models import Outcome, ParSheet
from casino.game_control.rng import RandomNumberGenerator
from casino.game_control.rounds import Draw, Json, RoundState
from casino.game_control.slot import LinePays, evaluate

if TYPE_CHECKING:
    from casino.game_control.verification import SoftwareVerification

__all__ = [
    "Game",
    "GameControl",
    "GameRefused",
    "Oversight",
    "admit",
    "load_definitions",
    "load_games",
    "load_par_sheet",
    "outcome_details",
    "percent",
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
        return percent(self.rtp)


def percent(share: Fraction) -> str:
    """A share in percent with two decimals, cut and not rounded."""
    hundredths = share.numerator * 10_000 // share.denominator
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


@dataclass(frozen=True, slots=True)
class Oversight:
    """What the operator and the regulator say of the games on a day: switches in their order, and the approved list
    (None where there is none)."""

    day: date = date.min
    switches: tuple[Switch, ...] = ()
    approved: tuple[Approval, ...] | None = None


class GameControl:
    """The admitted games and the generator that plays them. Why a game is not offered is told by `decisions` alone."""

    def __init__(
        self, games: list[Game], rng: RandomNumberGenerator, definitions: Mapping[str, Definition] | None = None
    ) -> None:
        self._admitted = {game.par.game_id: game for game in games}
        self._definitions = dict(definitions or {})
        self._lawful = frozenset(self._definitions)
        self._disabled: frozenset[str] = frozenset()
        self._oversight = Oversight()
        self._signatures: Mapping[str, str] | None = None
        self._offer()
        self._pays = {game.par.game_id: LinePays(game.par) for game in games}
        self._rng = rng
        self.verification: SoftwareVerification | None = None

    def apply(self, verification: Verification) -> None:
        """Offer the admitted games less those that failed software verification; without a generator, none."""
        self._disabled = verification.disabled
        self._signatures = dict(verification.components)
        self._offer()

    def oversee(self, oversight: Oversight) -> None:
        """Offer what switches and approvals leave of them."""
        self._oversight = oversight
        self._offer()

    def decisions(self) -> dict[str, Decision]:
        """Each game of this package by its id: whether it is offered, and every reason why not."""
        from casino.game_control.manifest_files import games_present

        _, present = games_present()
        versions = present | self._versions()
        return {name: self._decide(name, version) for name, version in sorted(versions.items())}

    def signature(self, name: str) -> str:
        """The game's component's, as it is on disk: what an approved list names. Empty when it is not there."""
        if self._signatures is None:
            from casino.game_control.manifest_files import signatures_present

            self._signatures = signatures_present()
        return self._signatures.get(name, "")

    def definition(self, name: str) -> Definition | None:
        """An admitted game's definition, offered or not."""
        return self._definitions.get(name)

    async def readmit(self, rules: Rules) -> Callable[[], None]:
        """Judge every game by other rules; what this answers makes it so."""
        games = await asyncio.to_thread(load_games, rules)
        definitions = await asyncio.to_thread(load_definitions, rules) if self._definitions else {}

        def offer() -> None:
            self._lawful = frozenset(definitions)
            self._definitions |= definitions
            # A round that is under way on a game that is offered no more comes to its end.
            self._pays |= {game.par.game_id: LinePays(game.par) for game in games}
            self._admitted = {game.par.game_id: game for game in games}
            self._offer()

        return offer

    def _versions(self) -> dict[str, str]:
        versions = {name: definition.version for name, definition in self._definitions.items()}
        return versions | {name: game.par.version for name, game in self._admitted.items()}

    def _decide(self, name: str, version: str) -> Decision:
        told = self._oversight
        # Files are digested for the list alone: where there is none, nobody asks for a signature.
        signature = self.signature(name) if told.approved is not None else ""
        return decide(
            Offered(name, version, signature),
            told.day,
            switches=told.switches,
            approved=told.approved,
            disabled_components=self._disabled,
            admitted=name in self._admitted or name in self._lawful,
        )

    def _offer(self) -> None:
        offered = {name for name, version in self._versions().items() if self._decide(name, version).playable}
        self.games = {name: game for name, game in self._admitted.items() if name in offered}
        self.definitions = {name: one for name, one in self._definitions.items() if name in offered}
        self.round_games = {name: one for name, one in self.definitions.items() if one.kind != DEFAULT_KIND}
        # A round that is under way on a game that is switched off, or not lawful to begin any more, comes to its end;
        # not by software that was altered.
        sound = {name for name in self._definitions if not self._disabled & {name, GENERATOR}}
        self.resumable = {name: one for name, one in self._definitions.items() if name in sound}

    def start(self, game_id: str, stake_minor: int, choices: Json, draw: Draw | None = None) -> RoundState:
        """Start a round of one of `definitions`, by default with the generator's draws.

        Raises KeyError, ChoiceInvalid, RngFailure. Store the state with `step_stake_minor` taken, or throw it away
        unseen.
        """
        return start(self.definitions[game_id], stake_minor, choices, draw or self._rng)

    def act(self, state: RoundState, action: Json, draw: Draw | None = None) -> RoundState:
        """Go on with an open round of `resumable`, also of a game that is offered no more.

        Raises KeyError, for software that failed verification among it; ActionInvalid, ChoiceInvalid, RngFailure.
        """
        return act(self.resumable[state.game_id], state, action, draw or self._rng)

    def fresh_seed(self) -> bytes:
        """A server seed for provably fair rounds. Raises RngFailure."""
        return self._rng.random_bytes(SEED_BYTES)

    def health(self) -> str:
        """`ok`, or why no player may be sent here: for readiness. A failed generator does not recover by itself."""
        if self._rng.failure is not None:
            return f"the random number generator has failed: {self._rng.failure}"
        if not self._admitted:
            return "no game is admitted under the rules"
        # Games that are switched off or not approved are so everywhere; who has money here still wants to be served.
        sound = [name for name in self._admitted if not self._disabled & {name, GENERATOR}]
        return "ok" if sound else "every game failed software verification"

    @property
    def rng_failure(self) -> str | None:
        """Why the generator stopped play, for readiness; None while it is healthy. It does not recover by itself."""
        return self._rng.failure

    def jackpots(self) -> dict[str, tuple[Jackpot, list[str]]]:
        """The jackpots of the admitted games by their name, with the games that feed each."""
        found: dict[str, tuple[Jackpot, list[str]]] = {}
        named = {name: game.par.jackpot for name, game in self._admitted.items()}
        named |= {name: one.jackpot for name, one in self._definitions.items() if one.kind != DEFAULT_KIND}
        for name, jackpot in named.items():
            if jackpot is not None:
                found.setdefault(jackpot.name, (jackpot, []))[1].append(name)
        return found

    def hits(self, jackpot: Jackpot, stake_minor: int, meter_micros: int) -> bool:
        """Draw whether a round hits the jackpot. Raises RngFailure."""
        chance, of = jackpot.chance(stake_minor, meter_micros)
        return self._rng.below(of) < chance

    def play(self, game: Game, stake_minor: int) -> Outcome:
        """Draw a stop for each reel and compute the wins. The stake has no part in the draw."""
        stops = tuple(self._rng.below(len(strip)) for strip in game.par.reels)
        return evaluate(self._pays[game.par.game_id], stops, stake_minor)


def load_games(rules: Rules) -> list[Game]:
    """The games of this package that the rules admit; who is refused is logged with the reason."""
    games: list[Game] = []
    for name, text in definition_texts().items():
        # What players are offered by a spin of one step; the other kinds are in the catalogue.
        if kind_of(text) != DEFAULT_KIND:
            continue
        try:
            game = admit(load_par_sheet(text, name), rules)
            require_one_jackpot(game.par, [one.par for one in games])
            games.append(game)
        except GameRefused as refused:
            log.error("game refused", extra={"reason": str(refused)})
    return games


def require_one_jackpot(game: ParSheet | Definition, others: Iterable[ParSheet | Definition]) -> None:
    """Refuse with GameRefused a game whose jackpot has other terms in another game."""
    terms = game.jackpot
    for other in others:
        known = other.jackpot
        if terms is not None and known is not None and known.name == terms.name and known != terms:
            raise GameRefused(
                f"{game.game_id} {game.version}: its jackpot {terms.name} has other terms in "
                f"{other.game_id}: name one jackpot by one set of terms"
            )


def load_definitions(rules: Rules) -> dict[str, Definition]:
    """Every game of the package, of every kind, that the rules admit; who is refused is logged with the reason.

    The rules' least RTP is held against the worst wager of a game.
    """
    definitions: dict[str, Definition] = {}
    minimum = rules.rtp_minimum_basis_points
    # The slots first: of two games that name one jackpot by other terms, the one that load_games offers stays.
    for name, text in sorted(definition_texts().items(), key=lambda one: kind_of(one[1]) != DEFAULT_KIND):
        try:
            definition = checked(parse_definition(text, name))
            if minimum is not None and definition.lowest_rtp < Fraction(minimum, 10_000):
                raise GameRefused(
                    f"{definition.game_id} {definition.version}: a wager returns {float(definition.lowest_rtp):.4%}, "
                    f"below the {minimum / 100:.2f} % of {rules.jurisdiction_name} (rtp_minimum_basis_points)"
                )
            require_one_jackpot(definition, definitions.values())
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

"""What every game's definition has, and what it can do. The kinds of games are in engines/."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from casino.game_control.figures import Figures
from casino.game_control.jackpots import Jackpot
from casino.game_control.rounds import ActionInvalid, ChoiceInvalid, Draw, Json, RoundState

GAME_ID = r"^[a-z][a-z0-9-]{1,31}$"
VERSION = r"^\d+\.\d+\.\d+$"


@dataclass(frozen=True, slots=True)
class ReferencePlayer:
    """Who plays a simulation: the same wager each round, and the strategy that the figures are stated for."""

    stake_minor: int
    choices: Json
    decide: Callable[[RoundState], Json]


def never_asked(state: RoundState) -> Json:
    """The strategy for games that ask nothing after the start."""
    raise AssertionError(f"{state.game_id} asks for {state.actions}")


class Definition(BaseModel, ABC):
    """Everything that decides a game's outcomes and wins. Changing any of it makes a new version of the game.

    `figures` are what was certified, a set for each wager (or for the stated strategy) by name. They are computed
    again and a definition that declares others is refused. Where that takes long (`SLOW`), the check at start is
    that nothing but the figures has changed since `figures_digest` was written; `casino games figures` computes.
    What a `jackpot` returns besides is stated in it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    SLOW: ClassVar[bool] = False
    ACTIONS: ClassVar[tuple[str, ...]] = ()
    """Every action that a round of this kind may ask for; none: a round is over when it starts."""
    MOST_STAKES: ClassVar[int] = 1
    """As many first stakes a round of this kind takes at most, further ones among them."""

    kind: str
    game_id: str = Field(pattern=GAME_ID)
    name: str = Field(min_length=1, max_length=64)
    version: str = Field(pattern=VERSION)
    stakes_minor: Annotated[tuple[Annotated[int, Field(gt=0)], ...], Field(min_length=1)]
    figures: dict[str, Figures]
    figures_digest: str | None = None
    jackpot: Jackpot | None = None

    @model_validator(mode="after")
    def _a_jackpots_chance_is_one(self) -> Definition:
        one_in = self.jackpot.one_in_minor if self.jackpot is not None else None
        if one_in is not None and max(self.stakes_minor) * self.MOST_STAKES > one_in:
            raise ValueError(
                "a round may stake more than the jackpot's one_in_minor: its chance would be more than certain"
            )
        return self

    @abstractmethod
    def open(self, stake_minor: int, choices: Json, draw: Draw) -> RoundState:
        """Start a round. Raises ChoiceInvalid."""

    def proceed(self, state: RoundState, action: Json, draw: Draw) -> RoundState:
        """Go on with an open round by one of its actions. Raises ActionInvalid, ChoiceInvalid."""
        raise ActionInvalid(f"A round of {self.name} is over when it starts.")

    def offered_choices(self) -> dict[str, Any]:
        """What a start may name besides the stake, as JSON; empty where the game asks for nothing."""
        return {}

    def timed(self, action: Json, open_ms: int) -> Json:
        """A player's action with what the game server alone may tell of it: how long the round has been open.

        Raises ActionInvalid when the player tells it.
        """
        return action

    def decided(self, state: RoundState, open_ms: int) -> Json | None:
        """The action that ends a round which time alone has decided by now; None while the player has a say."""
        return None

    def runs_out_ms(self) -> int | None:
        """After how long a round is over whatever the player does; None where it waits for the player."""
        return None

    def default_action(self, state: RoundState) -> Json | None:
        """What is done for a player who does not come back; None where nothing may be, and the round is voided.

        It never pays better than what the player could have chosen, and whoever has seen something of the outcome
        cannot get the stake back by staying away.
        """
        return None

    @abstractmethod
    def exact_figures(self) -> dict[str, Figures]:
        """The figures from the maths alone."""

    @abstractmethod
    def reference_player(self, wager: str) -> ReferencePlayer:
        """Who plays the named set of figures."""

    @property
    def simulated(self) -> tuple[str, ...]:
        """The sets of figures that a round from start to end has: those that a simulation can be held against."""
        return tuple(self.figures)

    def new_round(self, stake_minor: int, event: Json, **values: object) -> RoundState:
        """The state after the first step; the rest of its fields as given."""
        fields: dict[str, object] = {"win_minor": 0, "actions": (), "data": {}} | values
        return RoundState(
            game_id=self.game_id,
            version=self.version,
            stake_minor=stake_minor,
            staked_minor=stake_minor,
            step_stake_minor=stake_minor,
            steps=(event,),
            **fields,  # type: ignore[arg-type]
        )

    def digest_without_figures(self) -> str:
        """SHA-256 of what the figures follow from."""
        document = self.model_dump(mode="json", exclude={"figures", "figures_digest", "jackpot"})
        return hashlib.sha256(json.dumps(document, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    @property
    def lowest_rtp(self) -> Fraction:
        """The RTP of the worst wager on offer: what a rule's minimum is held against."""
        return min(figures.rtp for figures in self.figures.values())


def start(definition: Definition, stake_minor: int, choices: Json, draw: Draw) -> RoundState:
    """Start a round of any game.

    Raises ChoiceInvalid when the definition does not offer the stake or the choices. The stake has no part in what
    is drawn.
    """
    return definition.open(stake_minor, choices, draw)


def act(definition: Definition, state: RoundState, action: Json, draw: Draw) -> RoundState:
    """Go on with a round: `action` is `{"action": name, ...}`, the name one of `state.actions`.

    Raises ActionInvalid for another action, and for a round of another game or version: a round ends under the
    version that it began with.
    """
    if (state.game_id, state.version) != (definition.game_id, definition.version):
        raise ActionInvalid(
            f"This is a round of {state.game_id} {state.version}, not of {definition.game_id} {definition.version}."
        )
    if action.get("action") not in state.actions:
        offered = ", ".join(state.actions) or "none: it is over"
        raise ActionInvalid(f"The round does not take the action {action.get('action')!r}; it takes {offered}.")
    return definition.proceed(state, action, draw)


def offered_stake(definition: Definition, stake_minor: int) -> None:
    """Raise ChoiceInvalid unless the game offers the stake."""
    if stake_minor not in definition.stakes_minor:
        raise ChoiceInvalid(
            f"{definition.name} takes no stake of {stake_minor} minor units.", rule="the game's stakes_minor"
        )


def only(choices: Json, *names: str) -> None:
    """Raise ChoiceInvalid for a choice that the game does not know: nothing is silently ignored."""
    if unknown := sorted(set(choices) - set(names)):
        raise ChoiceInvalid(f"The game knows no choice {', '.join(map(str, unknown))[:100]}.")

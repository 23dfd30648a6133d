"""The one protocol of every game: how a round starts, goes on and ends, as values.

A round is a pure function of the game's definition, what is drawn and what the player chooses. Nothing here knows of
players, balances or time: an outcome cannot depend on them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import accumulate
from typing import Any, Protocol, TypeVar

from casino.kernel.errors import CasinoError

Item = TypeVar("Item")
Json = Mapping[str, Any]

SEALED = "sealed"
"""Beside a state that is stored: what of its data may not be told yet (hidden.py)."""
MAX_STATE_BYTES = 1 << 20
"""A stored state that is larger was not written by a game of ours."""


class ChoiceInvalid(CasinoError):
    status, code = 422, "CHOICE_INVALID"
    rule = "a game takes the choices and stakes that its definition offers"
    remedy = "Choose what the game's definition offers."


class ActionInvalid(CasinoError):
    status, code = 409, "ACTION_INVALID"
    rule = "a round takes the actions that its state lists"
    remedy = "Read the round's state and choose one of its actions."


class Draw(Protocol):
    """Where chance comes from. Production has the generator, a provably fair round its seeds, a test a list."""

    def below(self, bound: int) -> int:
        """A uniform integer in `range(bound)`."""
        ...

    def shuffle(self, items: Sequence[Item]) -> list[Item]:
        """The items in a uniformly random order."""
        ...

    def weighted(self, weights: Sequence[int]) -> int:
        """An index, each as likely as its integer weight says."""
        ...


class Drawing:
    """What every source derives from `below` alone, so that a shuffle is the same function everywhere."""

    def below(self, bound: int) -> int:
        raise NotImplementedError

    def shuffle(self, items: Sequence[Item]) -> list[Item]:
        """Fisher-Yates: every order equally likely, given that `below` is uniform."""
        shuffled = list(items)
        for last in range(len(shuffled) - 1, 0, -1):
            other = self.below(last + 1)
            shuffled[last], shuffled[other] = shuffled[other], shuffled[last]
        return shuffled

    def weighted(self, weights: Sequence[int]) -> int:
        """One draw below the sum of the weights. Raises ValueError for a negative weight or none above zero."""
        if any(weight < 0 for weight in weights) or not any(weights):
            raise ValueError("weights are whole numbers that are not negative, one of them above zero")
        drawn = self.below(sum(weights))
        return next(index for index, total in enumerate(accumulate(weights)) if drawn < total)


@dataclass(frozen=True, slots=True)
class RoundState:
    """A round between two steps. All of it is JSON, so that an interrupted round resumes where it stood.

    `stake_minor` is the first stake and `staked_minor` all stakes so far; `step_stake_minor` is what the step that led
    here takes from the player: the ledger takes it together with the state, or neither. `win_minor` is what the round
    pays, final once it is closed. `actions` are what the player may do; none: the round is closed. `data` is the
    game's own; `hidden` names what of it the player may not see before the round is closed. `steps` are the phases so
    far with the player's choices, in order.
    """

    game_id: str
    version: str
    stake_minor: int
    staked_minor: int
    step_stake_minor: int
    win_minor: int
    actions: tuple[str, ...]
    data: Json
    hidden: tuple[str, ...] = ()
    steps: tuple[Json, ...] = field(default=())

    @property
    def closed(self) -> bool:
        return not self.actions

    @property
    def net_minor(self) -> int:
        return self.win_minor - self.staked_minor

    def visible(self) -> dict[str, Any]:
        """What the player may see of the state now."""
        shown = {key: value for key, value in self.data.items() if self.closed or key not in self.hidden}
        return self.as_json() | {"data": shown}

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"actions": list(self.actions), "hidden": list(self.hidden), "steps": list(self.steps)}

    def dumps(self) -> str:
        return json.dumps(self.as_json(), separators=(",", ":"), sort_keys=True)

    @staticmethod
    def loads(text: str) -> RoundState:
        """The state that `dumps` wrote. Raises ValueError when it is none."""
        if len(text) > MAX_STATE_BYTES:
            raise ValueError("the text is too long for the state of a round")
        return RoundState.of_json(json.loads(text))

    @staticmethod
    def of_json(raw: Any) -> RoundState:
        """The state that `as_json` gave, without what is sealed. Raises ValueError when it is none."""
        try:
            lists = {key: tuple(raw[key]) for key in ("actions", "hidden", "steps")}
            return RoundState(**({key: value for key, value in raw.items() if key != SEALED} | lists))
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"this is not the state of a round: {error}") from error

    def step(self, event: Json, *, step_stake_minor: int = 0, **changes: Any) -> RoundState:
        """The state after one more phase."""
        return replace(
            self,
            steps=(*self.steps, event),
            step_stake_minor=step_stake_minor,
            staked_minor=self.staked_minor + step_stake_minor,
            **changes,
        )

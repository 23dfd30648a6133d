"""Crash: a multiplier grows until it crashes; who cashes out before is paid it. In whole hundredths, never a float."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from casino.game_control.definition import Definition, ReferencePlayer, never_asked, offered_stake, only
from casino.game_control.figures import Figures, figures_of_wins
from casino.game_control.rounds import ActionInvalid, ChoiceInvalid, Draw, Json, RoundState


class Crash(Definition):
    """The crash point is `floor(100 * return_percent / 100 * draws / (drawn + 1))` hundredths, at least 100.

    `drawn` is uniform below `draws`, so the chance to reach `m` hundredths is `floor(return_percent * draws / m) /
    draws`: the RTP of every target is `return_percent` less what the floor takes, which is below `max_target / draws`
    of a percent. Targets go from `min_target` to `max_target`; `certified_targets` are those whose figures are told,
    besides the lowest and highest over all. The choices are `{"cash_out_at": m}`: the round is decided when it
    starts. With `null` it stays open, and the game server, not the player, tells each step: `{"action": "cash_out",
    "tick": k}` pays the multiplier of tick k if it was not above the crash point, and loses the stake otherwise.
    The multiplier grows by `growth_per_mille` a tick from 100 hundredths, each tick cut to whole hundredths in the
    end only. A tick is `tick_ms` on the server's clock; when it is beyond the crash point the round is lost, and with
    the largest target it pays that: who does not come back is treated as who does not cash out.
    """

    ACTIONS: ClassVar[tuple[str, ...]] = ("cash_out",)

    kind: Literal["crash"]
    return_percent: int = Field(ge=1, lt=100)
    draws: int = Field(ge=10**6, le=2**64)
    min_target: int = Field(gt=100)
    max_target: int = Field(le=10_000_000)
    certified_targets: Annotated[tuple[int, ...], Field(min_length=1)]
    growth_per_mille: int = Field(ge=1, le=1000)
    tick_ms: int = Field(default=100, ge=10, le=1000)

    @model_validator(mode="after")
    def _coherent(self) -> Crash:
        if not all(self.min_target <= target <= self.max_target for target in self.certified_targets):
            raise ValueError("a certified target is out of the targets' range")
        if any(stake % 100 for stake in self.stakes_minor):
            raise ValueError("multipliers are in hundredths: each stake must be a multiple of 100 minor units")
        return self

    def crash_point(self, drawn: int) -> int:
        """In hundredths. 100 is a crash at once: no target is that low."""
        return max(100, self.return_percent * self.draws // (drawn + 1))

    def at_tick(self, tick: int) -> int:
        """The multiplier in hundredths after so many ticks, at most the largest target."""
        # (1 + x) ** (1 / x) is at least 2 for x up to 1, so it has doubled often enough by then.
        if tick > (1000 // self.growth_per_mille + 1) * (self.max_target // 100).bit_length():
            return self.max_target
        grown: int = 100 * (1000 + self.growth_per_mille) ** tick // 1000**tick
        return min(self.max_target, grown)

    def open(self, stake_minor: int, choices: Json, draw: Draw) -> RoundState:
        offered_stake(self, stake_minor)
        only(choices, "cash_out_at")
        target = choices.get("cash_out_at")
        if target is not None and (type(target) is not int or not self.min_target <= target <= self.max_target):
            raise ChoiceInvalid(f"Cash out at {self.min_target} to {self.max_target} hundredths, or at none.")
        crash = self.crash_point(draw.below(self.draws))
        event = {"phase": "start", "choices": {"cash_out_at": target}}
        if target is None:
            data = {"crash_point": crash, "cashed_out_at": None}
            return self.new_round(stake_minor, event, actions=("cash_out",), data=data, hidden=("crash_point",))
        reached = target <= crash
        return self.new_round(
            stake_minor,
            event | {"crash_point": crash},
            win_minor=stake_minor // 100 * target if reached else 0,
            data={"crash_point": crash, "cashed_out_at": target if reached else None},
        )

    def proceed(self, state: RoundState, action: Json, draw: Draw) -> RoundState:
        only(action, "action", "tick")
        tick = action.get("tick")
        if type(tick) is not int or tick < 0:
            raise ActionInvalid("A cash-out tells the tick at which the game server heard it.")
        multiplier, crash = self.at_tick(tick), state.data["crash_point"]
        # Whoever cashes out below the smallest target would play for a certain return.
        if self.min_target > multiplier:
            raise ActionInvalid("It is too early to cash out.")
        reached = multiplier <= crash
        return state.step(
            {"phase": "cash_out", "tick": tick, "multiplier": multiplier, "crash_point": crash},
            win_minor=state.stake_minor // 100 * multiplier if reached else 0,
            actions=(),
            data={"crash_point": crash, "cashed_out_at": multiplier if reached else None},
        )

    def offered_choices(self) -> dict[str, Any]:
        """`cash_out_at`: the lowest and the highest target in hundredths; null cashes out by hand."""
        return {"cash_out_at": {"lowest": self.min_target, "highest": self.max_target, "by_hand": None}}

    def timed(self, action: Json, open_ms: int) -> Json:
        if "tick" in action:
            raise ActionInvalid("When a cash-out was heard is told by the game server alone.")
        return dict(action) | {"tick": max(0, open_ms) // self.tick_ms}

    def decided(self, state: RoundState, open_ms: int) -> Json | None:
        tick = max(0, open_ms) // self.tick_ms
        over = self.at_tick(tick) > state.data["crash_point"] or tick >= self._last_tick()
        return self.default_action(state) if over else None

    def runs_out_ms(self) -> int | None:
        return self._last_tick() * self.tick_ms

    def default_action(self, state: RoundState) -> Json | None:
        return {"action": "cash_out", "tick": self._last_tick()}

    def _last_tick(self) -> int:
        return _ticks_to(self.growth_per_mille, self.max_target)

    def figures_at(self, target: int) -> Figures:
        """The exact figures of one target. The crash point is at least `target` when drawn + 1 is at most this."""
        chance = Fraction(min(self.draws, self.return_percent * self.draws // target), self.draws)
        return figures_of_wins({Fraction(target, 100): chance, Fraction(0): 1 - chance})

    def exact_figures(self) -> dict[str, Figures]:
        def rtp(target: int) -> int:
            return target * (self.return_percent * self.draws // target)

        targets = range(self.min_target, self.max_target + 1)
        named = {str(target): self.figures_at(target) for target in self.certified_targets}
        return named | {
            "lowest": self.figures_at(min(targets, key=rtp)),
            "highest": self.figures_at(max(targets, key=rtp)),
        }

    @property
    def simulated(self) -> tuple[str, ...]:
        return tuple(map(str, self.certified_targets))

    def reference_player(self, wager: str) -> ReferencePlayer:
        return ReferencePlayer(min(self.stakes_minor), {"cash_out_at": int(wager)}, never_asked)


@cache
def _ticks_to(growth_per_mille: int, target: int) -> int:
    """The first tick whose multiplier is at least `target` hundredths."""
    tick, grown, whole = 0, 100, 1
    while grown < target * whole:
        tick, grown, whole = tick + 1, grown * (1000 + growth_per_mille), whole * 1000
    return tick

"""A slot on paylines with a wild, scatters that pay anywhere, and free spins that may be won again."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from casino.game_control.definition import Definition, ReferencePlayer, offered_stake, only
from casino.game_control.engines.video_slot_maths import round_figures
from casino.game_control.figures import Figures
from casino.game_control.rounds import Draw, Json, RoundState

WAGER = "spin"
Strip = Annotated[tuple[str, ...], Field(min_length=1, max_length=256)]


class VideoSlot(Definition):
    """`reels` are the strips of the paid spin, `free_reels` those of the free spins, each stop equally likely.

    `paytable` is in multiples of the stake on one line, by symbol and count from the left; the wild stands for every
    symbol but the scatter. `scatter_pays` is in multiples of the whole stake, by scatters in view, and `free_spins`
    says how many free spins they award, in free spins too: as often as they come, without an upper limit. Wins of
    free spins are multiplied by `free_multiplier`. Whatever awards free spins must pay as well, so that a round with
    free spins is never a round without a win.
    """

    SLOW: ClassVar[bool] = True
    ACTIONS: ClassVar[tuple[str, ...]] = ("spin",)

    kind: Literal["video_slot"]
    rows: int = Field(ge=1, le=5)
    reels: Annotated[tuple[Strip, ...], Field(min_length=3, max_length=6)]
    free_reels: Annotated[tuple[Strip, ...], Field(min_length=3, max_length=6)]
    paylines: Annotated[tuple[tuple[int, ...], ...], Field(min_length=1, max_length=50)]
    wild: str
    scatter: str
    paytable: dict[str, dict[int, int]]
    scatter_pays: dict[int, int]
    free_spins: dict[int, Annotated[int, Field(ge=1, le=50)]]
    free_multiplier: int = Field(ge=1, le=10)

    @model_validator(mode="after")
    def _coherent(self) -> VideoSlot:
        symbols = {symbol for reel in (*self.reels, *self.free_reels) for symbol in reel}
        if unknown := ({self.wild, self.scatter} | set(self.paytable)) - symbols:
            raise ValueError(f"symbols that are on no reel: {sorted(unknown)}")
        if self.scatter in self.paytable or self.scatter == self.wild:
            raise ValueError("the scatter pays by scatter_pays alone and is not the wild")
        if len(self.reels) != len(self.free_reels) or any(len(r) < self.rows for r in (*self.reels, *self.free_reels)):
            raise ValueError("free spins have as many reels, and each reel fills the window")
        for line in self.paylines:
            if len(line) != len(self.reels) or not all(0 <= row < self.rows for row in line):
                raise ValueError(f"payline {list(line)} does not name one visible row for each reel")
        if any(not 1 <= n <= len(self.reels) or pay < 1 for p in self.paytable.values() for n, pay in p.items()):
            raise ValueError("the paytable has an impossible count or pays nothing")
        if any(self.scatter_pays.get(count, 0) < 1 for count in self.free_spins):
            raise ValueError("whatever awards free spins must pay as well")
        if any(stake % len(self.paylines) for stake in self.stakes_minor):
            raise ValueError("each stake must divide evenly over the paylines: a win is then a whole amount")
        return self

    def open(self, stake_minor: int, choices: Json, draw: Draw) -> RoundState:
        offered_stake(self, stake_minor)
        only(choices)
        shown = self._spin(self.reels, stake_minor, 1, draw)
        return self.new_round(
            stake_minor,
            {"phase": "spin"} | shown,
            win_minor=shown["win_minor"],
            actions=("spin",) if shown["free_spins"] else (),
            data=shown | {"free_spins_left": shown["free_spins"], "free_spins_played": 0},
        )

    def proceed(self, state: RoundState, action: Json, draw: Draw) -> RoundState:
        """Play one free spin."""
        only(action, "action")
        shown = self._spin(self.free_reels, state.stake_minor, self.free_multiplier, draw)
        left = state.data["free_spins_left"] - 1 + shown["free_spins"]
        return state.step(
            {"phase": "free_spin"} | shown,
            win_minor=state.win_minor + shown["win_minor"],
            actions=("spin",) if left else (),
            data=shown | {"free_spins_left": left, "free_spins_played": state.data["free_spins_played"] + 1},
        )

    def default_action(self, state: RoundState) -> Json | None:
        return {"action": "spin"}

    def _spin(
        self, reels: tuple[tuple[str, ...], ...], stake_minor: int, multiplier: int, draw: Draw
    ) -> dict[str, Any]:
        stops = [draw.below(len(strip)) for strip in reels]
        shown = [
            [strip[(stop + row) % len(strip)] for row in range(self.rows)]
            for strip, stop in zip(reels, stops, strict=True)
        ]
        per_line = stake_minor // len(self.paylines) * multiplier
        wins: list[dict[str, Any]] = []
        for number, line in enumerate(self.paylines, start=1):
            symbol, count, pay = self.line_pay(tuple(reel[row] for reel, row in zip(shown, line, strict=True)))
            if pay:
                wins.append({"line": number, "symbol": symbol, "count": count, "win_minor": pay * per_line})
        scatters = sum(reel.count(self.scatter) for reel in shown)
        if pay := self.scatter_pays.get(scatters, 0):
            win = pay * stake_minor * multiplier
            wins.append({"line": None, "symbol": self.scatter, "count": scatters, "win_minor": win})
        return {
            "stops": stops,
            "reels": shown,
            "wins": wins,
            "multiplier": multiplier,
            "win_minor": sum(win["win_minor"] for win in wins),
            "free_spins": self.free_spins.get(scatters, 0),
        }

    def line_pay(self, symbols: tuple[str, ...]) -> tuple[str, int, int]:
        """The better of what a line pays as wilds and as the first other symbol: `(symbol, count, multiple)`."""
        best = ("", 0, 0)
        wilds = next((n for n, symbol in enumerate(symbols) if symbol != self.wild), len(symbols))
        candidates = [(self.wild, wilds)]
        if wilds < len(symbols):
            symbol = symbols[wilds]
            stops = (n for n, other in enumerate(symbols) if other not in (symbol, self.wild))
            candidates.append((symbol, next(stops, len(symbols))))
        for symbol, run in candidates:
            pays = self.paytable.get(symbol, {})
            count = max((n for n in pays if n <= run), default=0)
            if count and pays[count] > best[2]:
                best = (symbol, count, pays[count])
        return best

    def exact_figures(self) -> dict[str, Figures]:
        return {WAGER: round_figures(self)}

    def reference_player(self, wager: str) -> ReferencePlayer:
        return ReferencePlayer(min(self.stakes_minor), {}, lambda _: {"action": "spin"})

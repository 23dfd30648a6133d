"""Starts of rounds that every game takes, and players who finish what they began."""

from __future__ import annotations

import secrets
from typing import Any

from casino.game_control.catalogue import load_catalogue

GAMES = {name: game for name, game in load_catalogue().items() if game.kind != "line_slot"}
RED = list(GAMES["harbour-roulette"].bets["red"].places[0])  # type: ignore[attr-defined]
_BETS = [
    {"bet": "straight", "place": [17], "stake_minor": 100},
    {"bet": "red", "place": RED, "stake_minor": 200},
]
STARTS: dict[str, tuple[int, dict[str, Any]]] = {
    "harbour-roulette": (300, {"bets": _BETS}),
    "lantern-blackjack": (200, {}),
    "polar-drift": (100, {}),
    "quayside-baccarat": (200, {"wager": "tie"}),
    "signal-dice": (200, {"side": "over", "faces": 5000}),
    "squall": (200, {"cash_out_at": 150}),
    "tidewater-poker": (100, {}),
}


def key() -> str:
    return secrets.token_hex(8)


def body(game: str, **changes: Any) -> dict[str, Any]:
    """The body of a start."""
    stake, choices = STARTS[game]
    return {"stake_minor": stake, "choices": choices} | changes


async def begin(player: Any, game: str, used: str | None = None, **changes: Any) -> Any:
    """The answer to a start."""
    return await player.call("POST", f"/games/{game}/rounds", body(game, **changes), used or key())


async def act(player: Any, told: dict[str, Any], action: str, used: str | None = None, **choices: Any) -> Any:
    """The answer to an action at the step that was told."""
    return await player.call(
        "POST",
        f"/rounds/{told['round_id']}/actions",
        {"step": told["step"], "action": action, "choices": choices},
        used or key(),
    )


async def open_round(player: Any, game: str = "tidewater-poker", **changes: Any) -> dict[str, Any]:
    """A round that is open: started until one is."""
    while True:
        answer = await begin(player, game, **changes)
        assert answer.status_code == 201, answer.text
        if answer.json()["status"] == "open":
            return dict(answer.json())


async def finish(player: Any, told: dict[str, Any]) -> dict[str, Any]:
    """Play an open round to its end by the simplest of its actions."""
    while told["status"] == "open":
        name = "stand" if "stand" in told["actions"] else told["actions"][-1]
        answer = await act(player, told, name, **({"hold": [0, 1]} if name == "draw" else {}))
        assert answer.status_code == 200, answer.text
        told = answer.json()
    return told

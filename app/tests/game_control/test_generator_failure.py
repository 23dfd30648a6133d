"""A generator that has failed: players are refused, nothing is staked, and readiness says so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from casino.compliance.api import Rules
from casino.gal.api import Games
from casino.game_control.api import ActionInvalid, ChoiceInvalid, GameControl, RngFailure, build
from casino.game_control.entropy import EntropySource


@pytest.fixture
def control(casino: Any) -> Iterator[GameControl]:
    found: GameControl = casino.part(Games)._control
    before = found._rng._source
    yield found
    found._rng._source, found._rng.failure = before, None


async def test_play_stops_without_a_stake_and_readiness_says_why(casino: Any, control: GameControl) -> None:
    player = await casino.player(deposit=1_000)
    assert (await casino.http.get("/readyz")).json()["checks"]["games"] == "ok"
    control._rng._source = EntropySource(bytes)
    with pytest.raises(RngFailure):
        control._rng.reseed()
    for _ in range(2):
        answer = await player.spin(100)
        assert (answer.status_code, answer.json()["code"]) == (503, "RNG_FAILED")
    assert await player.balance() == 1_000
    ready = await casino.http.get("/readyz")
    assert ready.status_code == 503 and "random number generator has failed" in ready.json()["checks"]["games"]
    assert control.rng_failure is not None


def rules(casino_rules: Rules, **changes: Any) -> Rules:
    return casino_rules.model_copy(update=changes)


async def test_rounds_of_every_kind_are_started_and_gone_on_with(control: GameControl) -> None:
    assert len(control.definitions) == 9
    state = control.start("lantern-blackjack", 100, {})
    while state.actions:
        state = control.act(state, {"action": "decline" if "decline" in state.actions else "stand"})
    assert state.closed
    with pytest.raises(ChoiceInvalid):
        control.start("signal-dice", 100, {"faces": 1, "side": "over"})
    with pytest.raises(ActionInvalid):
        control.act(state, {"action": "hit"})


async def test_a_game_whose_worst_wager_returns_too_little_is_not_admitted(casino: Any) -> None:
    control = build(rules(casino.rules, rtp_minimum_basis_points=9500), "test")
    assert set(control.definitions) == {
        "harbour-lights", "harbour-roulette", "polar-drift", "signal-dice", "squall", "tidewater-poker"
    }  # fmt: skip
    assert GameControl([], control._rng).health().startswith("no game")

"""What holds for every game alike: the protocol, the figures, the simulation."""

from __future__ import annotations

import json
from collections import Counter
from fractions import Fraction
from typing import Any

import pytest
from casino.game_control.catalogue import (
    KINDS,
    GameRefused,
    checked,
    definition_texts,
    load_catalogue,
    parse_definition,
    require_figures,
    with_figures,
)
from casino.game_control.definition import act, start
from casino.game_control.figures import Figures, figures_of
from casino.game_control.rounds import ActionInvalid, ChoiceInvalid, RoundState
from casino.game_control.simulate import simulate
from game_draws import FixedDraw, SeededDraw, exact_figures
from hypothesis import given
from hypothesis import strategies as st

GAMES = load_catalogue()
TEXTS = {parse_definition(text, name).game_id: text for name, text in definition_texts().items()}
QUICK = sorted(set(GAMES) - {"tidewater-poker"})
WAGERS = [(game, wager) for game in QUICK for wager in GAMES[game].simulated]
WAGERS = [pair for number, pair in enumerate(WAGERS) if pair[0] != "signal-dice" or number % 20 == 0]


def test_there_is_a_game_of_every_kind() -> None:
    assert {game.kind for game in GAMES.values()} == set(KINDS)


@pytest.mark.parametrize("game", QUICK)
def test_the_declared_figures_are_the_exact_ones(game: str) -> None:
    """The figures of video poker take half a minute: `casino games figures` computes them as well."""
    require_figures(GAMES[game], exact_figures(game))


@pytest.mark.parametrize("game", sorted(GAMES))
def test_a_definition_with_other_figures_or_other_maths_is_refused(game: str) -> None:
    document = json.loads(TEXTS[game])
    wager = next(iter(document["figures"]))
    document["figures"][wager]["hit_rate"] = "1/3"
    definition = parse_definition(json.dumps(document), game)
    with pytest.raises(GameRefused, match="hit_rate"):
        require_figures(definition, exact_figures(game) if game in QUICK else GAMES[game].figures)
    edited = json.loads(TEXTS[game]) | {"name": "Another"}
    if GAMES[game].SLOW:
        with pytest.raises(GameRefused, match="figures_digest"):
            checked(parse_definition(json.dumps(edited), game))
    else:
        assert checked(parse_definition(json.dumps(edited), game)).name == "Another"


@pytest.mark.parametrize(("game", "wager"), WAGERS)
def test_what_is_played_agrees_with_what_was_computed(game: str, wager: str) -> None:
    """Five standard errors in the mean and in the hit rate. Seeded: it comes out the same each time."""
    told: list[int] = []
    simulation = simulate(GAMES[game], wager, 2_000, SeededDraw(7), told.append)
    assert simulation.agrees, simulation.as_json()
    assert simulation.rounds == told[-1] == 2_000
    assert json.loads(json.dumps(simulation.as_json()))["rtp"] == pytest.approx(simulation.rtp)


def test_a_simulation_of_a_game_that_pays_too_well_disagrees() -> None:
    document = json.loads(TEXTS["harbour-roulette"])
    document["bets"]["red"]["pays"] = 2
    assert not simulate(parse_definition(json.dumps(document), "x"), "red", 4_000, SeededDraw(7)).agrees


@pytest.mark.parametrize("game", QUICK)
@pytest.mark.parametrize("seed", range(6))
def test_an_interrupted_round_goes_on_as_if_it_had_not_been(game: str, seed: int) -> None:
    """After every step the state is written, read and gone on with; only its text survives."""
    definition = GAMES[game]
    player = definition.reference_player(definition.simulated[0])
    draws = (SeededDraw(seed), SeededDraw(seed))
    whole = start(definition, player.stake_minor, player.choices, draws[0])
    broken = start(definition, player.stake_minor, player.choices, draws[1])
    staked = whole.step_stake_minor
    while whole.actions:
        whole = act(definition, whole, player.decide(whole), draws[0])
        broken = RoundState.loads(broken.dumps())
        broken = act(definition, broken, player.decide(broken), draws[1])
        staked += whole.step_stake_minor
    assert broken.dumps() == whole.dumps() == RoundState.loads(whole.dumps()).dumps()
    assert whole.closed
    assert whole.staked_minor == staked
    assert whole.win_minor >= 0


@pytest.mark.parametrize("game", sorted(GAMES))
def test_a_stake_or_choice_that_is_not_offered_is_refused(game: str) -> None:
    definition = GAMES[game]
    choices: dict[str, Any] = (
        {} if game == "tidewater-poker" else dict(definition.reference_player(definition.simulated[0]).choices)
    )
    stake = min(definition.stakes_minor)
    for wrong in (0, -stake, stake + 1, max(definition.stakes_minor) * 10):
        with pytest.raises(ChoiceInvalid):
            start(definition, wrong, choices, SeededDraw(1))
    with pytest.raises(ChoiceInvalid, match="surprise"):
        start(definition, stake, choices | {"surprise": 1}, SeededDraw(1))


@pytest.mark.parametrize("game", sorted(GAMES))
def test_an_action_that_the_state_does_not_list_is_refused(game: str) -> None:
    definition = GAMES[game]
    open_round = RoundState(game, definition.version, 100, 100, 100, 0, ("spin", "hit", "draw"), {})
    closed = RoundState(game, definition.version, 100, 100, 100, 0, (), {})
    for state, action in ((open_round, "steal"), (closed, "spin"), (closed, "hit")):
        with pytest.raises(ActionInvalid, match="does not take"):
            act(definition, state, {"action": action}, SeededDraw(1))
    with pytest.raises(ActionInvalid, match="not of"):
        act(definition, RoundState(game, "9.9.9", 100, 100, 100, 0, ("spin",), {}), {"action": "spin"}, SeededDraw(1))


@given(st.text(max_size=50) | st.just('{"actions": [], "hidden": [], "steps": []}') | st.just("[]"))
def test_a_text_that_is_no_state_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        RoundState.loads(text)


def test_a_definition_without_use_is_refused() -> None:
    for text in ("{}", "[]", "no json", '{"kind": "roulette"}', '{"kind": "unheard-of"}', " " * (1 << 21)):
        with pytest.raises(GameRefused):
            parse_definition(text, "x.json")


def test_figures_are_written_last_and_nothing_else_changes() -> None:
    for game, text in TEXTS.items():
        assert with_figures(text, GAMES[game], GAMES[game].figures) == text


def test_figures_need_the_whole_distribution() -> None:
    half = Fraction(1, 2)
    figures = figures_of({(Fraction(1), Fraction(2)): half, (Fraction(1), Fraction(0)): half})
    assert figures == Figures(rtp=Fraction(1), hit_rate=half, variance=Fraction(1))
    assert str(figures.volatility) == "1" and figures.mean_net == 0
    with pytest.raises(ValueError, match="not to 1"):
        figures_of({(Fraction(1), Fraction(2)): half})


def test_every_order_of_a_shuffle_comes_from_one_course_of_draws() -> None:
    """3 * 2 courses for six orders: with uniform draws each order is equally likely."""
    orders = Counter(tuple(FixedDraw([a, b]).shuffle("abc")) for a in range(3) for b in range(2))
    assert set(orders.values()) == {1} and len(orders) == 6


@given(st.lists(st.integers(0, 20), min_size=1, max_size=8).filter(any))
def test_a_weighted_pick_is_as_likely_as_its_weight(weights: list[int]) -> None:
    picked = Counter(FixedDraw([number]).weighted(weights) for number in range(sum(weights)))
    assert [picked[index] for index in range(len(weights))] == weights


@pytest.mark.parametrize("weights", [[], [0, 0], [3, -1]])
def test_weights_that_mean_nothing_are_refused(weights: list[int]) -> None:
    with pytest.raises(ValueError, match="weights"):
        FixedDraw([0]).weighted(weights)

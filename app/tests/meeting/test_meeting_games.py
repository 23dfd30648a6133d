"""Games where rules that change meet what a process has loaded."""

from __future__ import annotations

from importlib import resources

from casino.compliance.api import parse_rules
from casino.game_control.api import GameControl, RandomNumberGenerator, load_definitions
from casino.game_control.service import load_games


async def test_a_game_that_becomes_lawful_is_offered_without_a_new_start() -> None:
    lenient = parse_rules((resources.files("casino.dev") / "rules.json").read_text()).model_copy(
        update={"rtp_minimum_basis_points": None}
    )
    strict = lenient.model_copy(update={"rtp_minimum_basis_points": 9_800})
    control = GameControl(load_games(strict), RandomNumberGenerator("meeting"), load_definitions(strict))
    before = set(control.round_games)
    (await control.readmit(lenient))()
    assert before < set(control.round_games) == set(control.resumable) - set(control.games)
    assert all(control.definition(game_id) is not None for game_id in control.games)
    (await control.readmit(strict))()
    assert set(control.round_games) == before and before < set(control.resumable)

"""The door of game control."""

from casino.compliance.api import Rules
from casino.game_control.approval import Approval, Decision, Offered, Refusal, Switch, decide
from casino.game_control.definition import Definition, act, start
from casino.game_control.drbg import RngFailure
from casino.game_control.drift import Drift, Play, judge
from casino.game_control.entropy import build_entropy
from casino.game_control.fair import FairDraw, Revealed, SeedPair, verify_round
from casino.game_control.figures import Figures
from casino.game_control.manifest import Verification
from casino.game_control.recall import Recall, RecallImpossible, StoredRound, recall
from casino.game_control.rng import RandomNumberGenerator
from casino.game_control.rounds import ActionInvalid, ChoiceInvalid, RoundState
from casino.game_control.service import (
    Game,
    GameControl,
    GameRefused,
    load_definitions,
    load_games,
    outcome_details,
)
from casino.game_control.settings import GameControlSettings, load_game_settings
from casino.game_control.verification import build_verification
from casino.kernel.clock import SystemClock

__all__ = [
    "ActionInvalid",
    "Approval",
    "ChoiceInvalid",
    "Decision",
    "Definition",
    "Drift",
    "FairDraw",
    "Figures",
    "Game",
    "GameControl",
    "GameRefused",
    "Offered",
    "Play",
    "RandomNumberGenerator",
    "Recall",
    "RecallImpossible",
    "Refusal",
    "Revealed",
    "RngFailure",
    "RoundState",
    "SeedPair",
    "StoredRound",
    "Switch",
    "Verification",
    "act",
    "build",
    "build_generator",
    "decide",
    "judge",
    "outcome_details",
    "recall",
    "start",
    "verify_round",
]


def build(rules: Rules, tenant: str) -> GameControl:
    """Admit the games, start the generator, and verify both where a manifest is set.

    What fails verification is not offered; `control.verification.run_if_due()` is for the worker to call. Raises
    RngFailure when a health test fails, ConfigurationError when an HSM is set that is not there.
    """
    settings = load_game_settings().model_copy(update={"tenant": tenant})
    control = GameControl(load_games(rules), build_generator(settings), load_definitions(rules))
    control.verification = build_verification(settings, SystemClock(), control.apply)
    if control.verification is not None:
        control.verification.run()
    return control


def build_generator(settings: GameControlSettings) -> RandomNumberGenerator:
    """The generator of a tenant. What laboratories collect comes from one that is built here as well."""
    return RandomNumberGenerator(f"casino {settings.tenant}", build_entropy(settings.hsm))

"""The door of game control."""

from casino.compliance.api import Rules, RulesInForce
from casino.game_control.approval import Approval, Decision, Offered, Refusal, Switch, decide
from casino.game_control.definition import Definition, act, start
from casino.game_control.drbg import RngFailure
from casino.game_control.drift import Drift, Play, Verdict, judge, judge_game
from casino.game_control.entropy import build_entropy
from casino.game_control.fair import FairDraw, ProofInvalid, Revealed, SeedPair, verify_round
from casino.game_control.fair_seeds import FairSeeds, RoundNotFair, SeedNotRevealed, SeedRotated, ShownSeed, Statuses
from casino.game_control.figures import Figures
from casino.game_control.hidden import Seal, hide, whole
from casino.game_control.jackpots import MICROS, Jackpot
from casino.game_control.manifest import Verification
from casino.game_control.overseer import GameState, Overseer
from casino.game_control.recall import Recall, RecallImpossible, StoredRound, recall
from casino.game_control.repository import Judged, OversightRepository, Switched, SwitchRequest
from casino.game_control.repository_fair import FairRepository
from casino.game_control.returns import DriftWatch, PlayCounters
from casino.game_control.rng import RandomNumberGenerator
from casino.game_control.rounds import ActionInvalid, ChoiceInvalid, RoundState
from casino.game_control.service import (
    Game,
    GameControl,
    GameRefused,
    Oversight,
    load_definitions,
    load_games,
    outcome_details,
    percent,
)
from casino.game_control.settings import GameControlSettings, load_game_settings
from casino.game_control.verification import build_verification
from casino.kernel.clock import Clock, SystemClock
from casino.kernel.db import Database

__all__ = [
    "MICROS",
    "ActionInvalid",
    "Approval",
    "ChoiceInvalid",
    "Decision",
    "Definition",
    "Drift",
    "DriftWatch",
    "FairDraw",
    "FairSeeds",
    "Figures",
    "Game",
    "GameControl",
    "GameRefused",
    "GameState",
    "Jackpot",
    "Judged",
    "Offered",
    "Overseer",
    "Oversight",
    "OversightRepository",
    "Play",
    "PlayCounters",
    "ProofInvalid",
    "RandomNumberGenerator",
    "Recall",
    "RecallImpossible",
    "Refusal",
    "Revealed",
    "RngFailure",
    "RoundNotFair",
    "RoundState",
    "Seal",
    "SeedNotRevealed",
    "SeedPair",
    "SeedRotated",
    "ShownSeed",
    "StoredRound",
    "Switch",
    "SwitchRequest",
    "Switched",
    "Verdict",
    "Verification",
    "act",
    "build",
    "build_fair_seeds",
    "build_generator",
    "build_oversight",
    "decide",
    "hide",
    "judge",
    "judge_game",
    "load_definitions",
    "outcome_details",
    "percent",
    "recall",
    "start",
    "verify_round",
    "whole",
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


def build_oversight(database: Database, control: GameControl, rules: RulesInForce, clock: Clock) -> Overseer:
    """What keeps the decisions about the games and applies them; `start()` it before players are let in."""
    return Overseer(OversightRepository(database), control, rules, clock)


def build_generator(settings: GameControlSettings) -> RandomNumberGenerator:
    """The generator of a tenant. What laboratories collect comes from one that is built here as well."""
    return RandomNumberGenerator(f"casino {settings.tenant}", build_entropy(settings.hsm))


def build_fair_seeds(database: Database, control: GameControl, statuses: Statuses, seal: Seal) -> FairSeeds:
    """Seeds of provably fair rounds; `statuses` tells how rounds stand in the wallet."""
    return FairSeeds(FairRepository(database, seal), control.fresh_seed, statuses)

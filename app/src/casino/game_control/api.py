"""The door of game control."""

from casino.compliance.api import Rules
from casino.game_control.entropy import build_entropy
from casino.game_control.rng import RandomNumberGenerator
from casino.game_control.service import Game, GameControl, GameRefused, load_games, outcome_details
from casino.game_control.settings import GameControlSettings, load_game_settings
from casino.game_control.verification import build_verification
from casino.kernel.clock import SystemClock

__all__ = ["Game", "GameControl", "GameRefused", "build", "build_generator", "outcome_details"]


def build(rules: Rules, tenant: str) -> GameControl:
    """Admit the games, start the generator, and verify both where a manifest is set.

    What fails verification is not offered; `control.verification.run_if_due()` is for the worker to call. Raises
    RngFailure when a health test fails, ConfigurationError when an HSM is set that is not there.
    """
    settings = load_game_settings().model_copy(update={"tenant": tenant})
    control = GameControl(load_games(rules), build_generator(settings))
    control.verification = build_verification(settings, SystemClock(), control.apply)
    if control.verification is not None:
        control.verification.run()
    return control


def build_generator(settings: GameControlSettings) -> RandomNumberGenerator:
    """The generator of a tenant. What laboratories collect comes from one that is built here as well."""
    return RandomNumberGenerator(f"casino {settings.tenant}", build_entropy(settings.hsm))

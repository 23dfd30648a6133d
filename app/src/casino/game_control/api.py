"""The door of game control."""

from casino.compliance.api import Rules
from casino.game_control.rng import RandomNumberGenerator
from casino.game_control.service import Game, GameControl, GameRefused, load_games, outcome_details

__all__ = ["Game", "GameControl", "GameRefused", "build", "outcome_details"]


def build(rules: Rules, tenant: str) -> GameControl:
    """Admit the games and start the generator. Raises RngFailure when its health tests fail."""
    return GameControl(load_games(rules), RandomNumberGenerator(personalisation=f"casino {tenant}"))

"""The door of player account management."""

from redis.asyncio import Redis

from casino.compliance.api import RulesInForce
from casino.kernel.clock import Clock
from casino.kernel.db import Database
from casino.kernel.settings import Settings
from casino.pam.endpoints import router
from casino.pam.models import LoginRequest, Registration
from casino.pam.passwords import Passwords
from casino.pam.repository import PlayerRepository
from casino.pam.service import PlayerAccounts
from casino.pam.sessions import LoginThrottle, SessionStore
from casino.wallet.api import Wallet

__all__ = ["LoginRequest", "PlayerAccounts", "Registration", "build", "router"]


def build(
    *, database: Database, redis: Redis, settings: Settings, wallet: Wallet, rules: RulesInForce, clock: Clock
) -> PlayerAccounts:
    """Wire the module."""
    return PlayerAccounts(
        repository=PlayerRepository(database),
        sessions=SessionStore(redis, settings, clock, lambda: rules.current.idle_timeout_s),
        throttle=LoginThrottle(redis, settings),
        passwords=Passwords(),
        wallet=wallet,
        rules=rules,
        clock=clock,
    )

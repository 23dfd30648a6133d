"""The door of game aggregation."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass

from casino.compliance.api import RulesInForce
from casino.gal.admission import Admission
from casino.gal.dialects import build_dialect
from casino.gal.endpoints import SPIN, router
from casino.gal.jackpot_endpoints import router as jackpots_router
from casino.gal.jackpots import JackpotPlay
from casino.gal.launches import Launches, StudioAccess, ask_studios
from casino.gal.live.endpoints import router as live_router
from casino.gal.live.models import LiveTable, load_tables
from casino.gal.live.repository import LiveRepository
from casino.gal.live.service import LiveTables
from casino.gal.repository import StudioRepository
from casino.gal.repository_jackpots import HitRepository
from casino.gal.repository_transactions import TransactionRepository
from casino.gal.rounds.endpoints import router as rounds_router
from casino.gal.rounds.fair_endpoints import router as fair_router
from casino.gal.rounds.models import RoundPicture
from casino.gal.rounds.service import Rounds
from casino.gal.service import Games
from casino.gal.studio_client import StudioClient
from casino.gal.studio_endpoints import router as studio_router
from casino.gal.studio_play import StudioPlay
from casino.game_control.api import GameControl
from casino.kernel.acknowledgement import Acknowledgement
from casino.kernel.clock import Clock
from casino.kernel.db import Database
from casino.kernel.settings import Settings, StudioSecret
from casino.wallet.api import JackpotLedger, Play

__all__ = [
    "SPIN",
    "Games",
    "JackpotPlay",
    "Launches",
    "LiveRepository",
    "LiveTable",
    "LiveTables",
    "RoundPicture",
    "Rounds",
    "StudioPlay",
    "Studios",
    "ask_studios",
    "build_access",
    "build_jackpots",
    "build_studios",
    "fair_router",
    "jackpots_router",
    "live_router",
    "load_tables",
    "rounds_router",
    "router",
    "studio_router",
]


@dataclass(frozen=True, slots=True)
class Studios:
    """External studios: their calls, their games, and the clients that `close` ends."""

    play: StudioPlay
    launches: Launches
    repository: StudioRepository
    access: Mapping[str, StudioAccess]
    clock: Clock

    async def look_after(self) -> tuple[int, int]:
        """Finish what a crash left, and tell studios of free rounds; answers how many of each."""
        return await self.play.finish_pending(), await self.launches.tell_pending()

    async def ask(self) -> dict[str, Acknowledgement]:
        """Whether each studio takes our signed calls; changes nothing there."""
        return await ask_studios(self.access, self.clock)

    async def close(self) -> None:
        for one in self.access.values():
            await one.client.close()


def build_jackpots(
    control: GameControl, database: Database, wallet: Database, currency: str, clock: Clock
) -> JackpotPlay:
    """The jackpots of the casino's own games."""
    return JackpotPlay(control, JackpotLedger(wallet), HitRepository(database), currency, clock)


def build_access(
    settings: Settings, secrets: Mapping[str, StudioSecret], rules: RulesInForce, clock: Clock
) -> dict[str, StudioAccess]:
    """How each studio is reached; whoever asks closes the clients. Raises ConfigurationError for unusable keys."""
    context = ssl.create_default_context(cafile=str(settings.ca_file)) if settings.ca_file else None
    return {
        one.studio: StudioAccess(
            dialect=build_dialect(one, secrets[one.studio], rules.current.currency, rules.current.currency_exponent),
            client=StudioClient(one.studio, one.api_url, clock, timeout_s=settings.studio_timeout_s, context=context),
            launch_url=one.launch_url,
        )
        for one in settings.studios
    }


async def build_studios(
    *,
    settings: Settings,
    secrets: Mapping[str, StudioSecret],
    database: Database,
    play: Play,
    rules: RulesInForce,
    clock: Clock,
) -> Studios:
    """Wire external studios, and make them known to the database. Raises ConfigurationError for unusable keys."""
    access = build_access(settings, secrets, rules, clock)
    repository, transactions = StudioRepository(database), TransactionRepository(database)
    for one in settings.studios:
        await repository.add_studio(one.studio, one.name)
    return Studios(
        play=StudioPlay(
            {studio: one.dialect for studio, one in access.items()},
            Admission(repository, transactions, rules, clock),
            transactions,
            play,
            clock,
        ),
        launches=Launches(access, repository, rules, clock),
        repository=repository,
        access=access,
        clock=clock,
    )

"""Opening studios' games: which there are, a session for one player, the URL, and free rounds."""

from __future__ import annotations

import asyncio
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from casino.compliance.api import RulesInForce
from casino.gal.admission import token_hash
from casino.gal.repository import FreeRounds, GameSession, StudioGame, StudioRepository
from casino.gal.service import GameUnknown
from casino.gal.studio_client import StudioClient, StudioUnavailable
from casino.gal.studio_model import Dialect, Grant, Launch
from casino.kernel.acknowledgement import Acknowledgement
from casino.kernel.clock import Clock
from casino.kernel.errors import CasinoError, IdempotencyKeyReused
from casino.kernel.identity import Principal, new_id

SESSION = timedelta(hours=4)
"""How long a game stays open. Wins and rollbacks are taken after it, bets are not."""
MAX_URL = 4096


class FreeRoundsInvalid(CasinoError):
    status, code = 422, "FREE_ROUNDS_INVALID"
    rule = "1 to 1000 rounds of a positive bet, that end in the future"
    remedy = "Correct the grant and send it again."


@dataclass(frozen=True, slots=True)
class StudioAccess:
    """How one studio is reached. `launch_url` is where its games open, and nowhere else."""

    dialect: Dialect
    client: StudioClient
    launch_url: str


@dataclass(frozen=True, slots=True)
class Launched:
    """A game that is open: whoever has the URL plays as this player, in this game."""

    session_id: uuid.UUID
    url: str
    expires_at: datetime


async def ask_studios(studios: Mapping[str, StudioAccess], clock: Clock) -> dict[str, Acknowledgement]:
    """How each studio answers when it is asked for its games."""
    names, now = sorted(studios), clock.now()
    answers = await asyncio.gather(
        *(
            one.client.acknowledge(one.dialect.list_games(now), one.dialect.listed)
            for one in (studios[name] for name in names)
        )
    )
    return dict(zip(names, answers, strict=True))


class Launches:
    """Studios' games for players."""

    def __init__(
        self,
        studios: Mapping[str, StudioAccess],
        repository: StudioRepository,
        rules: RulesInForce,
        clock: Clock,
    ) -> None:
        self._studios = studios
        self._repository = repository
        self._rules = rules
        self._clock = clock

    async def offered(self) -> list[StudioGame]:
        """The games that may be played here: enabled, approved, and of a studio that is connected."""
        games = await self._repository.games(self._rules.current.jurisdiction) if self._studios else []
        return [game for game in games if game.studio in self._studios]

    async def launch(self, player: Principal, game_id: str, lobby_url: str | None = None) -> Launched:
        """Open a game. Raises GameUnknown, StudioUnavailable."""
        game = await self._game(game_id)
        access = self._studios[game.studio]
        access.client.require_closed()
        token = secrets.token_urlsafe(32)
        now = self._clock.now()
        session = GameSession(
            session_id=new_id(),
            studio=game.studio,
            game_id=game.game_id,
            player_id=player.player_id,
            account_id=player.account_id,
            date_of_birth=player.date_of_birth,
            currency=self._rules.current.currency,
            opened_at=now,
            expires_at=now + SESSION,
        )
        # Before the studio hears of it: it may ask who that is before it answers.
        await self._repository.open_session(session, token_hash(token))
        asked = access.dialect.launch(Launch(token, str(player.player_id), game.code, lobby_url), now)
        if isinstance(asked, str):
            url = asked
        else:
            try:
                url = access.dialect.launch_url(await access.client.post(asked))
            except ValueError:
                raise StudioUnavailable("The studio named no URL for the game.") from None
        if not _within(url, access.launch_url):
            raise StudioUnavailable("The studio named a URL that is not its own.")
        return Launched(session.session_id, url, session.expires_at)

    async def grant(
        self,
        player_id: uuid.UUID,
        account_id: int,
        game_id: str,
        *,
        grant_id: uuid.UUID,
        rounds: int,
        bet_minor: int,
        expires_at: datetime,
    ) -> FreeRounds:
        """Give a player free rounds, once for each `grant_id`, and tell the studio.

        Raises GameUnknown, FreeRoundsInvalid, IdempotencyKeyReused. A studio that does not answer is told later
        (`tell_pending`): the grant stands, and is played from when the studio has it.
        """
        now = self._clock.now()
        if not 1 <= rounds <= 1000 or bet_minor < 1 or expires_at <= now:
            raise FreeRoundsInvalid("There are no such free rounds.")
        game = await self._game(game_id)
        grant = await self._repository.add_free_rounds(
            FreeRounds(
                grant_id=grant_id,
                studio=game.studio,
                game_id=game.game_id,
                player_id=player_id,
                account_id=account_id,
                rounds=rounds,
                used=0,
                bet=bet_minor,
                currency=self._rules.current.currency,
                expires_at=expires_at,
                granted_at=now,
                told_at=None,
            )
        )
        given = (grant.player_id, grant.game_id, grant.rounds, grant.bet, grant.expires_at)
        if given != (player_id, game_id, rounds, bet_minor, expires_at):
            raise IdempotencyKeyReused("The grant_id was used for other free rounds before.")
        await self._tell(grant, game.code)
        found = await self._repository.free_rounds(grant_id)
        assert found is not None
        return found

    async def tell_pending(self, limit: int = 50) -> int:
        """Tell studios of grants that they have not confirmed; answers how many they took."""
        told = 0
        for grant_id in await self._repository.free_rounds_untold(self._clock.now(), limit):
            grant = await self._repository.free_rounds(grant_id)
            if grant is not None and grant.studio in self._studios:
                game = await self._repository.game(self._rules.current.jurisdiction, grant.game_id)
                told += game is not None and await self._tell(grant, game.code)
        return told

    async def free_rounds_of(self, player: Principal) -> list[FreeRounds]:
        """What the player can still play for free."""
        return await self._repository.free_rounds_of(player.player_id, self._clock.now())

    async def _tell(self, grant: FreeRounds, game_code: str) -> bool:
        if grant.told_at is not None:
            return False
        access = self._studios[grant.studio]
        now = self._clock.now()
        message = Grant(grant.grant_id, str(grant.player_id), game_code, grant.rounds, grant.bet, grant.expires_at)
        try:
            taken = access.dialect.granted(await access.client.post(access.dialect.grant(message, now)))
        except StudioUnavailable:
            return False
        if taken:
            await self._repository.free_rounds_told(grant.grant_id, now)
        return taken

    async def _game(self, game_id: str) -> StudioGame:
        game = await self._repository.game(self._rules.current.jurisdiction, game_id) if self._studios else None
        if game is None or game.studio not in self._studios:
            raise GameUnknown("There is no such game here.")
        return game


def _within(url: str, own: str) -> bool:
    """Whether a URL is one of the studio's: a player's session must not be sent elsewhere."""
    if len(url) > MAX_URL:
        return False
    try:
        asked, allowed = urlsplit(url), urlsplit(own)
        return (asked.scheme, asked.hostname, asked.port) == (allowed.scheme, allowed.hostname, allowed.port)
    except ValueError:
        return False

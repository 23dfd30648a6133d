"""Who a studio's call is about, and whether it may be: sessions, games, currencies, rounds. It moves nothing."""

from __future__ import annotations

import hashlib
import uuid
from datetime import timedelta

from casino.compliance.api import RulesInForce
from casino.gal.repository import GameSession, StudioRepository
from casino.gal.repository_transactions import StudioTransaction, TransactionRepository
from casino.gal.studio_model import Action, Fault, StudioRefusal
from casino.kernel.clock import Clock, local_date
from casino.kernel.identity import new_id
from casino.responsible_gaming.api import slot_limits

FREE_ROUNDS_GRACE = timedelta(hours=24)
"""How long after its end a grant's wins are taken: they may have been won before it, and a studio repeats for hours."""


def token_hash(token: str) -> bytes:
    """What is kept of a game session's token. It is 256 random bits, so that a plain hash is enough."""
    return hashlib.sha256(token.encode()).digest()


class Admission:
    """Judges calls. Everything refused here leaves nothing behind, so that a later call may be taken."""

    def __init__(
        self, studios: StudioRepository, transactions: TransactionRepository, rules: RulesInForce, clock: Clock
    ) -> None:
        self._studios = studios
        self._transactions = transactions
        self._rules = rules
        self._clock = clock

    async def live_session(self, studio: str, action: Action) -> GameSession:
        """The session of a token that has not run out. Raises StudioRefusal."""
        session = await self.session(studio, action)
        if session.expires_at <= self._clock.now():
            raise StudioRefusal(Fault.SESSION_EXPIRED)
        return session

    async def session(self, studio: str, action: Action) -> GameSession:
        """The session that a call is in, however old: by its token, or else by its player. Raises StudioRefusal."""
        session = None
        if action.token is not None:
            session = await self._studios.session(studio, token_hash(action.token))
        elif action.player is not None:
            player = _uuid(action.player)
            session = await self._studios.last_session(studio, player) if player is not None else None
        if session is None or (action.player is not None and action.player != str(session.player_id)):
            raise StudioRefusal(Fault.SESSION_UNKNOWN)
        return session

    async def bet(self, studio: str, action: Action) -> StudioTransaction:
        """A bet as it is to be written down. Raises StudioRefusal."""
        session = await self.live_session(studio, action)
        # The game need not be the one that was launched: a live lobby changes tables within a session.
        game = await self._studios.game_by_code(self._rules.current.jurisdiction, studio, action.game_code or "")
        if game is None:
            raise StudioRefusal(Fault.GAME_UNKNOWN)
        self._currency(session, action)
        if action.free_rounds is not None:
            if action.amount_minor:
                raise StudioRefusal(Fault.TYPES_INVALID, "a free round has no stake")
            await self._free_rounds(session, action, game.game_id)
        today = local_date(self._clock, self._rules.current.timezone)
        cap = slot_limits(self._rules.current, session.date_of_birth, today).stake_cap_minor
        return self._row(studio, action, session, game.game_id, cap)

    async def win(self, studio: str, action: Action) -> StudioTransaction:
        """A win as it is to be written down: it belongs to a bet that stands, or to free rounds.

        Raises StudioRefusal. Neither an ended session nor a disabled game or studio keeps a player from a win.
        """
        session = await self.session(studio, action)
        self._currency(session, action)
        bets = await self._transactions.bets_of(studio, action.round_id, session.account_id)
        standing = [bet for bet in bets if bet.status == "done"]
        if action.reference is not None:
            standing = [bet for bet in standing if bet.transaction_id == action.reference]
        if standing:
            return self._row(studio, action, session, standing[0].game_id)
        if action.free_rounds is None:
            raise StudioRefusal(Fault.TRANSACTION_UNKNOWN)
        game_id = await self._free_rounds(session, action, None)
        return self._row(studio, action, session, game_id)

    async def rollback(self, studio: str, action: Action, target: StudioTransaction | None) -> StudioTransaction:
        """A rollback as it is to be written down. `target` is what it names, None for something unknown."""
        if action.reference == action.transaction_id:
            raise StudioRefusal(Fault.TYPES_INVALID, "a rollback is not of itself")
        if target is None or target.kind == "tombstone":
            # Whoever it was: there is nothing to give back, and the studio wants to hear that there is nothing.
            try:
                session = await self.session(studio, action)
            except StudioRefusal:
                return self._row(studio, action, None, None)
            return self._row(studio, action, session, None)
        told = await self.session(studio, action) if action.token or action.player else None
        if target.kind == "rollback" or (told is not None and told.account_id != target.account_id):
            raise StudioRefusal(Fault.TRANSACTION_UNKNOWN)
        row = self._row(studio, action, told, target.game_id)
        return _about(row, target)

    async def _free_rounds(self, session: GameSession, action: Action, game_id: str | None) -> str:
        assert action.free_rounds is not None
        grant = await self._studios.free_rounds(action.free_rounds)
        if (
            grant is None
            or grant.studio != session.studio
            or grant.player_id != session.player_id
            or grant.told_at is None
            or (game_id is not None and grant.game_id != game_id)
            or grant.expires_at + (FREE_ROUNDS_GRACE if action.kind == "win" else timedelta()) <= self._clock.now()
        ):
            raise StudioRefusal(Fault.FREE_ROUNDS_UNKNOWN)
        return grant.game_id

    def _currency(self, session: GameSession, action: Action) -> None:
        if action.currency != session.currency:
            raise StudioRefusal(Fault.CURRENCY_WRONG)

    def _row(
        self,
        studio: str,
        action: Action,
        session: GameSession | None,
        game_id: str | None,
        stake_cap: int | None = None,
    ) -> StudioTransaction:
        assert action.kind in ("bet", "win", "rollback")
        return StudioTransaction(
            studio=studio,
            transaction_id=action.transaction_id,
            kind=action.kind,
            status="pending",
            request_hash=action.digest(),
            account_id=session.account_id if session else None,
            player_id=session.player_id if session else None,
            round_id=action.round_id,
            game_id=game_id,
            currency=session.currency if session else None,
            amount=action.amount_minor,
            reference=action.reference,
            closes=action.closes,
            grant_id=action.free_rounds,
            stake_cap=stake_cap,
            fault=None,
            balance=None,
            claim=new_id(),
        )


def _about(row: StudioTransaction, target: StudioTransaction) -> StudioTransaction:
    values = {name: getattr(row, name) for name in StudioTransaction.__slots__}
    known = ("account_id", "player_id", "currency")
    return StudioTransaction(**(values | {name: getattr(target, name) for name in known}))


def _uuid(value: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(value)
    except ValueError:
        return None

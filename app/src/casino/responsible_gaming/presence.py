"""Time with a session: reality checks, limits of session time, and the statement of a player's activity."""

from __future__ import annotations

import logging
import uuid
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from casino.compliance.api import RulesInForce
from casino.kernel.clock import Clock
from casino.kernel.errors import CasinoError
from casino.kernel.identity import new_id
from casino.pam.api import SessionStore
from casino.realtime.api import RealityChecks
from casino.responsible_gaming.events import reality_check_told, tell
from casino.responsible_gaming.exclusions import FOREVER
from casino.responsible_gaming.protection import Protection
from casino.responsible_gaming.repository_presence import PresenceRepository, Present, RealityCheck
from casino.responsible_gaming.windows import first_day, window
from casino.wallet.api import PlayerLimits

log = logging.getLogger(__name__)

LOOK_EVERY = timedelta(seconds=10)
"""How often sessions are looked at: by so much, and a job's delay, session time and checks may be late."""
BATCH = 500
CHECK_BAR, TIME_BAR = "reality_check", "session_time"


class SessionTimeOver(CasinoError):
    status, code = 403, "SESSION_TIME_OVER"
    rule = "the player's limit of session time"
    remedy = "Come back when the limit's day, week or month is over."


class RealityCheckUnknown(CasinoError):
    status, code = 404, "REALITY_CHECK_UNKNOWN"
    rule = "only checks that were told are acknowledged"
    remedy = "GET /api/v1/players/me/reality-checks lists them."


class Presence:
    """`checks` tells players over WebSockets; it is there where the worker is."""

    def __init__(
        self,
        repository: PresenceRepository,
        protection: Protection,
        sessions: SessionStore,
        bindings: PlayerLimits,
        *,
        rules: RulesInForce,
        clock: Clock,
    ) -> None:
        self.repository = repository
        self._protection = protection
        self._sessions = sessions
        self._bindings = bindings
        self._rules = rules
        self._clock = clock
        self.checks: RealityChecks | None = None

    async def begin(self, player_id: uuid.UUID, account_id: int) -> None:
        """A session was opened."""
        now = self._clock.now()
        await self.repository.begin(player_id, account_id, now, now - 6 * LOOK_EVERY)

    async def require_time(self, player_id: uuid.UUID) -> None:
        """Refuse a session with SessionTimeOver to who has used their time."""
        if (until := await self._time_over(player_id, self._clock.now())) is not None:
            raise SessionTimeOver(f"The limit of session time is used until {until.isoformat(timespec='minutes')}.")

    async def look(self) -> int:
        """Look after who has a session; answers for how many players. For a job, each `LOOK_EVERY`."""
        rules = self._rules.current
        everybody = rules.reality_check_minutes is not None or any(one.kind == "session" for one in rules.limits)
        begun, looked, failed = self._clock.now(), 0, False
        while not failed:
            present = await self.repository.present(BATCH, everybody=everybody)
            # The longest not looked at come first: where they were looked at by this run, everybody was.
            due = [one for one in present if looked == 0 or one.looked_at < begun - timedelta(seconds=1)]
            for one in due:
                try:
                    await self._look_at(one)
                except Exception:  # one player's fault must not stop the others
                    failed = True
                    log.exception("a player's session was not looked at", extra={"player_id": str(one.player_id)})
            looked += len(due)
            if len(due) < BATCH:
                break
        return looked

    async def acknowledge(self, player_id: uuid.UUID, account_id: int, check_id: uuid.UUID) -> None:
        """The player has seen a check, and plays on. Raises RealityCheckUnknown."""
        if not await self.repository.acknowledge(player_id, check_id, self._clock.now()):
            raise RealityCheckUnknown("The player was told no such reality check.")
        if not await self.repository.unacknowledged(player_id):
            await self._bindings.bar(account_id, CHECK_BAR, None, deposits=False)

    async def _look_at(self, one: Present) -> None:
        if not await self._sessions.open_sessions(one.player_id):
            await self.repository.end(one.player_id, one.looked_at)
            return
        now = self._clock.now()
        rules = self._rules.current
        day = now.astimezone(ZoneInfo(rules.timezone)).date()
        seconds = max(0, int((now - one.looked_at).total_seconds()))
        # What is no whole second yet is counted with the next look.
        looked_at = one.looked_at + timedelta(seconds=seconds)
        await self.repository.add_time(one.player_id, day, seconds, looked_at)
        until = await self._time_over(one.player_id, now)
        if until is not None:
            # The wallet first: what is under way may not stake any more when its session ends.
            await self._bindings.bar(one.account_id, TIME_BAR, until, deposits=False)
            await self._sessions.revoke_all(one.player_id)
            await self.repository.end(one.player_id, looked_at)
            return
        minutes = rules.reality_check_minutes
        if minutes is not None and now - one.told_at >= timedelta(minutes=minutes):
            await self._tell(one, now)

    async def _tell(self, one: Present, now: datetime) -> None:
        rules = self._rules.current
        sums = await self.repository.sums(one.player_id)
        check = RealityCheck(new_id(), one.told_at, now, sums[0] - one.staked, sums[1] - one.won, None)
        async with self.repository.pool.acquire() as connection, connection.transaction():
            await self.repository.tell(connection, one.player_id, check, sums)
            await tell(connection, reality_check_told(one.player_id, now, check.check_id))
        if rules.reality_check_acknowledged:
            await self._bindings.bar(one.account_id, CHECK_BAR, FOREVER, deposits=False)
        if self.checks is not None:
            self.checks.tell(
                one.player_id,
                since=check.since,
                played_s=int((now - check.since).total_seconds()),
                staked_minor=check.staked,
                won_minor=check.won,
                currency=rules.currency,
            )

    async def _time_over(self, player_id: uuid.UUID, now: datetime) -> datetime | None:
        """Until when a player's session time is used; None while there is some left."""
        state = await self._protection.repository.state(player_id)
        rules = self._rules.current
        today = now.astimezone(ZoneInfo(rules.timezone)).date()
        over = [
            window(period, now, rules.timezone)[1]
            for (kind, period), minutes in self._protection.in_force(state).items()
            if kind == "session"
            and await self.repository.time_since(player_id, first_day(period, today)) >= minutes * 60
        ]
        return max(over, default=None)

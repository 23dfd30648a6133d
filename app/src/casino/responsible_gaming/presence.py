"""Time with a session: reality checks, limits of session time, and the statement of a player's activity."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from casino.compliance.api import RulesInForce
from casino.kernel.clock import Clock
from casino.kernel.errors import CasinoError
from casino.kernel.events.relay import OUTAGES
from casino.kernel.identity import new_id
from casino.pam.api import SessionStore
from casino.realtime.api import RealityChecks
from casino.responsible_gaming.events import reality_check_told, tell
from casino.responsible_gaming.exclusions import FOREVER
from casino.responsible_gaming.protection import Protection
from casino.responsible_gaming.repository import PlayerState
from casino.responsible_gaming.repository_presence import PresenceRepository, Present, RealityCheck, Spent
from casino.responsible_gaming.windows import PERIODS, Period, by_day, first_day, window
from casino.wallet.api import PlayerLimits

log = logging.getLogger(__name__)

LOOK_EVERY = timedelta(seconds=10)
"""How often sessions are looked at: by so much, and a job's delay, session time and checks may be late."""
NO_TIME_LEFT_OUT = 6 * LOOK_EVERY
"""Who comes back within so much of the last look has not been away."""
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

    async def count_up(self, player_id: uuid.UUID) -> None:
        """Before a further session: count what has passed with one that is open, which may end with the new one.

        Who has none any more is taken out, so that their new session begins with no time; but not who was seen just
        now: to log out and in again between two looks leaves no time out.
        """
        one, now = await self.repository.find(player_id), self._clock.now()
        if one is None:
            return
        if (await self._sessions.present([player_id])).get(player_id):
            await self._count([one], now)
        elif now - one.looked_at > NO_TIME_LEFT_OUT:
            await self.repository.end([one])

    async def begin(self, player_id: uuid.UUID, account_id: int) -> None:
        """A session was opened."""
        await self.repository.begin(player_id, account_id, self._clock.now())

    async def require_time(self, player_id: uuid.UUID) -> None:
        """Refuse a session with SessionTimeOver to who has used their time."""
        until = (await self._times_over([player_id], self._clock.now())).get(player_id)
        if until is not None:
            raise SessionTimeOver(f"The limit of session time is used until {until.isoformat(timespec='minutes')}.")

    async def minutes(self, player_id: uuid.UUID) -> dict[tuple[str, str], tuple[int, datetime]]:
        """Whole minutes with a session in each window that runs, as `("session", period)`, and when that ends."""
        now, timezone = self._clock.now(), self._rules.current.timezone
        today = now.astimezone(ZoneInfo(timezone)).date()
        spent = await self.repository.times_since([player_id], {one: first_day(one, today) for one in PERIODS})
        seconds = spent.get(player_id, {})
        return {("session", one): (seconds.get(one, 0) // 60, window(one, now, timezone)[1]) for one in PERIODS}

    async def look(self) -> int:
        """Look after who has a session; answers for how many players. For a job, each `LOOK_EVERY`.

        A batch of whom nobody is due anything takes two round trips to Redis and five to the database.
        """
        rules = self._rules.current
        everybody = rules.reality_check_minutes is not None or any(one.kind == "session" for one in rules.limits)
        looked, after = 0, None
        while batch := await self.repository.present(BATCH, after, everybody=everybody):
            await self._look_at_each(batch, await self._sessions.present([one.player_id for one in batch]))
            looked, after = looked + len(batch), batch[-1].player_id
            if len(batch) < BATCH:
                break
        return looked

    async def acknowledge(self, player_id: uuid.UUID, account_id: int, check_id: uuid.UUID) -> None:
        """The player has seen a check, and plays on. Raises RealityCheckUnknown."""
        if not await self.repository.acknowledge(player_id, check_id, self._clock.now()):
            raise RealityCheckUnknown("The player was told no such reality check.")
        if not await self.repository.unacknowledged(player_id):
            await self._bindings.bar(account_id, CHECK_BAR, None, deposits=False)

    async def _look_at_each(self, batch: Sequence[Present], there: Mapping[uuid.UUID, bool]) -> None:
        """All at once, or one by one where that fails: one player's fault must not stop the others."""
        try:
            await self._look_at(batch, there)
        except OUTAGES:
            raise
        except Exception:
            if len(batch) == 1:
                _not_looked_at(batch[0])
                return
            for one in batch:
                await self._look_at_each([one], there)

    async def _look_at(self, batch: Sequence[Present], there: Mapping[uuid.UUID, bool]) -> None:
        now, minutes = self._clock.now(), self._rules.current.reality_check_minutes
        for one in batch:
            if one.player_id not in there:
                log.error("it is not known whether a player has a session", extra={"player_id": str(one.player_id)})
        if gone := [one for one in batch if there.get(one.player_id) is False]:
            await self.repository.end(gone)
        here = [one for one in batch if there.get(one.player_id)]
        await self._count(here, now)
        over = await self._times_over([one.player_id for one in here], now)
        for one in here:
            try:
                if one.player_id in over:
                    await self._close(one, over[one.player_id])
                elif minutes is not None and now - one.told_at >= timedelta(minutes=minutes):
                    await self._tell(one, now)
            except Exception:
                _not_looked_at(one)

    async def _count(self, here: Sequence[Present], now: datetime) -> None:
        """Count the time since the last look. What is no whole second yet is counted with the next one."""
        timezone, spent = self._rules.current.timezone, []
        for one in here:
            if days := by_day(one.looked_at, now, timezone):
                until = one.looked_at + timedelta(seconds=sum(seconds for _, seconds in days))
                spent.append(Spent(one.player_id, one.looked_at, until, days))
        if spent:
            await self.repository.add_time(spent)

    async def _close(self, one: Present, until: datetime) -> None:
        # The wallet first: what is under way may not stake any more when its session ends.
        await self._bindings.bar(one.account_id, TIME_BAR, until, deposits=False)
        await self._sessions.revoke_all(one.player_id)
        await self.repository.end([one])

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

    async def _times_over(self, player_ids: Sequence[uuid.UUID], now: datetime) -> dict[uuid.UUID, datetime]:
        """Until when session time is used, of those players who have none left."""
        rules, own = self._rules.current, await self.repository.limits(player_ids)
        limits: dict[uuid.UUID, dict[Period, int]] = {}
        for player_id in player_ids:
            found = self._protection.in_force(PlayerState(player_id, limits=own.get(player_id, {})))
            if times := {period: minutes for (kind, period), minutes in found.items() if kind == "session"}:
                limits[player_id] = times
        if not limits:
            return {}
        today = now.astimezone(ZoneInfo(rules.timezone)).date()
        spent = await self.repository.times_since(list(limits), {one: first_day(one, today) for one in PERIODS})
        ends = {period: window(period, now, rules.timezone)[1] for period in PERIODS}
        over: dict[uuid.UUID, datetime] = {}
        for player_id, times in limits.items():
            used = spent.get(player_id, {})
            if full := [ends[period] for period, minutes in times.items() if used.get(period, 0) >= minutes * 60]:
                over[player_id] = max(full)
        return over


def _not_looked_at(one: Present) -> None:
    log.exception("a player's session was not looked at", extra={"player_id": str(one.player_id)})

"""Sessions in Redis: opaque tokens, stored hashed, that end after a time of inactivity."""

from __future__ import annotations

import hashlib
import json
import secrets
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, cast

from redis.asyncio import Redis
from redis.exceptions import WatchError

from casino.kernel.batching import Batcher
from casino.kernel.clock import Clock
from casino.kernel.identity import Principal
from casino.kernel.settings import Settings

LONGEST = timedelta(days=30)
"""No session lives for longer, however busy it is: by then the list of the player's sessions may have forgotten it."""


def session_key(prefix: str, token: str) -> str:
    """Where a session's record is. Who reads Redis learns no token that would be let in."""
    return f"{prefix}session:{hashlib.sha256(token.encode()).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Located:
    """Until when, and from which address (hashed), a session counts as located."""

    until: datetime
    address_hash: str


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """A session as its player sees it in a list."""

    session_id: str
    started_at: datetime
    authenticated_at: datetime


class SessionStore:
    """`idle_s` tells the seconds without a request after which a session is gone; `exclusive`, whether a player has
    one at a time. Both are asked each time: the rules may change."""

    def __init__(
        self,
        redis: Redis,
        settings: Settings,
        clock: Clock,
        idle_s: Callable[[], int],
        *,
        exclusive: Callable[[], bool] = lambda: False,
    ) -> None:
        self._redis = redis
        self._prefix = settings.redis_prefix
        self._clock = clock
        self._idle = idle_s
        self._exclusive = exclusive
        # One at a time, so that they gather; so large that nobody waits for more than the batch before their own.
        self._lookups: Batcher[str, str | None] = Batcher(self._get_all, lanes=1, size=256)

    @property
    def _idle_s(self) -> int:
        return self._idle()

    async def open(
        self,
        player_id: uuid.UUID,
        account_id: int,
        date_of_birth: date,
        *,
        may_play: bool = True,
        located: Located | None = None,
    ) -> tuple[str, datetime]:
        """A new token and when it ends unless it is used."""
        token = secrets.token_urlsafe(32)
        now = self._clock.now()
        record = {
            "player_id": str(player_id),
            "account_id": account_id,
            "date_of_birth": date_of_birth.isoformat(),
            "started_at": now.isoformat(),
            "authenticated_at": now.isoformat(),
            "csrf_token": secrets.token_urlsafe(24),
            "session_id": secrets.token_hex(8),
            "may_play": may_play,
        } | _located(located)
        key = self._key(token)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.set(key, json.dumps(record), ex=self._idle_s)
            pipe.sadd(self._list_key(player_id), key)
            pipe.expire(self._list_key(player_id), LONGEST)
            await pipe.execute()
        if self._exclusive():
            await self._only(player_id, key)
        return token, now + timedelta(seconds=self._idle_s)

    async def find(self, token: str) -> Principal | None:
        """The session's principal, its idle time begun anew; at most one round trip."""
        raw = await self._lookups.ask(self._key(token))
        if raw is None:
            return None
        record = json.loads(raw)
        started_at = datetime.fromisoformat(record["started_at"])
        if self._clock.now() - started_at > LONGEST:
            return None
        return Principal(
            player_id=uuid.UUID(record["player_id"]),
            account_id=record["account_id"],
            date_of_birth=date.fromisoformat(record["date_of_birth"]),
            started_at=started_at,
            csrf_token=record["csrf_token"],
            session_id=record.get("session_id", ""),
            authenticated_at=datetime.fromisoformat(record.get("authenticated_at", record["started_at"])),
            may_play=record.get("may_play", True),
            located_until=datetime.fromisoformat(record["located_until"]) if "located_until" in record else None,
            located_from=record.get("located_from", ""),
        )

    async def _get_all(self, keys: list[str]) -> Sequence[str | BaseException | None]:
        pipe = self._redis.pipeline(transaction=False)
        for key in keys:
            pipe.getex(key, ex=self._idle_s)
        found: Sequence[str | BaseException | None] = await pipe.execute(raise_on_error=False)
        return found

    async def close(self, token: str) -> None:
        await self._redis.delete(self._key(token))

    async def authenticated(self, token: str) -> datetime:
        """Note in the session that its player proved anew who they are; a session that ended stays ended."""
        now = self._clock.now()
        await self._amend(token, {"authenticated_at": now.isoformat()})
        return now

    async def located(self, token: str, located: Located) -> None:
        """Note where the session was found to be; a session that ended stays ended."""
        await self._amend(token, _located(located))

    async def set_may_play(self, player_id: uuid.UUID, *, may_play: bool) -> None:
        """The account's status changed: what its open sessions may do changes with it."""
        for key, _ in await self._records(player_id):
            await self._change(key, {"may_play": may_play})

    async def open_sessions(self, player_id: uuid.UUID) -> list[SessionSummary]:
        """The player's open sessions, oldest first."""
        return sorted(
            (
                SessionSummary(
                    session_id=record["session_id"],
                    started_at=datetime.fromisoformat(record["started_at"]),
                    authenticated_at=datetime.fromisoformat(record["authenticated_at"]),
                )
                for _, record in await self._records(player_id)
            ),
            key=lambda one: one.started_at,
        )

    async def present(self, player_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, bool]:
        """Which of the players have an open session, in two round trips; without those of whom Redis does not tell."""
        lists = self._redis.pipeline(transaction=False)
        for player_id in player_ids:
            lists.smembers(self._list_key(player_id))
        told = zip(player_ids, await lists.execute(raise_on_error=False), strict=True)
        known = {player_id: keys for player_id, keys in told if not isinstance(keys, BaseException)}
        listed = [player_id for player_id, keys in known.items() if keys]
        sessions = self._redis.pipeline(transaction=False)
        for player_id in listed:
            sessions.exists(*known[player_id])
        there = dict(zip(listed, await sessions.execute() if listed else (), strict=True))
        return {player_id: there.get(player_id, 0) > 0 for player_id in known}

    async def revoke(self, player_id: uuid.UUID, session_id: str) -> bool:
        """End one of the player's sessions; false when there is none of that name."""
        for key, record in await self._records(player_id):
            if secrets.compare_digest(record["session_id"].encode(), session_id.encode()):
                return bool(await self._redis.delete(key))
        return False

    async def revoke_all(self, player_id: uuid.UUID, *, but: str | None = None) -> int:
        """End the player's sessions, but for the one of token `but`; answers how many ended."""
        kept = self._key(but) if but is not None else None
        found = cast(set[str], await self._redis.smembers(self._list_key(player_id)))
        keys = [key for key in found if key != kept]
        return int(await self._redis.delete(*keys)) if keys else 0

    async def _only(self, player_id: uuid.UUID, key: str) -> None:
        # The swap decides between two log-ins of the same moment: each but the last is somebody's predecessor.
        before = cast(str | None, await self._redis.set(f"{self._list_key(player_id)}:only", key, ex=LONGEST, get=True))
        if before is not None and before != key:
            await self._redis.delete(before)

    async def _amend(self, token: str, changes: dict[str, Any]) -> None:
        await self._change(self._key(token), changes)

    async def _change(self, key: str, changes: dict[str, Any]) -> None:
        """Change fields of a session that is there; of two changes at once, the second to what the first left."""
        async with self._redis.pipeline(transaction=True) as pipe:
            while True:
                await pipe.watch(key)
                raw = await pipe.get(key)
                if raw is None:
                    return
                pipe.multi()  # type: ignore[no-untyped-call]
                pipe.set(key, json.dumps(json.loads(raw) | changes), ex=self._idle_s, xx=True)
                try:
                    await pipe.execute()
                except WatchError:
                    continue
                return

    async def _records(self, player_id: uuid.UUID) -> list[tuple[str, Any]]:
        list_key = self._list_key(player_id)
        keys = sorted(cast(set[str], await self._redis.smembers(list_key)))
        if not keys:
            return []
        values = await self._redis.mget(keys)
        gone = [key for key, value in zip(keys, values, strict=True) if value is None]
        if gone:
            await self._redis.srem(list_key, *gone)
        return [(key, json.loads(value)) for key, value in zip(keys, values, strict=True) if value is not None]

    def _list_key(self, player_id: uuid.UUID) -> str:
        return f"{self._prefix}sessions:{player_id}"

    def _key(self, token: str) -> str:
        return session_key(self._prefix, token)


def _located(located: Located | None) -> dict[str, Any]:
    if located is None:
        return {}
    return {"located_until": located.until.isoformat(), "located_from": located.address_hash}


class Throttle:
    """Counts attempts by a name and forgets them by itself. Names are hashed: they may be addresses."""

    def __init__(self, redis: Redis, settings: Settings, what: str, *, limit: int, window_s: int) -> None:
        self._redis = redis
        self._prefix = f"{settings.redis_prefix}{what}:"
        self._limit = limit
        self._window_s = window_s

    async def attempt(self, name: str) -> int:
        """Count an attempt; answers 0, or the seconds to wait when there were too many.

        Counted before anything is checked, so attempts sent at the same moment cannot pass together.
        """
        key = self._key(name)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.set(key, 0, ex=self._window_s, nx=True)
            pipe.incr(key)
            pipe.ttl(key)
            _, count, ttl = await pipe.execute()
        return max(int(ttl), 1) if count > self._limit else 0

    async def forget(self, name: str) -> None:
        """It was right."""
        await self._redis.delete(self._key(name))

    def _key(self, name: str) -> str:
        return self._prefix + hashlib.sha256(name.encode()).hexdigest()


class LoginThrottle(Throttle):
    """Counts failed log-ins per address."""

    LIMIT = 10
    WINDOW_S = 15 * 60

    def __init__(self, redis: Redis, settings: Settings) -> None:
        super().__init__(redis, settings, "login", limit=self.LIMIT, window_s=self.WINDOW_S)

"""Sessions in Redis: opaque tokens, stored hashed, that end after a time of inactivity."""

from __future__ import annotations

import hashlib
import json
import secrets
import uuid
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta

from redis.asyncio import Redis

from casino.kernel.batching import Batcher
from casino.kernel.clock import Clock
from casino.kernel.identity import Principal
from casino.kernel.settings import Settings


class SessionStore:
    """`idle_s` tells the seconds without a request after which a session is gone."""

    def __init__(self, redis: Redis, settings: Settings, clock: Clock, idle_s: Callable[[], int]) -> None:
        self._redis = redis
        self._prefix = settings.redis_prefix
        self._clock = clock
        self._idle_s = idle_s
        # One at a time, so that they gather; so large that nobody waits for more than the batch before their own.
        self._lookups: Batcher[str, str | None] = Batcher(self._get_all, lanes=1, size=256)

    async def open(self, player_id: uuid.UUID, account_id: int, date_of_birth: date) -> tuple[str, datetime]:
        """A new token and when it ends unless it is used."""
        token = secrets.token_urlsafe(32)
        now, idle_s = self._clock.now(), self._idle_s()
        record = {
            "player_id": str(player_id),
            "account_id": account_id,
            "date_of_birth": date_of_birth.isoformat(),
            "started_at": now.isoformat(),
            "csrf_token": secrets.token_urlsafe(24),
        }
        await self._redis.set(self._key(token), json.dumps(record), ex=idle_s)
        return token, now + timedelta(seconds=idle_s)

    async def find(self, token: str) -> Principal | None:
        """The session's principal, its idle time begun anew; at most one round trip."""
        raw = await self._lookups.ask(self._key(token))
        if raw is None:
            return None
        record = json.loads(raw)
        return Principal(
            player_id=uuid.UUID(record["player_id"]),
            account_id=record["account_id"],
            date_of_birth=date.fromisoformat(record["date_of_birth"]),
            started_at=datetime.fromisoformat(record["started_at"]),
            csrf_token=record["csrf_token"],
        )

    async def _get_all(self, keys: list[str]) -> Sequence[str | BaseException | None]:
        pipe = self._redis.pipeline(transaction=False)
        idle_s = self._idle_s()
        for key in keys:
            pipe.getex(key, ex=idle_s)
        found: Sequence[str | BaseException | None] = await pipe.execute(raise_on_error=False)
        return found

    async def close(self, token: str) -> None:
        await self._redis.delete(self._key(token))

    def _key(self, token: str) -> str:
        # Who reads Redis learns no token that would be let in.
        return f"{self._prefix}session:{hashlib.sha256(token.encode()).hexdigest()}"


class LoginThrottle:
    """Counts failed log-ins per address; Redis forgets them by itself."""

    LIMIT = 10
    WINDOW_S = 15 * 60

    def __init__(self, redis: Redis, settings: Settings) -> None:
        self._redis = redis
        self._prefix = settings.redis_prefix

    async def attempt(self, email_key: str) -> int:
        """Count an attempt; answers 0, or the seconds to wait when there were too many.

        Counted before the password is checked, so attempts sent at the same moment cannot pass together.
        """
        key = self._key(email_key)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.set(key, 0, ex=self.WINDOW_S, nx=True)
            pipe.incr(key)
            pipe.ttl(key)
            _, count, ttl = await pipe.execute()
        return max(int(ttl), 1) if count > self.LIMIT else 0

    async def forget(self, email_key: str) -> None:
        """The password was right."""
        await self._redis.delete(self._key(email_key))

    def _key(self, email_key: str) -> str:
        return f"{self._prefix}login:{hashlib.sha256(email_key.encode()).hexdigest()}"

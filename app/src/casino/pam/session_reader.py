"""Looks at sessions without touching them: a page that only stays connected must not keep a session from ending."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from redis.asyncio import Redis

from casino.kernel.clock import Clock
from casino.kernel.settings import Settings
from casino.pam.sessions import LONGEST, session_key
from casino.realtime.api import Session


class SessionReader:
    """What casino.realtime asks of sessions; the records are SessionStore's."""

    def __init__(self, redis: Redis, settings: Settings, clock: Clock) -> None:
        self._redis = redis
        self._prefix = settings.redis_prefix
        self._clock = clock

    async def find(self, token: str) -> Session | None:
        """The session of a token, or None. It ends no later for having been looked at."""
        key = session_key(self._prefix, token)
        pipe = self._redis.pipeline(transaction=False)
        pipe.get(key)
        pipe.pttl(key)
        raw, left = await pipe.execute()
        if raw is None or left == _GONE:
            return None
        record: dict[str, Any] = json.loads(raw)
        if self._clock.now() - datetime.fromisoformat(record["started_at"]) > LONGEST:
            return None
        return Session(uuid.UUID(record["player_id"]), record["csrf_token"], key, _seconds(left))

    async def remaining_s(self, keys: Sequence[str]) -> Sequence[float | None]:
        """How long sessions have left; None for those that are gone."""
        pipe = self._redis.pipeline(transaction=False)
        for key in keys:
            pipe.pttl(key)
        return [None if left == _GONE else _seconds(left) for left in await pipe.execute()]


_GONE, _FOR_EVER = -2, -1


def _seconds(left_ms: int) -> float:
    return LONGEST.total_seconds() if left_ms == _FOR_EVER else left_ms / 1000

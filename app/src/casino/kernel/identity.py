"""Who is asking: the principal of a request, and identifiers."""

from __future__ import annotations

import os
import time
import uuid
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Principal:
    """A player with a session. Everything that a bet needs to know of them, so that it need not be asked again."""

    player_id: uuid.UUID
    account_id: int
    date_of_birth: date
    started_at: datetime
    csrf_token: str
    session_id: str = ""
    """Names the session in lists; it opens nothing."""
    authenticated_at: datetime | None = None
    """When the player last proved who they are in this session; None counts as never."""
    may_play: bool = True
    """Whether the account's status lets it deposit and bet."""
    located_until: datetime | None = None
    """How long the session counts as located, where the rules ask for it."""
    located_from: str = ""
    """From which address, hashed (kernel/addresses.py)."""


class Authenticator(Protocol):
    """Turns a session's token into a principal, or None; the session's idle time begins anew."""

    async def authenticate(self, token: str) -> Principal | None: ...


def new_id() -> uuid.UUID:
    """A UUID of version 7 (RFC 9562): milliseconds first, so that the index of a journal grows at its end."""
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=value)

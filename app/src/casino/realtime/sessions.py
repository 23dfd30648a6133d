"""What real time needs to know of a session. Who has the sessions answers it (pam); looking does not lengthen one."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Session:
    """`key` is what to ask by whether it still lives; the token itself is not kept."""

    player_id: uuid.UUID
    csrf_token: str
    key: str
    ends_in_s: float


class Sessions(Protocol):
    """Sessions by token, and how long they have left. Both raise what the store raises when it does not answer."""

    async def find(self, token: str) -> Session | None: ...

    async def remaining_s(self, keys: Sequence[str]) -> Sequence[float | None]: ...

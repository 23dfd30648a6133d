"""The recent past of topics, and what of it a client that comes back has missed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from casino.realtime.protocol import Place, Position
from casino.realtime.topics import Topic


@dataclass(frozen=True, slots=True)
class Past:
    """`whole` is false when messages after the asked place are lost: the client has to fetch what it missed."""

    messages: Sequence[tuple[Place, str]]
    whole: bool
    last: Place | None


class History(Protocol):
    """The recent past of topics: messages with their places, oldest first."""

    async def since(self, topic: Topic, after: Position | None) -> Past: ...

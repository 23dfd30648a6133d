"""What a client that reads too slowly has not been sent yet. Pure, and bounded."""

from __future__ import annotations

from collections.abc import Hashable


class Backlog:
    """Frames in their order. The newest of a state takes the place of an older one that is still waiting."""

    __slots__ = ("_events", "_most", "_waiting")

    def __init__(self, most_events: int) -> None:
        self._waiting: dict[Hashable, bytes] = {}
        self._most = most_events
        self._events = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def put_state(self, topic: str, frame: bytes) -> None:
        """At the end of the queue, in place of the topic's older one."""
        self._waiting.pop(topic, None)
        self._waiting[topic] = frame

    def put_event(self, frame: bytes) -> bool:
        """False when there is no room: the client is too slow, and events are not left out in silence."""
        if self._events >= self._most:
            return False
        self._waiting[object()] = frame
        self._events += 1
        return True

    def take(self) -> bytes:
        """The oldest. Raises KeyError when nothing waits."""
        key = next(iter(self._waiting), None)
        if key is None:
            raise KeyError("nothing waits")
        if not isinstance(key, str):
            self._events -= 1
        return self._waiting.pop(key)

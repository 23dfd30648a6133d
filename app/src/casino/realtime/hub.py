"""All connections of the process: who is subscribed to what, who is too many, and who has gone silent."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import urlsplit

from prometheus_client import generate_latest
from websockets.datastructures import MultipleValuesError
from websockets.http11 import Request

from casino.kernel.metrics import REGISTRY
from casino.kernel.tasks import end
from casino.realtime.connection import Connection
from casino.realtime.metrics import CONNECTIONS, DELIVERIES, MESSAGES
from casino.realtime.past import History
from casino.realtime.protocol import PING, Code, Place, Position, Refused, answer, message
from casino.realtime.sessions import Session, Sessions
from casino.realtime.settings import Limits, RealtimeSettings
from casino.realtime.topics import Topic

log = logging.getLogger(__name__)

PATH = "/ws"
AT_ONCE = 500
"""So many are written to before others get their turn."""
HELD = 1000
"""So many messages are kept for a connection that is still being told of the past."""


@dataclass(slots=True)
class Subscribers:
    """Of one topic. Those that `catch_up` have been told of the past up to a place, and those that `wait` not yet."""

    topic: Topic
    ready: set[Connection] = field(default_factory=set)
    catch_up: dict[Connection, Place] = field(default_factory=dict)
    wait: dict[Connection, deque[tuple[Place, bytes]]] = field(default_factory=dict)
    last: Place | None = None

    @property
    def empty(self) -> bool:
        return not (self.ready or self.catch_up or self.wait)


class Hub:
    """`clock` gives seconds that only ever grow; the hub reads it once a second, which is as exact as it needs."""

    def __init__(
        self,
        sessions: Sessions,
        history: History,
        settings: RealtimeSettings,
        *,
        cookie_name: str = "",
        ready: Callable[[], bool] = lambda: True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.sessions = sessions
        self.now = clock()
        self.draining = False
        self._history = history
        self._settings = settings
        self._origins = frozenset(origin.rstrip("/").lower() for origin in settings.origins)
        self._cookie_name = cookie_name
        self._ready = ready
        self._clock = clock
        self._connections: set[Connection] = set()
        self._players: Counter[uuid.UUID] = Counter()
        self._topics: dict[str, Subscribers] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._connections)

    def factory(self) -> Connection:
        """For `loop.create_server`."""
        return Connection(self)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run beside; kept, since the loop itself holds tasks weakly."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # Connections come and go.

    def opened(self, connection: Connection) -> None:
        self._connections.add(connection)
        CONNECTIONS.set(len(self._connections))

    def lost(self, connection: Connection) -> None:
        self._connections.discard(connection)
        CONNECTIONS.set(len(self._connections))
        if connection.session is not None:
            player = connection.session.player_id
            self._players[player] -= 1
            if not self._players[player]:
                del self._players[player]
        for topic in connection.topics.values():
            self.unsubscribe(connection, topic)
        connection.topics = {}

    def authenticated(self, connection: Connection, session: Session) -> None:
        """Count a connection as its player's. Raises Refused when the player has too many."""
        if self._players[session.player_id] >= self._settings.connections_per_player:
            raise Refused(Code.TOO_MANY_CONNECTIONS, "the player has too many connections")
        self._players[session.player_id] += 1

    def answer_to(self, request: Request) -> tuple[HTTPStatus, str] | None:
        """What an HTTP request is answered with; None for one that may become a WebSocket."""
        path = request.path.partition("?")[0]
        if path == "/healthz":
            return HTTPStatus.OK, "ok\n"
        if path == "/readyz":
            return (HTTPStatus.OK, "ready\n") if self._is_ready() else (HTTPStatus.SERVICE_UNAVAILABLE, "not ready\n")
        if path == "/metrics":
            return HTTPStatus.OK, generate_latest(REGISTRY).decode()
        return self._refusal(request)

    def _refusal(self, request: Request) -> tuple[HTTPStatus, str] | None:
        if request.path != PATH:
            return HTTPStatus.NOT_FOUND, "WebSockets are at /ws, without a query: a token never stands in a URL.\n"
        if not self._is_ready() or len(self._connections) > self._settings.connections:
            return HTTPStatus.SERVICE_UNAVAILABLE, "Try again in a few seconds.\n"
        if not self._is_ours(request):
            return HTTPStatus.FORBIDDEN, "This page may not connect.\n"
        return None

    def cookie_of(self, request: Request) -> str | None:
        """The session's cookie. Only a page sends one that counts: with its Origin, which was checked."""
        try:
            raw, origin = request.headers.get("Cookie"), request.headers.get("Origin")
            if not raw or not origin or not self._cookie_name:
                return None
            found = SimpleCookie(raw).get(self._cookie_name)
        except (CookieError, MultipleValuesError):
            return None
        return found.value if found and 0 < len(found.value) <= 256 else None

    def _is_ready(self) -> bool:
        return not self.draining and self._ready()

    def _is_ours(self, request: Request) -> bool:
        """Browsers always say which page connects. By name, not by port, as for the page's forms."""
        try:
            origin, host = request.headers.get("Origin"), request.headers.get("Host", "")
            if origin is None or origin.lower() in self._origins:
                return True
            asked = urlsplit(f"//{host}").hostname
            return asked is not None and urlsplit(origin).hostname == asked
        except (ValueError, MultipleValuesError):
            return False

    # Topics.

    async def subscribe(self, connection: Connection, topic: Topic, after: Position | None) -> None:
        """Tell the connection what it missed, and from then on what comes. What comes meanwhile is held back."""
        subscribers = self._topics.setdefault(topic.key, Subscribers(topic))
        self._forget(connection, subscribers)
        held = subscribers.wait[connection] = deque(maxlen=HELD)
        connection.topics[topic.shown] = topic
        try:
            past = await self._history.since(topic, after)
        except BaseException:
            connection.topics.pop(topic.shown, None)
            self.unsubscribe(connection, topic)
            raise
        if not connection.is_open or subscribers.wait.pop(connection, None) is None:
            self._tidy(subscribers)
            return
        if topic.kind == "event" and len(held) == HELD:
            raise Refused(Code.TRY_LATER, "more came than could be held back")
        last = past.last
        at = {"run": last.run, "seq": last.seq} if last else {}
        told = [answer("subscribed", topic=topic.shown, whole=past.whole, **at)]
        told += [message(topic.shown, place, body) for place, body in past.messages]
        # At once, however slow the client: it is bounded, and asked for.
        connection.write(b"".join(told))
        for place, frame in held:
            if last is None or place > last:
                connection.deliver(topic, frame)
                last = place
        if last is None:
            subscribers.ready.add(connection)
        else:
            subscribers.catch_up[connection] = last
            if subscribers.last is None:
                # What the feed says next is held against what this first listener was told: a loss in between shows.
                subscribers.last = past.last

    def unsubscribe(self, connection: Connection, topic: Topic) -> None:
        """Harmless for who is not subscribed."""
        subscribers = self._topics.get(topic.key)
        if subscribers is not None:
            self._forget(connection, subscribers)
            self._tidy(subscribers)

    def last_of(self, topic: Topic) -> Place | None:
        """The last message of a topic that this process has passed on, while somebody listens."""
        subscribers = self._topics.get(topic.key)
        return subscribers.last if subscribers is not None else None

    async def publish(self, topic: Topic, place: Place, body: str) -> int:
        """Give a message to all who are subscribed; answers how many. Others get their turn in between."""
        subscribers = self._topics.get(topic.key)
        if subscribers is None:
            return 0
        MESSAGES.labels(topic.key.partition(":")[0]).inc()
        frame = message(topic.shown, place, body)
        subscribers.last = place
        for held in subscribers.wait.values():
            held.append((place, frame))
        for connection, had in list(subscribers.catch_up.items()):
            if place > had:
                del subscribers.catch_up[connection]
                subscribers.ready.add(connection)
        ready = tuple(subscribers.ready)
        for start in range(0, len(ready), AT_ONCE):
            if start:
                await asyncio.sleep(0)
            for connection in ready[start : start + AT_ONCE]:
                if connection.blocked_since is None and connection.closing_since is None:
                    connection.write(frame)
                elif connection.closing_since is None:
                    connection.deliver(topic, frame)
        DELIVERIES.inc(len(ready))
        return len(ready)

    def tell_gap(self, topic: Topic, place: Place) -> None:
        """Tell all who are subscribed that what came up to `place` is lost to them, as a new subscription would."""
        subscribers = self._topics.get(topic.key)
        if subscribers is None:
            return
        frame = answer("subscribed", topic=topic.shown, whole=False, run=place.run, seq=place.seq)
        for held in subscribers.wait.values():
            held.append((place, frame))
        for connection, had in list(subscribers.catch_up.items()):
            if place > had:
                del subscribers.catch_up[connection]
                subscribers.ready.add(connection)
        for connection in tuple(subscribers.ready):
            if connection.closing_since is None:
                connection.deliver(topic, frame)

    @staticmethod
    def _forget(connection: Connection, subscribers: Subscribers) -> None:
        subscribers.ready.discard(connection)
        subscribers.catch_up.pop(connection, None)
        subscribers.wait.pop(connection, None)

    def _tidy(self, subscribers: Subscribers) -> None:
        if subscribers.empty and self._topics.get(subscribers.topic.key) is subscribers:
            del self._topics[subscribers.topic.key]

    # Time passes.

    async def run(self) -> None:
        """Look after the connections until cancelled."""
        while True:
            await asyncio.sleep(1)
            await self.sweep()

    async def sweep(self) -> None:
        """End what has ended: handshakes, silence, slowness, sessions. Ping who was not heard for a while."""
        self.now = self._clock()
        due = []
        for number, connection in enumerate(tuple(self._connections)):
            if number % 1000 == 999:
                await asyncio.sleep(0)
            self._look_at(connection)
            if connection.session is not None and connection.is_open and self._is_due(connection, connection.session):
                due.append(connection)
        for start in range(0, len(due), AT_ONCE):
            await self._check_sessions(due[start : start + AT_ONCE])

    def _look_at(self, connection: Connection) -> None:
        now = self.now
        if connection.closing_since is not None:
            if now - connection.closing_since >= Limits.closing_s:
                connection.abort()
        elif connection.session is None and now - connection.opened_at >= Limits.handshake_s:
            connection.close(Code.AUTHENTICATE_FIRST, "nobody has authenticated")
        elif connection.blocked_since is not None and now - connection.blocked_since >= Limits.blocked_s:
            connection.close(Code.TOO_SLOW, "the client does not read")
        elif now - connection.heard_at >= Limits.silent_s:
            connection.close(Code.SILENT, "the client does not answer")
        elif now - connection.heard_at >= Limits.heartbeat_s and connection.blocked_since is None:
            # Again with each look until it answers, which is cheap: a ping is two bytes, and few are silent.
            connection.write(PING)

    def _is_due(self, connection: Connection, session: Session) -> bool:
        since = self.now - connection.checked_at
        return since >= Limits.session_check_s or since >= session.ends_in_s

    async def _check_sessions(self, due: Sequence[Connection]) -> None:
        asked = [(one, one.session) for one in due if one.session is not None]
        try:
            left = await self.sessions.remaining_s([session.key for _, session in asked])
        except Exception:
            log.warning("sessions could not be looked at")
            # Nobody stays for longer than their session was known to.
            left = [max(0.0, session.ends_in_s - (self.now - one.checked_at)) or None for one, session in asked]
        for (connection, session), seconds in zip(asked, left, strict=True):
            if connection.session is not session:
                continue  # renewed meanwhile
            if seconds is None:
                connection.close(Code.SESSION_ENDED, "the session has ended")
            else:
                connection.session = Session(session.player_id, session.csrf_token, session.key, seconds)
                connection.checked_at = self.now

    async def drain(self, over_s: float) -> None:
        """Close all, a few at a time, so that they do not all come to another process at one moment."""
        self.draining = True
        connections = tuple(self._connections)
        step = max(1, len(connections) // 20)
        for start in range(0, len(connections), step):
            _say_goodbye(connections[start : start + step])
            await asyncio.sleep(over_s / 20)

    async def close(self) -> None:
        """End the tasks and the connections that are left."""
        await end(self._tasks)
        for connection in tuple(self._connections):
            connection.abort()


def _say_goodbye(connections: Iterable[Connection]) -> None:
    for connection in connections:
        connection.close(Code.GOING_AWAY, "the casino moves; connect again")

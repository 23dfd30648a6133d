"""One client's WebSocket: frames in, frames out, and the order in which they may come.

The frames are parsed by websockets' protocol without I/O; what goes out is written to the transport as it is, the same
bytes for all who are told the same. There is no task and no queue for a connection at rest.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections import deque
from typing import TYPE_CHECKING, Any, cast

from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from casino.realtime.backlog import Backlog
from casino.realtime.metrics import CLOSED, REPLACED
from casino.realtime.protocol import (
    MAX_MESSAGE_BYTES,
    SUBPROTOCOL,
    Asked,
    Authenticate,
    Code,
    Ping,
    Refused,
    Renew,
    Subscribe,
    Unsubscribe,
    answer,
    read,
)
from casino.realtime.settings import Limits
from casino.realtime.topics import Topic, visible

if TYPE_CHECKING:
    from casino.realtime.hub import Hub
    from casino.realtime.sessions import Session

log = logging.getLogger(__name__)
# Its own lines tell of each connection, and of what clients send.
_frames_log = logging.getLogger("casino.realtime.frames")
_frames_log.setLevel(logging.ERROR)

_SUBPROTOCOLS = [Subprotocol(SUBPROTOCOL)]


class Connection(asyncio.Protocol):
    """The state of one connection; the hub knows of all of them."""

    __slots__ = (
        "__weakref__",
        "_allowance",
        "_backlog",
        "_busy",
        "_fragments",
        "_hub",
        "_inbox",
        "_protocol",
        "_refilled_at",
        "_transport",
        "blocked_since",
        "checked_at",
        "closing_since",
        "cookie",
        "heard_at",
        "opened_at",
        "session",
        "topics",
        "write",
    )

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._protocol = ServerProtocol(subprotocols=_SUBPROTOCOLS, max_size=MAX_MESSAGE_BYTES, logger=_frames_log)
        self._transport: asyncio.Transport | None = None
        self._fragments: list[bytes] | None = None
        self._inbox: deque[Asked] | None = None
        self._backlog: Backlog | None = None
        self._busy = False
        self._allowance = float(Limits.burst)
        self.opened_at = self.heard_at = self._refilled_at = self.checked_at = hub.now
        self.blocked_since: float | None = None
        self.closing_since: float | None = None
        self.cookie: str | None = None
        self.session: Session | None = None
        self.topics: dict[str, Topic] = {}

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=Limits.buffered_bytes)
        self.write = self._transport.write
        self._hub.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self.write = _to_nobody
        self._inbox = self._fragments = self._backlog = None
        self._hub.lost(self)

    def data_received(self, data: bytes) -> None:
        self.heard_at = self._hub.now
        self._protocol.receive_data(data)
        events = self._protocol.events_received()
        self._flush()
        for event in events:
            if self.closing_since is not None:
                break
            try:
                if isinstance(event, Request):
                    self._handshake(event)
                else:
                    self._frame(cast(Frame, event))
            except Refused as refused:
                self.close(refused.code, refused.reason)
        self._note_the_end()

    def eof_received(self) -> bool:
        self._protocol.receive_eof()
        self._flush()
        return False  # and so the transport closes

    def pause_writing(self) -> None:
        self.blocked_since = self._hub.now

    def resume_writing(self) -> None:
        self.blocked_since = None
        while self._backlog and self.blocked_since is None:
            self.write(self._backlog.take())
        if not self._backlog:
            self._backlog = None

    # What the hub calls.

    @property
    def is_open(self) -> bool:
        """Whether the handshake is done and nobody has begun to close."""
        return self.closing_since is None and self._protocol.state is State.OPEN

    def deliver(self, topic: Topic, frame: bytes) -> None:
        """Send a message, now or when the client has read what it was sent before."""
        if self.blocked_since is None:
            self.write(frame)
            return
        if self._backlog is None:
            self._backlog = Backlog(Limits.backlog_events)
        if topic.kind == "state":
            REPLACED.inc()
            self._backlog.put_state(topic.key, frame)
        elif not self._backlog.put_event(frame):
            self.close(Code.TOO_SLOW, "events wait that the client has not read")

    def close(self, code: Code, reason: str) -> None:
        """Say why, and end. Harmless when that was done before."""
        if self.closing_since is not None:
            return
        if self._protocol.state is not State.OPEN:
            self.abort()
            return
        CLOSED.labels(code.name.lower()).inc()
        self._backlog = None
        self._protocol.fail(code, reason)
        self._flush()
        self._note_the_end()

    def abort(self) -> None:
        """Without a word."""
        self.closing_since = self.closing_since if self.closing_since is not None else self._hub.now
        if self._transport is not None:
            self._transport.abort()

    # Within.

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self.write(data)
            elif self._transport is not None and self._transport.can_write_eof():
                self._transport.write_eof()

    def _note_the_end(self) -> None:
        if self.closing_since is None and (self._protocol.state >= State.CLOSING or self._protocol.close_expected()):
            self.closing_since = self._hub.now
            self._inbox = self._fragments = None

    def _handshake(self, request: Request) -> None:
        refusal = self._hub.answer_to(request)
        if refusal is not None:
            response = self._protocol.reject(*refusal)
        else:
            response = self._protocol.accept(request)
            self.cookie = self._hub.cookie_of(request)
        self._protocol.send_response(response)
        self._flush()

    def _frame(self, frame: Frame) -> None:
        self._count()
        if frame.opcode is Opcode.BINARY:
            raise Refused(Code.BINARY, "messages are texts")
        if frame.opcode is Opcode.TEXT and frame.fin:
            self._asked(frame.data)
        elif frame.opcode is Opcode.TEXT:
            self._fragments = [bytes(frame.data)]
        elif frame.opcode is Opcode.CONT and self._fragments is not None:
            self._fragments.append(bytes(frame.data))  # the protocol bounds what they are together
            if frame.fin:
                whole, self._fragments = b"".join(self._fragments), None
                self._asked(whole)

    def _count(self) -> None:
        now = self._hub.now
        self._allowance = min(self._allowance + (now - self._refilled_at) * Limits.messages_per_s, float(Limits.burst))
        self._refilled_at = now
        self._allowance -= 1
        if self._allowance < 0:
            raise Refused(Code.TOO_MANY_MESSAGES, f"at most {Limits.messages_per_s} messages a second")

    def _asked(self, payload: bytes | bytearray | memoryview) -> None:
        asked = read(bytes(payload))
        if self._busy:
            # What came with or after a message that is still being answered; no more is read meanwhile.
            if self._inbox is None:
                self._inbox = deque()
            self._inbox.append(asked)
        else:
            self._do(asked)

    def _do(self, asked: Asked) -> None:
        if isinstance(asked, Ping):
            self.write(answer("pong"))
        elif isinstance(asked, Authenticate):
            if self.session is not None:
                raise Refused(Code.WRONG_ORDER, "authenticated already; a new token comes with `renew`")
            self._later(self._authenticate(asked))
        elif self.session is None:
            raise Refused(Code.WRONG_ORDER, "authenticate first")
        elif isinstance(asked, Renew):
            self._later(self._renew(asked))
        elif isinstance(asked, Subscribe):
            self._later(self._subscribe(asked, self.session))
        else:
            self._unsubscribe(asked, self.session)

    def _later(self, work: object) -> None:
        self._busy = True
        if self._transport is not None:
            self._transport.pause_reading()
        self._hub.spawn(self._run(work))

    async def _run(self, work: object) -> None:
        try:
            await work  # type: ignore[misc]
        except Refused as refused:
            self.close(refused.code, refused.reason)
        except Exception:
            log.exception("a message could not be answered")
            self.close(Code.TRY_LATER, "the casino could not answer")
        self._busy = False
        try:
            while self._inbox and not self._busy and self.closing_since is None:
                self._do(self._inbox.popleft())
        except Refused as refused:
            self.close(refused.code, refused.reason)
        if not self._busy and self._transport is not None and not self._transport.is_closing():
            self._inbox = None
            self._transport.resume_reading()

    async def _authenticate(self, asked: Authenticate) -> None:
        token, self.cookie = asked.token or self.cookie, None
        session = await self._hub.sessions.find(token) if token else None
        if session is None:
            raise Refused(Code.UNAUTHENTICATED, "no such session")
        if asked.csrf_token is not None and not hmac.compare_digest(
            asked.csrf_token.encode(), session.csrf_token.encode()
        ):
            raise Refused(Code.UNAUTHENTICATED, "not the session's CSRF token")
        if self.closing_since is None and self._transport is not None:
            self._hub.authenticated(self, session)
            self.session, self.checked_at = session, self._hub.now
            self._say("authenticated", session_ends_in_s=int(session.ends_in_s), heartbeat_s=Limits.heartbeat_s)

    async def _renew(self, asked: Renew) -> None:
        session = await self._hub.sessions.find(asked.token)
        if session is None or self.session is None or session.player_id != self.session.player_id:
            raise Refused(Code.UNAUTHENTICATED, "no session of this player")
        self.session, self.checked_at = session, self._hub.now
        self._say("renewed", session_ends_in_s=int(session.ends_in_s))

    async def _subscribe(self, asked: Subscribe, session: Session) -> None:
        topic = visible(asked.topic, session.player_id)
        if topic is None:
            raise Refused(Code.TOPIC_REFUSED, "no topic that this player may see")
        if topic.shown not in self.topics and len(self.topics) >= Limits.subscriptions:
            raise Refused(Code.TOO_MANY_SUBSCRIPTIONS, f"at most {Limits.subscriptions} topics")
        await self._hub.subscribe(self, topic, asked.after)

    def _unsubscribe(self, asked: Unsubscribe, session: Session) -> None:
        topic = self.topics.pop(asked.topic, None)
        if topic is not None:
            self._hub.unsubscribe(self, topic)
        self._say("unsubscribed", topic=asked.topic)

    def _say(self, op: str, **values: object) -> None:
        if self.closing_since is None:
            self.write(answer(op, **values))


def _to_nobody(data: bytes | bytearray | memoryview[Any]) -> None:
    """What is written to a connection that is lost."""

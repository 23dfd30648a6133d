"""Messages between client and casino, and the codes that connections are closed with (docs/realtime.md). Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

SUBPROTOCOL = "casino.v1"
MAX_MESSAGE_BYTES = 4096


class Code(IntEnum):
    """Why a connection was closed. Stable: clients branch on it. Below 4000 they are those of RFC 6455."""

    GOING_AWAY = 1001
    BINARY = 1003
    NOT_UTF8 = 1007
    TRY_LATER = 1013
    BAD_MESSAGE = 4400
    UNAUTHENTICATED = 4401
    TOPIC_REFUSED = 4403
    AUTHENTICATE_FIRST = 4408
    WRONG_ORDER = 4409
    SESSION_ENDED = 4410
    TOO_SLOW = 4411
    SILENT = 4412
    TOO_MANY_MESSAGES = 4429
    TOO_MANY_SUBSCRIPTIONS = 4430
    TOO_MANY_CONNECTIONS = 4431


class Refused(Exception):
    """What ends the connection: a code, and a sentence that holds nothing of what the client sent."""

    def __init__(self, code: Code, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


Token = Annotated[str, Field(min_length=1, max_length=256)]
TopicName = Annotated[str, Field(min_length=1, max_length=128)]
Number = Annotated[int, Field(ge=0, lt=2**53)]


class Authenticate(_Message):
    """`token` is the session's; a page whose token is in its cookie sends the session's CSRF token instead."""

    op: Literal["authenticate"]
    token: Token | None = None
    csrf_token: Token | None = None


class Renew(_Message):
    """Another session of the same player takes the place of the one that the connection was opened with."""

    op: Literal["renew"]
    token: Token


class Position(_Message):
    """A message of a topic: its place in a run. A topic that was forgotten begins another run."""

    run: Number
    seq: Number


class Subscribe(_Message):
    """`after` is the last message that the client had: what came since is sent first."""

    op: Literal["subscribe"]
    topic: TopicName
    after: Position | None = None


class Unsubscribe(_Message):
    op: Literal["unsubscribe"]
    topic: TopicName


class Ping(_Message):
    """Answered by a pong: for clients that cannot send the frames of that name."""

    op: Literal["ping"]


Asked = Authenticate | Renew | Subscribe | Unsubscribe | Ping
_ASKED: TypeAdapter[Asked] = TypeAdapter(Annotated[Asked, Field(discriminator="op")])


def read(payload: bytes) -> Asked:
    """A client's message. Raises Refused."""
    try:
        payload.decode()
    except UnicodeDecodeError:
        raise Refused(Code.NOT_UTF8, "a text is UTF-8") from None
    try:
        asked = _ASKED.validate_json(payload)
    except ValidationError:
        raise Refused(Code.BAD_MESSAGE, "not a message of this protocol") from None
    if isinstance(asked, Authenticate) and (asked.token is None) == (asked.csrf_token is None):
        raise Refused(Code.BAD_MESSAGE, "either a token or a CSRF token")
    return asked


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a message stands in its topic. A later run's messages are later than all of an earlier one."""

    run: int
    seq: int


def answer(op: str, **values: Any) -> bytes:
    """A frame with an answer of the casino's."""
    return frame(json.dumps({"op": op} | values, separators=(",", ":")).encode())


def message(shown: str, place: Place, body: str) -> bytes:
    """A frame with a message of a topic; `body` is JSON, `"at"` and `"data"` with their values, without braces."""
    text = f'{{"op":"message","topic":"{shown}","run":{place.run},"seq":{place.seq},{body}}}'
    return frame(text.encode())


def frame(payload: bytes) -> bytes:
    """A whole text frame from a server (RFC 6455, 5.2): the same bytes for whoever it goes to."""
    size = len(payload)
    if size < 126:
        return bytes((0x81, size)) + payload
    if size < 65536:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload


PING = b"\x89\x00"
"""A server's ping without a payload."""

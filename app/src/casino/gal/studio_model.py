"""What a studio and the casino say to each other, freed from the dialect it is said in. Pure values."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, Protocol

from casino.kernel.errors import CasinoError

Kind = Literal["session", "balance", "bet", "win", "rollback"]


class Fault(StrEnum):
    """Why a call is refused. Each dialect has a code of its own for each of them (docs/studios.md)."""

    SIGNATURE_INVALID = "signature_invalid"
    STALE = "stale"
    STUDIO_DISABLED = "studio_disabled"
    SYNTAX_INVALID = "syntax_invalid"
    TYPES_INVALID = "types_invalid"
    SESSION_UNKNOWN = "session_unknown"
    SESSION_EXPIRED = "session_expired"
    GAME_UNKNOWN = "game_unknown"
    CURRENCY_WRONG = "currency_wrong"
    PLAYER_DISABLED = "player_disabled"
    PLAY_CLOSED = "play_closed"
    """The casino takes no stakes from anybody: nothing is said of the player."""
    LIMIT_REACHED = "limit_reached"
    FUNDS_INSUFFICIENT = "funds_insufficient"
    TRANSACTION_REUSED = "transaction_reused"
    TRANSACTION_UNKNOWN = "transaction_unknown"
    TRANSACTION_ROLLED_BACK = "transaction_rolled_back"
    FREE_ROUNDS_UNKNOWN = "free_rounds_unknown"
    TECHNICAL = "technical"
    """Nothing is known of the outcome: the studio repeats the call."""


class StudioRefusal(CasinoError):
    """A call of a studio that is refused; a dialect turns it into its own answer."""

    status, code = 400, "STUDIO_CALL_REFUSED"
    rule = "docs/studios.md: what is refused, and by which code"

    def __init__(self, fault: Fault, message: str = "") -> None:
        super().__init__(message or fault.replace("_", " "))
        self.fault = fault


@dataclass(frozen=True, slots=True)
class RawRequest:
    """A call as it came: the path below the studio, headers by lower-case name, the body unread."""

    call: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """An answer as it goes: JSON."""

    status: int
    body: Mapping[str, Any]

    def encoded(self) -> bytes:
        return json.dumps(self.body, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that a studio asks for. Amounts are minor units, zero or more; identifiers are theirs.

    `player` is the player's id where the dialect names one. `reference` is the transaction that a win belongs to or
    a rollback undoes; `free_rounds` the grant that a free round is played from.
    """

    kind: Kind
    token: str | None = None
    player: str | None = None
    transaction_id: str = ""
    round_id: str = ""
    game_code: str | None = None
    currency: str | None = None
    amount_minor: int = 0
    reference: str | None = None
    closes: bool = False
    free_rounds: uuid.UUID | None = None

    def digest(self) -> bytes:
        """SHA-256 of what is asked, but for the session: a repeat may come in a new one, and signed anew."""
        asked = [
            self.kind, self.player, self.round_id, self.game_code, self.currency, self.amount_minor, self.reference,
            self.closes, str(self.free_rounds),
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(asked).encode()).digest()


@dataclass(frozen=True, slots=True)
class Batch:
    """What one call asks for, in order, and what its answer repeats of it."""

    actions: Sequence[Action]
    echo: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Result:
    """What an action came to. `balance_minor` is None where it is not known whose it would be."""

    action: Action
    fault: Fault | None
    player: str | None
    balance_minor: int | None


@dataclass(frozen=True, slots=True)
class Launch:
    """A session that a game is opened in. `token` is the player's for this game alone, and secret."""

    token: str
    player: str
    game_code: str
    lobby_url: str | None


@dataclass(frozen=True, slots=True)
class Grant:
    """Free rounds of one player on one game: `rounds` of them, each as if `bet_minor` were staked."""

    grant_id: uuid.UUID
    player: str
    game_code: str
    rounds: int
    bet_minor: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class StudioRequest:
    """A POST to a studio's own interface: a path below its URL."""

    path: str
    headers: Mapping[str, str]
    body: bytes


class Dialect(Protocol):
    """One studio's way to say it, with that studio's keys. No I/O; `now` is the injected clock's."""

    def read(self, request: RawRequest, now: datetime) -> Batch:
        """Check the signature and read the call. Raises StudioRefusal; nothing of the body is used before that."""
        ...

    def answer(self, batch: Batch, results: Sequence[Result]) -> RawAnswer:
        """The answer to a call; its actions end with the first that has a fault."""
        ...

    def refused(self, request: RawRequest, fault: Fault) -> RawAnswer:
        """The answer to a call that could not be read."""
        ...

    def launch(self, launch: Launch, now: datetime) -> str | StudioRequest:
        """The URL that opens the game, or what to ask the studio for one."""
        ...

    def launch_url(self, answer: Any) -> str:
        """The URL in what the studio answered. Raises ValueError."""
        ...

    def list_games(self, now: datetime) -> StudioRequest:
        """What asks the studio for its games: a signed call that changes nothing there."""
        ...

    def listed(self, answer: Any) -> bool:
        """Whether the studio has answered with its games."""
        ...

    def grant(self, grant: Grant, now: datetime) -> StudioRequest:
        """What tells the studio of free rounds; the same grant is told once however often it is sent."""
        ...

    def granted(self, answer: Any) -> bool:
        """Whether the studio has taken the grant."""
        ...

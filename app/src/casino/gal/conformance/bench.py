"""What a case of the suite works with: calls that are kept for the report, and expectations that end it."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import httpx

from casino.gal.conformance.wire import Ask, Heard, Wire
from casino.gal.studio_model import Fault

# A session is a secret for as long as it lives, and reports are sent about.
_SECRET = frozenset({"token", "sessionid"})
_SHOWN_BYTES = 2000


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What is tested, and as whom. What is None makes the cases that need it be skipped."""

    url: str
    token: str
    player: str
    game: str
    currency: str
    stake_minor: int = 10
    expired_token: str | None = None
    barred_token: str | None = None
    barred_player: str | None = None
    free_rounds: str | None = None


class Unmet(Exception):
    """An expectation that was not met."""

    def __init__(self, expected: str, got: str) -> None:
        super().__init__(f"expected {expected}, got {got}")
        self.expected, self.got = expected, got


@dataclass(frozen=True, slots=True)
class Exchange:
    """One call and its answer, as the report shows them."""

    call: str
    sent: Any
    http: int
    got: Any
    ms: float

    def as_json(self) -> dict[str, Any]:
        return {"call": self.call, "sent": self.sent, "http": self.http, "got": self.got, "ms": self.ms}


@dataclass
class Bench:
    """One case's calls. `send` raises Unmet for an endpoint that does not answer."""

    endpoint: Endpoint
    wire: Wire
    http: httpx.AsyncClient
    now_s: Callable[[], int] = field(default=lambda: int(time.time()))
    exchanges: list[Exchange] = field(default_factory=list)
    start_minor: int = 0

    async def send(self, *asks: Ask, body: bytes | None = None) -> Heard:
        """The answer to one call with these actions; `body` goes in place of theirs, with their signature."""
        sent = self.wire.send(asks, self.now_s())
        content = sent.body if body is None else body
        started = time.perf_counter()
        url = f"{self.endpoint.url.rstrip('/')}/{sent.path}"
        headers = {"Content-Type": "application/json", **sent.headers}
        try:
            answer = await self.http.post(url, content=content, headers=headers)
        except httpx.HTTPError as error:
            self._keep(sent.path, content, 0, b"", started)
            raise Unmet("an answer in time", type(error).__name__) from None
        self._keep(sent.path, content, answer.status_code, answer.content, started)
        return self.wire.hear(answer.status_code, answer.content)

    async def balance(self) -> int:
        """The player's balance now."""
        heard = await self.send(Ask("balance", token=self.endpoint.token, player=self.endpoint.player))
        self.ok(heard, "the balance")
        return self.has_balance(heard)

    def bet(self, amount: Any = None, **changes: Any) -> Ask:
        """A bet of the player's that should be taken, but for `changes`."""
        amount = self.endpoint.stake_minor if amount is None else amount
        return replace(self._movement("bet"), amount=amount, **changes)

    def win(self, bet: Ask, amount: Any, **changes: Any) -> Ask:
        """A win of a bet's round that ends it, but for `changes`."""
        ask = replace(self._movement("win"), amount=amount, round_id=bet.round_id, reference=bet.transaction_id)
        return replace(ask, **({"closes": True} | changes))

    def rollback(self, of: Ask, **changes: Any) -> Ask:
        ask = Ask(
            "rollback",
            transaction_id=str(uuid.uuid4()),
            round_id=of.round_id,
            reference=of.transaction_id,
            token=self.endpoint.token,
            player=self.endpoint.player,
        )
        return replace(ask, **changes)

    def ok(self, heard: Heard, what: str) -> None:
        self.expect(heard.code == self.wire.codes[None], f"{what} accepted ({self.wire.codes[None]})", heard.code)

    def refused(self, heard: Heard, what: str, *faults: Fault) -> None:
        codes = [self.wire.codes[fault] for fault in faults]
        self.expect(heard.code in codes, f"{what} refused with {' or '.join(codes)}", heard.code)

    def has_balance(self, heard: Heard) -> int:
        self.expect(heard.balance_minor is not None, "a balance in the answer", json.dumps(dict(heard.body))[:200])
        assert heard.balance_minor is not None
        return heard.balance_minor

    async def moved(self, minor: int, because: str) -> None:
        """The balance differs by this from what it was when the case began."""
        now = await self.balance()
        self.expect(
            now - self.start_minor == minor,
            f"the balance to have changed by {minor}: {because}",
            f"{now - self.start_minor}",
        )

    def expect(self, holds: bool, expected: str, got: str) -> None:
        if not holds:
            raise Unmet(expected, got)

    def _movement(self, kind: str) -> Ask:
        return Ask(
            kind,
            transaction_id=str(uuid.uuid4()),
            round_id=str(uuid.uuid4()),
            currency=self.endpoint.currency,
            token=self.endpoint.token,
            player=self.endpoint.player,
            game=self.endpoint.game,
        )

    def _keep(self, call: str, sent: bytes, http: int, got: bytes, started: float) -> None:
        ms = round((time.perf_counter() - started) * 1000, 1)
        self.exchanges.append(Exchange(call, _shown(sent), http, _shown(got), ms))


@dataclass(frozen=True, slots=True)
class Case:
    """A numbered rule. `needs` names fields of Endpoint without which it cannot be tried."""

    number: int
    title: str
    run: Callable[[Bench], Awaitable[None]]
    needs: Sequence[str] = ()
    dialects: Sequence[str] = ("rsa_status", "hmac_actions")


def _shown(body: bytes) -> Any:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return body[:_SHOWN_BYTES].decode("utf-8", "replace")
    if isinstance(found, dict):
        return {name: "(secret)" if name in _SECRET else value for name, value in found.items()}
    return found

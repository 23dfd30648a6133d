"""An operator in memory that keeps the rules of docs/studios.md, but for one fault that is planted on purpose."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import httpx
from casino.gal.dialects.hmac_actions import HmacActions
from casino.gal.dialects.rsa_status import RsaStatus
from casino.gal.studio_model import Action, Batch, Dialect, Fault, RawRequest, Result, StudioRefusal
from studio_bench import GAME, SECRET, rsa_key, rsa_public

PLAYER, BARRED = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
GRANT = "33333333-3333-4333-8333-333333333333"
SESSIONS = {"live": PLAYER, "expired": PLAYER, "barred": BARRED}


def dialect_of(name: str) -> Dialect:
    if name == "rsa_status":
        return RsaStatus(
            operator="casino", studio_public_key=rsa_public(), operator_private_key=rsa_key(), currency="GBP",
            exponent=2,
        )  # fmt: skip
    return HmacActions(operator="casino", secret=SECRET, launch_url="https://studio.test/play", currency="GBP")


@dataclass
class Taken:
    """A transaction that was accepted, or buried before it came."""

    action: Action
    answer: tuple[Fault | None, int]
    status: str = "done"


@dataclass
class Double:
    """`planted` is the fault's name; None keeps every rule."""

    dialect: Dialect
    planted: str | None = None
    balance: int = 100_000
    taken: dict[str, Taken] = field(default_factory=dict)

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(self._handle), base_url="http://operator.test")

    def _handle(self, request: httpx.Request) -> httpx.Response:
        raw = RawRequest(request.url.path.removeprefix("/studio/"), dict(request.headers), request.content)
        try:
            batch = self.dialect.read(raw, datetime.now(UTC))
        except StudioRefusal as refused:
            fault = refused.fault
            if self.planted == "takes any signature" and fault is Fault.SIGNATURE_INVALID:
                fault = Fault.SESSION_UNKNOWN
            if self.planted == "takes old signatures" and fault is Fault.STALE:
                fault = Fault.SESSION_UNKNOWN
            if self.planted == "has one code for nonsense" and fault is Fault.TYPES_INVALID:
                fault = Fault.TECHNICAL
            answer = self.dialect.refused(raw, fault)
        else:
            answer = self._answer(batch)
        body: dict[str, Any] = dict(answer.body)
        if self.planted == "tells no balance with a refusal" and body.get("status") not in ("RS_OK", "success"):
            body.pop("balance", None)
        if self.planted == "tells no currency":
            body.pop("currency", None)
        if self.planted == "tells no results":
            body.pop("results", None)
        if self.planted == "repeats no request id":
            body.pop("request_uuid", None)
        return httpx.Response(answer.status, content=json.dumps(body).encode())

    def _answer(self, batch: Batch) -> Any:
        results = []
        for action in batch.actions:
            fault, balance = self._act(action)
            results.append(Result(action, fault, PLAYER, balance))
            if fault and self.planted != "goes on after a refusal":
                break
        return self.dialect.answer(batch, results)

    def _act(self, action: Action) -> tuple[Fault | None, int]:
        if action.kind in ("balance", "session"):
            return None, self.balance
        known = self.taken.get(action.transaction_id)
        if known is not None:
            if self.planted == "refuses a rollback again" and action.kind == "rollback":
                return Fault.TRANSACTION_REUSED, self.balance
            if known.status == "tombstone" and self.planted != "forgets what it buried":
                return Fault.TRANSACTION_ROLLED_BACK, self.balance
            same = replace(known.action, token=None) == replace(action, token=None)
            if known.status != "tombstone" and not same and self.planted != "takes another body under an id":
                return Fault.TRANSACTION_REUSED, self.balance
            if known.status != "tombstone" and self.planted not in (f"takes a {action.kind} again",):
                if self.planted == "answers a repeat with today's balance":
                    return known.answer[0], self.balance
                return known.answer
        before = self.balance
        fault = self._move(action)
        answer = (fault, before if self.planted == "tells the balance of before" else self.balance)
        if fault is None or action.kind == "bet":
            self.taken[action.transaction_id] = Taken(action, answer, "refused" if fault else "done")
        return answer

    def _move(self, action: Action) -> Fault | None:
        player = SESSIONS.get(action.token or "") if action.token else action.player
        if player is None or action.player not in (None, player):
            return None if self.planted == "asks for no session" else Fault.SESSION_UNKNOWN
        if action.kind == "bet":
            return self._bet(action, player)
        if action.kind == "win":
            return self._win(action)
        return self._rollback(action)

    def _bet(self, action: Action, player: str) -> Fault | None:
        if action.token == "expired" and self.planted != "takes bets after the session":
            return Fault.SESSION_EXPIRED
        if player == BARRED and self.planted != "takes bets of excluded players":
            return Fault.PLAYER_DISABLED
        if action.game_code != GAME and self.planted != "takes any game":
            return Fault.GAME_UNKNOWN
        if action.currency != "GBP" and self.planted != "takes any currency":
            return Fault.CURRENCY_WRONG
        if action.amount_minor > self.balance:
            return Fault.FUNDS_INSUFFICIENT
        self.balance -= action.amount_minor
        return None

    def _win(self, action: Action) -> Fault | None:
        if action.token == "expired" and self.planted == "refuses wins after the session":
            return Fault.SESSION_EXPIRED
        bets = [
            one for one in self.taken.values()
            if one.action.kind == "bet" and one.action.round_id == action.round_id and one.status == "done"
        ]  # fmt: skip
        if action.free_rounds is not None:
            if str(action.free_rounds) != GRANT and self.planted != "takes any free round":
                return Fault.FREE_ROUNDS_UNKNOWN
        elif not bets and self.planted != "pays wins without a bet":
            return Fault.TRANSACTION_UNKNOWN
        closed = any(
            one.action.kind == "win" and one.action.round_id == action.round_id and one.action.closes
            for one in self.taken.values()
        )
        won = any(one.action.kind == "win" and one.action.round_id == action.round_id for one in self.taken.values())
        if won and self.planted == "closes a round by its first win":
            return Fault.TRANSACTION_UNKNOWN
        if action.free_rounds is not None and self.planted == "knows no free rounds":
            return Fault.FREE_ROUNDS_UNKNOWN
        if closed and self.planted == "refuses late wins":
            return Fault.TRANSACTION_UNKNOWN
        if not action.amount_minor and self.planted == "refuses a win of nothing":
            return Fault.TYPES_INVALID
        self.balance += action.amount_minor
        return None

    def _rollback(self, action: Action) -> Fault | None:
        target = self.taken.get(action.reference or "")
        if target is None:
            if self.planted == "refuses a rollback of nothing":
                return Fault.TRANSACTION_UNKNOWN
            self.taken[action.reference or ""] = Taken(action, (None, 0), "tombstone")
            return None
        if target.status == "refused" and self.planted == "gives refused bets back":
            self.balance += target.action.amount_minor
        if target.status != "done" and not (
            self.planted == "gives a bet back twice" and target.status == "rolled_back"
        ):
            return None
        if self.planted == "gives no bet back":
            return None
        settled = any(
            one.action.kind == "win" and one.action.round_id == target.action.round_id for one in self.taken.values()
        )
        if settled and target.action.kind == "bet" and self.planted == "gives no settled bet back":
            return None
        if target.action.kind == "win" and self.planted == "takes no win back":
            return None
        self.balance += target.action.amount_minor * (1 if target.action.kind == "bet" else -1)
        target.status = "done" if self.planted == "pays for a bet that was rolled back" else "rolled_back"
        return None

"""The dialect `hmac_actions`, after iSoftBet's: HMAC-SHA256, one endpoint, one or several actions in a call.

The signature is over the timestamp and the raw body; a timestamp that is too far off is refused, so that a recorded
call cannot be played again. A studio's own retry is signed anew. Amounts are minor units.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from casino.gal.dialects import reading
from casino.gal.studio_model import (
    Action,
    Batch,
    Fault,
    Grant,
    Launch,
    RawAnswer,
    RawRequest,
    Result,
    StudioRefusal,
    StudioRequest,
)
from casino.kernel.errors import ConfigurationError

SIGNATURE, TIMESTAMP = "x-signature", "x-timestamp"
WINDOW_S = 300
MAX_ACTIONS = 20
MIN_SECRET = 16
CODES = {
    Fault.SIGNATURE_INVALID: "A_01",
    Fault.STALE: "A_02",
    Fault.STUDIO_DISABLED: "A_03",
    Fault.SYNTAX_INVALID: "R_01",
    Fault.TYPES_INVALID: "R_02",
    Fault.SESSION_UNKNOWN: "S_01",
    Fault.SESSION_EXPIRED: "S_02",
    Fault.PLAYER_DISABLED: "B_01",
    Fault.LIMIT_REACHED: "B_02",
    Fault.FUNDS_INSUFFICIENT: "B_03",
    Fault.TRANSACTION_REUSED: "B_04",
    Fault.CURRENCY_WRONG: "B_05",
    Fault.GAME_UNKNOWN: "B_06",
    Fault.TRANSACTION_ROLLED_BACK: "B_07",
    Fault.PLAY_CLOSED: "B_08",
    Fault.TRANSACTION_UNKNOWN: "W_01",
    Fault.FREE_ROUNDS_UNKNOWN: "F_01",
    Fault.TECHNICAL: "E_01",
}
# A stranger's call is no business of the dialect's, and one whose outcome is not known is to be sent again.
HTTP = {Fault.SIGNATURE_INVALID: 401, Fault.STALE: 401, Fault.TECHNICAL: 503}


class HmacActions:
    """`secret` signs both ways."""

    def __init__(self, *, operator: str, secret: str, launch_url: str, currency: str) -> None:
        if len(secret) < MIN_SECRET:
            raise ConfigurationError(f"the secret of a studio has at least {MIN_SECRET} characters")
        self._operator = operator
        self._secret = secret.encode()
        self._launch_url = launch_url
        self._currency = currency

    def read(self, request: RawRequest, now: datetime) -> Batch:
        self._verify(request, now)
        if request.call != "wallet":
            raise StudioRefusal(Fault.SYNTAX_INVALID, "there is no such call")
        fields = reading.parse(request.body)
        if fields.get("operator") != self._operator:
            raise StudioRefusal(Fault.STUDIO_DISABLED, "that is another operator's")
        match fields.get("state"):
            case "single":
                found = [fields.get("action")]
            case "multi":
                listed = fields.get("actions")
                found = listed if isinstance(listed, list) and 0 < len(listed) <= MAX_ACTIONS else [None]
            case _:
                found = [None]
        actions = [self._action(fields, one) for one in found]
        echo = {"multi": fields.get("state") == "multi"}
        return Batch(actions, echo)

    def _action(self, fields: dict[str, Any], found: Any) -> Action:
        if not isinstance(found, dict):
            raise StudioRefusal(Fault.TYPES_INVALID, "a call has an action, or up to 20 of them")
        who: dict[str, Any] = {
            "token": reading.optional_text(fields, "sessionid"),
            "player": reading.optional_text(fields, "playerid"),
        }
        command = found.get("command")
        given = found.get("parameters", {})
        if not isinstance(given, dict):
            raise StudioRefusal(Fault.TYPES_INVALID, "parameters is no object")
        match command:
            case "init" | "balance":
                reading.text(fields, "sessionid")
                return Action("session" if command == "init" else "balance", **who)
            case "bet" | "win":
                if command == "bet":
                    reading.text(fields, "sessionid")
                return Action(
                    "bet" if command == "bet" else "win",
                    **who,
                    transaction_id=reading.text(given, "transactionid"),
                    round_id=reading.text(given, "roundid"),
                    game_code=reading.text(fields, "gamecode"),
                    currency=reading.text(fields, "currency"),
                    amount_minor=reading.number(given, "amount"),
                    closes=reading.flag(given, "closeround"),
                    free_rounds=reading.grant_id(given, "freerounds"),
                )
            case "cancel":
                return Action(
                    "rollback",
                    **who,
                    transaction_id=reading.text(given, "transactionid"),
                    round_id=reading.text(given, "roundid"),
                    reference=reading.text(given, "cancels"),
                )
            case _:
                raise StudioRefusal(Fault.TYPES_INVALID, "there is no such command")

    def _verify(self, request: RawRequest, now: datetime) -> None:
        stamp = request.headers.get(TIMESTAMP, "")
        given = request.headers.get(SIGNATURE, "")
        if not hmac.compare_digest(self._sign(stamp, request.body).encode(), given.encode()):
            raise StudioRefusal(Fault.SIGNATURE_INVALID)
        if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
            raise StudioRefusal(Fault.STALE)
        if abs(now.timestamp() - int(stamp)) > WINDOW_S:
            raise StudioRefusal(Fault.STALE)

    def _sign(self, stamp: str, body: bytes) -> str:
        return hmac.new(self._secret, stamp.encode("utf-8", "replace") + b"." + body, hashlib.sha256).hexdigest()

    def answer(self, batch: Batch, results: Sequence[Result]) -> RawAnswer:
        last = results[-1]
        body: dict[str, Any] = {"status": "error" if last.fault else "success"}
        if last.fault:
            body |= {"code": CODES[last.fault], "message": last.fault.replace("_", " ")}
        if last.player is not None:
            body["playerid"] = last.player
        if last.balance_minor is not None:
            body |= {"currency": self._currency, "balance": last.balance_minor}
        if batch.echo["multi"]:
            body["results"] = [
                {
                    "transactionid": one.action.transaction_id or None,
                    "status": CODES[one.fault] if one.fault else "success",
                    "balance": one.balance_minor,
                }
                for one in results
            ]
        elif last.action.transaction_id:
            body["transactionid"] = last.action.transaction_id
        return RawAnswer(HTTP.get(last.fault, 200) if last.fault else 200, body)

    def refused(self, request: RawRequest, fault: Fault) -> RawAnswer:
        body = {"status": "error", "code": CODES[fault], "message": fault.replace("_", " ")}
        return RawAnswer(HTTP.get(fault, 200), body)

    def launch(self, launch: Launch, now: datetime) -> str:
        asked = {"operator": self._operator, "sessionid": launch.token, "gamecode": launch.game_code}
        asked |= {"currency": self._currency}
        if launch.lobby_url is not None:
            asked["lobby"] = launch.lobby_url
        stamp = str(int(now.timestamp()))
        query = urlencode(asked)
        signature = self._sign(stamp, query.encode())
        return f"{self._launch_url}?{query}&timestamp={stamp}&hash={signature}"

    def launch_url(self, answer: Any) -> str:
        raise ValueError("this dialect asks no studio for a URL")

    def list_games(self, now: datetime) -> StudioRequest:
        body = json.dumps({"operator": self._operator, "currency": self._currency}, separators=(",", ":")).encode()
        return self._posted("/games", body, now)

    def listed(self, answer: Any) -> bool:
        return isinstance(answer, dict) and answer.get("status") == "success" and isinstance(answer.get("games"), list)

    def grant(self, grant: Grant, now: datetime) -> StudioRequest:
        asked = {
            "operator": self._operator,
            "freerounds": str(grant.grant_id),
            "playerid": grant.player,
            "gamecode": grant.game_code,
            "currency": self._currency,
            "count": grant.rounds,
            "bet": grant.bet_minor,
            "expires": int(grant.expires_at.timestamp()),
        }
        body = json.dumps(asked, separators=(",", ":")).encode()
        return self._posted("/freerounds", body, now)

    def granted(self, answer: Any) -> bool:
        return isinstance(answer, dict) and answer.get("status") == "success"

    def _posted(self, path: str, body: bytes, now: datetime) -> StudioRequest:
        stamp = str(int(now.timestamp()))
        return StudioRequest(path, {"X-Timestamp": stamp, "X-Signature": self._sign(stamp, body)}, body)

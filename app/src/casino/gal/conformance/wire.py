"""How a studio says it: requests made and signed, answers read, in either dialect.

Written apart from the casino's own dialects (gal/dialects), so that the two do not agree on one mistake.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from casino.gal.studio_model import Fault
from casino.kernel.errors import ConfigurationError

SCALE = 100_000


@dataclass(frozen=True, slots=True)
class Ask:
    """What a studio asks. Fields may be nonsense on purpose; None leaves one out. Amounts are minor units."""

    kind: str
    transaction_id: Any = None
    round_id: Any = None
    amount: Any = None
    currency: Any = None
    token: Any = None
    player: Any = None
    game: Any = None
    reference: Any = None
    closes: Any = None
    free_rounds: Any = None
    signature: Literal["right", "wrong", "none", "stale"] = "right"


@dataclass(frozen=True, slots=True)
class Sent:
    """A POST as it goes over the wire."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer. `code` is the dialect's; `body` is empty where it was no JSON object."""

    http: int
    code: str
    balance_minor: int | None
    body: Mapping[str, Any] = field(default_factory=dict)


class Wire(Protocol):
    """A dialect from the studio's side."""

    name: str
    codes: Mapping[Fault | None, str]

    def send(self, asks: Sequence[Ask], now_s: int) -> Sent: ...

    def hear(self, http: int, body: bytes) -> Heard: ...


class RsaWire:
    """`rsa_status`."""

    name = "rsa_status"
    codes: Mapping[Fault | None, str] = {
        None: "RS_OK",
        Fault.SIGNATURE_INVALID: "RS_ERROR_INVALID_SIGNATURE",
        Fault.SYNTAX_INVALID: "RS_ERROR_WRONG_SYNTAX",
        Fault.TYPES_INVALID: "RS_ERROR_WRONG_TYPES",
        Fault.SESSION_UNKNOWN: "RS_ERROR_INVALID_TOKEN",
        Fault.SESSION_EXPIRED: "RS_ERROR_TOKEN_EXPIRED",
        Fault.GAME_UNKNOWN: "RS_ERROR_INVALID_GAME",
        Fault.CURRENCY_WRONG: "RS_ERROR_WRONG_CURRENCY",
        Fault.PLAYER_DISABLED: "RS_ERROR_USER_DISABLED",
        Fault.PLAY_CLOSED: "RS_ERROR_INVALID_PARTNER",
        Fault.LIMIT_REACHED: "RS_ERROR_LIMIT_REACHED",
        Fault.FUNDS_INSUFFICIENT: "RS_ERROR_NOT_ENOUGH_MONEY",
        Fault.TRANSACTION_REUSED: "RS_ERROR_DUPLICATE_TRANSACTION",
        Fault.TRANSACTION_UNKNOWN: "RS_ERROR_TRANSACTION_DOES_NOT_EXIST",
        Fault.TRANSACTION_ROLLED_BACK: "RS_ERROR_TRANSACTION_ROLLED_BACK",
        Fault.FREE_ROUNDS_UNKNOWN: "RS_ERROR_TRANSACTION_DOES_NOT_EXIST",
        Fault.TECHNICAL: "RS_ERROR_UNKNOWN",
    }
    _paths: Mapping[str, str] = {
        "session": "user/info",
        "balance": "user/balance",
        "bet": "transaction/bet",
        "win": "transaction/win",
        "rollback": "transaction/rollback",
    }

    def __init__(self, private_key: str, exponent: int) -> None:
        try:
            key = serialization.load_pem_private_key(private_key.encode(), None)
        except (ValueError, TypeError):
            key = None
        if not isinstance(key, rsa.RSAPrivateKey):
            raise ConfigurationError("the studio's key is no RSA private key in PEM without a passphrase")
        self._key = key
        self._exponent = exponent

    def send(self, asks: Sequence[Ask], now_s: int) -> Sent:
        (ask,) = asks
        amount = ask.amount
        if type(amount) is int:
            amount = amount * SCALE // 10**self._exponent
        free = ask.free_rounds is not None
        fields = {
            "request_uuid": str(uuid.uuid4()),
            "token": ask.token,
            "user": ask.player,
            "transaction_uuid": ask.transaction_id,
            "round": ask.round_id,
            "amount": amount,
            "currency": ask.currency,
            "game_code": ask.game,
            "reference_transaction_uuid": ask.reference,
            "round_closed": ask.closes,
            "is_free": True if free else None,
            "reward_uuid": ask.free_rounds,
        }
        body = json.dumps({name: value for name, value in fields.items() if value is not None}).encode()
        # A wrong signature is one over other bytes: well-formed, and from the right key.
        signed = body if ask.signature == "right" else body + b" "
        signature = base64.b64encode(self._key.sign(signed, padding.PKCS1v15(), hashes.SHA256())).decode()
        headers = {} if ask.signature == "none" else {"X-Hub88-Signature": signature}
        return Sent(self._paths[ask.kind], headers, body)

    def hear(self, http: int, body: bytes) -> Heard:
        found = _object(body)
        balance = found.get("balance")
        minor = balance * 10**self._exponent // SCALE if type(balance) is int else None
        return Heard(http, str(found.get("status", f"HTTP {http} without a status")), minor, found)


class HmacWire:
    """`hmac_actions`."""

    name = "hmac_actions"
    codes: Mapping[Fault | None, str] = {
        None: "success",
        Fault.SIGNATURE_INVALID: "A_01",
        Fault.STALE: "A_02",
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
    _commands: Mapping[str, str] = {"session": "init", "rollback": "cancel"}

    def __init__(self, secret: str, operator: str) -> None:
        self._secret = secret.encode()
        self._operator = operator

    def send(self, asks: Sequence[Ask], now_s: int) -> Sent:
        first = asks[0]
        fields = {
            "operator": self._operator,
            "sessionid": first.token,
            "playerid": first.player,
            "gamecode": first.game,
            "currency": first.currency,
            "state": "multi" if len(asks) > 1 else "single",
        }
        actions = [self._action(ask) for ask in asks]
        fields |= {"actions": actions} if len(asks) > 1 else {"action": actions[0]}
        body = json.dumps({name: value for name, value in fields.items() if value is not None}).encode()
        stamp = str(now_s - 3600 if first.signature == "stale" else now_s)
        signed = stamp.encode() + b"." + body + (b" " if first.signature == "wrong" else b"")
        headers = {"X-Timestamp": stamp}
        if first.signature != "none":
            headers["X-Signature"] = hmac.new(self._secret, signed, hashlib.sha256).hexdigest()
        return Sent("wallet", headers, body)

    def _action(self, ask: Ask) -> dict[str, Any]:
        given = {
            "transactionid": ask.transaction_id,
            "roundid": ask.round_id,
            "amount": ask.amount,
            "closeround": ask.closes,
            "cancels": ask.reference,
            "freerounds": ask.free_rounds,
        }
        parameters = {name: value for name, value in given.items() if value is not None}
        return {"command": self._commands.get(ask.kind, ask.kind), "parameters": parameters}

    def hear(self, http: int, body: bytes) -> Heard:
        found = _object(body)
        balance = found.get("balance")
        code = found.get("code") if found.get("status") == "error" else found.get("status")
        return Heard(
            http, str(code or f"HTTP {http} without a status"), balance if type(balance) is int else None, found
        )


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}

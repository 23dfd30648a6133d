"""How the studio speaks to an operator, and checks what the operator says: both dialects of docs/studios.md."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import ssl
import time
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

SCALE = 100_000
TIMEOUT_S = 10


@dataclass
class Session:
    """A player at a game, as the operator told it."""

    token: str
    game: str
    currency: str
    player: str | None = None


@dataclass
class Answer:
    """`code` is the dialect's; `balance` is in minor units. Everything is None where the answer was thrown away."""

    code: str | None
    balance: int | None
    body: Any


class Speech:
    """What both dialects share: a POST, and an answer that may be lost on purpose."""

    accepted = ""

    def __init__(self, operator_url: str, exponent: int, context: ssl.SSLContext | None) -> None:
        self.operator_url = operator_url.rstrip("/")
        self.exponent = exponent
        self._context = context

    def _post(self, call: str, headers: dict[str, str], body: bytes, *, lose_answer: bool) -> tuple[int, Any]:
        url = urlsplit(f"{self.operator_url}/{call}")
        host, port = url.hostname or "", url.port
        if url.scheme == "https":
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                host, port, timeout=TIMEOUT_S, context=self._context
            )
        else:
            connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
        try:
            connection.request("POST", url.path, body, {"Content-Type": "application/json", **headers})
            if lose_answer:
                return 0, None
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        try:
            return response.status, json.loads(content)
        except ValueError:
            return response.status, None


class RsaSpeech(Speech):
    """`rsa_status`: RSA-SHA256 over the raw body."""

    accepted = "RS_OK"

    def __init__(self, private_key: str, operator_public_key: str, *rest: Any) -> None:
        super().__init__(*rest)
        self._private: Any = serialization.load_pem_private_key(private_key.encode(), None)
        self._operator: Any = serialization.load_pem_public_key(operator_public_key.encode())

    def ask(
        self, session: Session, kind: str, *, wrong: bool = False, lose_answer: bool = False, **fields: Any
    ) -> Answer:
        """`fields`: id, round, amount (minor), of (what it refers to), closes, free."""
        calls = {"session": "user/info", "balance": "user/balance"}
        body = {"request_uuid": str(uuid.uuid4()), "token": session.token, "user": session.player}
        if "id" in fields:
            body |= {"transaction_uuid": fields["id"], "round": fields["round"], "game_code": session.game}
        if "amount" in fields:
            body |= {"amount": fields["amount"] * SCALE // 10**self.exponent, "currency": session.currency}
        if "of" in fields:
            body["reference_transaction_uuid"] = fields["of"]
        if "closes" in fields:
            body["round_closed"] = fields["closes"]
        if "free" in fields:
            body |= {"is_free": True, "reward_uuid": fields["free"]}
        raw = json.dumps({name: value for name, value in body.items() if value is not None}).encode()
        signature = self._private.sign(raw + (b" " if wrong else b""), padding.PKCS1v15(), hashes.SHA256())
        headers = {"X-Hub88-Signature": base64.b64encode(signature).decode()}
        _, answer = self._post(calls.get(kind, f"transaction/{kind}"), headers, raw, lose_answer=lose_answer)
        if not isinstance(answer, dict):
            return Answer(None, None, None)
        balance = answer.get("balance")
        minor = balance * 10**self.exponent // SCALE if isinstance(balance, int) else None
        return Answer(str(answer.get("status")), minor, answer)

    def is_the_operators(self, headers: Any, raw: bytes) -> bool:
        """Whether a call of the operator's is signed by it."""
        try:
            signature = base64.b64decode(headers.get("X-Hub88-Signature", ""), validate=True)
            self._operator.verify(signature, raw, padding.PKCS1v15(), hashes.SHA256())
        except (ValueError, InvalidSignature):
            return False
        return True


class HmacSpeech(Speech):
    """`hmac_actions`: HMAC-SHA256 over the timestamp and the raw body, or a launch's query."""

    accepted = "success"

    def __init__(self, secret: str, operator: str, *rest: Any) -> None:
        super().__init__(*rest)
        self._secret = secret.encode()
        self._operator = operator

    def ask(
        self, session: Session, kind: str, *, wrong: bool = False, lose_answer: bool = False, **fields: Any
    ) -> Answer:
        """`fields` as above."""
        names = {"id": "transactionid", "round": "roundid", "amount": "amount", "closes": "closeround"}
        names |= {"of": "cancels", "free": "freerounds"}
        given = {names[name]: value for name, value in fields.items()}
        if kind != "rollback":
            given.pop("cancels", None)
        command = {"session": "init", "rollback": "cancel"}.get(kind, kind)
        body = {
            "operator": self._operator, "sessionid": session.token, "playerid": session.player,
            "gamecode": session.game, "currency": session.currency, "state": "single",
            "action": {"command": command, "parameters": given},
        }  # fmt: skip
        raw = json.dumps({name: value for name, value in body.items() if value is not None}).encode()
        stamp = str(int(time.time()))
        headers = {"X-Timestamp": stamp, "X-Signature": self._sign(stamp, raw + (b" " if wrong else b""))}
        _, answer = self._post("wallet", headers, raw, lose_answer=lose_answer)
        if not isinstance(answer, dict):
            return Answer(None, None, None)
        code = answer.get("code") if answer.get("status") == "error" else answer.get("status")
        return Answer(str(code), answer.get("balance"), answer)

    def is_the_operators(self, headers: Any, raw: bytes) -> bool:
        """Whether a call of the operator's is signed by it, lately."""
        return self.is_signed(headers.get("X-Timestamp", ""), headers.get("X-Signature", ""), raw)

    def is_signed(self, stamp: str, signature: str, raw: bytes) -> bool:
        """The same for what has its timestamp and signature elsewhere."""
        if not hmac.compare_digest(self._sign(stamp, raw).encode(), signature.encode()):
            return False
        return stamp.isdigit() and abs(time.time() - int(stamp)) <= 300

    def _sign(self, stamp: str, raw: bytes) -> str:
        return hmac.new(self._secret, stamp.encode() + b"." + raw, hashlib.sha256).hexdigest()

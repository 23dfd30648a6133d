"""The dialect `rsa_status`, after Hub88's: RSA over the raw body, a status string in every answer, HTTP 200 always.

`request_uuid` is the network's: it is repeated in the answer and means nothing else. `transaction_uuid` is the
business's. Amounts are hundred-thousandths of a unit of the currency, whatever its decimals.
"""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

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

SIGNATURE = "x-hub88-signature"
SCALE = 100_000
MIN_KEY_BITS = 2048
STATUS = {
    None: "RS_OK",
    Fault.SIGNATURE_INVALID: "RS_ERROR_INVALID_SIGNATURE",
    Fault.STALE: "RS_ERROR_INVALID_SIGNATURE",
    Fault.STUDIO_DISABLED: "RS_ERROR_INVALID_PARTNER",
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


class RsaStatus:
    """`studio_public_key` checks what comes, `operator_private_key` signs what goes; both PEM."""

    def __init__(
        self, *, operator: str, studio_public_key: str, operator_private_key: str, currency: str, exponent: int
    ) -> None:
        self._operator = operator
        self._currency = currency
        self._exponent = exponent
        try:
            public = serialization.load_pem_public_key(studio_public_key.encode())
            private = serialization.load_pem_private_key(operator_private_key.encode(), None)
        except ValueError:
            raise ConfigurationError(f"a key of the studio that knows us as {operator} is no PEM") from None
        if (
            not isinstance(public, rsa.RSAPublicKey)
            or not isinstance(private, rsa.RSAPrivateKey)
            or min(public.key_size, private.key_size) < MIN_KEY_BITS
        ):
            raise ConfigurationError(f"the studio's dialect needs RSA keys of at least {MIN_KEY_BITS} bits")
        self._public, self._private = public, private

    def read(self, request: RawRequest, now: datetime) -> Batch:
        self._verify(request)
        fields = reading.parse(request.body)
        request_uuid = reading.text(fields, "request_uuid")
        token, user = reading.optional_text(fields, "token"), reading.optional_text(fields, "user")
        echo = {"request_uuid": request_uuid}
        match request.call:
            case "user/info":
                return Batch([Action("session", token=reading.text(fields, "token"), player=user)], echo)
            case "user/balance":
                return Batch([Action("balance", token=reading.text(fields, "token"), player=user)], echo)
            case "transaction/bet" | "transaction/win":
                kind = "bet" if request.call == "transaction/bet" else "win"
                action = self._movement(kind, fields, token, user)
            case "transaction/rollback":
                action = Action(
                    "rollback",
                    token=token,
                    player=user,
                    transaction_id=reading.text(fields, "transaction_uuid"),
                    round_id=reading.text(fields, "round"),
                    reference=reading.text(fields, "reference_transaction_uuid"),
                    closes=reading.flag(fields, "round_closed"),
                )
            case _:
                raise StudioRefusal(Fault.SYNTAX_INVALID, "there is no such call")
        return Batch([action], echo)

    def _movement(self, kind: Any, fields: dict[str, Any], token: str | None, user: str | None) -> Action:
        scaled = reading.number(fields, "amount") if fields.get("amount") is not None else -1
        minor, rest = divmod(scaled * 10**self._exponent, SCALE)
        if scaled < 0 or rest:
            raise StudioRefusal(Fault.TYPES_INVALID, "amount is no whole number of minor units")
        grant = reading.grant_id(fields, "reward_uuid")
        if reading.flag(fields, "is_free") and grant is None:
            raise StudioRefusal(Fault.TYPES_INVALID, "a free round has a reward_uuid")
        return Action(
            kind,
            token=reading.text(fields, "token") if kind == "bet" else token,
            player=user,
            transaction_id=reading.text(fields, "transaction_uuid"),
            round_id=reading.text(fields, "round"),
            game_code=reading.text(fields, "game_code"),
            currency=reading.text(fields, "currency"),
            amount_minor=minor,
            reference=reading.optional_text(fields, "reference_transaction_uuid"),
            closes=reading.flag(fields, "round_closed"),
            free_rounds=grant,
        )

    def _verify(self, request: RawRequest) -> None:
        try:
            given = base64.b64decode(request.headers.get(SIGNATURE, ""), validate=True)
            self._public.verify(given, request.body, padding.PKCS1v15(), hashes.SHA256())
        except (ValueError, InvalidSignature):
            raise StudioRefusal(Fault.SIGNATURE_INVALID) from None

    def answer(self, batch: Batch, results: Sequence[Result]) -> RawAnswer:
        result = results[-1]
        body: dict[str, Any] = {"status": STATUS[result.fault], **batch.echo}
        if result.player is not None:
            body["user"] = result.player
        if result.balance_minor is not None:
            body |= {"currency": self._currency, "balance": result.balance_minor * SCALE // 10**self._exponent}
        return RawAnswer(200, body)

    def refused(self, request: RawRequest, fault: Fault) -> RawAnswer:
        body: dict[str, Any] = {"status": STATUS[fault]}
        if fault is not Fault.SIGNATURE_INVALID:
            # A stranger is told nothing; whoever signed finds the answer by the id of the request.
            with suppress(StudioRefusal):
                body["request_uuid"] = reading.text(reading.parse(request.body), "request_uuid")
        return RawAnswer(200, body)

    def launch(self, launch: Launch, now: datetime) -> StudioRequest:
        asked = {"token": launch.token, "user": launch.player, "game_code": launch.game_code, "platform": "GPL_DESKTOP"}
        if launch.lobby_url is not None:
            asked["lobby_url"] = launch.lobby_url
        return self._signed("/operator/generic/v2/game/url", asked)

    def launch_url(self, answer: Any) -> str:
        url = answer.get("url") if isinstance(answer, dict) else None
        if not isinstance(url, str):
            raise ValueError("the studio answered without a url")
        return url

    def list_games(self, now: datetime) -> StudioRequest:
        return self._signed("/operator/generic/v2/game/list", {})

    def listed(self, answer: Any) -> bool:
        return isinstance(answer, list) and all(isinstance(one, dict) and "game_code" in one for one in answer)

    def grant(self, grant: Grant, now: datetime) -> StudioRequest:
        return self._signed(
            "/operator/generic/v2/freebet",
            {
                "reward_uuid": str(grant.grant_id),
                "user": grant.player,
                "game_code": grant.game_code,
                "bet_count": grant.rounds,
                "bet_value": grant.bet_minor * SCALE // 10**self._exponent,
                "end_time": grant.expires_at.isoformat(),
            },
        )

    def granted(self, answer: Any) -> bool:
        return isinstance(answer, dict) and answer.get("status") == "RS_OK"

    def _signed(self, path: str, fields: dict[str, Any]) -> StudioRequest:
        asked = {"operator_id": self._operator, "currency": self._currency, "request_uuid": str(uuid.uuid4()), **fields}
        body = json.dumps(asked, separators=(",", ":")).encode()
        signature = self._private.sign(body, padding.PKCS1v15(), hashes.SHA256())
        return StudioRequest(path, {"X-Hub88-Signature": base64.b64encode(signature).decode()}, body)

"""The client of a payment service provider (docs/architecture.md, "The payment service provider")."""

from __future__ import annotations

import hashlib
import hmac
import json
import ssl
import time
import uuid
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from casino.kernel.clock import Clock
from casino.kernel.metrics import PSP_SECONDS
from casino.kernel.settings import PspSecret, PspSetting
from casino.wallet.models import Payment


class PspUnknown(Exception):
    """Whether the provider took the money is not known: time-out, lost answer, fault of theirs, nonsense."""


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)
    id: Annotated[str, Field(min_length=1, max_length=128)]
    reference: str
    status: Literal["captured", "declined"]
    decline_code: Annotated[str, Field(max_length=64)] | None = None
    amount_minor: int
    currency: str


def sign(secret: str, timestamp: str, method: str, path: str, body: bytes) -> str:
    """Hex HMAC-SHA256 over `timestamp.method.path.body`; `path` includes the query."""
    message = f"{timestamp}.{method}.{path}.".encode() + body
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


class PspClient:
    """One provider. A call ends in an answer that is theirs beyond doubt, or in PspUnknown."""

    def __init__(
        self,
        setting: PspSetting,
        secret: PspSecret,
        clock: Clock,
        *,
        timeout_s: float,
        context: ssl.SSLContext | None,
    ) -> None:
        self.name = setting.name
        self._secret = secret
        self._clock = clock
        self._http = httpx.AsyncClient(
            base_url=setting.url.rstrip("/"),
            timeout=timeout_s,
            verify=context if context is not None else True,
            trust_env=False,  # a proxy from the environment must not see payments
            follow_redirects=False,
            limits=httpx.Limits(max_connections=20, max_keepalive_connections=10),
        )

    async def pay(self, deposit_id: uuid.UUID, amount_minor: int, currency: str, card_token: str) -> Payment:
        """Take the money once per deposit, however often this is called. Raises PspUnknown."""
        body = {
            "reference": str(deposit_id),
            "amount_minor": amount_minor,
            "currency": currency,
            "card_token": card_token,
        }
        response = await self._call("POST", "/v1/payments", body, {"Idempotency-Key": str(deposit_id)})
        if response.status_code != 201:
            raise PspUnknown(f"{self.name} answered {response.status_code}")
        return self._read(response, deposit_id, amount_minor, currency)

    async def find(self, deposit_id: uuid.UUID, amount_minor: int, currency: str) -> Payment | None:
        """The payment made for a deposit, or None when the provider never received it. Raises PspUnknown."""
        path = "/v1/payments?" + urlencode({"reference": str(deposit_id)})
        response = await self._call("GET", path, None, {})
        if response.status_code == 404:
            return None
        if response.status_code != 200:
            raise PspUnknown(f"{self.name} answered {response.status_code}")
        return self._read(response, deposit_id, amount_minor, currency)

    async def close(self) -> None:
        await self._http.aclose()

    async def _call(
        self, method: str, path: str, body: dict[str, Any] | None, headers: dict[str, str]
    ) -> httpx.Response:
        content = json.dumps(body, separators=(",", ":")).encode() if body is not None else b""
        timestamp = str(int(self._clock.now().timestamp()))
        headers = headers | {
            "Content-Type": "application/json",
            "X-Merchant": self._secret.merchant_id,
            "X-Timestamp": timestamp,
            "X-Signature": sign(self._secret.secret.get_secret_value(), timestamp, method, path, content),
        }
        started, outcome = time.perf_counter(), "lost"
        try:
            response = await self._http.request(method, path, content=content, headers=headers)
            outcome = str(response.status_code)
            return response
        except httpx.HTTPError as error:
            raise PspUnknown(f"{self.name} gave no answer: {type(error).__name__}") from error
        finally:
            PSP_SECONDS.labels(self.name, outcome).observe(time.perf_counter() - started)

    def _read(self, response: httpx.Response, deposit_id: uuid.UUID, amount_minor: int, currency: str) -> Payment:
        try:
            answer = _Answer.model_validate_json(response.content)
        except ValidationError:
            raise PspUnknown(f"{self.name} answered something that is no payment") from None
        if (answer.reference, answer.amount_minor, answer.currency) != (str(deposit_id), amount_minor, currency):
            # Posting what was not asked for would be worse than asking again: a person must look.
            raise PspUnknown(f"{self.name} answered about another payment than the one asked for")
        return Payment(
            answer.id, answer.reference, answer.status, answer.decline_code, answer.amount_minor, answer.currency
        )

"""Signatures of requests and of webhooks: HMAC-SHA256 with a timestamp; a webhook's is good for a short while only."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta

from casino.kernel.errors import CasinoError

REPLAY_WINDOW = timedelta(minutes=5)
"""How far a webhook's timestamp may be off. A provider that tries again signs anew."""


class WebhookRefused(CasinoError):
    status, code = 401, "WEBHOOK_REFUSED"
    rule = "a webhook carries the provider's signature over its time and body"
    remedy = "Sign the body as agreed, with a clock that is right."


def sign(secret: str, timestamp: str, method: str, path: str, body: bytes) -> str:
    """Of a request: hex HMAC-SHA256 over `timestamp.method.path.body`; `path` includes the query."""
    message = f"{timestamp}.{method}.{path}.".encode() + body
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Of a webhook: hex HMAC-SHA256 over `timestamp.body`."""
    return hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()


def require_signed(secret: str, timestamp: str, given: str, body: bytes, now: datetime) -> None:
    """Raises WebhookRefused unless the signature is the provider's and its time is near."""
    if not hmac.compare_digest(signature(secret, timestamp, body).encode(), given.encode()):
        raise WebhookRefused("The webhook's signature is wrong.")
    # Within the signature, so nobody else can have written it; int() would take more than digits.
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise WebhookRefused("The webhook has no usable timestamp.")
    if abs(now.timestamp() - int(timestamp)) > REPLAY_WINDOW.total_seconds():
        raise WebhookRefused("The webhook's time is too far off: it may be a replay.")

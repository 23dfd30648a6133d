"""Webhooks: signed events about operations, pushed to a URL or kept until they are fetched, with their faults."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import ssl
import threading
import time
import urllib.request
import uuid
from collections import deque
from typing import Any

from psp_faults import WEBHOOK, Fault, Faults
from psp_methods import DIALECTS

log = logging.getLogger("psp")

TRIES = 5
PAUSE_S = 1.0
MOST_WAITING = 10_000
"""Of a merchant that never fetches its events the oldest are forgotten."""


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Hex HMAC-SHA256(secret, timestamp + "." + body)."""
    return hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()


class Webhooks:
    """Events on their way. Without a URL for the merchant they wait for `GET /control/webhooks`."""

    def __init__(self, merchants: dict[str, str], faults: Faults, url: str | None = None) -> None:
        self._merchants, self._faults = merchants, faults
        self._lock = threading.Lock()
        self._urls = dict.fromkeys(merchants, url) if url is not None else {}
        self._waiting: dict[str, deque[dict[str, Any]]] = {}

    def send_to(self, merchant: str, url: str | None) -> None:
        """Push this merchant's events to `url` from now on; null keeps them."""
        with self._lock:
            self._urls.pop(merchant, None)
            if url is not None:
                self._urls[merchant] = url

    def fetch(self, merchant: str) -> list[dict[str, Any]]:
        """What waits, oldest first, and is forgotten with this answer."""
        with self._lock:
            return list(self._waiting.pop(merchant, ()))

    def emit(self, document: dict[str, Any], type_: str, **more: Any) -> None:
        """An event about an operation: `type` says what happened, `data` is the operation in its dialect."""
        data = DIALECTS[document["method"]].write(document) | more
        event = {"event_id": "evt_" + uuid.uuid4().hex, "type": type_, "occurred_at": int(time.time()), "data": data}
        body = json.dumps(event, separators=(",", ":")).encode()
        faults: dict[str, Fault] = {}
        while fault := self._faults.take(WEBHOOK - set(faults), document):
            faults[fault.name] = fault
        if "webhook_lost" in faults:
            return
        merchant = document["merchant"]
        secret = "of another" if "webhook_wrong_signature" in faults else self._merchants[merchant]
        late = faults["webhook_late"].seconds if "webhook_late" in faults else 0.0
        for _ in range(2 if "webhook_duplicate" in faults else 1):
            self._dispatch(merchant, secret, body, late)

    def _dispatch(self, merchant: str, secret: str, body: bytes, late_s: float) -> None:
        with self._lock:
            url = self._urls.get(merchant)
            if url is None:
                kept = {"headers": _headers(secret, body), "body": body.decode(), "late_s": late_s}
                self._waiting.setdefault(merchant, deque(maxlen=MOST_WAITING)).append(kept)
                return
        threading.Thread(target=_push, args=(url, secret, body, late_s), daemon=True).start()


def _headers(secret: str, body: bytes) -> dict[str, str]:
    now = str(int(time.time()))
    return {"Content-Type": "application/json", "X-Timestamp": now, "X-Signature": signature(secret, now, body)}


def _push(url: str, secret: str, body: bytes, late_s: float) -> None:
    time.sleep(late_s)
    context = ssl.create_default_context() if url.startswith("https:") else None
    for attempt in range(TRIES):
        request = urllib.request.Request(url, data=body, headers=_headers(secret, body), method="POST")  # noqa: S310 - the merchant's own
        try:
            with urllib.request.urlopen(request, timeout=10, context=context):  # noqa: S310
                return
        except OSError as error:
            log.info("webhook to %s failed: %s", url, error)
        time.sleep(PAUSE_S * 2**attempt)

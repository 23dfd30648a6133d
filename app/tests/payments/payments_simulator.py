"""The simulator's controls, and adapters that talk to it."""

from __future__ import annotations

import json
import ssl
import time
from datetime import UTC, datetime
from typing import Any

import httpx
from casino.kernel.settings import PspSecret, PspSetting
from casino.wallet.payments.adapters.http import Connection
from casino.wallet.payments.adapters.registry import Adapters, build_adapters
from casino.wallet.payments.signing import sign

SECRETS = {"alfa": "secret of alfa", "bravo": "secret of bravo", "charlie": "secret of charlie"}


NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""The simulator speaks plain HTTP here; to load certificates for each client would take most of a test."""


class Now:
    """The machine's time, moved by tests."""

    def __init__(self) -> None:
        self.offset_s = 0.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(time.time() + self.offset_s, UTC)


class Simulator:
    """One client of the controls for all providers; `connections` are the casino's own."""

    def __init__(self, url: str) -> None:
        self.url, self.clock = url, Now()
        self.http = httpx.AsyncClient(base_url=url, trust_env=False, verify=NO_TLS)
        self.connections = {
            name: Connection(PspSetting(name=name, url=url), PspSecret(merchant_id=name, secret=secret), self.clock,
                             timeout_s=5, context=NO_TLS)
            for name, secret in SECRETS.items()
        }  # fmt: skip
        self.adapters: Adapters = build_adapters(self.connections, 2)

    async def call(self, provider: str, method: str, path: str, body: Any = None) -> Any:
        content = json.dumps(body).encode() if body is not None else b""
        now = str(int(time.time()))
        headers = {"X-Merchant": provider, "X-Timestamp": now,
                   "X-Signature": sign(SECRETS[provider], now, method, path, content)}  # fmt: skip
        answer = await self.http.request(method, path, content=content, headers=headers)
        assert answer.is_success, answer.text
        return answer.json() if "json" in answer.headers["content-type"] else answer.text

    async def fault(self, provider: str, name: str, **more: Any) -> None:
        await self.call(provider, "POST", "/control/faults", {"name": name} | more)

    async def event(self, provider: str, reference: str, event: str, **more: Any) -> Any:
        return await self.call(provider, "POST", "/control/events", {"reference": reference, "event": event} | more)

    async def webhooks(self, provider: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.call(provider, "GET", "/control/webhooks"))["webhooks"]
        return [one | {"headers": {k.lower(): v for k, v in one["headers"].items()}} for one in found]

    async def close(self) -> None:
        for provider in SECRETS:
            await self.fault(provider, "none")
            await self.webhooks(provider)
        for connection in self.connections.values():
            await connection.close()
        await self.http.aclose()

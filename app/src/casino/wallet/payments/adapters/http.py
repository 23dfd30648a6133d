"""The signed connection to a provider: every adapter calls through it."""

from __future__ import annotations

import json
import ssl
import time
from typing import Any

import httpx

from casino.kernel.clock import Clock
from casino.kernel.metrics import PSP_SECONDS
from casino.kernel.settings import PspSecret, PspSetting
from casino.wallet.payments.signing import sign

MAX_ANSWER_BYTES = 32 * 1024 * 1024


class Connection:
    """One provider's HTTP, shared by its adapters."""

    def __init__(
        self,
        setting: PspSetting,
        secret: PspSecret,
        clock: Clock,
        *,
        timeout_s: float,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.provider = setting.name
        self.secret = secret
        self._clock = clock
        self._http = httpx.AsyncClient(
            base_url=setting.url.rstrip("/"),
            timeout=timeout_s,
            verify=context if context is not None else True,
            trust_env=False,  # a proxy from the environment must not see payments
            follow_redirects=False,
            limits=httpx.Limits(max_connections=20, max_keepalive_connections=10),
        )

    async def post(self, path: str, body: dict[str, Any]) -> tuple[int, bytes] | None:
        """Status and body of the answer; null when there was none."""
        return await self._call("POST", path, json.dumps(body, separators=(",", ":")).encode())

    async def get(self, path: str) -> tuple[int, bytes] | None:
        return await self._call("GET", path, b"")

    async def close(self) -> None:
        await self._http.aclose()

    async def _call(self, method: str, path: str, content: bytes) -> tuple[int, bytes] | None:
        timestamp = str(int(self._clock.now().timestamp()))
        headers = {
            "Content-Type": "application/json",
            "X-Merchant": self.secret.merchant_id,
            "X-Timestamp": timestamp,
            "X-Signature": sign(self.secret.secret.get_secret_value(), timestamp, method, path, content),
        }
        started, outcome = time.perf_counter(), "lost"
        try:
            response = await self._http.request(method, path, content=content, headers=headers)
            outcome = str(response.status_code)
            return response.status_code, response.content
        except httpx.HTTPError:
            return None
        finally:
            PSP_SECONDS.labels(self.provider, outcome).observe(time.perf_counter() - started)

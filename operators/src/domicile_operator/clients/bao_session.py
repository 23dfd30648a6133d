"""HTTP under hvac's client: what it asks of a `requests.Session`, by urllib3 alone.

A settled tenant's round is some twenty questions to OpenBao, and `requests` took half of the pass: it looks through the
environment for proxies and prepares each request anew. No proxy is used here; the cell's CA alone is trusted.
"""

import json
from typing import Any

import urllib3
from urllib3.util import Retry, Timeout

REDIRECTS = 3
"""A standby that forwards nothing sends to the one that is active."""


class Answer:
    """As much of a `requests.Response` as hvac reads."""

    def __init__(self, status: int, headers: urllib3.HTTPHeaderDict, body: bytes) -> None:
        self.status_code, self.headers, self._body = status, headers, body

    @property
    def ok(self) -> bool:
        return self.status_code < 400

    @property
    def text(self) -> str:
        return self._body.decode(errors="replace")

    def json(self) -> Any:
        """Raises ValueError."""
        return json.loads(self._body)


class BaoSession:
    """Takes the CA's file and how many connections to keep. May be used from several threads."""

    cert = proxies = None

    def __init__(self, ca_file: str, connections: int = 8) -> None:
        self.verify = ca_file
        once = Retry(REDIRECTS, connect=0, read=0, status=0, other=0, redirect=REDIRECTS)
        self._pool = urllib3.PoolManager(maxsize=connections, ca_certs=ca_file, retries=once)

    def request(
        self,
        method: str,
        url: str,
        headers: dict[str, str],
        *,
        timeout: float,
        json: Any = None,
        params: dict[str, str] | None = None,
        allow_redirects: bool = True,
        **_: Any,
    ) -> Answer:
        """Raises urllib3's HTTPError. hvac's words for certificates and proxies are the session's own."""
        sent: dict[str, Any] = {} if json is None else {"json": json}
        if params:
            sent["fields"] = params
        found = self._pool.request(
            method.upper(), url, headers=headers, timeout=Timeout(timeout), redirect=allow_redirects, **sent
        )
        return Answer(found.status, found.headers, found.data)

"""Who knows about anonymisers: an adapter to a provider over HTTP. A provider that does not answer knows nothing."""

from __future__ import annotations

import logging
from typing import Protocol

import httpx

from casino.pam.geolocation.models import Anonymity

log = logging.getLogger(__name__)

TIMEOUT_S = 1.5


class AnonymityProvider(Protocol):
    """Never raises: what cannot be found out is Anonymity.UNKNOWN, and the decision is a no."""

    async def look_up(self, address: str) -> Anonymity: ...


class HttpAnonymityProvider:
    """`GET <url>/v1/addresses/<address>` answers `{"anonymiser": true | false}`."""

    def __init__(self, client: httpx.AsyncClient, url: str) -> None:
        self._client = client
        self._url = url.rstrip("/")

    async def look_up(self, address: str) -> Anonymity:
        try:
            answer = await self._client.get(f"{self._url}/v1/addresses/{address}", timeout=TIMEOUT_S)
            answer.raise_for_status()
            found = answer.json()["anonymiser"]
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            log.warning("the provider of anonymity did not answer", extra={"error": type(error).__name__})
            return Anonymity.UNKNOWN
        if not isinstance(found, bool):
            return Anonymity.UNKNOWN
        return Anonymity.ANONYMISER if found else Anonymity.NONE

"""A national register of excluded persons, over HTTP. What does not answer is never taken for a no."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol

import httpx
from pydantic import SecretStr

from casino.kernel.errors import CasinoError, ConfigurationError
from casino.responsible_gaming.register_key import RegisterKey

log = logging.getLogger(__name__)

TIMEOUT_S = 3.0
ASKED_BY = ("given_name", "family_name", "date_of_birth", "national_id", "postal_code", "email", "phone")
"""What a person is looked up by, where it is known."""


class Listed(StrEnum):
    """What a register says of a person."""

    YES = "listed"
    NO = "not_listed"
    UNKNOWN = "no_answer"


class RegisterUnavailable(CasinoError):
    status, code = 503, "EXCLUSION_REGISTER_UNAVAILABLE"
    rule = "exclusion_register_moments"
    remedy = "Try again in a few minutes: nobody is let in unless the register has answered."


class ExclusionRegister(Protocol):
    """Never raises: what cannot be found out is `Listed.UNKNOWN`. `name` is what rules.json calls it."""

    name: str

    async def look_up(self, person: Mapping[str, str], moment: str) -> Listed: ...


class HttpExclusionRegister:
    """`POST <url>/v1/checks` with `{"request_id", "moment", "person": {...}}` answers `{"request_id", "listed"}`.

    An answer counts that repeats the request's id, and whose `listed` is true or false, within `TIMEOUT_S` in all.
    """

    def __init__(self, client: httpx.AsyncClient, name: str, url: str, key: RegisterKey | None = None) -> None:
        self.name = name
        self._client = client
        self._url = f"{url.rstrip('/')}/v1/checks"
        self._key = key

    async def look_up(self, person: Mapping[str, str], moment: str) -> Listed:
        request_id = str(uuid.uuid4())
        asked = {name: person[name] for name in ASKED_BY if name in person}
        body = {"request_id": request_id, "moment": moment, "person": asked}
        try:
            async with asyncio.timeout(TIMEOUT_S):
                answer = await self._ask(body)
            answer.raise_for_status()
            told = answer.json()
            found, echoed = told["listed"], told["request_id"]
        except (httpx.HTTPError, ConfigurationError, TimeoutError, ValueError, KeyError, TypeError) as error:
            log.warning("the register of exclusions did not answer", extra={"error": type(error).__name__})
            return Listed.UNKNOWN
        if not isinstance(found, bool) or echoed != request_id:
            log.warning("the register of exclusions answered what is no answer")
            return Listed.UNKNOWN
        return Listed.YES if found else Listed.NO

    async def _ask(self, body: Mapping[str, object]) -> httpx.Response:
        """Once; and once more with another key where the register does not know this one any more."""
        key = await self._key.current() if self._key is not None else None
        answer = await self._post(body, key)
        if self._key is not None and key is not None and answer.status_code in (401, 403):
            newer = await self._key.instead_of(key)
            if newer is not None:
                answer = await self._post(body, newer)
        return answer

    async def _post(self, body: Mapping[str, object], key: SecretStr | None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {key.get_secret_value()}"} if key is not None else {}
        return await self._client.post(self._url, json=body, headers=headers, timeout=TIMEOUT_S)

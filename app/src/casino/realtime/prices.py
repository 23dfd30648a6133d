"""Reads a provider's ticks: lines of JSON over HTTP, for as long as the provider keeps the stream open."""

from __future__ import annotations

import asyncio
import logging
from typing import Annotated

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from casino.realtime.publish import Prices

log = logging.getLogger(__name__)

LINE_BYTES = 1024
SILENT_S = 30.0
RETRY_MAX_S = 30.0


class Tick(BaseModel):
    """`price` is decimal text, passed on as it is."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
    price: Annotated[str, Field(pattern=r"^[0-9]{1,12}(\.[0-9]{1,9})?$")]


class PriceReader:
    """`url` is the provider's stream. Lines that are no ticks are counted and passed over; too long a line ends it."""

    def __init__(self, url: str, prices: Prices) -> None:
        self._url = url
        self._prices = prices
        self.ticks = self.faulty = 0

    async def run(self) -> None:
        """Read until cancelled, anew whenever the stream ends."""
        delay = 0.5
        while True:
            before = self.ticks
            try:
                await self.read()
            except httpx.HTTPError as error:
                log.warning("prices are not read", extra={"error": type(error).__name__})
            delay = 0.5 if self.ticks > before else min(delay * 2, RETRY_MAX_S)
            await asyncio.sleep(delay)

    async def read(self) -> None:
        """One stream to its end. Raises httpx.HTTPError."""
        timeout = httpx.Timeout(5.0, read=SILENT_S)
        async with httpx.AsyncClient(timeout=timeout) as http, http.stream("GET", self._url) as stream:
            stream.raise_for_status()
            rest = b""
            async for data in stream.aiter_bytes():
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    self._line(line)
                if len(rest) > LINE_BYTES:
                    raise httpx.DecodingError("a line is too long to be a tick")

    def _line(self, line: bytes) -> None:
        try:
            tick = Tick.model_validate_json(line[: LINE_BYTES + 1])
        except ValidationError:
            self.faulty += 1
            return
        self.ticks += 1
        self._prices.tick(tick.name, tick.price)

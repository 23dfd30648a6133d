"""The parties that a casino deals with: whether each of them takes its signed calls, asked by the worker all the time.

A casino whose payment provider has another key is found out before its first player pays, and one whose key was
changed afterwards before the second does. What is asked moves no money and opens nothing: of a payment provider, how
an operation stands that never was; of a studio, which games it has.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from casino.kernel.acknowledgement import Acknowledgement
from casino.kernel.metrics import COUNTERPARTIES

log = logging.getLogger(__name__)

Kind = Literal["payment_provider", "studio"]
Ask = Callable[[], Awaitable[Mapping[str, Acknowledgement]]]
SOON_S = 60.0
"""Until the next call while some party does not acknowledge: whoever mends it wants to see it."""
LATER_S = 300.0


@dataclass(frozen=True, slots=True)
class Answered:
    """How one party answered."""

    kind: Kind
    name: str
    acknowledgement: Acknowledgement

    @property
    def ok(self) -> bool:
        return self.acknowledgement is Acknowledgement.ACKNOWLEDGED

    def as_json(self) -> dict[str, str]:
        return {"kind": self.kind, "name": self.name, "answer": self.acknowledgement.value}


class Counterparties:
    """Every party of a tenant, by kind."""

    def __init__(self, asked: Mapping[Kind, Ask]) -> None:
        self._asked = asked

    async def ask(self) -> Sequence[Answered]:
        """Ask all of them once, at the same time; shown on /metrics."""
        kinds = list(self._asked)
        answers = await asyncio.gather(*(self._asked[kind]() for kind in kinds))
        found = [
            Answered(kind, name, given)
            for kind, of_kind in zip(kinds, answers, strict=True)
            for name, given in sorted(of_kind.items())
        ]
        for one in found:
            for state in Acknowledgement:
                COUNTERPARTIES.labels(one.kind, one.name, state.value).set(state is one.acknowledgement)
        return found

    async def run(self) -> None:
        """Ask until cancelled."""
        silent: frozenset[Answered] = frozenset()
        while True:
            try:
                found = frozenset(one for one in await self.ask() if not one.ok)
            except Exception:
                log.exception("the counterparties were not asked")
                await asyncio.sleep(SOON_S)
                continue
            for one in found - silent:
                log.error("a counterparty does not acknowledge us", extra=one.as_json())
            silent = found
            await asyncio.sleep(SOON_S if found else LATER_S)

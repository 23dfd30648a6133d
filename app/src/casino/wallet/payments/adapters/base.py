"""What every adapter can do, and what it is given. An adapter decides nothing: it spells and it signs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from casino.kernel.acknowledgement import Acknowledgement
from casino.wallet.payments.models import Answer, Event, Method


@dataclass(frozen=True, slots=True)
class Charge:
    """A deposit as a provider is asked for it. `token` names the instrument where the method has one beforehand."""

    reference: str
    amount: int
    currency: str
    token: str | None = None
    return_url: str | None = None


@dataclass(frozen=True, slots=True)
class Refund:
    """Money back to where the charge `of_reference` came from."""

    reference: str
    of_reference: str
    amount: int
    currency: str


@dataclass(frozen=True, slots=True)
class TravelRule:
    """Who sends crypto-assets to whom (FATF recommendation 16; EU 2023/1113, which has no lower limit).

    Personal data: it goes to the provider and nowhere else.
    """

    originator_name: str
    originator_account: str
    beneficiary_name: str
    beneficiary_address: str


@dataclass(frozen=True, slots=True)
class Payout:
    """A withdrawal as a provider is asked for it."""

    reference: str
    amount: int
    currency: str
    token: str
    travel_rule: TravelRule | None = None


class Adapter(Protocol):
    """One provider for one method.

    A call answers with what is the provider's beyond doubt. Time-outs, lost answers, faults of theirs and nonsense
    are the outcome `unknown`; `status` answers `not_found` when the provider never received the reference. A repeat
    under one reference has no further effect.
    """

    @property
    def provider(self) -> str: ...

    @property
    def method(self) -> Method: ...

    async def authorize(self, charge: Charge) -> Answer:
        """Ask for a deposit. `authorized` is captured by `capture`; `pending` waits for the player."""

    async def capture(self, reference: str) -> Answer: ...

    async def refund(self, refund: Refund) -> Answer: ...

    async def payout(self, payout: Payout) -> Answer: ...

    async def status(self, reference: str) -> Answer: ...

    async def acknowledge(self) -> Acknowledgement:
        """Whether the provider takes our signed calls for this method; moves nothing."""

    def parse_webhook(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Event:
        """The event of a webhook, verified. Raises WebhookRefused, WebhookInvalid."""

    async def settlement(self, day: date) -> str | None:
        """The provider's settlement file of a day; null when it cannot be had."""

    async def close(self) -> None: ...

"""Values of payments. All amounts are integer minor units of the payment's currency."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Kind = Literal["deposit", "withdrawal"]
Method = Literal["card", "bank", "wallet", "pix", "crypto"]
METHODS: tuple[Method, ...] = ("card", "bank", "wallet", "pix", "crypto")

Outcome = Literal["authorized", "captured", "pending", "declined", "unknown", "not_found"]
"""What a call of a provider came to. `unknown`: whether it took effect is not known (time-out, lost answer)."""

NOT_RECEIVED = "not_received"
"""Our own decline code: the provider never heard of the payment."""


@dataclass(frozen=True, slots=True)
class Payment:
    """A deposit or a withdrawal, with what has moved for it so far.

    `received` is what a provider says that it took, before a person has judged it. Of a deposit, `captured` was
    credited; `refunding` is on its way back, `refunded` has arrived there; `disputed` was taken by a chargeback. Of a
    withdrawal, `held` waits, `paid` is with the provider, `returned` came back. `refunds` and `disputes` count, and
    so name the steps that may happen more than once.
    """

    payment_id: uuid.UUID
    kind: Kind
    player_id: uuid.UUID
    account_id: int
    method: Method
    currency: str
    amount: int
    state: str
    created_at: datetime
    provider: str | None = None
    instrument_id: uuid.UUID | None = None
    received: int = 0
    captured: int = 0
    refunding: int = 0
    refunded: int = 0
    disputed: int = 0
    held: int = 0
    paid: int = 0
    returned: int = 0
    refunds: int = 0
    disputes: int = 0
    approvals: tuple[str, ...] = ()
    decline_code: str | None = None

    @property
    def refundable(self) -> int:
        """What is left of a deposit to give back or to be charged back."""
        return self.captured - self.refunding - self.refunded - self.disputed


@dataclass(frozen=True, slots=True)
class MoneyStep:
    """One movement that the ledger is asked for; `key` is unique within the payment."""

    operation: str
    key: str
    amount: int


@dataclass(frozen=True, slots=True)
class Moved:
    """What the ledger moved of the amount asked for; `short` is what the player's cash did not cover."""

    amount: int
    short: int = 0


@dataclass(frozen=True, slots=True)
class Action:
    """What the player has to do next: follow `url`, show `qr_payload` to their bank, or pay to `address`."""

    url: str | None = None
    qr_payload: str | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider says about an operation of ours, by our reference.

    `owner_match` and `payer_token` are of the account that paid, `country` (ISO 3166) of the card's BIN, where the
    provider knows them.
    """

    outcome: Outcome
    reference: str
    provider_id: str | None = None
    amount: int | None = None
    currency: str | None = None
    decline_code: str | None = None
    action: Action | None = None
    owner_match: bool | None = None
    payer_token: str | None = None
    country: str | None = None


EventKind = Literal[
    "authorized", "captured", "declined", "refund_done", "refund_failed", "payout_paid", "payout_failed",
    "payout_returned", "chargeback", "chargeback_won", "chargeback_lost", "seen", "reorged",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Event:
    """A provider's webhook, verified and parsed. `reference` is of our attempt; nothing else of the body is kept."""

    event_id: str
    kind: EventKind
    reference: str
    amount: int | None
    currency: str | None
    decline_code: str | None
    occurred_at: datetime
    provider_id: str | None = None
    owner_match: bool | None = None
    payer_token: str | None = None


Operation = Literal["charge", "payout", "refund", "return"]
"""What an attempt asks for. `return` gives back a charge that a second provider took for the same payment."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at one provider. `outcome` is null while the call is under way; the reference is the provider's key.

    `moved` is what the provider says that it took or paid. A `stray` attempt moved money at its provider although
    another had done so for the same payment before.
    """

    payment_id: uuid.UUID
    number: int
    operation: Operation
    provider: str
    method: Method
    reference: str
    amount: int
    currency: str
    started_at: datetime
    outcome: Outcome | None = None
    decline_code: str | None = None
    provider_id: str | None = None
    of_reference: str | None = None
    stray: bool = False
    moved: int | None = None
    action: Action | None = None

    @property
    def open(self) -> bool:
        """Whether the provider may still take or pay the money on its account."""
        return self.outcome in OPEN


OPEN = frozenset({None, "unknown", "pending", "authorized"})
"""`not_found` is final: it is written once the provider has said so for long enough."""


@dataclass(frozen=True, slots=True)
class Instrument:
    """Where a player's money comes from and goes to: a provider's token, never the number behind it.

    `owner_match` is the comparison of the holder's name with the player's, made where the names are known, and
    `verified_by` who vouches for it: `psp:<name>` or `staff:<id>`. A `removed` one is chosen for nothing more; money
    that came from it still goes back there.
    """

    instrument_id: uuid.UUID
    player_id: uuid.UUID
    method: Method
    provider: str
    token: str
    verified: bool
    owner_match: bool | None
    country: str | None = None
    created_at: datetime | None = None
    verified_by: str | None = None
    removed: bool = False

"""Values of the wallet. All amounts are minor units of the tenant's one currency."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from casino.kernel.http import AmountMinor, Body

RoundOutcome = Literal[
    "placed",
    "replayed",
    "key_reused",
    "account_unknown",
    "casino_closed",
    "account_not_open",
    "barred",
    "stake_above_limit",
    "cycle_too_short",
    "insufficient_funds",
]
DepositStatus = Literal["pending", "captured", "declined"]


@dataclass(frozen=True, slots=True)
class RoundRequest:
    """One round as the ledger is asked to write it. `None` for a limit means that there is none."""

    account_id: int
    key: str
    request_hash: bytes
    stake_minor: int
    win_minor: int
    stake_cap_minor: int | None
    min_cycle_ms: int | None
    details: dict[str, Any]
    jackpot: str | None = None
    """The jackpot that the round pays `contribution_micros` into: millionths of the smallest unit, of the house's."""
    contribution_micros: int = 0


@dataclass(frozen=True, slots=True)
class Round:
    """A round that stands in the ledger, now or from an earlier request with the same key."""

    round_id: uuid.UUID
    stake_minor: int
    win_minor: int
    balance_minor: int
    details: dict[str, Any]
    created_at: datetime
    replayed: bool


class DepositRequest(Body):
    """`card_token` is the provider's token for a card; the casino never sees the card."""

    amount_minor: AmountMinor
    card_token: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,128}$")]


class DepositAnswer(BaseModel):
    """`pending`: the provider's answer is not known, or a person looks at it; a repeat under the key asks again."""

    deposit_id: uuid.UUID
    status: DepositStatus
    decline_code: str | None
    balance_minor: int


class Balance(BaseModel):
    balance_minor: int
    currency: str
    currency_exponent: int


class WhatIsOpen(BaseModel):
    """Which acts the casino's state leaves, as this process knows it: a change is seen within seconds."""

    register_: Annotated[bool, Field(alias="register")]
    deposit: bool
    stake: bool
    withdraw: bool


class HistoryEntry(BaseModel):
    """One transaction of the player. `amount_minor` is what it did to the balance."""

    transaction_id: uuid.UUID
    kind: str
    created_at: datetime
    amount_minor: int
    stake_minor: int
    win_minor: int
    balance_minor: int
    details: dict[str, Any]


class History(BaseModel):
    """Newest first. `next` goes into `before` for the page after; null at the end."""

    entries: list[HistoryEntry]
    next: str | None

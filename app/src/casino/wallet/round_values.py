"""Values of rounds of several steps. Amounts are minor units of the tenant's one currency."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

RoundStatus = Literal["open", "closed", "voided"]


@dataclass(frozen=True, slots=True)
class GameRound:
    """A round as it stands. `won_minor` is zero until it is closed; `draws` is there for a provably fair one alone.

    `balance_before_minor` is the player's cash before the first stake, `balance_after_minor` that after the last step.
    """

    round_id: uuid.UUID
    account_id: int
    game_id: str
    version: str
    status: RoundStatus
    step: int
    staked_minor: int
    won_minor: int
    balance_before_minor: int
    balance_after_minor: int
    state: Mapping[str, Any]
    draws: Mapping[str, Any] | None
    started_at: datetime
    stepped_at: datetime
    due_at: datetime
    ended_at: datetime | None
    end_reason: str | None


@dataclass(frozen=True, slots=True)
class RoundStep:
    """One step as it was answered. `state` leaves out the steps before it; `action` is what was played."""

    round_id: uuid.UUID
    step: int
    action: Mapping[str, Any]
    stake_minor: int
    won_minor: int
    closed: bool
    balance_minor: int
    state: Mapping[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True)
class StepRequest:
    """A step as the ledger is asked to write it. `seen` is the step whose state it was worked out from; 0 starts.

    `stake_minor` is what this step takes, `win_minor` what the round pays, with the step that closes it alone.
    `before`: not after that moment on the database's clock. `None` for a limit means that there is none. `jackpot` is
    what the round pays into one, `{"name", "micros", ...}` in millionths of the smallest unit: with the step that
    closes it alone.
    """

    round_id: uuid.UUID
    account_id: int
    seen: int
    key: str
    request_hash: bytes
    action: Mapping[str, Any]
    stake_minor: int
    closes: bool
    win_minor: int
    state: Mapping[str, Any]
    draws: Mapping[str, Any] | None
    stake_cap_minor: int | None
    min_cycle_ms: int | None
    at: datetime
    due_at: datetime
    before: datetime | None = None
    reason: str | None = None
    jackpot: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class PlayedRound:
    """A round of one step, as the journal has it."""

    round_id: uuid.UUID
    account_id: int
    currency: str
    staked_minor: int
    won_minor: int
    balance_after_minor: int
    details: Mapping[str, Any]
    played_at: datetime

"""Bodies and answers of the module's endpoints. Amounts are minor units; limits of `session` are minutes."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Annotated, Literal

from fastapi import Path
from pydantic import AfterValidator, BaseModel, Field

from casino.kernel.http import AmountMinor, Body
from casino.kernel.money import MAX_AMOUNT_MINOR
from casino.responsible_gaming.limits import Kind
from casino.responsible_gaming.windows import Period

LimitKind = Annotated[Kind, Path(description="What is limited.")]
LimitPeriod = Annotated[Period, Path(description="A window where the licence is.")]
Days = Annotated[int, Field(ge=1, le=36_500)]


def _plain(value: str) -> str:
    if not value.isprintable() or not value.strip():
        raise ValueError("is no text")
    return value


Reason = Annotated[str, Field(min_length=3, max_length=500), AfterValidator(_plain)]


class LimitBody(Body):
    """`value` is null for no limit: that is a loosening, and waits like one."""

    value: Annotated[int, Field(ge=0, le=MAX_AMOUNT_MINOR)] | None


class TimeOutBody(Body):
    days: Days


class ExclusionBody(Body):
    """`days` is null for an exclusion without an end."""

    days: Days | None


class LimitAnswer(BaseModel):
    """A limit of the player's own (`origin` player) or of staff's. `waiting` is in force from `effective_at` on, where
    the rules ask for it after a confirmation; without `effective_at` nothing waits."""

    kind: Kind
    period: Period
    origin: str
    value: int | None
    waiting: int | None
    effective_at: datetime | None


class BindingLimit(BaseModel):
    """What binds: the tightest of all. `used` of its window, until `ends_at`; null where nothing is counted yet."""

    kind: Kind
    period: Period
    value: int
    used: int | None
    ends_at: datetime | None


class ExclusionAnswer(BaseModel):
    """`until` is null for one without an end; `return_at`: from when on who asked to come back may play."""

    exclusion_id: uuid.UUID
    kind: str
    began_at: datetime
    until: datetime | None
    return_at: datetime | None
    ended_at: datetime | None


class ProtectionAnswer(BaseModel):
    """All that protects a player at this moment.

    `required` before the first deposit: `deposit/month`, or `loss` alone for a limit over any period.
    """

    limits: list[LimitAnswer]
    binding: list[BindingLimit]
    required: list[str]
    exclusions: list[ExclusionAnswer]
    excluded: bool


class HistoryEntry(BaseModel):
    kind: str
    period: str
    origin: str
    change: str
    value: int | None
    effective_at: datetime
    recorded_at: datetime


class HistoryAnswer(BaseModel):
    entries: list[HistoryEntry]


class DayAnswer(BaseModel):
    day: date
    currency: str
    rounds: int
    staked_minor: int
    won_minor: int
    net_minor: int
    deposited_minor: int
    withdrawn_minor: int


class StatementAnswer(BaseModel):
    """Days where the licence is, oldest first; `session_s` is the time with a session over all of them."""

    since: date
    until: date
    days: list[DayAnswer]
    session_s: int


class CheckAnswer(BaseModel):
    check_id: uuid.UUID
    since: datetime
    told_at: datetime
    staked_minor: int
    won_minor: int
    net_minor: int
    acknowledged_at: datetime | None


class ChecksAnswer(BaseModel):
    checks: list[CheckAnswer]


class StaffLimitBody(LimitBody):
    reason: Reason


class StaffExclusionBody(ExclusionBody):
    """`mandatory` is the casino's own; the other two are on the player's behalf."""

    kind: Literal["mandatory", "self_exclusion", "time_out"]
    reason: Reason


class ReasonBody(Body):
    reason: Reason


class StaffHistoryEntry(HistoryEntry):
    reason: str


class StaffExclusion(ExclusionAnswer):
    reason: str


class StaffProtectionAnswer(BaseModel):
    """The same for staff: with reasons, and what was."""

    limits: list[LimitAnswer]
    binding: list[BindingLimit]
    required: list[str]
    excluded: bool
    exclusions: list[StaffExclusion]
    history: list[StaffHistoryEntry]


class StaffWithdrawalBody(Body):
    """What goes back to an instrument that is the player's and verified."""

    amount_minor: AmountMinor
    instrument_id: Annotated[uuid.UUID, Field(strict=False)]
    reason: Reason

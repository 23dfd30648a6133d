"""One clock for the whole process. Code takes a Clock; only this file asks the machine for the time."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    """Where the time comes from: UTC, always aware."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


def day_after(moment: datetime, timezone: ZoneInfo) -> tuple[date, datetime]:
    """The day after the one that a moment is in where the licence is, and when it begins."""
    day = moment.astimezone(timezone).date() + timedelta(days=1)
    # A midnight that is skipped is read by the offset before it, which is the moment at which the day begins.
    return day, datetime.combine(day, time(), timezone).astimezone(UTC)


def local_date(clock: Clock, timezone: str) -> date:
    """Today's date where the licence is: what a player's age is counted to."""
    return clock.now().astimezone(ZoneInfo(timezone)).date()

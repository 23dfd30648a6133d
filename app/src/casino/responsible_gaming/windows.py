"""The windows that limits are counted in: days, weeks and months where the licence is. Pure.

The wallet counts by the same windows in SQL (`wallet.limit_window`); a test holds one against the other.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

Period = Literal["day", "week", "month"]
PERIODS: tuple[Period, ...] = ("day", "week", "month")


def first_day(period: Period, day: date) -> date:
    """The first day of the window that a day is in; a week begins with Monday (ISO 8601)."""
    match period:
        case "day":
            return day
        case "week":
            return day - timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)


def window(period: Period, at: datetime, timezone: str) -> tuple[datetime, datetime]:
    """`[begin, end)` of the window that a moment is in, in UTC.

    A day on which clocks are changed has 23 or 25 hours. Where midnight is skipped the window begins with the first
    moment after it; where midnight comes twice, with the second: the day before keeps the hour that it repeats.
    """
    zone = ZoneInfo(timezone)
    first = first_day(period, at.astimezone(zone).date())
    return _midnight(first, zone), _midnight(_following(period, first), zone)


def by_day(since: datetime, until: datetime, timezone: str) -> list[tuple[date, int]]:
    """The whole seconds from one moment to another, by the day that they are in; none where there is no whole one."""
    zone, found, counted = ZoneInfo(timezone), [], 0
    whole, at = int((until - since).total_seconds()), since
    while counted < whole:
        day = at.astimezone(zone).date()
        at = _midnight(day + timedelta(days=1), zone)
        seconds = min(whole, int((at - since).total_seconds())) - counted
        found.append((day, seconds))
        counted += seconds
    return [(day, seconds) for day, seconds in found if seconds]


def _following(period: Period, first: date) -> date:
    match period:
        case "day":
            return first + timedelta(days=1)
        case "week":
            return first + timedelta(days=7)
        case "month":
            return (first + timedelta(days=31)).replace(day=1)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    # As PostgreSQL reads a local time that comes twice, or not at all: by the smaller offset from UTC.
    local = datetime.combine(day, time(), zone)
    return min(local, local.replace(fold=1), key=lambda one: one.utcoffset() or timedelta()).astimezone(UTC)

"""Windows where the licence is, on days of any length; and the wallet's, which are counted by, are the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from casino.responsible_gaming.windows import PERIODS, window
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

# Among them days without a midnight (Beirut, Sao Paulo of 2017), of half an hour more (Lord Howe), and a date that
# never was (Apia, 30 December 2011).
ZONES = ["UTC", "Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Beirut", "America/Sao_Paulo",
         "Pacific/Apia", "Asia/Kathmandu"]  # fmt: skip
START = datetime(2010, 1, 1, tzinfo=UTC)
moments = st.timedeltas(timedelta(0), timedelta(days=7300)).map(lambda past: START + past)
zones, periods = st.sampled_from(ZONES), st.sampled_from(PERIODS)


@given(moments, zones, periods)
def test_windows_lie_end_to_end_and_each_moment_is_in_its_own(at: datetime, zone: str, period: Any) -> None:
    begins, ends = window(period, at, zone)
    assert begins <= at < ends
    assert window(period, begins, zone) == window(period, ends - timedelta(microseconds=1), zone) == (begins, ends)
    assert window(period, ends, zone)[0] == ends
    longest = {"day": 25, "week": 7 * 24 + 1, "month": 31 * 24 + 1}[period]
    assert ends - begins <= timedelta(hours=longest)


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-10-26", 24)])
def test_a_day_on_which_clocks_change_is_a_day(day: str, hours: int) -> None:
    noon = datetime.fromisoformat(f"{day}T12:00:00").replace(tzinfo=ZoneInfo("Europe/London"))
    begins, ends = window("day", noon, "Europe/London")
    assert ends - begins == timedelta(hours=hours)


async def test_the_wallet_counts_by_the_same_windows(ledger: Any) -> None:
    asked: list[tuple[datetime, str, str]] = []

    @settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
    @given(moments, zones, periods)
    def collect(at: datetime, zone: str, period: str) -> None:
        asked.append((at, zone, period))

    collect()
    # The hours around each change of clocks, which chance would seldom find.
    for zone in ZONES:
        at = datetime(2026, 1, 1, tzinfo=UTC)
        while at.year < 2027:
            later = at + timedelta(hours=1)
            if at.astimezone(ZoneInfo(zone)).utcoffset() != later.astimezone(ZoneInfo(zone)).utcoffset():
                asked.extend((at + timedelta(hours=hours), zone, "day") for hours in range(-26, 27))
            at = later
    rows = await ledger.pool.fetch(
        "SELECT w.starts_at, w.ends_at FROM unnest($1::timestamptz[], $2::text[], $3::text[])"
        " WITH ORDINALITY AS asked (at, zone, period, place), wallet.limit_window(period, at, zone) AS w"
        " ORDER BY place",
        *(list(column) for column in zip(*asked, strict=True)),
    )
    for (at, zone, period), row in zip(asked, rows, strict=True):
        assert tuple(row) == window(period, at, zone), (at, zone, period)  # type: ignore[arg-type]

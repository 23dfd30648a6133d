"""A rebuild keeps what was built of months that the ledger has retired, and builds anew what came after them."""

from __future__ import annotations

import asyncio
import json
import os
import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import casino.commands
import pytest
from casino.__main__ import main
from casino.kernel.clock import day_after
from hypothesis import given
from hypothesis import strategies as st
from sealing_testkit import Past, backdating, make_month, months_ago

OLD, NEW = months_ago(3), months_ago(2)
BUILT = {
    "history": "SELECT * FROM ops.history ORDER BY account_id, position",
    "daily_reports": "SELECT * FROM ops.play_by_day ORDER BY day, game_id, currency",
    "rtp_drift": "SELECT * FROM game_control.play_by_day ORDER BY day, game_id, version, currency",
    "player_activity": "SELECT * FROM responsible_gaming.activity ORDER BY day, player_id, currency",
}
WRITTEN = "to_timestamp(('x' || substr(replace(transaction_id::text, '-', ''), 1, 12))::bit(48)::bigint / 1000.0)"


async def on(uri: str, *statements: str) -> None:
    """As who may do everything, and whom nothing holds up."""
    connection = await asyncpg.connect(uri)
    await connection.execute("SET session_replication_role = replica")
    for statement in statements:
        await connection.execute(statement)
    await connection.close()


async def play(uri: str) -> None:
    """Two months, each transaction written down at the time that its identifier tells; or days later, in the second."""
    connection = await asyncpg.connect(uri)
    await connection.execute("SELECT wallet.add_currency('GBP', 2::smallint)")
    for month in (OLD, NEW):
        await make_month(connection, month)
    past = Past(await backdating(uri, 2), random.Random(9))
    await past.begin(datetime(OLD.year, OLD.month, 2, tzinfo=UTC), players=3)
    await past.play([OLD, NEW], moves=60)
    for one in (connection, *past.connections):
        await one.close()
    spread = f"CASE WHEN {WRITTEN} >= '{NEW}' THEN account_version % 5 * interval '2 days' ELSE '0' END"
    await on(uri, f"UPDATE wallet.transactions SET created_at = {WRITTEN} + {spread}")


async def built(uri: str) -> dict[str, list[tuple[Any, ...]]]:
    """What each consumer of the wallet's events has built."""
    connection = await asyncpg.connect(uri)
    found = {name: [tuple(row) for row in await connection.fetch(query)] for name, query in BUILT.items()}
    await connection.close()
    return found


@pytest.mark.parametrize("timezone", ["UTC", "America/Sao_Paulo", "Asia/Tokyo"])
def test_what_was_built_of_months_that_are_gone_is_kept_whole_and_the_rest_is_built_anew(
    casino_process_environment: dict[str, str], servers: Any, database: str, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str], timezone: str,
) -> None:  # fmt: skip
    uri = servers.uri(database)
    asyncio.run(play(uri))
    for name in list(os.environ):
        if name.startswith(("CASINO_", "BAO_")):
            monkeypatch.delenv(name)
    for name, value in casino_process_environment.items():
        monkeypatch.setenv(name, value)
    rules = Path(os.environ["CASINO_RULES"])
    rules.write_text(json.dumps(json.loads(rules.read_text()) | {"timezone": timezone}))

    def rebuild(consumer: str, *more: str) -> dict[str, Any]:
        assert main(["events", "rebuild", consumer, "--json", *more]) == 0
        told: dict[str, Any] = json.loads(capsys.readouterr().out)
        return told

    for consumer in BUILT:
        assert "kept_before" not in rebuild(consumer)
    before = asyncio.run(built(uri))
    days = {row[0] for row in before["daily_reports"]}
    assert all(before.values()) and min(days) < NEW < max(days)

    ends = f"'{NEW}'::timestamp AT TIME ZONE 'UTC'"
    asyncio.run(on(
        uri,
        f"DELETE FROM wallet.postings WHERE transaction_id IN (SELECT transaction_id FROM wallet.transactions"
        f" WHERE {WRITTEN} < {ends})",
        f"DELETE FROM wallet.transactions WHERE {WRITTEN} < {ends}",
        # A fault in what was built of days whose events are there.
        *(f"UPDATE {table} SET rounds = rounds + 7 WHERE day >= '{NEW + timedelta(days=2)}'"
          for table in ("ops.play_by_day", "game_control.play_by_day", "responsible_gaming.activity")),
        f"DELETE FROM ops.history WHERE created_at >= '{NEW + timedelta(days=2)}'",
    ))  # fmt: skip
    assert asyncio.run(built(uri)) != before

    async def gone(_: Any) -> list[str]:
        return [f"{OLD:%Y-%m}"]

    monkeypatch.setattr(casino.commands, "GONE", {"wallet": gone})
    for consumer in (*BUILT, *BUILT):  # once and again: what is kept is neither lost nor counted twice
        assert rebuild(consumer)["kept_before"][:7] == f"{NEW:%Y-%m}"
    assert asyncio.run(built(uri)) == before
    rebuild("daily_reports", "--without", f"{OLD:%Y-%m}")
    assert len(asyncio.run(built(uri))["daily_reports"]) < len(before["daily_reports"])


def test_what_was_not_read_yet_is_not_passed_over(
    casino_process_environment: dict[str, str], servers: Any, database: str, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    asyncio.run(play(servers.uri(database)))
    for name, value in casino_process_environment.items():
        monkeypatch.setenv(name, value)

    async def gone(_: Any) -> list[str]:
        return [f"{OLD:%Y-%m}"]

    monkeypatch.setattr(casino.commands, "GONE", {"wallet": gone})
    assert main(["events", "rebuild", "daily_reports"]) == 2
    assert "let it read on" in capsys.readouterr().err


@given(st.integers(946_684_800, 2_200_000_000), st.sampled_from(
    ["UTC", "America/Sao_Paulo", "America/Havana", "Asia/Beirut", "Europe/London", "Pacific/Apia"]
))  # fmt: skip
def test_the_day_after_begins_with_its_first_moment(seconds: int, name: str) -> None:
    moment, zone = datetime.fromtimestamp(seconds, UTC), ZoneInfo(name)
    day, begins = day_after(moment, zone)
    assert isinstance(day, date) and begins > moment
    assert begins.astimezone(zone).date() >= day
    assert (begins - timedelta(microseconds=1)).astimezone(zone).date() < day

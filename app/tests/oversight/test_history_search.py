"""A player's history to search in is the journal's, however it was read; and the daily report is there for staff."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from casino.__main__ import main
from casino.kernel.events.relay import Relay
from casino.ops.history import PLAYERS, HistoryBook, Kind, PlayerHistory, Search
from casino.ops.reports import DailyReports
from casino.pam.api import Role

WON = [("house", None, "player_cash", None, "GBP", 70)]


async def drain(pool: Any, consumer: Any, batch: int = 500) -> Relay:
    relay = Relay(consumer, lambda _: pool, batch=batch)
    while await relay.step():
        pass
    return relay


async def played(ledger: Any, rng: random.Random) -> int:
    """A player who did a bit of everything."""
    account: int = await ledger.player(10_000)
    for number in range(40):
        match rng.randrange(6):
            case 0:
                await ledger.deposit(account, rng.randint(1, 500))
            case 1:
                await ledger.hold(account, 30, f"hand {number}")
                await ledger.settle(account, f"hand {number}", rng.choice([0, 80]))
            case 2:
                await ledger.post("win", account, WON)
            case 3:
                await ledger.hold(account, 20, f"out {number}", kind="withdrawal")
                end = rng.choice(["captured", "released"])
                await ledger.resolve(account, f"out {number}", end, kind="withdrawal", provider="sandbox")
            case _:
                await ledger.bet(account, rng.randint(1, 50), rng.choice([0, 0, 60]))
    return account


async def pages(history: PlayerHistory, account: int, size: int, **asked: Any) -> list[Any]:
    found, before = [], None
    while True:
        page, before = await history.find(account, Search(before=before, **asked), size)
        found += page
        if before is None:
            return found
        assert len(page) == size


class One:
    """The database of a pool."""

    def __init__(self, pool: Any) -> None:
        self.pool = pool


@pytest.mark.parametrize("batch", [1, 7, 500])
async def test_the_book_is_the_journal_and_is_built_anew(ledger: Any, batch: int) -> None:
    rng = random.Random(batch)
    accounts = [await played(ledger, rng) for _ in range(2)]
    relay = await drain(ledger.pool, HistoryBook().consumer(), batch)
    history = PlayerHistory(One(ledger.pool))  # type: ignore[arg-type]

    async def matches() -> None:
        for account in accounts:
            journal = await ledger.pool.fetch(
                "SELECT transaction_id, kind, taken, given, balance_after, created_at FROM wallet.transactions"
                " WHERE account_id = $1 ORDER BY position DESC",
                account,
            )
            found = await pages(history, account, 7)
            assert [(e.transaction_id, e.kind, e.balance_minor, e.created_at) for e in found] == [
                (row["transaction_id"], row["kind"], row["balance_after"], row["created_at"]) for row in journal
            ]
            assert sum(entry.amount_minor for entry in found) == await ledger.balance(account)
            moved = await ledger.pool.fetch(
                "SELECT transaction_id, sum(amount)::bigint FROM wallet.entries WHERE account_id = $1 GROUP BY 1",
                account,
            )
            entries = dict(moved)
            assert {e.transaction_id: e.amount_minor for e in found if e.amount_minor} == {
                key: amount for key, amount in entries.items() if amount
            }
            by_kind = [await pages(history, account, 5, kind=kind) for kind in Kind]
            assert {e.transaction_id for some in by_kind for e in some} == {e.transaction_id for e in found}
            wins = await pages(history, account, 5, kind=Kind.WINS)
            assert [e.transaction_id for e in wins] == [
                row["transaction_id"] for row in journal
                if row["given"] and row["kind"] in ("round", "bet_settled", "win", "jackpot_win")
            ]  # fmt: skip

    await matches()
    await ledger.pool.execute("UPDATE ops.history SET balance = 1")
    await relay.rebuild()
    while await relay.step():
        pass
    await matches()


async def test_times_bound_a_search(ledger: Any) -> None:
    account = await ledger.player(1_000)
    await ledger.bet(account, 10)
    await drain(ledger.pool, HistoryBook().consumer())
    history = PlayerHistory(One(ledger.pool))  # type: ignore[arg-type]
    (bet, deposit), _ = await history.find(account, Search(), 10)
    for since, until, kinds in (
        (None, bet.created_at, ["deposit"]),
        (bet.created_at, None, ["round"]),
        (deposit.created_at, bet.created_at + timedelta(microseconds=1), ["round", "deposit"]),
        (bet.created_at + timedelta(days=1), None, []),
    ):
        found, _ = await history.find(account, Search(since=since, until=until), 10)
        assert [entry.kind for entry in found] == kinds


async def test_no_kind_of_a_players_is_left_out(ledger: Any) -> None:
    kinds = await ledger.pool.fetch(
        "SELECT DISTINCT kind FROM wallet.movements WHERE debit LIKE 'player%' OR credit LIKE 'player%'"
        " UNION SELECT 'round' UNION SELECT 'reversal'"
    )
    assert {row["kind"] for row in kinds} <= PLAYERS


async def test_a_player_searches_by_kind_and_time_and_everything_is_up_to_date(
    casino: Any, servers: Any, database: str
) -> None:
    player = await casino.player(1_000)
    for _ in range(3):
        assert (await player.spin(10)).status_code == 200
    whole = (await player.call("GET", "/history")).json()
    assert [one["kind"] for one in whole["entries"]] == ["round"] * 3 + ["deposit"]
    assert (await player.call("GET", "/history?kind=rounds")).json() == {"entries": [], "next": None}
    pool = await asyncpg.create_pool(servers.uri(database), min_size=1, max_size=3)
    await drain(pool, HistoryBook().consumer())
    await pool.close()
    first = (await player.call("GET", "/history?kind=rounds&limit=2")).json()
    assert [one["transaction_id"] for one in first["entries"]] == [
        one["transaction_id"] for one in whole["entries"][:2]
    ]
    rest = (await player.call("GET", f"/history?kind=rounds&before={first['next']}")).json()
    assert len(rest["entries"]) == 1 and rest["next"] is None
    assert rest["entries"][0]["amount_minor"] == whole["entries"][2]["amount_minor"]
    since = (datetime.now(UTC) + timedelta(hours=1)).isoformat().replace("+", "%2B")
    assert (await player.call("GET", f"/history?since={since}")).json()["entries"] == []
    assert (await (await casino.player()).call("GET", "/history?kind=deposits")).json()["entries"] == []


@pytest.mark.parametrize("query", [
    "kind=nothing", "since=2026-11-30T12:00:00", "until=tomorrow", "kind=rounds&before=17", "before=s0", "limit=0",
])  # fmt: skip
async def test_what_cannot_be_searched_for_is_refused(casino: Any, query: str) -> None:
    answer = await (await casino.player()).call("GET", f"/history?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "REQUEST_INVALID"), answer.text


async def test_the_daily_report_is_for_staff_and_for_spreadsheets(
    casino: Any, hire: Any, servers: Any, database: str, casino_process_environment: Any, monkeypatch: Any, capsys: Any
) -> None:
    player = await casino.player(1_000)
    won = sum([(await player.spin(10)).json()["win_minor"] for _ in range(5)])
    pool = await asyncpg.create_pool(servers.uri(database), min_size=1, max_size=3)
    await drain(pool, DailyReports("Europe/London").consumer())
    await pool.close()
    kim = await hire(casino, Role.FINANCE)
    (row,) = (await kim.call("GET", "/reports/daily")).json()["play"]
    assert (row["game_id"], row["rounds"], row["stake_minor"], row["win_minor"]) == ("harbour-lights", 5, 50, won)
    assert row["ggr_minor"] == 50 - won
    assert (await kim.call("GET", "/reports/daily?since=2001-01-01&days=2")).json()["play"] == []
    assert (await kim.call("GET", "/reports/daily?days=1000")).status_code == 422
    assert (await kim.call("GET", "/reports/daily?since=9999-12-31")).status_code == 422
    assert (await (await hire(casino, Role.SUPPORT)).call("GET", "/reports/daily")).status_code == 403
    for name, value in casino_process_environment.items():
        monkeypatch.setenv(name, value)
    for form, read in (("--json", lambda text: json.loads(text)["play"]),
                       ("--csv", lambda text: list(csv.DictReader(io.StringIO(text))))):  # fmt: skip
        capsys.readouterr()
        assert await asyncio.to_thread(main, ["reports", "daily", form]) == 0
        (line,) = read(capsys.readouterr().out)
        assert {key: str(value) for key, value in line.items()} == {key: str(value) for key, value in row.items()}

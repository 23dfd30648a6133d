"""The worker beside the casino: events become reports, the schedule is kept, and commands look into both."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import asyncpg
import pytest
from casino.__main__ import main


@pytest.fixture
def command(
    casino_process_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Any:
    """Runs a command of the casino: its exit code and what it printed."""
    for name, value in casino_process_environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("casino.__main__.configure_logging", lambda _: None)

    def run(*arguments: str) -> tuple[int, str]:
        capsys.readouterr()
        code = main(list(arguments))
        told = capsys.readouterr()
        return code, told.out + told.err

    return run


async def until(connection: Any, query: str, expected: Any) -> None:
    async with asyncio.timeout(15):
        while (found := await connection.fetchval(query)) != expected:  # noqa: ASYNC110 - it is in the database
            await asyncio.sleep(0.05)
    assert found == expected


async def test_what_is_played_is_reported_by_the_worker(open_casino: Any, servers: Any, database: str) -> None:
    casino = await open_casino()
    worker = await open_casino(kind="worker")
    player = await casino.player(10_000)
    for _ in range(5):
        await player.spin(100)
    connection = await asyncpg.connect(servers.uri(database))
    await until(connection, "SELECT sum(rounds)::int FROM ops.play_by_day WHERE game_id = 'harbour-lights'", 5)
    staked, house = await connection.fetchrow(
        "SELECT sum(stake_minor - win_minor)::bigint, (SELECT sum(balance)::bigint FROM wallet.accounts"
        " WHERE kind = 'house') FROM ops.play_by_day"
    )
    assert staked == house
    jobs = {
        "ops.retention", "wallet.seal", "wallet.verify", "wallet.contributions", "wallet.expire_holds", "wallet.months",
        "wallet.payments", "pam.dormancy", "pam.erase", "game_control.drift", "gal.rounds", "gal.studios",
        "gal.jackpots", "wallet.jackpots", "wallet.merges",
        "responsible_gaming.protection", "responsible_gaming.presence",
    }  # fmt: skip
    await until(connection, "SELECT count(*) FROM ops.jobs WHERE ended_at IS NOT NULL AND failures = 0", len(jobs))
    results = {row["name"]: json.loads(row["result"]) for row in await connection.fetch("SELECT * FROM ops.jobs")}
    assert set(results) == jobs and results["wallet.verify"]["ok"] is True and results["wallet.months"]["ahead"] >= 11
    await connection.close()
    assert (await worker.http.get("/readyz")).status_code == 200
    assert (await worker.http.get("/api/v1/games")).status_code == 404


async def test_of_two_workers_one_takes_over_when_the_other_ends(open_casino: Any, servers: Any, database: str) -> None:
    casino = await open_casino(kind="all")
    second = await open_casino(kind="worker")
    player = await casino.player(10_000)
    await player.spin(100)
    connection = await asyncpg.connect(servers.uri(database))
    rounds = "SELECT coalesce(sum(rounds), 0)::int FROM ops.play_by_day"
    await until(connection, rounds, 1)
    holder = await connection.fetchval("SELECT lease_holder FROM ops.cursors")
    # Whoever has the lease dies without a word: it runs out.
    await connection.execute("UPDATE ops.cursors SET lease_holder = gen_random_uuid(), fence = fence + 1,"
                             " lease_until = clock_timestamp() + interval '1 second'")  # fmt: skip
    await player.spin(100)
    await until(connection, rounds, 2)
    assert holder is not None
    await connection.close()
    assert second


def test_the_commands_of_events_tell_how_far_a_consumer_is_and_build_anew(
    command: Any, servers: Any, database: str
) -> None:
    code, told = command("events", "status", "--json")
    assert (code, json.loads(told)[0]["state"]) == (0, "has read nothing yet")
    code, told = command("events", "rebuild", "daily_reports")
    assert code == 0 and "read: 0" in told
    states = {one["consumer"]: one for one in json.loads(command("events", "status", "--json")[1])}
    assert set(states) >= {"daily_reports", "history", "rtp_drift", "realtime_balances", "realtime_tables"}
    status = states["daily_reports"]
    assert (status["state"], status["waiting"], status["parked"]) == ("reads", 0, 0)
    assert command("events", "parked", "daily_reports") == (0, "nothing\n")
    assert command("events", "replay", "daily_reports") == (0, "replayed: 0  failed: False\n")
    assert command("events", "replay", "daily_reports", "7")[0] == 1
    assert command("events", "skip", "daily_reports", "7")[0] == 1
    assert command("events", "go-on", "daily_reports")[0] == 0
    assert command("events", "rebase", "daily_reports", "--json")[0] == 0
    code, told = command("events", "parked", "nobody")
    assert code == 2 and "there is no consumer nobody; there are daily_reports" in told


def test_a_skipped_event_lets_its_followers_go_on(command: Any, servers: Any, database: str) -> None:
    event = json.dumps({"event_id": "00000000-0000-7000-8000-000000000001", "type": "wallet.round",
                        "schema_version": 1, "aggregate": "00000000-0000-7000-8000-000000000002",
                        "occurred_at": "2026-11-30T00:00:00+00:00", "payload": {}, "position": 1})  # fmt: skip
    for position, attempts in ((1, 10), (2, 0)):
        asyncio.run(servers.sql(
            "INSERT INTO ops.parked (consumer, producer, position, aggregate, event, error, attempts) VALUES"
            f" ('daily_reports', 'wallet', {position}, '00000000-0000-7000-8000-000000000002', '{event}', 'E',"
            f" {attempts})", database))  # fmt: skip
    (first, second) = json.loads(command("events", "parked", "daily_reports", "--json")[1])
    assert first["waits_for_a_person"] and second["attempts"] == 0
    assert command("events", "skip", "daily_reports", "1")[0] == 0
    (left,) = asyncio.run(servers.sql("SELECT position, next_at IS NOT NULL AS tried FROM ops.parked", database))
    assert (left["position"], left["tried"]) == (2, True)

"""Rows go when their time is over, by the module's own rights, and never what is a record or was not read."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from casino.__main__ import main
from casino.grants import MODULES
from casino.kernel import pruning
from casino.kernel.pruning import Forget, Keep, due, forget, prune, prune_all
from casino.retention import RULES
from casino.wallet.repository_seals import anything_held, hold, lift


@pytest.fixture
async def pools(servers: Any, database: str) -> AsyncIterator[Any]:
    """A connection for each module, with the rights of its role."""
    found = {module: await asyncpg.connect(servers.uri(database)) for module in MODULES}
    for module, connection in found.items():
        await connection.execute(f"SET ROLE casino_test_{module}")
    yield found.__getitem__
    for connection in found.values():
        await connection.close()


async def count(pools: Any, table: str) -> int:
    found: int = await pools(table.split(".")[0]).fetchval(f"SELECT count(*) FROM {table}")
    return found


async def test_every_rule_is_of_a_table_that_its_module_may_delete_from(pools: Any) -> None:
    deadline = time.monotonic() + 10
    for rule in RULES:
        let_go = forget if isinstance(rule, Forget) else prune
        assert await let_go(rule, pools(rule.module), 5, deadline=deadline) == 0  # type: ignore[operator]
    assert len({rule.name for rule in RULES}) == len(RULES)


async def test_events_go_after_the_retention_of_records_when_every_reader_has_them(pools: Any) -> None:
    connection = pools("pam")
    insert = (
        "INSERT INTO pam.outbox (xact, event_id, type, schema_version, aggregate, occurred_at, payload)"
        " VALUES ($1::text::xid8, gen_random_uuid(), 'pam.x', 1, gen_random_uuid(), now() - $2::interval, '{}')"
    )
    for xact, years in (("10", 6), ("20", 6), ("30", 6), ("5", 4)):
        await connection.execute(insert, xact, timedelta(days=366 * years))
    await pools("ops").execute(
        "INSERT INTO ops.cursors (consumer, producer, window_from) VALUES ('slow', 'pam', '20'), ('fast', 'pam', '90')"
    )
    assert await prune_all((), pools, MODULES, None) == {}, "the rules name no retention"
    assert await prune_all((), pools, MODULES, 5) == {"pam.outbox": 1}
    left = await connection.fetch("SELECT o.xact::text FROM pam.outbox o ORDER BY o.xact")
    assert [row[0] for row in left] == ["5", "20", "30"]
    await pools("ops").execute("UPDATE ops.cursors SET window_from = '90' WHERE consumer = 'slow'")
    assert await prune_all((), pools, MODULES, 5) == {"pam.outbox": 2}


async def test_what_is_over_goes_in_small_steps_and_what_is_not_stays(
    pools: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "BATCH", 10)
    await pools("ops").execute(
        "INSERT INTO ops.outbox (event_id, type, schema_version, aggregate, occurred_at, payload)"
        " SELECT gen_random_uuid(), 'ops.x', 1, gen_random_uuid(), now() - n * interval '1 day', '{}'"
        " FROM generate_series(1, 60) AS n"
    )
    rule = Keep("ops", "outbox", "occurred_at", timedelta(days=30, hours=1))
    assert await prune(rule, pools("ops"), None, deadline=time.monotonic() - 1) == 0, "its time is over"
    assert await prune(rule, pools("ops"), None, deadline=time.monotonic() + 10) == 30
    assert await count(pools, "ops.outbox") == 30


ASKED = """
    INSERT INTO gal.studio_transactions (studio, transaction_id, kind, status, request_hash, account_id, round_id,
        grant_id, created_at, finished_at)
    VALUES ('studio', $1, 'bet', $2, $3, 1, $4, $5, now() - make_interval(years => $6),
        CASE $2 WHEN 'pending' THEN NULL ELSE now() - make_interval(years => $6) END)"""


async def test_what_a_studio_asked_goes_after_its_retention_and_not_while_its_round_waits(pools: Any) -> None:
    connection = pools("gal")
    await connection.execute("INSERT INTO gal.studios (studio, name) VALUES ('studio', 'Studio')")
    await connection.execute(
        "INSERT INTO gal.studio_games (game_id, studio, code, name) VALUES ('game', 'studio', 'g', 'Game')"
    )
    used, unused, newer = [
        await connection.fetchval(
            "INSERT INTO gal.free_rounds (grant_id, studio, game_id, player_id, account_id, rounds, bet, currency,"
            " expires_at, granted_at) VALUES (gen_random_uuid(), 'studio', 'game', gen_random_uuid(), 1, 5, 10, 'GBP',"
            " now() - make_interval(years => $1), now() - make_interval(years => 7)) RETURNING grant_id",
            years,
        )
        for years in (6, 6, 4)
    ]
    for name, status, round_, grant, years in (
        ("old", "done", "r1", None, 6),
        ("refused", "refused", "r1", None, 6),
        ("beside", "done", "r2", None, 6),
        ("waits", "pending", "r2", None, 6),
        ("free", "done", "r3", used, 4),
        ("new", "done", "r4", None, 0),
    ):
        await connection.execute(ASKED, name, status, bytes(32), round_, grant, years)
    assert await prune_all(RULES, pools, MODULES, None) == {}, "the rules name no retention"
    assert await prune_all(RULES, pools, MODULES, 5) == {"gal.studio_transactions": 2, "gal.free_rounds": 1}
    left = await connection.fetch("SELECT transaction_id FROM gal.studio_transactions")
    assert {row[0] for row in left} == {"beside", "waits", "free", "new"}
    grants = {row[0] for row in await connection.fetch("SELECT grant_id FROM gal.free_rounds")}
    assert grants == {used, newer} and unused not in grants
    assert await prune_all(RULES, pools, MODULES, 0) == {"gal.studio_transactions": 1, "gal.free_rounds": 2}
    for kept in ("waits", "new"):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await connection.execute("DELETE FROM gal.studio_transactions WHERE transaction_id = $1", kept)
    with pytest.raises(asyncpg.PostgresError):
        await connection.execute("TRUNCATE gal.studio_transactions")


FILE = """
    WITH file AS (
        INSERT INTO wallet.settlement_files VALUES (gen_random_uuid(), 'psp', 'card', '2019-01-01',
            sha256($1::text::bytea), 2, now() - make_interval(years => $2)) RETURNING file_id
    ), lines AS (
        INSERT INTO wallet.settlement_lines SELECT file_id, n, 'charge', $1 || n, 'p', 100, 1, 'GBP'
        FROM file, generate_series(1, 2) AS n
    )
    INSERT INTO wallet.settlement_breaks (file_id, number, kind, type, reference, currency, noted_at, closed_at)
    SELECT file_id, 1, 'missing_here', 'charge', $1 || '1', 'GBP', now(), $3 FROM file"""


async def test_a_file_of_settlement_goes_whole_when_nothing_of_it_is_open_and_its_payments_are_gone(
    pools: Any, servers: Any, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "FILES", 1)
    connection, now = pools("wallet"), datetime.now(UTC)
    names = {"over": (6, now), "over too": (6, now), "open": (6, None), "new": (4, now), "named": (6, now)}
    for name, (years, closed) in names.items():
        await connection.execute(FILE, name, years, closed)
    await servers.sql(
        """WITH payment AS (
               INSERT INTO wallet.payments (payment_id, kind, player_id, account_id, method, currency, amount, state,
                   idempotency_key, request_hash, created_at, updated_at)
               VALUES (gen_random_uuid(), 'deposit', gen_random_uuid(), 1, 'card', 'GBP', 100, 'captured', 'k',
                   decode(repeat('00', 32), 'hex'), now(), now()) RETURNING payment_id)
           INSERT INTO wallet.payment_attempts (payment_id, number, operation, provider, method, reference, amount,
               currency, outcome, started_at)
           SELECT payment_id, 1, 'charge', 'psp', 'card', 'named2', 100, 'GBP', 'captured', now() FROM payment""",
        database,
    )
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("DELETE FROM wallet.settlement_files")
    assert (await due(RULES, pools, MODULES, None))["wallet.settlement_files"] == 0
    assert (await due(RULES, pools, MODULES, 5))["wallet.settlement_files"] == 2
    assert await count(pools, "wallet.settlement_files") == 5, "it was asked, and nothing else"
    assert await prune_all(RULES, pools, MODULES, None) == {}, "the rules name no retention"
    assert await prune_all(RULES, pools, MODULES, 5) == {"wallet.settlement_files": 2}
    left = await connection.fetch("SELECT reference FROM wallet.settlement_lines ORDER BY 1")
    assert [row[0] for row in left] == ["named1", "named2", "new1", "new2", "open1", "open2"]
    assert await count(pools, "wallet.settlement_breaks") == 3
    assert await connection.fetchval("SELECT wallet.forget_settlements(0, 9)") == 1, "a year is kept, whoever asks"
    await connection.execute(FILE, "this year", 0, now)
    assert await connection.fetchval("SELECT wallet.forget_settlements(0, 9)") == 0


def test_the_console_says_what_would_go(
    casino_process_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    for name, value in casino_process_environment.items():
        monkeypatch.setenv(name, value)
    assert main(["retention", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["record_retention_years"], told["legal_hold"]) == (5, False)
    assert {rule.name for rule in RULES} | {"wallet.outbox"} <= set(told["due"]) and not any(told["due"].values())
    assert main(["retention"]) == 0
    assert "wallet.settlement_files: 0" in capsys.readouterr().out


async def test_a_legal_hold_stands_until_it_is_lifted(servers: Any, database: str) -> None:
    connection = await asyncpg.connect(servers.uri(database))
    assert not await anything_held(connection)
    month = date(2021, 3, 1)
    await hold(connection, None, "all of it")
    await hold(connection, month, "a case")
    assert await lift(connection, None, "closed") == 1 and await anything_held(connection)
    assert await lift(connection, month, "closed") == 1 and not await anything_held(connection)
    await connection.close()

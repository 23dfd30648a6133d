"""Migrations against a database that is in use: with data in it, and players who wait for nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from casino.kernel.errors import ConfigurationError
from casino.migrate import Limits, MigrationHeldUp, load_migrations, plan, run
from casino.migration_files import split
from casino.wallet.api import verify_ledger
from hypothesis import given
from hypothesis import strategies as st
from migration_states import SEEDS

PREFIX = "casino_test"  # of the roles that conftest.py makes: giving them their rights holds up nobody either
LOCK_S = 0.2
HURRIED = Limits(lock_s=LOCK_S, attempts=40, pause_s=0.02, longest_pause_s=0.1)


@pytest.fixture
async def connection(servers: Any, database: str) -> AsyncIterator[Any]:
    made = await asyncpg.connect(servers.uri(database))
    yield made
    await made.close()


@pytest.fixture
def later(tmp_path: Path, connection: Any) -> Any:
    """Writes files that come after the package's own migrations; answers all of them, loaded."""
    for migration in load_migrations():
        (tmp_path / migration.name).write_text(migration.sql)

    def add(**files: str) -> Any:
        number = len(list(tmp_path.iterdir()))
        for name, text in files.items():
            number += 1
            stem, _, kind = name.rpartition("_")
            (tmp_path / f"{number:04d}_{stem}.{kind}").write_text(text)
        return load_migrations(tmp_path)

    return add


@asynccontextmanager
async def writing(servers: Any, database: str, account: int) -> AsyncIterator[list[float]]:
    """Somebody bets all the while: how long each of their writes took, in seconds."""
    took: list[float] = []
    writer = await asyncpg.connect(servers.uri(database))

    async def write() -> None:
        while True:
            started = time.monotonic()
            await writer.execute("UPDATE wallet.accounts SET status = status WHERE account_id = $1", account)
            took.append(time.monotonic() - started)
            await asyncio.sleep(0.002)

    task = asyncio.create_task(write())
    try:
        yield took
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await writer.close()


async def test_every_migration_goes_over_the_data_that_was_there_before_it_while_players_play(servers: Any) -> None:
    await servers.sql("CREATE DATABASE states")
    connection = await asyncpg.connect(servers.uri("states"))
    migrations = load_migrations()
    assert set(SEEDS) <= {migration.name for migration in migrations}, "a seed's migration has another name now"

    async def rows() -> dict[str, int]:
        tables = await connection.fetch(
            "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema', 'migrations')"
        )
        return {row["name"]: await connection.fetchval(f"SELECT count(*) FROM {row['name']}") for row in tables}

    for number, migration in enumerate(migrations, start=1):
        before = await rows()
        account = (
            await connection.fetchval("SELECT min(account_id) FROM wallet.accounts WHERE kind = 'player_cash'")
            if "wallet.accounts" in before
            else None
        )
        if account is None:
            await run(connection, prefix=PREFIX, migrations=migrations[:number], limits=Limits())
        else:
            async with writing(servers, "states", account) as took:
                await run(connection, prefix=PREFIX, migrations=migrations[:number], limits=Limits())
            assert max(took, default=0) < Limits().lock_s, f"{migration.name} held up a player"
        after = await rows()
        lost = {name for name, count in before.items() if after.get(name, 0) < count}
        assert not lost, f"{migration.name} lost rows of {lost}"
        if migration.name in SEEDS:
            await SEEDS[migration.name](connection)
    report = await verify_ledger(connection)
    await connection.close()
    assert report.ok, report.breaks


@pytest.fixture
async def account(connection: Any) -> int:
    await connection.execute("SELECT wallet.add_currency('GBP', 2::smallint)")
    found: int = await connection.fetchval("SELECT wallet.open_player_account(gen_random_uuid(), 'GBP')")
    return found


async def test_a_long_transaction_holds_up_the_migration_and_no_player(
    servers: Any, database: str, connection: Any, later: Any, account: int
) -> None:
    migrations = later(nickname_sql="ALTER TABLE wallet.accounts ADD COLUMN nickname text;")
    report = await asyncpg.connect(servers.uri(database))
    reading = report.transaction()
    await reading.start()
    await report.fetch("SELECT * FROM wallet.accounts")  # and keeps its lock on the table
    async with writing(servers, database, account) as took:
        migrating = asyncio.create_task(run(connection, migrations=migrations, limits=HURRIED))
        await asyncio.sleep(1)
        assert not migrating.done()
        await reading.rollback()
        outcome = await migrating
    await report.close()
    assert outcome.applied == [migrations[-1].name] and outcome.held_up >= 2
    assert len(took) > 50
    # A write waits for at most one attempt: it stands behind the migration while that waits, and no longer.
    assert max(took) < LOCK_S + 0.3, sorted(took)[-3:]
    assert await connection.fetchval("SELECT count(nickname) FROM wallet.accounts") == 0


async def test_a_migration_that_never_gets_its_locks_says_so_and_may_be_run_again(
    servers: Any, database: str, connection: Any, later: Any
) -> None:
    migrations = later(
        first_sql="CREATE TABLE wallet.first (id int);",
        second_sql="ALTER TABLE wallet.instruments ADD COLUMN note text;",
    )
    reader = await asyncpg.connect(servers.uri(database))
    reading = reader.transaction()
    await reading.start()
    await reader.fetch("SELECT * FROM wallet.instruments")
    with pytest.raises(MigrationHeldUp, match=r"second\.sql did not get its locks in 2 attempts"):
        await run(connection, migrations=migrations, limits=Limits(lock_s=0.05, attempts=2, pause_s=0.01))
    assert [one.name for one in (await plan(connection, migrations=migrations)).migrations] == [migrations[-1].name]
    await reading.rollback()
    assert (await run(connection, migrations=migrations, limits=HURRIED)).applied == [migrations[-1].name]
    await reader.close()


async def test_an_index_that_failed_half_way_is_made_again(connection: Any, later: Any) -> None:
    await connection.execute("CREATE TABLE wallet.cards (card text); INSERT INTO wallet.cards VALUES ('a'), ('a')")
    migrations = later(
        cards_sql="-- no transaction\n-- One card, one row.\n"
        "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS cards_once ON wallet.cards (card);\n"
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS cards_found ON wallet.cards (card);\n"
    )
    with pytest.raises(asyncpg.UniqueViolationError):
        await run(connection, migrations=migrations, limits=HURRIED)
    valid = "SELECT relname::text, indisvalid FROM pg_index JOIN pg_class ON oid = indexrelid WHERE relname ~ '^cards_'"
    assert dict(await connection.fetch(valid)) == {"cards_once": False}
    await connection.execute("TRUNCATE wallet.cards")
    assert (await run(connection, migrations=migrations, limits=HURRIED)).applied == [migrations[-1].name]
    assert dict(await connection.fetch(valid)) == {"cards_once": True, "cards_found": True}


async def test_a_second_migrator_does_not_keep_an_index_waiting(
    servers: Any, database: str, connection: Any, later: Any
) -> None:
    migrations = later(
        history_sql="-- no transaction\nCREATE INDEX CONCURRENTLY IF NOT EXISTS by_status ON wallet.accounts (status);"
    )
    other = await asyncpg.connect(servers.uri(database))
    async with asyncio.timeout(10):
        outcomes = await asyncio.gather(
            run(connection, migrations=migrations, limits=HURRIED), run(other, migrations=migrations, limits=HURRIED)
        )
    await other.close()
    assert sorted(len(outcome.applied) for outcome in outcomes) == [0, 1]


BACKFILL = """
async def batch(connection):
    done = await connection.fetch(
        "UPDATE wallet.notes SET length = length(note), times = times + 1 WHERE id IN"
        " (SELECT id FROM wallet.notes WHERE length IS NULL ORDER BY id LIMIT 10 FOR UPDATE SKIP LOCKED) RETURNING id"
    )
    if any(row["id"] == 35 for row in done) and await connection.fetchval("SELECT stops FROM wallet.switch"):
        raise ConnectionError("killed")
    return len(done)
"""


async def test_a_backfill_that_was_killed_goes_on_where_it_was(connection: Any, later: Any) -> None:
    await connection.execute(
        """CREATE TABLE wallet.notes (id int PRIMARY KEY, note text, length int, times int DEFAULT 0);
           INSERT INTO wallet.notes SELECT n, repeat('x', n) FROM generate_series(1, 95) AS n;
           CREATE TABLE wallet.switch (stops bool); INSERT INTO wallet.switch VALUES (true)"""
    )
    migrations = later(lengths_py=BACKFILL)
    assert migrations[-1].kind == "backfill"
    with pytest.raises(ConnectionError):
        await run(connection, migrations=migrations, limits=HURRIED)
    assert await connection.fetchval("SELECT count(length) FROM wallet.notes") == 30, "three batches stand"
    await connection.execute("UPDATE wallet.switch SET stops = false")
    outcome = await run(connection, migrations=migrations, limits=HURRIED)
    assert outcome.rows == {migrations[-1].name: 65}
    assert await connection.fetchval("SELECT bool_and(length = id AND times = 1) FROM wallet.notes")


async def test_a_backfill_that_does_not_end_is_stopped(connection: Any, later: Any) -> None:
    migrations = later(endless_py="async def batch(connection):\n    return 1\n")
    with pytest.raises(ConfigurationError, match="does not end"):
        await run(connection, migrations=migrations, limits=Limits(batches=5))


@pytest.mark.parametrize(
    ("file", "text", "fault"),
    [
        ("x_sql", "-- no transaction\nCREATE INDEX CONCURRENTLY by_x ON wallet.accounts (status);", "run twice"),
        ("x_sql", "-- no transaction\nUPDATE wallet.accounts SET balance = balance + 1;", "run twice"),
        ("x_sql", "-- no transaction\nCREATE INDEX CONCURRENTLY IF NOT EXISTS by_x ON accounts (status);", "schema"),
        ("x_sql", "SELECT 1;" * 201, "201 statements"),
        ("x_py", "def other(): ...", "has no `async def batch"),
    ],
)
def test_what_could_not_be_run_safely_is_not_loaded(later: Any, file: str, text: str, fault: str) -> None:
    with pytest.raises(ConfigurationError, match=fault):
        later(**{file: text})


def test_a_gap_between_the_numbers_is_refused(tmp_path: Path) -> None:
    (tmp_path / "0002_second.sql").write_text("SELECT 1")
    with pytest.raises(ConfigurationError, match="0001 is due"):
        load_migrations(tmp_path)


_TOKENS = st.sampled_from(
    ["SELECT 1", "'a;b'", "'it''s;'", '"odd;name"', "$$ x; y $$", "$f$ z; $$ ; $f$", "a - b", "c / d", "$1", "\n"]
)


@given(st.lists(st.lists(_TOKENS, min_size=1).map(" ".join).map(str.strip).filter(bool), max_size=6))
def test_a_file_falls_into_its_statements_and_nowhere_else(statements: list[str]) -> None:
    commented = ["-- one; comment\n" + statement + " /* another; */" for statement in statements]
    assert split(";\n".join(commented)) == statements
    assert split("".join(statement + ";" for statement in statements)) == statements


def test_every_file_of_ours_falls_into_statements() -> None:
    for migration in load_migrations():
        assert migration.kind == "backfill" or 0 < len(migration.statements) <= 200

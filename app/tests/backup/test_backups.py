"""One tenant's records into a store and back, by the programs that do it in a cell."""

from __future__ import annotations

import asyncio
import json
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any, cast

import asyncpg
import httpx
import pytest
from backup_testkit import PASSWORD, SECRET, USERNAME, append_only_store, as_process, backup_settings, opened
from casino import grants
from casino.backup.dump import Dump
from casino.backup.errors import (
    BackupUnknown,
    CountersBehind,
    DatabaseNotEmpty,
    DumpFailed,
    NotWhatWasBackedUp,
    StoreFailed,
)
from casino.backup.receipt import Receipt, differences
from casino.backup.repository import open_snapshot
from casino.backup.restic import DUMP, RECEIPT
from casino.backup.restore import restore, verify
from casino.backup.take import take
from casino.grants import BACKUP
from casino.migrate import migrate
from casino.wallet.api import Figures, figures

PREFIX = "casino_test"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with append_only_store(tmp_path_factory.mktemp("store")) as address:
        yield address


@pytest.fixture(scope="module")
def repository(store: str) -> str:
    return f"{store}/{secrets.token_hex(4)}/"


async def reader(servers: Any, database: str) -> Any:
    """A login as OpenBao makes it for a backup."""
    name = f"v_backup_{secrets.token_hex(4)}"
    await servers.sql(f"CREATE ROLE {name} LOGIN IN ROLE {PREFIX}_{BACKUP}")
    return await asyncpg.connect(servers.uri(database), user=name)


async def played(ledger: Any) -> None:
    for _ in range(3):
        account = await ledger.player(1_000)
        for turn in range(4):
            await ledger.bet(account, 100, 60 * turn)


async def taken(servers: Any, database: str, repository: str, name: str) -> Receipt:
    connection = await reader(servers, database)
    backup = backup_settings(repository, name)
    try:
        return await take(
            connection, servers.settings(database), backup, opened(backup), image="0.1.0-abc", catalogue="c1"
        )
    finally:
        await connection.close()


async def empty_database(servers: Any) -> tuple[str, str]:
    """Its name, and the URL of a login that makes everything as its owner, as OpenBao makes it for a migration."""
    name = f"restored_{secrets.token_hex(4)}"
    await servers.sql(f"CREATE DATABASE {name} OWNER {PREFIX}_owner")
    await servers.sql(f"CREATE ROLE v_{name} LOGIN IN ROLE {PREFIX}_owner")
    await servers.sql(f"ALTER ROLE v_{name} SET role = '{PREFIX}_owner'")
    return name, servers.uri(name).replace("//postgres:", f"//v_{name}:")


async def test_a_backup_restores_into_an_empty_database_and_plays_on(
    servers: Any, database: str, ledger: Any, repository: str
) -> None:
    """By the programs of a cell, and from the environment alone."""
    await played(ledger)
    backup, (target, url) = backup_settings(repository, "first"), await empty_database(servers)

    async def run(of: str, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        environment = as_process(servers.environment(of), backup, DOMICILE_VERSION="0.1.0-abc", **more)
        command = [sys.executable, "-m", "casino", "backup", *arguments]
        done = asyncio.to_thread(
            subprocess.run, command, env=environment, capture_output=True, text=True, check=False, timeout=120
        )
        return cast(subprocess.CompletedProcess[str], await done)

    first = await run(database, "take")
    assert first.returncode == 0, first.stderr
    receipt = Receipt.read(first.stdout)
    assert (receipt.tenant, receipt.licence, receipt.image) == ("dev", "000-1", "0.1.0-abc")
    assert receipt.ledger.transactions > 0 and receipt.ledger.chains > 0 and receipt.bytes > 0
    await played(ledger)  # after the instant: none of it is in the backup
    assert "first" in [name for name, _ in await opened(backup).restic.backups("dev")]
    back = await run(target, "restore", "--tenant", "dev", CASINO_DATABASE_URL=url)
    assert back.returncode == 0, back.stderr
    assert Receipt.read(back.stdout) == receipt
    over = await run(target, "restore", "--tenant", "dev", CASINO_DATABASE_URL=url)
    assert over.returncode == 1 and json.loads(over.stderr.splitlines()[-1])["code"] == DatabaseNotEmpty.code
    assert PASSWORD not in first.stdout + first.stderr + back.stderr + over.stderr
    connection = await owner_of(servers, target)
    assert await migrate(connection, prefix=PREFIX, roles_required=True) == []
    assert await grants.apply(connection, PREFIX, required=True) == []
    await connection.close()
    restored = type(ledger)(await asyncpg.create_pool(servers.uri(target), min_size=1, max_size=2))
    await played(restored)
    await restored.verify()
    await restored.pool.close()


async def owner_of(servers: Any, database: str) -> Any:
    connection = await asyncpg.connect(servers.uri(database))
    await connection.execute(f"SET ROLE {PREFIX}_owner")
    return connection


async def test_a_backup_that_is_asked_for_again_is_told_again_and_reads_no_database(
    servers: Any, database: str, ledger: Any, repository: str
) -> None:
    await played(ledger)
    receipt = await taken(servers, database, repository, "once")
    await played(ledger)
    assert await taken(servers, database, repository, "once") == receipt
    backup = backup_settings(repository, "once")
    assert [name for name, _ in await opened(backup).restic.backups("dev")].count("once") == 1


async def test_what_the_database_is_asked_while_it_is_read_agrees_with_the_dump(
    servers: Any, database: str, ledger: Any, repository: str
) -> None:
    """Players play all the while; the figures and the dump are of one instant."""
    await played(ledger)
    stop = asyncio.Event()

    async def play() -> None:
        while not stop.is_set():
            await played(ledger)

    playing = asyncio.create_task(play())
    try:
        await taken(servers, database, repository, "busy")
    finally:
        stop.set()
        await playing
    (target, url), backup = await empty_database(servers), backup_settings(repository, "busy")
    connection = await owner_of(servers, target)
    settings = servers.settings(target, CASINO_DATABASE_URL=url)
    await restore(connection, settings, backup, opened(backup), tenant="dev")
    await connection.close()


async def test_a_dump_that_breaks_off_leaves_nothing_that_counts(servers: Any, database: str, repository: str) -> None:
    backup = backup_settings(repository, "broken")
    restic = opened(backup).restic
    await restic.ensure()

    async def half() -> AsyncIterator[bytes]:
        yield b"x" * 3_000_000
        raise RuntimeError("pg_dump went away")

    with pytest.raises(RuntimeError):
        await restic.write(half(), backup.id, "dev", DUMP)
    assert await restic.find(backup.id, "dev", DUMP) is None
    with pytest.raises(BackupUnknown):
        await restore(None, servers.settings(database), backup, opened(backup), tenant="dev")


async def test_whoever_may_back_up_can_neither_read_without_the_password_nor_take_a_backup_away(
    servers: Any, database: str, ledger: Any, repository: str
) -> None:
    await played(ledger)
    await taken(servers, database, repository, "safe")
    backup = backup_settings(repository, "safe")
    other = opened(backup, password="another-tenants").restic
    with pytest.raises(StoreFailed) as refused:
        await other.ensure()
    assert "p@ss" not in str(refused.value) and PASSWORD not in str(refused.value)
    mine = opened(backup).restic
    snapshot = await mine.find("safe", "dev", DUMP)
    async with httpx.AsyncClient(auth=(USERNAME, SECRET)) as http:
        address = repository.removeprefix("rest:")
        assert (await http.get(f"{address}snapshots/{snapshot}")).status_code == 200
        assert (await http.delete(f"{address}snapshots/{snapshot}")).status_code == 403
        overwritten = await http.post(f"{address}snapshots/{snapshot}", content=b"nothing")
        assert overwritten.status_code == 403
    assert await mine.find("safe", "dev", DUMP) == snapshot and await mine.find("safe", "dev", RECEIPT)


async def test_the_login_of_backups_writes_nothing_and_calls_nothing(servers: Any, database: str) -> None:
    connection = await reader(servers, database)
    for statement in (
        "INSERT INTO wallet.currencies VALUES ('XXX', 2)",
        "DELETE FROM pam.players",
        "SELECT wallet.add_currency('XXX', 2::smallint)",
        "CREATE TABLE public.mine (id int)",
        f"SET ROLE {PREFIX}_owner",
        "SELECT nextval('wallet.positions')",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    tables = await connection.fetch(
        "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname !~ '^(pg_|information)'"
    )
    assert len(tables) > 50
    for table in tables:
        await connection.fetch(f"SELECT * FROM {table['name']} LIMIT 1")
    await connection.close()


def written(ledger: Figures) -> Receipt:
    return Receipt("b", "dev", "000-1", datetime.now(UTC), "s", 1, 1, "", "", "", "", "", ledger)


async def test_a_ledger_that_is_not_the_one_written_down_is_not_verified(
    servers: Any, database: str, ledger: Any
) -> None:
    await played(ledger)
    connection = await owner_of(servers, database)
    receipt = written(await figures(connection))
    await verify(connection, receipt)
    await ledger.deposit(await ledger.player(), 5)
    with pytest.raises(NotWhatWasBackedUp, match="transactions is"):
        await verify(connection, receipt)
    now = await figures(connection)
    assert {line.split()[0] for line in differences(receipt.ledger, now)} >= {
        "accounts",
        "heads_sha256",
        "posted_minor",
    }
    await connection.close()


async def test_a_server_whose_counter_is_behind_the_restored_events_is_refused(
    servers: Any, database: str, ledger: Any
) -> None:
    """Readers of events take what is below the oldest transaction that runs: they would wait for the counter."""
    await played(ledger)
    async with ledger.pool.acquire() as connection:
        await connection.execute("SET session_replication_role = replica")
        for table in await connection.fetch(
            "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'wallet.transactions'::regclass"
        ):
            await connection.execute(f"UPDATE {table['name']} SET xact = '99999999999'::xid8")
        await connection.execute("SET session_replication_role = origin")
    owner = await owner_of(servers, database)
    with pytest.raises(CountersBehind, match="99999999999"):
        await verify(owner, written(await figures(owner)))
    await owner.close()


async def test_a_dump_says_why_the_database_was_not_read_to_its_end(servers: Any, database: str) -> None:
    connection = await reader(servers, database)
    backup = backup_settings("/nowhere", "x")
    with pytest.raises(DumpFailed, match="snapshot"):
        async for _ in Dump(backup.program("pg_dump"), servers.settings(database), None, "no-such-snapshot").read():
            pass
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        name, instant, server = await open_snapshot(connection)
        assert name and instant.tzinfo is not None and server
        # One that had a number would hold up every reader of events for as long as the dump takes.
        assert await connection.fetchval("SELECT pg_current_xact_id_if_assigned()::text") is None
    await connection.close()


def test_a_receipt_is_read_as_it_was_written_and_nothing_else_is() -> None:
    with pytest.raises(BackupUnknown):
        Receipt.read('{"format": 2}')
    with pytest.raises(BackupUnknown):
        Receipt.read("[]")

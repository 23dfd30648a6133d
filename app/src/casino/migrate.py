"""Forward-only migrations: numbered SQL files, each in its own transaction, in order, once (ADR 0010)."""

from __future__ import annotations

import hashlib
import logging
import re
from dataclasses import dataclass
from importlib import resources
from typing import Any

from casino.kernel.errors import ConfigurationError

log = logging.getLogger(__name__)

# One migrator at a time, whatever starts it. An arbitrary constant: the lock is per database.
LOCK = 7_246_155_901
_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: its number, name, text, and the SHA-256 by which a later change is noticed."""

    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def load_migrations() -> list[Migration]:
    """The package's migrations in order. Raises ConfigurationError on a gap or a repeated number."""
    files = sorted(
        (file for file in resources.files("casino.migrations").iterdir() if file.name.endswith(".sql")),
        key=lambda file: file.name,
    )
    migrations = []
    for expected, file in enumerate(files, start=1):
        match = _NAME.fullmatch(file.name)
        if match is None or int(match[1]) != expected:
            raise ConfigurationError(f"migration {file.name} is out of order: number {expected:04d} is due")
        migrations.append(Migration(expected, file.name, file.read_text()))
    return migrations


async def migrate(connection: Any) -> list[str]:
    """Apply what is missing and return the names applied.

    Raises ConfigurationError when an applied migration was edited since, or the database is ahead of this program.
    """
    migrations = load_migrations()
    await connection.execute("SET statement_timeout = 0; SET lock_timeout = 0")
    await connection.execute("SELECT pg_advisory_lock($1)", LOCK)
    try:
        await connection.execute(
            """CREATE SCHEMA IF NOT EXISTS migrations;
               CREATE TABLE IF NOT EXISTS migrations.applied (
                   number integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,
                   applied_at timestamptz NOT NULL DEFAULT now())"""
        )
        rows = await connection.fetch("SELECT number, name, checksum FROM migrations.applied ORDER BY number")
        _check_history(migrations, rows)
        applied = []
        for migration in migrations[len(rows) :]:
            async with connection.transaction():
                await connection.execute(migration.sql)
                await connection.execute(
                    "INSERT INTO migrations.applied (number, name, checksum) VALUES ($1, $2, $3)",
                    migration.number,
                    migration.name,
                    migration.checksum,
                )
            log.info("migrated", extra={"migration": migration.name})
            applied.append(migration.name)
        return applied
    finally:
        await connection.execute("SELECT pg_advisory_unlock($1)", LOCK)


def _check_history(migrations: list[Migration], rows: list[Any]) -> None:
    if len(rows) > len(migrations):
        raise ConfigurationError(
            f"the database has migration {rows[-1]['name']}, which this program does not know: "
            "deploy the version that brought it"
        )
    for migration, row in zip(migrations, rows, strict=False):
        if (migration.name, migration.checksum) != (row["name"], row["checksum"]):
            raise ConfigurationError(
                f"migration {row['name']} was changed after it was applied: restore the file and add a new one"
            )


async def is_current(pool: Any) -> bool:
    """Whether the database has every migration of this program (a newer database is fine: they only add)."""
    exists = await pool.fetchval("SELECT to_regclass('migrations.applied') IS NOT NULL")
    if not exists:
        return False
    count: int = await pool.fetchval("SELECT count(*) FROM migrations.applied")
    return count >= len(load_migrations())

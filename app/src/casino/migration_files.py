"""The migrations as files: how they are named and loaded, and what is held against them before any of them runs.

There are three kinds (app/README.md, "Migrations"):
- SQL in one transaction, which is what a file is that says nothing;
- SQL outside of one, where the first line is `-- no transaction`: each statement runs by itself and may be run again.
  One that says `{month}` runs for each month of the journal that has tables;
- a backfill: a Python module with `async def batch(connection) -> int`, called again, each time in a transaction of
  its own, until it answers that it changed no row.
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, cast

from casino.kernel.errors import ConfigurationError

NO_TRANSACTION = "-- no transaction"
MONTH = "{month}"
MAX_STATEMENTS = 200
"""Of one file. One that holds its locks through more than this is two."""
Batch = Callable[[Any], Awaitable[int]]

_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.(sql|py)")
# What may stand in a file without a transaction: it changes nothing when it is run a second time. (A failed CREATE
# INDEX CONCURRENTLY leaves an index that is not valid, which the runner drops before it tries again.)
_RERUNNABLE = re.compile(
    r"""CREATE\s+(UNIQUE\s+)?INDEX\s+CONCURRENTLY\s+IF\s+NOT\s+EXISTS\s
      | DROP\s+INDEX\s+CONCURRENTLY\s+IF\s+EXISTS\s
      | REINDEX\s+(INDEX|TABLE)\s+CONCURRENTLY\s
      | ALTER\s+INDEX\s+\S+\s+ATTACH\s+PARTITION\s
      | ALTER\s+TABLE\s+\S+\s+VALIDATE\s+CONSTRAINT\s
      | (VACUUM|ANALYZE)\b""",
    re.IGNORECASE | re.VERBOSE,
)
# The index that such a statement makes, and its table: an index lies in its table's schema.
_MAKES_INDEX = re.compile(
    r"CREATE\s+(?:UNIQUE\s+)?INDEX\s+CONCURRENTLY\s+IF\s+NOT\s+EXISTS\s+(\w+)\s+ON\s+(?:ONLY\s+)?(\w+)\.\w+",
    re.IGNORECASE,
)
_PIECE = re.compile(
    r"""(?P<skip>--[^\n]* | /\*.*?\*/)
      | '(?:[^']|'')*' | "(?:[^"]|"")*" | (?P<dollar>\$\w*\$).*?(?P=dollar)
      | (?P<end>;) | [^;'"$/-]+ | .""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: its number, name, text, and the SHA-256 by which a later change is noticed.

    `sql` is the text; of a backfill it is Python.
    """

    number: int
    name: str
    sql: str
    batch: Batch | None = None

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()

    @property
    def kind(self) -> str:
        """`transaction`, `no transaction` or `backfill`."""
        if self.batch is not None:
            return "backfill"
        return "no transaction" if self.sql.startswith(NO_TRANSACTION) else "transaction"

    @property
    def statements(self) -> list[str]:
        """The statements of SQL; none of a backfill."""
        return split(self.sql) if self.batch is None else []


def load_migrations(folder: Path | None = None) -> list[Migration]:
    """The migrations of a folder (the package's own, if none is given) in order.

    Raises ConfigurationError on a gap, a repeated number, a file without a transaction that could not be run twice, a
    backfill without `batch`, and a file of too many statements.
    """
    where = folder or Path(str(resources.files("casino.migrations")))
    files = sorted(file for file in where.iterdir() if file.suffix in (".sql", ".py") and file.name != "__init__.py")
    migrations = []
    for expected, file in enumerate(files, start=1):
        match = _NAME.fullmatch(file.name)
        if match is None or int(match[1]) != expected:
            raise ConfigurationError(f"migration {file.name} is out of order: number {expected:04d} is due")
        batch = _batch_of(file) if file.suffix == ".py" else None
        migration = Migration(expected, file.name, file.read_text(), batch)
        _check(migration)
        migrations.append(migration)
    return migrations


def _batch_of(file: Path) -> Batch:
    spec = importlib.util.spec_from_file_location(f"casino_migration_{file.stem}", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    batch = getattr(module, "batch", None)
    if batch is None:
        raise ConfigurationError(f"migration {file.name} has no `async def batch(connection) -> int`")
    return cast(Batch, batch)


def _check(migration: Migration) -> None:
    found = migration.statements
    if len(found) > MAX_STATEMENTS:
        raise ConfigurationError(
            f"migration {migration.name} has {len(found)} statements, and {MAX_STATEMENTS} is the most: split it"
        )
    if migration.kind != "no transaction":
        return
    for statement in (by_month(one, ["y2026m11"])[0] for one in found):
        if not _RERUNNABLE.match(statement):
            raise ConfigurationError(
                f"migration {migration.name} runs outside a transaction and may stop half-way, but this cannot be run "
                f"twice: {statement.splitlines()[0][:80]}"
            )
        if statement.upper().startswith("CREATE") and index_made(statement) is None:
            raise ConfigurationError(f"migration {migration.name}: name the index, and its table with its schema")


def by_month(statement: str, months: Sequence[str]) -> list[str]:
    """The statement, or one for each of the months (`y2026m11`) when it says `{month}`."""
    return [statement.replace(MONTH, month) for month in months] if MONTH in statement else [statement]


def index_made(statement: str) -> tuple[str, str] | None:
    """Schema and name of the index that CREATE INDEX CONCURRENTLY makes."""
    match = _MAKES_INDEX.match(statement)
    return (match[2].lower(), match[1].lower()) if match else None


def split(text: str) -> list[str]:
    """The statements of a file, without comments between them. Quotes of every kind keep their semicolons."""
    found, current = [], ""
    for piece in _PIECE.finditer(text):
        if piece["end"]:
            found.append(current.strip())
            current = ""
        elif piece["skip"] is None:
            current += piece[0]
        else:
            current += " "
    return [statement for statement in (*found, current.strip()) if statement]

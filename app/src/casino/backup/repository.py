"""SQL of backups and restores that is no module's own: the snapshot, the schema's version, whether a database is
empty, and the counter that events are read by."""

from __future__ import annotations

from datetime import datetime
from typing import Any

_SCHEMA = "SELECT name FROM migrations.applied ORDER BY number DESC LIMIT 1"
_OBJECTS = """
    SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"""
_AHEAD = """
    SELECT coalesce(max(xact)::text, '0') AS newest, coalesce(max(xact) >= pg_current_xact_id(), false) AS ahead
    FROM wallet.transactions"""


async def open_snapshot(connection: Any) -> tuple[str, datetime, str]:
    """In a transaction that is `repeatable read`: the snapshot's name for others, its instant, the server's version.

    No timeout ends the session: it has to stand for as long as the dump takes.
    """
    await connection.execute(
        "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL lock_timeout = 0"
    )
    row = await connection.fetchrow(
        "SELECT pg_export_snapshot() AS name, now() AS at, current_setting('server_version') AS server"
    )
    return row["name"], row["at"], row["server"]


async def schema_version(connection: Any) -> str:
    """The name of the newest migration, or nothing where none was applied."""
    return await connection.fetchval(_SCHEMA) or ""


async def is_empty(connection: Any) -> bool:
    """Whether nobody has made anything in this database yet."""
    return bool(await connection.fetchval(_OBJECTS) == 0)


async def events_ahead(connection: Any) -> str | None:
    """The newest event's transaction, where the server has not come so far: readers of events take what is below the
    oldest transaction that runs, and would wait for it. None where all is well."""
    row = await connection.fetchrow(_AHEAD)
    return row["newest"] if row["ahead"] else None

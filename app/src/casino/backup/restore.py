"""A backup into an empty database, and the proof that it is what was backed up."""

from __future__ import annotations

from typing import Any

from casino.backup.dump import restore as write_dump
from casino.backup.errors import CountersBehind, DatabaseNotEmpty, NotWhatWasBackedUp
from casino.backup.opened import Opened
from casino.backup.receipt import Receipt, differences
from casino.backup.repository import events_ahead, is_empty
from casino.backup.restic import DUMP, RECEIPT, unknown
from casino.backup.settings import BackupSettings
from casino.kernel.settings import Settings
from casino.wallet.api import figures, verify_ledger


async def restore(
    connection: Any, settings: Settings, backup: BackupSettings, opened: Opened, *, tenant: str
) -> Receipt:
    """Restore `tenant`'s backup into the database of `settings`, and verify it. `connection` is its owner's.

    Raises BackupFailed: BackupUnknown, DatabaseNotEmpty, CountersBehind, NotWhatWasBackedUp and what the store and
    PostgreSQL say. A database that was refused because of what it holds now is as it was before.
    """
    restic = opened.restic
    found = await restic.find(backup.id, tenant, RECEIPT)
    if found is None:
        raise unknown(backup.id, backup.store)
    receipt = Receipt.read((await restic.read(found, RECEIPT)).decode())
    if not await is_empty(connection):
        raise DatabaseNotEmpty(
            "the database has tables: a restore makes a new tenant, and never writes over one. Name a new one."
        )
    source = restic.stream(receipt.snapshot, DUMP)
    digest = await write_dump(backup.program("pg_restore"), settings, opened.login, source)
    if digest != receipt.sha256:
        raise NotWhatWasBackedUp(f"the dump's SHA-256 is {digest}, and {receipt.sha256} was written down")
    await verify(connection, receipt)
    return receipt


async def verify(connection: Any, receipt: Receipt) -> None:
    """That a database holds what was written down, and that its ledger holds. Raises NotWhatWasBackedUp."""
    await connection.execute("SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0")
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        wrong = differences(receipt.ledger, await figures(connection))
    if wrong:
        raise NotWhatWasBackedUp("; ".join(wrong))
    report = await verify_ledger(connection)
    if not report.ok:
        raise NotWhatWasBackedUp("the ledger is broken: " + ", ".join(one.invariant for one in report.breaks))
    ahead = await events_ahead(connection)
    if ahead is not None:
        raise CountersBehind(
            f"the newest event is of transaction {ahead}, and this server has not come so far: readers would wait for "
            "it, and no history, statement or report would go on. Restore on a server that is ahead (the one that the "
            "backup is of is), or have this one's counter moved on (pg_resetwal --epoch, before anything is in it)."
        )

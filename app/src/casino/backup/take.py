"""One backup, from the snapshot to the receipt. Safe to repeat: what the store has finished is told again."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

from casino.backup.dump import Dump
from casino.backup.opened import Opened
from casino.backup.receipt import Receipt
from casino.backup.repository import open_snapshot, schema_version
from casino.backup.restic import DUMP, RECEIPT
from casino.backup.settings import BackupSettings
from casino.kernel.settings import Settings
from casino.wallet.api import figures


async def take(
    connection: Any, settings: Settings, backup: BackupSettings, opened: Opened, *, image: str, catalogue: str
) -> Receipt:
    """Back the tenant up. `connection` reads everything (the role `<database>_backup`) and writes nothing.

    The receipt is written last: a backup without one was not finished, and counts for nothing. Raises BackupFailed.
    """
    restic, tenant = opened.restic, settings.tenant
    await restic.ensure()
    if (done := await restic.find(backup.id, tenant, RECEIPT)) is not None:
        return Receipt.read((await restic.read(done, RECEIPT)).decode())
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        name, instant, server = await open_snapshot(connection)
        schema, ledger = await schema_version(connection), await figures(connection)
        dump = Dump(backup.program("pg_dump"), settings, opened.login, name)
        kept = await restic.write(dump.read(), backup.id, tenant, DUMP)
    # What restic tells of a write is an abbreviation, in some versions.
    snapshot = await restic.find(backup.id, tenant, DUMP) or kept.snapshot
    receipt = Receipt(
        backup.id, tenant, backup.licence, instant, snapshot, dump.bytes, kept.added, dump.sha256, image,
        catalogue, schema, server, ledger,
    )  # fmt: skip
    await restic.write(_once(json.dumps(receipt.as_json(), indent=1).encode()), backup.id, tenant, RECEIPT)
    return receipt


async def _once(text: bytes) -> AsyncIterator[bytes]:
    yield text

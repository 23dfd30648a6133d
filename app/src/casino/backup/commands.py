"""`casino backup`: take, list, restore."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from typing import Any, cast

import asyncpg

from casino.backup.errors import BackupFailed
from casino.backup.opened import OneLogin, Opened, opened
from casino.backup.receipt import Receipt
from casino.backup.restore import restore
from casino.backup.settings import BackupSettings, load_backup_settings
from casino.backup.take import take
from casino.compliance.api import RulesInForce
from casino.grants import BACKUP, OWNER
from casino.kernel.credentials import Credentials
from casino.kernel.db import connect
from casino.kernel.errors import ConfigurationError
from casino.kernel.logs import configure_logging
from casino.kernel.settings import Settings, load_settings

FAILED = 1
_EXAMPLES = """the environment says where: CASINO_BACKUP_STORE, and CASINO_BACKUP_ID for which one (docs/backups.md).

examples:
  casino backup take
  casino backup list
  casino backup restore --tenant acme-gb
"""


def add_backup_commands(commands: Any) -> None:
    """Hang the verbs of `casino backup` into the parser."""
    parser = commands.add_parser(
        "backup",
        help="back this tenant up, list its backups, restore one into an empty database",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(required=True, metavar="verb")
    verbs.add_parser("take", help="take one; taken already, it is only told again").set_defaults(run=_take)
    verbs.add_parser("list", help="those that the store has finished, the oldest first").set_defaults(run=_list)
    restoring = verbs.add_parser("restore", help="restore into an empty database, and verify; `migrate` comes after it")
    restoring.add_argument("--tenant", required=True, help="whose backup it is")
    restoring.set_defaults(run=_restore)


def _take(_: argparse.Namespace) -> int:
    settings, backup = _settings()

    async def work(found: Opened) -> Receipt:
        image, catalogue = os.environ.get("DOMICILE_VERSION", ""), _catalogue(settings)
        connection = await _connect(settings, found, BACKUP)
        try:
            return await take(connection, settings, backup, found, image=image, catalogue=catalogue)
        finally:
            await connection.close()

    return asyncio.run(_reported(settings, backup, BACKUP, work))


def _restore(options: argparse.Namespace) -> int:
    settings, backup = _settings(migrates=True)

    async def work(found: Opened) -> Receipt:
        connection = await _connect(settings, found, OWNER)
        try:
            return await restore(connection, settings, backup, found, tenant=options.tenant)
        finally:
            await connection.close()

    return asyncio.run(_reported(settings, backup, OWNER, work))


def _list(_: argparse.Namespace) -> int:
    settings, backup = _settings(needs_database=False)

    async def ask() -> list[tuple[str, str]]:
        async with opened(settings, backup, None) as found:
            return await found.restic.backups(settings.tenant)

    for name, at in asyncio.run(ask()):
        print(f"{at}  {name}")
    return 0


async def _reported(settings: Settings, backup: BackupSettings, member: str, work: Any) -> int:
    """Do it, and tell the outcome where the operator reads it. 1 where it failed for a reason that has a code."""
    async with opened(settings, backup, member) as found:
        try:
            receipt = cast(Receipt, await work(found))
        except (ConfigurationError, asyncpg.PostgresError) as error:
            code = error.code if isinstance(error, BackupFailed) else BackupFailed.code
            told = {"outcome": "failed", "code": code, "message": str(error)}
            await found.report(backup, told)
            print(json.dumps(told), file=sys.stderr)
            return FAILED
        await found.report(backup, {"outcome": "done", "receipt": receipt.as_json()})
    print(json.dumps(receipt.as_json(), indent=2))
    return 0


async def _connect(settings: Settings, found: Opened, member: str) -> Any:
    credentials = cast(Credentials, OneLogin(found.login)) if found.login else None
    try:
        return await connect(settings, credentials, member)
    except OSError as error:
        raise BackupFailed(f"the database does not answer: {error}") from error


def _settings(*, needs_database: bool = True, migrates: bool = False) -> tuple[Settings, BackupSettings]:
    backup = load_backup_settings()
    settings = load_settings(needs_database=needs_database, needs_redis=False, migrates=migrates)
    configure_logging(settings.log_level)
    return settings, backup


def _catalogue(settings: Settings) -> str:
    try:
        return RulesInForce.read(settings.rules_path).current.catalogue_version
    except (ConfigurationError, OSError):
        return ""

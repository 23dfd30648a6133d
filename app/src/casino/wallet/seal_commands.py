"""`casino ledger` for months: seal, export-month, months, legal-hold, retire, attach."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path
from typing import Any

from casino.compliance.api import RulesInForce
from casino.kernel.db import OWNER
from casino.kernel.errors import ConfigurationError
from casino.kernel.one_connection import with_connection
from casino.kernel.settings import load_settings
from casino.wallet import repository_seals, sealing
from casino.wallet.repository_seals import NotYet

REFUSED = 1
_EXAMPLES = """examples:
  casino ledger seal 2026-10 --archive /archive
  casino ledger legal-hold 2021-03 --reason "case 4711"
  casino ledger retire /archive/ledger-2021-02.jsonl.gz --drop
  casino ledger attach /archive/ledger-2021-02.jsonl.gz --to auditor
"""


def register(verbs: Any) -> None:
    """Hang the verbs for months into `casino ledger`."""
    sealing_ = verbs.add_parser(
        "seal", help="seal a month that is over and settled", epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    sealing_.add_argument("month", type=_month, help="2026-10")
    sealing_.add_argument("--archive", type=Path, help="export it to this folder too, and verify the file")
    sealing_.set_defaults(run=_seal)
    listing = verbs.add_parser("months", help="the sealed months, and how far each one's life has come")
    listing.set_defaults(run=_months)
    holding = verbs.add_parser("legal-hold", help="keep a month whatever its age, or end that")
    holding.add_argument("month", type=lambda text: None if text == "all" else _month(text), help="2021-03, or all")
    holding.add_argument("--reason", required=True)
    holding.add_argument("--lift", action="store_true", help="end the holds of this month")
    holding.set_defaults(run=_hold)
    retiring = verbs.add_parser("retire", help="detach a month whose retention is over, by the file it was exported to")
    retiring.add_argument("file", type=Path)
    retiring.add_argument("--drop", action="store_true", help="and drop it: only the file is left")
    retiring.set_defaults(run=_retire)
    attaching = verbs.add_parser(
        "attach", help="lay an exported month out for an auditor, read-only, in its own schema"
    )
    attaching.add_argument("file", type=Path)
    attaching.add_argument("--to", metavar="ROLE", help="a role of the database that may read it")
    attaching.set_defaults(run=_attach)


def _month(text: str) -> date:
    try:
        return sealing.month_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError("a month is written 2026-10") from error


def _refusable(do: Callable[[], int]) -> int:
    try:
        return do()
    except NotYet as error:
        print(error)
        return REFUSED
    except OSError as error:
        raise ConfigurationError(f"{error.filename} cannot be read or written: {error.strerror}") from error


def _with(member: str, use: Callable[[Any], Awaitable[Any]]) -> Any:
    settings = load_settings(needs_redis=False, migrates=member == OWNER)
    return asyncio.run(with_connection(settings, member, use))


def _seal(options: argparse.Namespace) -> int:
    async def run(connection: Any) -> int:
        _, digest = await sealing.seal(connection, options.month)
        print(f"{options.month:%Y-%m} is sealed: {digest}")
        if options.archive is None:
            return 0
        verdict = await sealing.export_month(connection, options.month, options.archive)
        print(f"{sealing.file_of(options.archive, options.month)}: {verdict.transactions} transactions, "
              + (f"DOES NOT HOLD: {verdict.faults[0]}" if verdict.faults else "verified"))  # fmt: skip
        return REFUSED if verdict.faults else 0

    return _refusable(lambda: int(_with("wallet", run)))


def _months(_: argparse.Namespace) -> int:
    print(json.dumps(_with("wallet", repository_seals.months), indent=2))
    return 0


def _hold(options: argparse.Namespace) -> int:
    async def run(connection: Any) -> int:
        if options.lift:
            return await repository_seals.lift(connection, options.month, options.reason)
        await repository_seals.hold(connection, options.month, options.reason)
        return 1

    done = _with(OWNER, run)
    print(f"holds {'lifted' if options.lift else 'placed'}: {done}")
    return 0 if done else REFUSED


def _retire(options: argparse.Namespace) -> int:
    years = RulesInForce.read(load_settings(needs_redis=False, migrates=True).rules_path).current.record_retention_years

    def run() -> int:
        done = _with(OWNER, lambda one: sealing.retire(one, options.file, years, drop=options.drop))
        print(f"{done['month']} is {'dropped' if done['dropped'] else 'detached'}; rows forgotten: {done['forgotten']}")
        return 0

    return _refusable(run)


def _attach(options: argparse.Namespace) -> int:
    def run() -> int:
        schema = _with(OWNER, lambda one: sealing.lay_out(one, options.file, options.to))
        print(f"laid out in the schema {schema}; DROP SCHEMA {schema} CASCADE takes it away")
        return 0

    return _refusable(run)

"""`casino ledger`: verify, export, heads. What months are for is in seal_commands.py."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from casino.kernel.errors import ConfigurationError
from casino.kernel.one_connection import with_connection
from casino.kernel.settings import load_settings
from casino.wallet.export import export, heads, verify_lines
from casino.wallet.seal_commands import register as register_months
from casino.wallet.sealing import verify_file
from casino.wallet.verify import Report, verify_ledger

BROKEN = 1
_EXAMPLES = """examples:
  casino ledger verify --json
  casino ledger heads --json > heads-2026-11-30.json
  casino ledger export --output ledger.jsonl
  casino ledger verify --file ledger.jsonl --heads heads-2026-11-30.json
"""


def register(commands: Any) -> None:
    """Hang the verbs of `casino ledger` into the parser."""
    parser = commands.add_parser("ledger", help="look after the ledger")
    verbs = parser.add_subparsers(required=True, metavar="verb")
    verify = verbs.add_parser(
        "verify",
        help="check every invariant, in the database or, of the hash chains, in a file",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verify.add_argument("--json", action="store_true", help="print the report as JSON")
    verify.add_argument("--file", type=Path, help="verify what `export` wrote, without a database")
    verify.add_argument("--month-file", type=Path, help="verify what `seal --archive` wrote, without a database")
    verify.add_argument("--from-last-seal", action="store_true", help="begin after the newest sealed month")
    verify.add_argument("--heads", type=Path, help="heads that were written down earlier (`heads --json`)")
    verify.set_defaults(run=_verify)
    exporting = verbs.add_parser("export", help="write the hash chains to a file")
    exporting.add_argument("--output", type=Path, required=True)
    exporting.add_argument("--force", action="store_true", help="write over a file that exists")
    exporting.set_defaults(run=_export)
    ends = verbs.add_parser("heads", help="where each hash chain ends: keep it where the casino cannot write")
    ends.add_argument("--json", action="store_true", help="print the heads as JSON")
    ends.set_defaults(run=_heads)
    register_months(verbs)


def _verify(options: argparse.Namespace) -> int:
    if options.file is not None:
        return _verify_file(options)
    if options.month_file is not None:
        return _verify_month_file(options)
    if options.heads is not None:
        raise ConfigurationError("--heads goes with --file: the heads are compared with an export")

    async def check(connection: Any) -> Report:
        return await verify_ledger(connection, from_last_seal=options.from_last_seal)

    report = asyncio.run(with_connection(load_settings(needs_redis=False), "wallet", check))
    if options.json:
        print(json.dumps(report.as_json(), indent=2))
    else:
        print(
            f"{report.accounts} accounts, {report.transactions} transactions, {report.postings} postings: "
            + ("every invariant holds" if report.ok else "THE LEDGER IS BROKEN")
        )
        for broken in report.breaks:
            print(f"- {broken.invariant}: {broken.rows} rows, for example {broken.examples[0]}")
    return 0 if report.ok else BROKEN


def _verify_file(options: argparse.Namespace) -> int:
    try:
        known = _known_heads(options.heads) if options.heads else None
        with options.file.open(encoding="utf-8") as file:
            verdict = verify_lines(_told(file, "verified"), known)
    except OSError as error:
        raise ConfigurationError(f"{error.filename} cannot be read: {error.strerror}") from error
    if options.json:
        print(json.dumps(verdict.as_json(), indent=2))
    else:
        print(
            f"{verdict.links} transactions in {len(verdict.heads)} chains: "
            + ("THE CHAINS ARE BROKEN" if verdict.faults else "every chain holds")
        )
        for fault in verdict.faults[:20]:
            print(f"- {fault}")
        if len(verdict.faults) > 20:
            print(f"- and {len(verdict.faults) - 20} more")
    return BROKEN if verdict.faults else 0


def _verify_month_file(options: argparse.Namespace) -> int:
    try:
        verdict, sha256 = verify_file(options.month_file)
    except OSError as error:
        raise ConfigurationError(f"{error.filename} cannot be read: {error.strerror}") from error
    print(json.dumps(verdict.as_json() | {"sha256": sha256}, indent=2))
    return BROKEN if verdict.faults else 0


def _export(options: argparse.Namespace) -> int:
    if options.output.exists() and not options.force:
        raise ConfigurationError(f"{options.output} exists: --force writes over it")
    partial = options.output.with_name(options.output.name + ".partial")

    async def write(connection: Any) -> int:
        count = 0
        with partial.open("w", encoding="utf-8") as file:
            async for line in export(connection):
                file.write(line + "\n")
                count += 1
                _tell(count, "written")
        return count

    count = asyncio.run(with_connection(load_settings(needs_redis=False), "wallet", write))
    partial.replace(options.output)  # a file that is there is whole
    print(f"{count} lines in {options.output}")
    return 0


def _heads(options: argparse.Namespace) -> int:
    found = asyncio.run(with_connection(load_settings(needs_redis=False), "wallet", heads))
    if options.json:
        print(json.dumps(found, indent=2))
    else:
        for one in found:
            print(f"{one['chain']:>8}  {one['currency']:<5} {one['links']:>12}  {one['head']}")
    return 0


def _known_heads(path: Path) -> dict[int, tuple[int, str]]:
    try:
        return {one["chain"]: (one["links"], one["head"]) for one in json.loads(path.read_text())}
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"{path} is not what `casino ledger heads --json` prints") from error


def _told(lines: Iterator[str], what: str) -> Iterator[str]:
    for count, line in enumerate(lines, start=1):
        _tell(count, what)
        yield line


def _tell(count: int, what: str) -> None:
    if count % 50_000 == 0 and sys.stderr.isatty():
        print(f"\r{count:,} lines {what}", end="", file=sys.stderr, flush=True)

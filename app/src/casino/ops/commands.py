"""`casino reports`: what operations read, for a terminal, a spreadsheet or a program."""

from __future__ import annotations

import argparse
import asyncio
import csv
import json
import sys
from datetime import date, timedelta
from typing import Any

from casino.kernel.settings import load_settings
from casino.ops.reports import LONGEST_REPORT_DAYS, PlayOfDay, Reports

_EXAMPLES = """examples:
  casino reports daily
  casino reports daily --since 2026-11-01 --days 30 --csv > november.csv
"""


def add_report_commands(commands: Any) -> None:
    """Hang `reports` into the program's commands."""
    parser = commands.add_parser("reports", help="what was played")
    verbs = parser.add_subparsers(required=True, metavar="verb")
    daily = verbs.add_parser(
        "daily",
        help="handle, wins and rounds by day and game",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    daily.add_argument("--since", type=date.fromisoformat, help="default: so that today is the last day")
    daily.add_argument("--days", type=_days, default=31, help="default %(default)s")
    form = daily.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print the report as JSON")
    form.add_argument("--csv", action="store_true", help="print the report as CSV with a line of names")
    daily.set_defaults(run=_daily)


def _days(text: str) -> int:
    value = int(text)
    if not 1 <= value <= LONGEST_REPORT_DAYS:
        raise argparse.ArgumentTypeError(f"a report is of 1 to {LONGEST_REPORT_DAYS} days")
    return value


def _daily(options: argparse.Namespace) -> int:
    from casino.compliance.api import RulesInForce
    from casino.kernel.clock import SystemClock, local_date
    from casino.stores import open_stores

    settings = load_settings(needs_redis=False)
    rules = RulesInForce.read(settings.rules_path).current
    since = options.since or local_date(SystemClock(), rules.timezone) - timedelta(days=options.days - 1)

    async def read() -> list[PlayOfDay]:
        async with open_stores(settings) as stores:
            return await Reports(stores.databases.of("ops")).daily(since, options.days)

    rows = [one.as_json() for one in asyncio.run(read())]
    if options.json:
        print(json.dumps({"since": since.isoformat(), "days": options.days, "play": rows}, indent=2))
    elif options.csv:
        writer = csv.DictWriter(sys.stdout, PlayOfDay.COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    else:
        for row in rows:
            print("  ".join(f"{name}: {value}" for name, value in row.items()))
        if not rows:
            print("nothing was played")
    return 0

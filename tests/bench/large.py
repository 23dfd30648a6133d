"""`make bench-large`: what 50 million entries cost a ledger. On demand, since it takes its time and its disk.

On the lab, in one run: bets straight to the ledger's function while it is empty; then rounds by the same function, many
in a statement and without waiting for the disk, until there are as many entries as asked for; then, after a checkpoint,
the same measurement again. Everything is in the current month, which is the worst case: a real ledger of that size has
most of it in months that no bet touches. The readers of events stand still meanwhile: they would be an hour behind what
is filled in here in minutes, and take their part of the processors. The tenant and its database are deleted at the end,
whatever happens.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from tests.bench import ledger, report
from tests.end_to_end import lab

ENTRIES = 50_000_000
FILL_BATCH = 250
FILL_S = 20
"""Seconds between two looks at how far the filling is."""
ENTRIES_OF_A_ROUND = 3
"""On the average: half of the rounds win, and those have a second posting."""


def entries() -> int:
    """Every entry raises its account's version by one, so nothing need be counted."""
    return int(lab.sql(ledger.DATABASE, "SELECT sum(version)::bigint FROM wallet.accounts"))


def fill(until: int) -> None:
    """Rounds until there are so many entries."""
    bar = Progress(TextColumn("entries"), BarColumn(), TextColumn("{task.completed:,.0f}"), TimeRemainingColumn(),
                   console=report.console)  # fmt: skip
    with bar:
        task = bar.add_task("fill", total=until)
        while (now := entries()) < until:
            bar.update(task, completed=now)
            script = ledger.script(FILL_BATCH, cap="NULL", cycle="NULL")
            ledger.pgbench(ledger.DATABASE, "-n", "-M", "prepared", "-D", "n=0", "-c", "4", "-j", "2",
                           "-T", str(FILL_S), script=script, durable=False)  # fmt: skip
        bar.update(task, completed=until)


def settled() -> None:
    """What a ledger of that size has behind it: statistics, visibility, and no checkpoint that is due."""
    for statement in ("VACUUM (ANALYZE)", "CHECKPOINT"):
        lab.sql(ledger.DATABASE, statement, timeout=1800)
    time.sleep(ledger.REST_S)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="make bench-large", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--entries", type=int, default=ENTRIES, help=f"how many (default {ENTRIES:,})")
    parser.add_argument("--seconds", type=int, default=30, help="length of each measurement (default 30)")
    parser.add_argument("--json", action="store_true", help="print the object that is written")
    options = parser.parse_args()
    lab.resolve_localhost()
    server = ledger.settings_of_the_server()
    begun = time.monotonic()
    try:
        _, rules = ledger.prepare()
        ledger.stop_readers()
        settled()
        small = ledger.run_ledger(options.seconds, rules, ledger.BATCH)
        fill(options.entries)
        settled()
        size = lab.sql(ledger.DATABASE, f"SELECT pg_database_size('{ledger.DATABASE}')")
        large = ledger.run_ledger(options.seconds, rules, ledger.BATCH)
        held = entries()
    finally:
        ledger.start_readers()
        lab.delete(ledger.TENANT)
    found: dict[str, Any] = {
        "large_entries": held,
        "large_gib": round(int(size) / 2**30, 1),
        "large_ledger_bets_per_s": large,
        "large_empty_ledger_bets_per_s": small,
        "large_over_empty": round(large / small, 2),
        "large_took_s": round(time.monotonic() - begun),
    }
    about = report.about(server, options.seconds, ledger.CLIENTS)
    report.show(found, about)
    report.write_section("large", found | about)
    if options.json:
        print(json.dumps(found, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())

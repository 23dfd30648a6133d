"""`casino jackpots reconcile`."""

from __future__ import annotations

import argparse
import asyncio
import json
from typing import Any

from casino.kernel.one_connection import with_connection
from casino.kernel.settings import load_settings
from casino.wallet.jackpots import reconcile_jackpots

BROKEN = 1


def add_jackpot_commands(commands: Any) -> None:
    """Hang `jackpots` into the program's commands."""
    parser = commands.add_parser("jackpots", help="look after the jackpots")
    verbs = parser.add_subparsers(required=True, metavar="verb")
    verb = verbs.add_parser("reconcile", help="hold every jackpot against the journal, to the millionth")
    verb.add_argument("--json", action="store_true", help="print the report as JSON")
    verb.set_defaults(run=_reconcile)


def _reconcile(options: argparse.Namespace) -> int:
    found = asyncio.run(with_connection(load_settings(needs_redis=False), "wallet", reconcile_jackpots))
    if options.json:
        print(json.dumps([one.as_json() for one in found], indent=2))
    else:
        for one in found:
            print(
                f"{one.name} {one.currency}: {one.rounds} rounds, contributions {one.owed_micros} millionths, seeds"
                f" {one.seeds}, wins {one.wins}, balance {one.balance} and {one.carry_micros} millionths: "
                + ("balances" if one.ok else f"DOES NOT BALANCE by {one.difference_micros} millionths")
            )
        if not found:
            print("there is no jackpot")
    return 0 if all(one.ok for one in found) else BROKEN

"""`casino retention`: what would go now because its time is over. The worker's job `ops.retention` lets it go."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Mapping
from typing import Any

from casino.compliance.api import RulesInForce
from casino.grants import MODULES
from casino.kernel.pruning import due
from casino.kernel.settings import load_settings
from casino.retention import RULES
from casino.stores import open_stores
from casino.wallet.api import anything_held


def add_retention_command(commands: Any) -> None:
    """Hang `retention` into the program's commands."""
    parser = commands.add_parser("retention", help="say what would go because its time is over; nothing is deleted")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.set_defaults(run=_report)


def _report(options: argparse.Namespace) -> int:
    settings = load_settings(needs_redis=False)
    years = RulesInForce.read(settings.rules_path).current.record_retention_years

    async def ask() -> tuple[bool, Mapping[str, int]]:
        async with open_stores(settings) as stores:
            held = await anything_held(stores.databases.of("wallet").pool)
            pools = stores.databases
            return held, await due(RULES, lambda one: pools.of(one).pool, MODULES, None if held else years)

    held, found = asyncio.run(ask())
    if options.json:
        print(json.dumps({"record_retention_years": years, "legal_hold": held, "due": found}, indent=2))
        return 0
    if held or years is None:
        print("no record goes: " + ("a legal hold stands" if held else "the rules name no retention"))
    for name, rows in found.items():
        print(f"{name}: {rows}")
    return 0

"""`casino operation show`."""

from __future__ import annotations

import argparse
import asyncio
import json
from datetime import datetime
from typing import Any

from casino.kernel.one_connection import with_connection
from casino.kernel.settings import load_settings
from casino.wallet.repository_operation import Recorded, history


def add_operation_commands(commands: Any) -> None:
    """Hang `operation` into the program's commands."""
    parser = commands.add_parser("operation", help="what the casino may still do")
    verbs = parser.add_subparsers(required=True, metavar="verb")
    show = verbs.add_parser("show", help="every record that the ledger was given, the one that binds first")
    show.add_argument("--json", action="store_true", help="print the records as JSON")
    show.set_defaults(run=_show)


def as_json(one: Recorded) -> dict[str, Any]:
    """A record as it is shown: moments in UTC."""
    told = one.operation
    return {
        "revision": told.revision,
        "state": told.state,
        "acts": list(told.acts),
        "play_until": _moment(told.play_until),
        "reason": told.reason,
        "recorded_at": _moment(one.recorded_at),
    }


def _moment(at: datetime | None) -> str | None:
    return at.isoformat().replace("+00:00", "Z") if at is not None else None


def _show(options: argparse.Namespace) -> int:
    found = [as_json(one) for one in asyncio.run(with_connection(load_settings(needs_redis=False), "wallet", history))]
    if options.json:
        print(json.dumps({"in_force": found[0] if found else None, "records": found}, indent=2))
        return 0
    for one in found:
        until = f", stakes until {one['play_until']}" if one["play_until"] else ""
        print(
            f"{one['revision']:>6}  {one['recorded_at']}  {one['state']}: {', '.join(one['acts']) or 'nothing'}{until}"
            + (f" ({one['reason']})" if one["reason"] else "")
        )
    if not found:
        print("no record was ever given: everything is allowed")
    return 0

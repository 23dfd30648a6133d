"""`python -m casino`: the processes and commands of the casino."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from typing import Any

from casino.backup.commands import add_backup_commands
from casino.bootstrap import Kind
from casino.commands import register as register_events
from casino.counterparty_commands import add_counterparty_commands
from casino.gal.commands import add_commands as add_studio_commands
from casino.game_control.commands import register as register_games
from casino.kernel.errors import ConfigurationError
from casino.kernel.logs import configure_logging
from casino.kernel.one_connection import with_connection
from casino.kernel.settings import load_settings
from casino.ops.commands import add_report_commands
from casino.pam.commands import add_commands as add_player_commands
from casino.retention_commands import add_retention_command
from casino.wallet.api import add_payment_commands
from casino.wallet.commands import register as register_ledger
from casino.wallet.jackpot_commands import add_jackpot_commands
from casino.wallet.operation_commands import add_operation_commands

EXIT_CONFIGURATION = 2


def main(arguments: list[str] | None = None) -> int:
    """Run a command; answers the exit code: 0 done, 1 the ledger is broken, 2 not usable as configured."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except ConfigurationError as error:
        print(f"casino: {error}", file=sys.stderr)
        return EXIT_CONFIGURATION


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m casino", description="The casino.")
    commands = parser.add_subparsers(required=True, metavar="command")
    commands.add_parser("api", help="serve players").set_defaults(run=lambda _: _serve("api"))
    worker = commands.add_parser("worker", help="hand events on, keep the schedule")
    worker.set_defaults(run=lambda _: _serve("worker"))
    commands.add_parser("realtime", help="tell players over WebSockets what happens").set_defaults(run=_realtime)
    migrate = commands.add_parser("migrate", help="bring the database, and the rights of its roles, to this version")
    migrate.add_argument("--dry-run", action="store_true", help="say what is due, and write nothing")
    migrate.add_argument("--json", action="store_true", help="print the outcome as JSON")
    migrate.set_defaults(run=_migrate)
    register_ledger(commands)
    register_events(commands)
    register_games(commands)
    add_studio_commands(commands)
    add_payment_commands(commands, with_connection)
    add_player_commands(commands)
    add_report_commands(commands)
    add_jackpot_commands(commands)
    add_counterparty_commands(commands)
    add_operation_commands(commands)
    add_retention_command(commands)
    add_backup_commands(commands)
    dev = commands.add_parser("dev", help="run the casino alone on this machine, reloading when its code changes")
    dev.add_argument("--port", type=int, default=8080)
    dev.add_argument("--no-reload", action="store_true")
    dev.set_defaults(run=_dev)
    return parser


def _serve(kind: Kind) -> int:
    from casino.app import create_app
    from casino.compliance.api import RulesInForce
    from casino.server import Server

    settings = load_settings()
    configure_logging(settings.log_level)
    Server(create_app(settings, RulesInForce.read(settings.rules_path), kind=kind), settings).run()
    return 0


def _realtime(_: argparse.Namespace) -> int:
    from casino.realtime.api import load_realtime_settings
    from casino.realtime_server import run

    settings = load_settings(needs_database=False)
    configure_logging(settings.log_level)
    run(settings, load_realtime_settings())
    return 0


def _migrate(options: argparse.Namespace) -> int:
    from casino.kernel.db import OWNER
    from casino.migrate import Limits, plan, run

    settings = load_settings(needs_redis=False, migrates=True)
    configure_logging(settings.log_level)
    roles: dict[str, Any] = {
        "prefix": settings.database_role_prefix,
        "roles_required": settings.needs_database_roles,
    }
    if options.dry_run:
        due = asyncio.run(with_connection(settings, OWNER, lambda connection: plan(connection, **roles)))
        lines = [f"due: {one.name} ({one.kind}, {len(one.statements)} statements)" for one in due.migrations]
        lines += [f"right: {statement}" for statement in due.grants]
        print(json.dumps(due.as_json(), indent=2) if options.json else "\n".join(lines or ["nothing is due"]))
        return 0
    roles["ahead"] = settings.migrate_ahead
    done = asyncio.run(with_connection(settings, OWNER, lambda connection: run(connection, limits=Limits(), **roles)))
    if options.json:
        print(json.dumps(done.as_json(), indent=2))
    else:
        print(f"migrated: {', '.join(done.applied) or 'nothing to do'}")
        if done.months:
            print(f"months of the journal made ahead: {done.months}")
        print(f"rights of roles changed: {len(done.grants)}")
    return 0


def _dev(options: argparse.Namespace) -> int:
    from casino.dev.run import run

    return run(port=options.port, reload=not options.no_reload)


if __name__ == "__main__":
    sys.exit(main())

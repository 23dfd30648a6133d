"""`python -m casino payments`: settlement files, fetched or given, and what does not agree with them."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import json
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from casino.compliance.api import RulesInForce
from casino.kernel.clock import SystemClock
from casino.kernel.credentials import psp_secrets, secrets_alone
from casino.kernel.errors import ConfigurationError
from casino.kernel.settings import Settings, load_settings
from casino.wallet.payments import repository_desk
from casino.wallet.payments.adapters.registry import build_adapters
from casino.wallet.payments.build import build_connections
from casino.wallet.payments.config import parse_setting, setting_of
from casino.wallet.payments.models import METHODS, Method
from casino.wallet.payments.pan import holds_pan
from casino.wallet.payments.reconciliation import Reconciled, reconcile
from casino.wallet.payments.repository_desk import OpenBreak
from casino.wallet.payments.settlement import SettlementInvalid

EXIT_BREAKS = 1
WithConnection = Callable[[Settings, str, Callable[[Any], Awaitable[Any]]], Awaitable[Any]]
Texts = list[tuple[str, Method, str | None]]


def add_commands(commands: Any, with_connection: WithConnection) -> None:
    """Register `payments` with the casino's parser."""
    verbs = commands.add_parser("payments", help="look after payments").add_subparsers(required=True, metavar="verb")
    parser = verbs.add_parser(
        "reconcile", help="hold providers' settlement files against our books; 1 when something does not agree"
    )
    parser.add_argument("file", nargs="?", type=Path, help="a file at hand (with --provider and --method)")
    parser.add_argument("--date", required=True, type=date.fromisoformat, metavar="YYYY-MM-DD", help="the file's day")
    parser.add_argument("--provider", help="only this provider's")
    parser.add_argument("--method", choices=METHODS, help="only this method's")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.set_defaults(run=lambda options: _reconcile(options, with_connection))
    listing = verbs.add_parser("breaks", help="what does not agree and is open; 1 when there is something")
    listing.add_argument("--json", action="store_true", help="print the breaks as JSON")
    listing.set_defaults(run=lambda options: _breaks(options, with_connection))
    closing = verbs.add_parser("resolve", help="close a break that was cleared up")
    closing.add_argument("file_id", type=uuid.UUID, help="as `payments breaks` prints it")
    closing.add_argument("number", type=int)
    closing.add_argument("--note", required=True, help="how it was cleared up; kept with the break")
    closing.set_defaults(run=lambda options: _resolve(options, with_connection))


def _breaks(options: argparse.Namespace, with_connection: WithConnection) -> int:
    found: list[OpenBreak] = _on_wallet(with_connection, repository_desk.open_breaks)
    if options.json:
        print(json.dumps([asdict(one) for one in found], indent=2, default=str))
    else:
        for one in found:
            print(f"{one.file_id} {one.number} {one.provider} {one.method} {one.day}: {one.kind} {one.type} "
                  f"{one.reference}: ours {one.ours}, theirs {one.theirs} {one.currency}")  # fmt: skip
    return EXIT_BREAKS if found else 0


def _resolve(options: argparse.Namespace, with_connection: WithConnection) -> int:
    """Whoever may run commands is named by the system's user: there is no session of staff here."""
    note, by = options.note.strip(), f"operator:{getpass.getuser()}"
    if not 3 <= len(note) <= 500 or holds_pan(note):
        raise ConfigurationError("a note has 3 to 500 characters, and no card number")

    async def close(connection: Any) -> bool:
        return await repository_desk.close_break(
            connection, options.file_id, options.number, by=by, note=note, now=SystemClock().now()
        )

    if not _on_wallet(with_connection, close):
        raise ConfigurationError("there is no such break, or it is closed: see `casino payments breaks`")
    print("closed")
    return 0


def _on_wallet(with_connection: WithConnection, act: Callable[[Any], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        return await with_connection(load_settings(needs_redis=False), "wallet", act)

    return asyncio.run(run())


def _reconcile(options: argparse.Namespace, with_connection: WithConnection) -> int:
    if options.file is not None and not (options.provider and options.method):
        raise ConfigurationError("a settlement file is of one provider and method: give --provider and --method")
    settings = load_settings(needs_redis=False)
    reports: list[Reconciled] = []
    missing: list[str] = []

    async def run() -> None:
        texts = await _texts(options, settings)
        missing.extend(f"{provider} {method}" for provider, method, text in texts if text is None)
        reports.extend(await with_connection(settings, "wallet", lambda one: _all(one, options, settings, texts)))

    try:
        asyncio.run(run())
    except SettlementInvalid as error:
        raise ConfigurationError(f"the settlement file cannot be used: {error}") from error
    _print(options, reports, missing)
    return EXIT_BREAKS if missing or any(report.breaks for report in reports) else 0


async def _texts(options: argparse.Namespace, settings: Settings) -> Texts:
    """The files: the one at hand, or every route's of the day; null for one that cannot be fetched."""
    if options.file is not None:
        try:
            return [(options.provider, options.method, options.file.read_text())]
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"cannot read {options.file}: {type(error).__name__}") from error
    rules = RulesInForce.read(settings.rules_path).current
    wanted = [
        (route.provider, route.method)
        for route in setting_of(settings, rules.currency).routes
        if options.provider in (None, route.provider) and options.method in (None, route.method)
    ]
    if not wanted:
        raise ConfigurationError("CASINO_PAYMENTS has no such route")
    async with secrets_alone(settings) as credentials:
        secrets = await psp_secrets(settings, credentials)
    connections = build_connections(settings, secrets, SystemClock())
    try:
        adapters = build_adapters(connections, rules.currency_exponent)
        return [(provider, method, await adapters[provider, method].settlement(options.date))
                for provider, method in wanted if (provider, method) in adapters]  # fmt: skip
    finally:
        for connection in connections.values():
            await connection.close()


async def _all(connection: Any, options: argparse.Namespace, settings: Settings, texts: Texts) -> list[Reconciled]:
    exponent = RulesInForce.read(settings.rules_path).current.currency_exponent
    routes = parse_setting(settings.payments).routes  # only a route that is set says what a charge costs
    return [
        await reconcile(connection, routes, exponent, provider=provider, method=method, day=options.date, text=text,
                        now=SystemClock().now())
        for provider, method, text in texts if text is not None
    ]  # fmt: skip


def _print(options: argparse.Namespace, reports: list[Reconciled], missing: list[str]) -> None:
    if options.json:
        print(json.dumps({"files": [one.as_json() for one in reports], "not_fetched": missing}, indent=2))
        return
    for report in reports:
        agreed = "everything agrees" if not report.breaks else f"{len(report.breaks)} BREAKS"
        again = " (known)" if report.known else ""
        print(f"{report.provider} {report.method} {report.day}: {report.lines} lines{again}, {agreed}")
        for one in report.breaks:
            print(f"- {one.kind} {one.type} {one.reference}: ours {one.ours}, theirs {one.theirs} {one.currency}")
    for name in missing:
        print(f"{name}: THE FILE COULD NOT BE FETCHED")

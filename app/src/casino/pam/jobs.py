"""What the commands do (commands.py): imports, keys, and what runs once a day."""

from __future__ import annotations

import argparse
import csv
import getpass
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from casino.compliance.api import RulesInForce
from casino.kernel.cache import open_redis
from casino.kernel.clock import SystemClock
from casino.kernel.errors import CasinoError
from casino.kernel.logs import configure_logging
from casino.kernel.settings import Settings, load_settings
from casino.pam.four_eyes import Role, require_role
from casino.pam.identity_verification import JUDGES, Verification
from casino.pam.import_file import Fault
from casino.pam.importer import Importer, ImportRefused, OpeningBalances, Report
from casino.pam.keeping import rewrap_all
from casino.pam.module import PlayerModule, build, check_configuration
from casino.pam.proof import Claim
from casino.stores import open_stores
from casino.wallet.api import Ledger, LedgerOpeningBalances
from casino.wallet.api import build as build_wallet

EXIT_REFUSED = 1


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[tuple[PlayerModule, OpeningBalances]]:
    """The module and the ledger's side of an import, with their stores and without a server around them."""
    rules, clock = RulesInForce.read(settings.rules_path), SystemClock()
    check_configuration(settings, rules.current)
    async with open_stores(settings, redis=True) as stores:
        redis = open_redis(settings, stores.credentials)
        try:
            current = rules.current
            wallet = await build_wallet(stores.databases.of("wallet"), current.currency, current.currency_exponent)
            module = await build(
                database=stores.databases.of("pam"),
                redis=redis,
                settings=settings,
                wallet=wallet,
                rules=rules,
                clock=clock,
                credentials=stores.credentials,
            )
            database = stores.databases.of("wallet")
            yield module, LedgerOpeningBalances(Ledger(database), database)
            await module.close()
        finally:
            await redis.aclose()


async def import_players(options: argparse.Namespace) -> int:
    settings = _settings()
    report_path = options.report or options.file.with_name(options.file.name + ".faults.csv")
    async with opened(settings) as (module, balances):
        importer = Importer(module, balances)
        report: Report | None = None
        refusal = None
        try:
            with _faults(report_path) as note, _bar() as progress:
                report = await importer.check(options.file, note, progress)
                if not report.faults and not options.dry_run:
                    report = await importer.run(options.file, report, progress, resume=options.resume)
        except (ImportRefused, OSError) as refused:
            refusal = str(refused)
    outcome: dict[str, Any] = asdict(report) if report is not None else {}
    if report is not None and report.faults:
        outcome["report"] = str(report_path)
    if refusal is not None:
        outcome["refused"] = refusal
    _print(outcome, options.json)
    return EXIT_REFUSED if refusal is not None or report is None or report.faults else 0


async def undo_import(options: argparse.Namespace) -> int:
    async with opened(_settings()) as (module, balances):
        try:
            with _bar() as progress:
                undone = await Importer(module, balances).undo(options.batch, progress)
        except ImportRefused as refused:
            _print({"refused": str(refused)}, options.json)
            return EXIT_REFUSED
    _print({"undone": undone}, options.json)
    return 0


async def run_job(options: argparse.Namespace) -> int:
    """One of JOBS, by the name in `options.job`."""
    async with opened(_settings()) as (module, _):
        _print(await JOBS[options.job](module), options.json)
    return 0


async def rewrap_keys(module: PlayerModule) -> dict[str, int]:
    with _bar() as progress:
        key = module.vault.keys.tenant_key
        done = await rewrap_all(module.repository.pool, key, lambda done, total: progress("re-wrap", done, total))
    return {"rewrapped": done, "key_version": await key.version()}


async def dormancy(module: PlayerModule) -> dict[str, int]:
    return {"dormant": await module.lifecycle.make_dormant()}


async def erase(module: PlayerModule) -> dict[str, int]:
    return {"erased": await module.erase_expired()}


async def send_messages(module: PlayerModule) -> dict[str, int]:
    sent = 0
    while count := await module.messages.send_due():
        sent += count
    return {"sent": sent}


JOBS: dict[str, Callable[[PlayerModule], Awaitable[dict[str, int]]]] = {
    "rewrap_keys": rewrap_keys,
    "dormancy": dormancy,
    "erase": erase,
    "send_messages": send_messages,
}


async def verify_identity(options: argparse.Namespace) -> int:
    """As the endpoint of staff, by whoever proves to be of the staff: the history says who it was."""
    given = {name: getattr(options, name) for name in ("result", "method", "reference", "reason")}
    try:
        found = Verification.model_validate(given)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        print(f"casino: {'; '.join(faults)}", file=sys.stderr)
        return EXIT_REFUSED
    password, code = _secret("Password: "), _secret("Code: ")
    async with opened(_settings()) as (module, _):
        try:
            token, _end = await module.staff.login(options.by, Claim(password, code))
            try:
                member = await module.staff.find(token)
                assert member is not None  # it was opened a moment ago
                require_role(member.role, JUDGES)
                status = await module.lifecycle.judge_identity(options.player, found, member.staff_id)
            finally:
                await module.staff.logout(token)
        except CasinoError as refused:
            print(f"casino: {refused}", file=sys.stderr)
            return EXIT_REFUSED
    _print({"player_id": str(options.player), "result": found.result, "status": status}, options.json)
    return 0


async def add_staff(options: argparse.Namespace) -> int:
    password = _secret("Password: ")
    if len(password) < 12:
        print("casino: a staff password has at least 12 characters", file=sys.stderr)
        return EXIT_REFUSED
    async with opened(_settings()) as (module, _):
        try:
            staff_id, set_up = await module.staff.add(options.email, options.name, password, Role(options.role))
        except CasinoError as refused:
            print(f"casino: {refused}", file=sys.stderr)
            return EXIT_REFUSED
    # Shown once, to the terminal of who sets it up: the first code of it confirms it.
    print(f"added {staff_id}\nauthenticator app: {set_up.secret}\n{set_up.uri}")
    return 0


def _secret(prompt: str) -> str:
    """Asked for at a terminal, without an echo; else the next line of standard input."""
    return getpass.getpass(prompt) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")


def _settings() -> Settings:
    settings = load_settings()
    configure_logging("ERROR")  # standard output is the command's
    return settings


def _print(outcome: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(outcome, indent=2))
    else:
        for name, value in outcome.items():
            print(f"{name.replace('_', ' ')}: {value}")


@contextmanager
def _faults(path: Path) -> Iterator[Callable[[Fault], None]]:
    """The report of faults: a CSV that its owner alone may read; away again when there was none."""
    count = 0
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("line", "column", "fault"))

        def note(fault: Fault) -> None:
            nonlocal count
            count += 1
            writer.writerow((fault.line, fault.column, fault.what))

        yield note
    if not count:
        path.unlink()


@contextmanager
def _bar() -> Iterator[Callable[[str, int, int], None]]:
    """A bar on standard error where that is a terminal, ten times a second at the most."""
    last = 0.0
    shown = sys.stderr.isatty()

    def progress(phase: str, done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if not shown or (now - last < 0.1 and done < total):
            return
        last = now
        share = done / total if total else 1.0
        print(f"\r{phase:>8} [{'#' * int(share * 40):<40}] {share:6.1%}", end="", file=sys.stderr, flush=True)

    try:
        yield progress
    finally:
        if shown and last:
            print(file=sys.stderr)

"""`python -m casino gal`: the conformance suite, and studios' games."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from casino.kernel.errors import ConfigurationError

if TYPE_CHECKING:
    from casino.gal.conformance.runner import SuiteReport, Verdict
    from casino.kernel.settings import Settings

EXIT_FAILED = 1
MARKS = {"passed": "ok", "failed": "FAILED", "skipped": "skipped"}


def add_commands(commands: Any) -> None:
    """Register `gal` and its verbs."""
    verbs = commands.add_parser("gal", help="external studios").add_subparsers(required=True, metavar="verb")
    suite = verbs.add_parser("conformance", help="hold an operator's endpoint against the rules of docs/studios.md")
    suite.add_argument("url", help="where the operator answers the studio, e.g. https://host/api/v1/studios/NAME")
    suite.add_argument("--dialect", required=True, choices=["rsa_status", "hmac_actions"])
    suite.add_argument("--key", required=True, type=Path, help="the studio's private key (PEM), or the shared secret")
    suite.add_argument("--operator", default="", help="what the studio calls the operator (hmac_actions)")
    suite.add_argument("--token-file", required=True, type=Path, help="a live session's token of a player with money")
    suite.add_argument("--player", required=True, help="that player, as the session names them")
    suite.add_argument("--game", required=True, help="the studio's code of a game that is on offer")
    suite.add_argument("--currency", required=True)
    suite.add_argument("--exponent", type=int, default=2, help="the currency's decimals")
    suite.add_argument("--stake", type=int, default=10, help="minor units that one case may lose")
    suite.add_argument("--expired-token-file", type=Path, help="a session of that player that has run out")
    suite.add_argument("--barred-token-file", type=Path, help="a live session of a player who is excluded")
    suite.add_argument("--barred-player", help="that player")
    suite.add_argument("--free-rounds", help="a grant of free rounds to the player, with one left")
    suite.add_argument("--case", type=int, action="append", help="try this one alone; may be repeated")
    suite.add_argument("--timeout", type=float, default=5.0, help="seconds that an answer may take")
    suite.add_argument("--ca", type=Path, help="the CA of the operator's certificate")
    suite.add_argument("--json", action="store_true", help="print the report, with every exchange, as JSON")
    suite.set_defaults(run=_conformance)
    games = verbs.add_parser("games", help="take games and their approvals over from a file")
    games.add_argument("file", type=Path, help='JSON: [{"game_id", "studio", "code", "name", "approvals": {...}}]')
    games.set_defaults(run=_games)


def _conformance(options: argparse.Namespace) -> int:
    report = asyncio.run(_run(options))
    if options.json:
        print(json.dumps(report.as_json(), indent=2))
    else:
        words = [f"{report.count(one)} {one}" for one in ("passed", "failed", "skipped")]
        print(f"{', '.join(words)}: " + ("conforms" if report.conforms else "DOES NOT CONFORM"))
    return 0 if report.conforms else EXIT_FAILED


async def _run(options: argparse.Namespace) -> SuiteReport:
    import httpx

    from casino.gal.conformance.bench import Endpoint
    from casino.gal.conformance.runner import run_suite
    from casino.gal.conformance.wire import HmacWire, RsaWire, Wire

    endpoint = Endpoint(
        url=options.url,
        token=_read(options.token_file),
        player=options.player,
        game=options.game,
        currency=options.currency,
        stake_minor=options.stake,
        expired_token=_read(options.expired_token_file) if options.expired_token_file else None,
        barred_token=_read(options.barred_token_file) if options.barred_token_file else None,
        barred_player=options.barred_player,
        free_rounds=options.free_rounds,
    )
    key = _read(options.key)
    wire: Wire = RsaWire(key, options.exponent) if options.dialect == "rsa_status" else HmacWire(key, options.operator)
    verify: Any = str(options.ca) if options.ca else True
    async with httpx.AsyncClient(timeout=options.timeout, verify=verify, trust_env=False) as http:
        return await run_suite(endpoint, wire, http, progress=_tell, only=options.case)


def _tell(verdict: Verdict) -> None:
    # To stderr: --json has stdout for itself.
    print(f"{verdict.number:3} {MARKS[verdict.outcome]:8} {verdict.title}", file=sys.stderr, flush=True)
    if verdict.outcome == "failed":
        print(f"             expected {verdict.expected}\n             got      {verdict.got}", file=sys.stderr)
        for one in verdict.exchanges[-2:]:
            print(f"             {one.call} sent {json.dumps(one.sent)}", file=sys.stderr)
            print(f"             HTTP {one.http} {json.dumps(one.got)}", file=sys.stderr)
    elif verdict.outcome == "skipped":
        print(f"             needs {', '.join(verdict.missing)}", file=sys.stderr)


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot read {path}: {type(error).__name__}") from None


def _games(options: argparse.Namespace) -> int:
    from casino.kernel.settings import load_settings

    print(f"games: {asyncio.run(add_games(load_settings(needs_redis=False), options.file))}")
    return 0


async def add_games(settings: Settings, file: Path) -> int:
    """Take games and approvals over from a file (docs/studios.md); answers how many. Raises ConfigurationError."""
    from casino.gal.repository import StudioRepository
    from casino.kernel.credentials import Credentials
    from casino.kernel.db import Database

    games = _read_games(file)
    credentials = None
    if settings.uses_openbao and settings.database_url is None:
        credentials = Credentials(settings, [settings.bao_role_of("gal")])
        await credentials.start()
    database = Database(settings, credentials, "gal", size=1)
    try:
        await database.open()
        repository = StudioRepository(database)
        names = {one.studio: one.name for one in settings.studios}
        for game_id, studio, code, name, approvals in games:
            await repository.add_studio(studio, names.get(studio, studio))
            await repository.add_game(game_id, studio, code, name)
            for jurisdiction, certificate in approvals.items():
                await repository.approve_game(game_id, jurisdiction, str(certificate))
        await database.close()
    finally:
        if credentials is not None:
            await credentials.close()
    return len(games)


def _read_games(file: Path) -> list[tuple[str, str, str, str, dict[str, str]]]:
    try:
        return [
            (str(one["game_id"]), str(one["studio"]), str(one["code"]), str(one["name"]), dict(one["approvals"]))
            for one in json.loads(_read(file))
        ]
    except (ValueError, KeyError, TypeError):
        raise ConfigurationError(f"{file} is no list of games: see docs/studios.md") from None

"""`casino counterparties`: whether each payment provider and studio takes this casino's signed calls."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

from casino.compliance.api import RulesInForce
from casino.counterparties import Answered, Counterparties
from casino.gal.api import ask_studios, build_access
from casino.kernel.acknowledgement import Acknowledgement
from casino.kernel.clock import SystemClock
from casino.kernel.credentials import psp_secrets, secrets_alone, studio_secrets
from casino.kernel.settings import Settings, load_settings
from casino.wallet.api import ask_configured_providers

FAILED = 1
REMEDY: Mapping[Acknowledgement, str] = {
    Acknowledgement.ACKNOWLEDGED: "",
    Acknowledgement.REFUSED: "it refuses our key: compare what it gave with what OpenBao has under its secret_path",
    Acknowledgement.NO_ANSWER: "no answer: is its address right, may we get there, is its certificate of our CA?",
    Acknowledgement.NOT_UNDERSTOOD: "somebody else answers there: its url is wrong, or its protocol is another",
}
_EXAMPLES = """examples:
  casino counterparties          exit code 1 when one of them does not acknowledge us
  casino counterparties --json
"""


def add_counterparty_commands(commands: Any) -> None:
    """Register `counterparties` with the casino's parser."""
    parser = commands.add_parser(
        "counterparties",
        help="ask payment providers and studios whether they take our signed calls; moves nothing",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="print the answers as JSON")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    found = asyncio.run(_ask(load_settings(needs_redis=False)))
    if options.json:
        print(json.dumps([one.as_json() for one in found], indent=2))
    else:
        print("\n".join(map(_line, found)) or "this casino has no counterparties")
    return 0 if all(one.ok for one in found) else FAILED


def _line(one: Answered) -> str:
    remedy = REMEDY[one.acknowledgement]
    return f"{one.kind} {one.name}: {one.acknowledgement}" + (f" ({remedy})" if remedy else "")


async def _ask(settings: Settings) -> Sequence[Answered]:
    rules, clock = RulesInForce.read(settings.rules_path), SystemClock()
    async with secrets_alone(settings) as credentials:
        providers, studios = await psp_secrets(settings, credentials), await studio_secrets(settings, credentials)
    access = build_access(settings, studios, rules, clock)
    try:
        return await Counterparties(
            {
                "payment_provider": lambda: ask_configured_providers(settings, providers, rules.current, clock),
                "studio": lambda: ask_studios(access, clock),
            }
        ).ask()
    finally:
        for one in access.values():
            await one.client.close()

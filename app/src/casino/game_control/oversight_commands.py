"""`casino games list | disable | enable | approve | ask-verification`: oversight of the games from a console."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from casino.game_control.manifest_commands import Parsers, guarded, json_option
from casino.kernel.errors import ConfigurationError

_EXAMPLES = """examples:
  casino games disable harbour-lights --reason "incident 12" --by ann
  casino games enable harbour-lights --reason "mended" --by ann --agreed-by ben
  casino games approve approved.json --by ann       the regulator's list, whole, in place of the one before
"""


def register_oversight(verbs: Parsers) -> None:
    listing = verbs.add_parser("list", help="every game: whether it is offered, and why not")
    json_option(listing)
    listing.set_defaults(run=guarded(lambda options: _run(options, _list)))
    for name, help_, act in (
        ("disable", "offer a game no more; rounds under way end", _disable),
        ("enable", "offer a game again; two people do so", _enable),
    ):
        verb = verbs.add_parser(
            name, help=help_, epilog=_EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        verb.add_argument("game")
        verb.add_argument("--version", help="that version alone; all of them when none is named")
        verb.add_argument("--reason", type=_text(500), required=True)
        verb.add_argument("--by", type=_text(80), required=True, help="your name, for the record")
        if name == "enable":
            verb.add_argument("--agreed-by", type=_text(80), required=True, help="the other person's")
        json_option(verb)
        verb.set_defaults(run=guarded(lambda options, act=act: _run(options, act)))
    approve = verbs.add_parser("approve", help="take over the regulator's list of what may be offered")
    approve.add_argument("file", type=Path, help='{"source", "games": [{"game_id", "version", "signature", ...}]}')
    approve.add_argument("--by", type=_text(80), required=True, help="your name, for the record")
    json_option(approve)
    approve.set_defaults(run=guarded(lambda options: _run(options, _approve)))
    asking = verbs.add_parser("ask-verification", help="let every process verify its software now")
    asking.add_argument("--by", type=_text(80), required=True, help="your name, for the record")
    json_option(asking)
    asking.set_defaults(run=guarded(lambda options: _run(options, _ask)))


def _text(most: int) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not 1 <= len(text) <= most:
            raise argparse.ArgumentTypeError(f"1 to {most} characters")
        return text

    return parse


def _run(options: argparse.Namespace, act: Callable[[argparse.Namespace, Any], Awaitable[Any]]) -> int:
    from casino.compliance.api import RulesInForce
    from casino.game_control.api import build, build_oversight
    from casino.kernel.clock import SystemClock
    from casino.kernel.settings import load_settings
    from casino.stores import open_stores

    settings = load_settings(needs_redis=False)
    rules = RulesInForce.read(settings.rules_path)

    async def go() -> Any:
        control = build(rules.current, settings.tenant)
        async with open_stores(settings) as stores:
            overseer = build_oversight(stores.databases.of("game_control"), control, rules, SystemClock())
            await overseer.refresh()
            return await act(options, overseer)

    found = asyncio.run(go())
    if options.json:
        print(json.dumps(found, indent=2))
        return 0
    for row in found if isinstance(found, list) else [found]:
        print("  ".join(f"{key}: {_told(value)}" for key, value in row.items()))
    return 0


def _told(value: Any) -> Any:
    return (", ".join(value) or "none") if isinstance(value, list) else value


def _shown(state: Any) -> dict[str, Any]:
    game = state.decision.game
    return {
        "game_id": game.game_id,
        "version": game.version,
        "offered": state.decision.playable,
        "refusals": [reason.value for reason in state.decision.refusals],
        "signature": state.signature,
    }


async def _list(_: argparse.Namespace, overseer: Any) -> list[dict[str, Any]]:
    return [_shown(state) for state in overseer.states()]


async def _disable(options: argparse.Namespace, overseer: Any) -> dict[str, Any]:
    await overseer.disable(options.game, options.version, options.reason, f"console:{options.by}")
    return _shown(overseer.state(options.game))


async def _enable(options: argparse.Namespace, overseer: Any) -> dict[str, Any]:
    actor, second = f"console:{options.by}", f"console:{options.agreed_by}"
    await overseer.enable(options.game, options.version, options.reason, actor, second)
    return _shown(overseer.state(options.game))


async def _approve(options: argparse.Namespace, overseer: Any) -> dict[str, Any]:
    try:
        text = options.file.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"cannot read {options.file}: {error.strerror}") from error
    return {"approved": await overseer.take_over(text, f"console:{options.by}")}


async def _ask(options: argparse.Namespace, overseer: Any) -> dict[str, Any]:
    return {"request": await overseer.ask_verification(f"console:{options.by}")}

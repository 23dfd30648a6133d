"""`casino events`: what the consumers of events have read, what failed, and how it goes on."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from casino.compliance.api import RulesInForce
from casino.kernel.errors import CasinoError, ConfigurationError
from casino.kernel.events.model import Consumer
from casino.kernel.events.producer import Producer
from casino.kernel.events.relay import LeaseLost, Relay
from casino.kernel.events.repository import Cursors
from casino.kernel.settings import load_settings
from casino.realtime_feed import told_consumers
from casino.stores import open_stores
from casino.wallet.api import months_gone
from casino.work import consumers as built_consumers

FAILED = 1
A_WHILE = timedelta(days=2)
"""How far a consumer may keep beyond the moment that it was asked for: the local day that it is in, and no more."""
Pools = Callable[[str], Any]
GONE: Mapping[str, Callable[[Any], Awaitable[list[str]]]] = {"wallet": months_gone}
"""By producer, of which times it has no events any more; asked of its pool. The others lose theirs to nobody who builds
anything anew."""
Act = Callable[[argparse.Namespace, Consumer | None, Pools], Awaitable[Any]]
_EXAMPLES = """examples:
  casino events status
  casino events parked daily_reports --json
  casino events replay daily_reports            what is parked is tried again
  casino events replay daily_reports 4711       the event at that position alone
  casino events skip daily_reports 4711         it is never handled; say why in your own log
  casino events go-on daily_reports             after the version that understands it is there
  casino events rebuild daily_reports           empty the read model and read from the beginning; what it has of
                                                months that the ledger retired is kept
  casino events rebuild history --without 2021-02
                                                and give up what it has of a month that the ledger retired
  casino events rebase daily_reports            after a restore on another server, with no casino running
"""


def consumers(rules: RulesInForce) -> list[Consumer]:
    """Everybody who reads events in a worker, real time among them."""
    return [*built_consumers(rules), *told_consumers()]


def register(commands: Any) -> None:
    """Hang the verbs of `casino events` into the parser."""
    parser = commands.add_parser(
        "events",
        help="what the modules tell each other",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(required=True, metavar="verb")

    def verb(name: str, help_: str, act: Act, *, named: bool = True) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = verbs.add_parser(name, help=help_)
        if named:
            made.add_argument("consumer")
        made.add_argument("--json", action="store_true", help="print the outcome as JSON")
        made.set_defaults(run=lambda options: _run(options, act))
        return made

    verb("status", "how far each consumer is", _status, named=False)
    verb("parked", "events that could not be handled", _parked)
    verb("replay", "try parked events again", _replay).add_argument("position", type=int, nargs="?")
    verb("skip", "give a parked event up", _skip).add_argument("position", type=int)
    verb("go-on", "let a stopped consumer read on", _go_on)
    verb("rebuild", "build what a consumer builds anew", _rebuild).add_argument(
        "--without",
        metavar="MONTH,...",
        default="",
        help="months that are retired from the ledger (2021-02), all of them: what was built of them is given up",
    )
    verb("rebase", "count by another server's transactions", _rebase)


def _run(
    options: argparse.Namespace, act: Callable[[argparse.Namespace, Consumer | None, Pools], Awaitable[Any]]
) -> int:
    settings = load_settings(needs_redis=False)
    known = {one.name: one for one in consumers(RulesInForce.read(settings.rules_path))}
    consumer = None
    if hasattr(options, "consumer"):
        consumer = known.get(options.consumer)
        if consumer is None:
            raise ConfigurationError(f"there is no consumer {options.consumer}; there are {', '.join(sorted(known))}")

    async def go() -> Any:
        async with open_stores(settings) as stores:
            return await act(options, consumer, lambda module: stores.databases.of(module).pool)

    try:
        found = asyncio.run(go())
    except CasinoError as error:
        print(f"{error.code}: {error.message}\nrule: {error.rule}\nremedy: {error.remedy}")
        return FAILED
    print(json.dumps(found, indent=2, default=str) if options.json else _lines(found))
    return FAILED if isinstance(found, dict) and found.get("failed") else 0


def _lines(found: Any) -> str:
    rows = found if isinstance(found, list) else [found]
    return "\n".join("  ".join(f"{key}: {value}" for key, value in row.items()) for row in rows) or "nothing"


async def _status(_: argparse.Namespace, __: Consumer | None, pools: Pools) -> list[dict[str, Any]]:
    settings = load_settings(needs_redis=False)
    told: list[dict[str, Any]] = []
    for one in consumers(RulesInForce.read(settings.rules_path)):
        cursors = Cursors(pools(one.module), one)
        cursor = await cursors.find()
        if cursor is None:
            told.append({"consumer": one.name, "producer": one.producer, "state": "has read nothing yet"})
            continue
        waiting, age_s = await Producer(pools(one.producer), one.producer).waiting(cursor)
        told.append(
            {
                "consumer": one.name,
                "producer": one.producer,
                "state": cursor.stopped or "reads",
                "waiting": waiting,
                "oldest_s": round(age_s, 1),
                "parked": len(await cursors.parked()),
            }
        )
    return told


async def _parked(_: argparse.Namespace, consumer: Consumer | None, pools: Pools) -> list[dict[str, Any]]:
    assert consumer is not None
    return [
        {
            "position": one.position,
            "type": one.event.type,
            "event_id": one.event.event_id,
            "aggregate": one.aggregate,
            "error": one.error,
            "attempts": one.attempts,
            "waits_for_a_person": one.waits_for_a_person,
        }
        for one in await Cursors(pools(consumer.module), consumer).parked()
    ]


async def _replay(options: argparse.Namespace, consumer: Consumer | None, pools: Pools) -> dict[str, Any]:
    assert consumer is not None
    count = await Cursors(pools(consumer.module), consumer).replay(options.position)
    return {"replayed": count, "failed": options.position is not None and count == 0}


async def _skip(options: argparse.Namespace, consumer: Consumer | None, pools: Pools) -> dict[str, Any]:
    assert consumer is not None
    pool = pools(consumer.module)
    cursors = Cursors(pool, consumer)
    async with pool.acquire() as connection, connection.transaction():
        skipped = await cursors.unpark(connection, options.position)
    if skipped:
        await cursors.replay(None)  # what followed it is the first of its aggregate now
    return {"skipped": skipped, "failed": not skipped}


async def _go_on(_: argparse.Namespace, consumer: Consumer | None, pools: Pools) -> dict[str, Any]:
    assert consumer is not None
    await Cursors(pools(consumer.module), consumer).go_on()
    return {"consumer": consumer.name, "state": "reads"}


async def _rebuild(options: argparse.Namespace, consumer: Consumer | None, pools: Pools) -> dict[str, Any]:
    assert consumer is not None
    relay = Relay(consumer, pools)
    gone = await GONE[consumer.producer](pools(consumer.producer)) if consumer.producer in GONE else []
    given_up = [month for month in options.without.split(",") if month]
    if unknown := sorted(set(given_up) - set(gone)):
        raise ConfigurationError(f"{consumer.producer} still has the events of {', '.join(unknown)}")
    left = [month for month in gone if month not in given_up]
    if left and given_up:
        raise ConfigurationError(f"of months that are gone all are kept or all are given up, {', '.join(left)} as well")
    until = _end_of(left[-1]) if left else None
    if until is not None and await _behind(consumer, pools, until + A_WHILE):
        raise ConfigurationError(f"{consumer.name} has not read the events around {until:%Y-%m-%d} yet: let it read on")
    kept_before = await relay.rebuild(left, until)
    read = 0
    while count := await relay.step():
        read += count
    await relay.close()
    told = {"consumer": consumer.name, "read": read, "state": "a worker goes on from here"}
    return told if kept_before is None else told | {"kept_before": kept_before.isoformat()}


def _end_of(month: str) -> datetime:
    first = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
    return (first + timedelta(days=31)).replace(day=1)


async def _behind(consumer: Consumer, pools: Pools, moment: datetime) -> bool:
    """Whether something of before a moment was not read yet, or may still come."""
    now = datetime.now(UTC)
    cursor = await Cursors(pools(consumer.module), consumer).find()
    if cursor is None or moment > now:
        return True
    waiting, age_s = await Producer(pools(consumer.producer), consumer.producer).waiting(cursor)
    return waiting > 0 and now - timedelta(seconds=age_s) < moment


async def _rebase(_: argparse.Namespace, consumer: Consumer | None, pools: Pools) -> dict[str, Any]:
    assert consumer is not None
    try:
        return {"consumer": consumer.name, "handled": await Relay(consumer, pools).rebase()}
    except LeaseLost as error:
        raise ConfigurationError(str(error)) from error

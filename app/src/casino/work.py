"""What a worker does: hands events from module to module, and keeps the schedule."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from casino.compliance.api import RulesInForce
from casino.counterparties import Counterparties
from casino.gal.api import JackpotPlay, Rounds, Studios
from casino.game_control.api import DriftWatch, GameControl, Overseer, PlayCounters
from casino.grants import MODULES
from casino.kernel.clock import Clock
from casino.kernel.container import Container
from casino.kernel.db import Databases
from casino.kernel.events.model import Consumer
from casino.kernel.events.outbox import CHANNEL
from casino.kernel.events.producer import Producers
from casino.kernel.events.relay import Relay, run
from casino.kernel.metrics import JACKPOTS_OK, JOURNAL_MONTHS, LEDGER_OK
from casino.kernel.pruning import prune_all
from casino.kernel.schedule import Job, Schedule
from casino.kernel.settings import Settings
from casino.kernel.tasks import end
from casino.ops.api import DailyReports, HistoryBook
from casino.pam.api import PlayerModule
from casino.responsible_gaming.api import LOOK_EVERY, ResponsibleGaming
from casino.responsible_gaming.api import consumers as protection_consumers
from casino.retention import RULES
from casino.wallet.api import (
    Ledger,
    Payments,
    PlayerLimits,
    Standings,
    anything_held,
    months_ahead,
    reconcile_jackpots,
    seal_due,
    verify_ledger,
)

log = logging.getLogger(__name__)

POLL_S = 1.0
"""How often a producer is asked without having called. The wallet never calls: its events come by the thousand."""


def consumers(rules: RulesInForce, parts: Container | None = None) -> list[Consumer]:
    """Everybody who listens to another module; without `parts` they can be looked at, and not all of them read."""
    timezone = rules.current.timezone
    protection = parts.get(ResponsibleGaming) if parts is not None else None
    return [
        DailyReports(timezone).consumer(),
        HistoryBook().consumer(),
        PlayCounters(timezone).consumer(),
        Standings.consumer(),
        *protection_consumers(timezone, protection),
    ]


def jobs(parts: Container, databases: Databases) -> list[Job]:
    """Everything that is done by the clock."""
    settings, ledger = parts.get(Settings), parts.get(Ledger)
    wallet = databases.of("wallet")
    clock = parts.get(Clock)  # type: ignore[type-abstract]  # mypy: a protocol is as good a key as a class
    returns = DriftWatch(parts.get(Overseer).repository, parts.get(GameControl), parts.get(RulesInForce), clock)

    async def verify() -> Mapping[str, Any]:
        async with wallet.pool.acquire() as connection:
            try:
                report = await verify_ledger(connection, from_last_seal=True)
            finally:
                await connection.execute("RESET statement_timeout")
        LEDGER_OK.set(1 if report.ok else 0)
        for broken in report.breaks:
            log.error("the ledger is broken", extra={"invariant": broken.invariant, "rows": broken.rows})
        return {"ok": report.ok, "transactions": report.transactions, "breaks": [b.invariant for b in report.breaks]}

    async def expire() -> Mapping[str, Any]:
        return {"expired": await ledger.expire_holds()}

    async def contributions() -> Mapping[str, Any]:
        return {"posted": await ledger.post_contributions()}

    async def merges() -> Mapping[str, Any]:
        return {"moved": await parts.get(PlayerLimits).move_late()}

    async def payments() -> Mapping[str, Any]:
        rested = timedelta(seconds=2 * settings.reconcile_interval_s)
        return {"looked_after": await parts.get(Payments).resolve(rested=rested)}

    async def dormancy() -> Mapping[str, Any]:
        return {"dormant": await parts.get(PlayerModule).lifecycle.make_dormant()}

    async def erase() -> Mapping[str, Any]:
        return {"erased": await parts.get(PlayerModule).erase_expired()}

    async def drift() -> Mapping[str, Any]:
        found = await returns.judge()
        if found["out_of_bounds"]:
            log.error("games return what they should not", extra={"out_of_bounds": found["out_of_bounds"]})
        return found

    async def pay_jackpots() -> Mapping[str, Any]:
        return {"looked_after": await parts.get(JackpotPlay).look_after()}

    async def reconcile_all() -> Mapping[str, Any]:
        async with wallet.pool.acquire() as connection:
            found = await reconcile_jackpots(connection)
        broken = [one.as_json() for one in found if not one.ok]
        JACKPOTS_OK.set(0 if broken else 1)
        for one in broken:
            log.error("a jackpot does not balance", extra=one)
        return {"ok": not broken, "jackpots": len(found)}

    async def protection() -> Mapping[str, Any]:
        return {"looked_after": await parts.get(ResponsibleGaming).protection.look_after()}

    async def presence() -> Mapping[str, Any]:
        return {"looked_at": await parts.get(ResponsibleGaming).presence.look()}

    async def studios() -> Mapping[str, Any]:
        finished, told = await parts.get(Studios).look_after()
        return {"finished": finished, "told": told}

    async def rounds() -> Mapping[str, Any]:
        finished, voided = await parts.get(Rounds).complete_due()
        return {"finished": finished, "voided": voided}

    async def months() -> Mapping[str, Any]:
        ahead = await months_ahead(wallet)
        JOURNAL_MONTHS.set(ahead)
        if ahead < 2:
            log.error("the journal's months run out: run `python -m casino migrate`", extra={"months": ahead})
        return {"ahead": ahead}

    async def seal() -> Mapping[str, Any]:
        return await seal_due(wallet.pool, settings.ledger_archive)

    async def retention() -> Mapping[str, Any]:
        # A hold is of months of the ledger; what else tells of them cannot be told apart here, and all of it stays.
        held = await anything_held(wallet.pool)
        years = None if held else parts.get(RulesInForce).current.record_retention_years
        return await prune_all(RULES, lambda module: databases.of(module).pool, MODULES, years)

    return [
        Job("ops.retention", timedelta(hours=6), retention),
        Job("wallet.seal", timedelta(hours=6), seal, longest=timedelta(hours=4)),
        Job("wallet.verify", timedelta(days=1), verify, longest=timedelta(hours=4)),
        Job("wallet.expire_holds", timedelta(minutes=1), expire),
        Job("wallet.contributions", timedelta(seconds=10), contributions),
        Job("wallet.merges", timedelta(minutes=1), merges),
        Job("wallet.payments", timedelta(seconds=settings.reconcile_interval_s), payments),
        Job("pam.dormancy", timedelta(days=1), dormancy, longest=timedelta(hours=1)),
        Job("pam.erase", timedelta(days=1), erase, longest=timedelta(hours=1)),
        Job("game_control.drift", timedelta(hours=1), drift),
        Job("gal.studios", timedelta(seconds=settings.reconcile_interval_s), studios),
        Job("gal.jackpots", timedelta(minutes=1), pay_jackpots),
        Job("wallet.jackpots", timedelta(days=1), reconcile_all, longest=timedelta(hours=1)),
        Job("gal.rounds", timedelta(seconds=10), rounds),
        Job("responsible_gaming.protection", timedelta(minutes=1), protection),
        Job("responsible_gaming.presence", LOOK_EVERY, presence),
        Job("wallet.months", timedelta(hours=6), months),
    ]


class Worker:
    """The relays of all consumers, and the schedule, of one process."""

    def __init__(self, parts: Container, databases: Databases) -> None:
        def pool_of(module: str) -> Any:
            return databases.of(module).pool

        self._pool_of: Callable[[str], Any] = pool_of
        producers = Producers(pool_of)
        self._relays = [Relay(one, pool_of, producers=producers) for one in consumers(parts.get(RulesInForce), parts)]
        self._schedule = Schedule(pool_of("ops"), jobs(parts, databases))
        self._counterparties = Counterparties(
            {"payment_provider": parts.get(Payments).flow.ask_providers, "studio": parts.get(Studios).ask}
        )
        self._woken = {relay.consumer.name: asyncio.Event() for relay in self._relays}

    async def run(self) -> None:
        """Work until cancelled."""
        tasks = [asyncio.create_task(run(one, self._woken[one.consumer.name], POLL_S)) for one in self._relays]
        tasks += [asyncio.create_task(self._schedule.run(poll_s=1.0)), asyncio.create_task(self._listen())]
        tasks.append(asyncio.create_task(self._counterparties.run()))
        try:
            await asyncio.gather(*tasks)
        finally:
            await end(tasks)

    async def _listen(self) -> None:
        """Wake who reads a module when it has written; without this connection they read a second later."""

        def wake(*told: Any) -> None:
            for relay in self._relays:
                if relay.consumer.producer == told[-1]:
                    self._woken[relay.consumer.name].set()

        while True:
            try:
                lost = asyncio.Event()
                async with self._pool_of("ops").acquire() as connection:
                    connection.add_termination_listener(lambda *_, lost=lost: lost.set())
                    await connection.add_listener(CHANNEL, wake)
                    try:
                        await lost.wait()
                    finally:
                        if not connection.is_closed():
                            await connection.remove_listener(CHANNEL, wake)
            except Exception as error:
                log.warning("events are polled for", extra={"error": type(error).__name__})
            await asyncio.sleep(POLL_S)

"""What players and staff are shown, put together from the module's state and the wallet's counts."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

from casino.responsible_gaming.bodies import (
    BindingLimit,
    CheckAnswer,
    DayAnswer,
    ExclusionAnswer,
    HistoryEntry,
    LimitAnswer,
    ProtectionAnswer,
    StatementAnswer,
)
from casino.responsible_gaming.exclusions import Exclusion, barred_until
from casino.responsible_gaming.limits import Limit, missing, missing_kinds
from casino.responsible_gaming.module import ResponsibleGaming
from casino.responsible_gaming.repository import LimitEntry


async def protection_of(module: ResponsibleGaming, player_id: uuid.UUID) -> ProtectionAnswer:
    """A player's limits and exclusions as they are now."""
    rules, now = module.rules.current, module.clock.now()
    state = await module.protection.repository.state(player_id)
    account_id = await module.wallet.account_of(player_id)
    used = {} if account_id is None else await module.bindings.used(account_id)
    in_force, binding = sorted(module.protection.in_force(state).items()), []
    if any(kind == "session" for (kind, _), _ in in_force):
        used |= await module.presence.minutes(player_id)
    for (kind, period), value in in_force:
        count, ends_at = used.get((kind, period), (None, None))
        binding.append(BindingLimit(kind=kind, period=period, value=value, used=count, ends_at=ends_at))
    return ProtectionAnswer(
        limits=[limit_answer(*place, origin, limit) for (place, origin), limit in sorted(state.limits.items())],
        binding=binding,
        required=[
            *(f"{kind}/{period}" for kind, period in missing(rules.limits, state.limits)),
            *missing_kinds(rules.limit_kinds_required, state.limits),
        ],
        exclusions=[exclusion_answer(one) for one in state.exclusions],
        excluded=barred_until(rules, state.exclusions, now) is not None,
    )


def limit_answer(kind: Any, period: Any, origin: str, limit: Limit) -> LimitAnswer:
    return LimitAnswer(
        kind=kind, period=period, origin=origin, value=limit.value, waiting=limit.waiting,
        effective_at=limit.effective_at,
    )  # fmt: skip


def exclusion_answer(one: Exclusion) -> ExclusionAnswer:
    return ExclusionAnswer(
        exclusion_id=one.exclusion_id, kind=one.kind, began_at=one.began_at, until=one.until,
        return_at=one.return_at, ended_at=one.ended_at,
    )  # fmt: skip


def history_entry(one: LimitEntry) -> HistoryEntry:
    return HistoryEntry(
        kind=one.kind, period=one.period, origin=one.origin, change=one.change, value=one.value,
        effective_at=one.effective_at, recorded_at=one.recorded_at,
    )  # fmt: skip


async def statement_of(module: ResponsibleGaming, player_id: uuid.UUID, since: date, until: date) -> StatementAnswer:
    """What a player did from one day to another."""
    repository = module.presence.repository
    days = await repository.days(player_id, since, until)
    return StatementAnswer(
        since=since,
        until=until,
        days=[
            DayAnswer(
                day=one.day, currency=one.currency, rounds=one.rounds, staked_minor=one.staked, won_minor=one.won,
                net_minor=one.won - one.staked, deposited_minor=one.deposited, withdrawn_minor=one.withdrawn,
            )
            for one in days
        ],
        session_s=await repository.time_between(player_id, since, until),
    )  # fmt: skip


async def checks_of(module: ResponsibleGaming, player_id: uuid.UUID) -> list[CheckAnswer]:
    """A player's last reality checks."""
    return [
        CheckAnswer(
            check_id=one.check_id, since=one.since, told_at=one.told_at, staked_minor=one.staked, won_minor=one.won,
            net_minor=one.won - one.staked, acknowledged_at=one.acknowledged_at,
        )
        for one in await module.presence.repository.checks(player_id, 50)
    ]  # fmt: skip

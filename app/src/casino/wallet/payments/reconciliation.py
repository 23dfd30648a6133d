"""Reconciliation: a provider's settlement file against our books, once for each file."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Any

from casino.wallet.payments.models import Method
from casino.wallet.payments.repository_settlement import SettlementRepository
from casino.wallet.payments.routing import Route
from casino.wallet.payments.settlement import Break, Ours, match, parse


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What came of a file. `known`: it was here before, and its breaks are those that are still open."""

    provider: str
    method: Method
    day: date
    lines: int
    known: bool
    closed: int
    breaks: list[Break]

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"day": self.day.isoformat()}


async def reconcile(
    connection: Any, routes: Sequence[Route], exponent: int, *, provider: str, method: Method, day: date, text: str,
    now: datetime,
) -> Reconciled:  # fmt: skip
    """Store a settlement file and its breaks. Raises SettlementInvalid, and then nothing is stored.

    A charge's fee is expected to be what its route says; other movements have none.
    """
    lines = parse(method, text, day, exponent)
    route = next((one for one in routes if (one.provider, one.method) == (provider, method)), None)
    async with connection.transaction():
        repository = SettlementRepository(connection)
        digest = hashlib.sha256(text.encode()).digest()
        file, new = await repository.add_file(provider, method, day, sha256=digest, lines=lines, now=now)
        closed = 0
        if new:
            ours = [_with_fee(one, route) for one in await repository.ours(file)]
            await repository.add_breaks(file, match(lines, ours, await repository.told_before(file)), now)
            closed = await repository.close_what_came(file, now)
        return Reconciled(provider, method, day, file.lines, not new, closed, await repository.open_breaks(file))


def _with_fee(one: Ours, route: Route | None) -> Ours:
    if route is None:
        return one
    return replace(one, fee=route.cost_minor(one.amount) if one.type == "charge" else 0)

"""What players did, day by day where the licence is: built from the wallet's events, for statements and checks."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from casino.kernel.clock import day_after
from casino.kernel.events.model import Consumer, Event
from casino.responsible_gaming.repository_presence import add_activity, forget_activity

NOBODY = uuid.UUID(int=0)
ROUNDS, STAKED, WON, DEPOSITED, WITHDRAWN = range(5)
SUMS: dict[str, tuple[tuple[int, str, int], ...]] = {
    "round": ((STAKED, "taken_minor", 1), (WON, "given_minor", 1)),
    "bet_settled": ((STAKED, "taken_minor", 1), (WON, "given_minor", 1)),
    "win": ((WON, "given_minor", 1),),
    "jackpot_win": ((WON, "given_minor", 1),),
    "win_reversal": ((WON, "taken_minor", -1),),
    "bet_return": ((STAKED, "given_minor", -1),),
    "deposit": ((DEPOSITED, "given_minor", 1),),
    "deposit_refund": ((WITHDRAWN, "taken_minor", 1),),
    "refund_failed": ((WITHDRAWN, "given_minor", -1),),
    "withdrawal_paid": ((WITHDRAWN, "taken_minor", 1),),
    "withdrawal_paid_late": ((WITHDRAWN, "taken_minor", 1),),
    "withdrawal_returned": ((WITHDRAWN, "given_minor", -1),),
}
"""By kind of transaction: which sum, which amount of the event, and its sign."""


class Activity:
    """`timezone` is where the licence is: its days are the statement's."""

    def __init__(self, timezone: str) -> None:
        self._timezone = ZoneInfo(timezone)

    def consumer(self) -> Consumer:
        """Reads what the wallet tells."""
        return Consumer(
            "player_activity",
            "responsible_gaming",
            "wallet",
            {(f"wallet.{kind}", 1): self._one for kind in SUMS},
            ignores_others=True,
            reset=forget_activity,
            keep=self._keep,
            together=self._together,
        )

    async def _keep(self, connection: Any, until: datetime) -> datetime:
        day, begins = day_after(until, self._timezone)
        await forget_activity(connection, day)
        return begins

    async def _one(self, connection: Any, event: Event) -> None:
        await self._together(connection, [event])

    async def _together(self, connection: Any, events: Sequence[Event]) -> None:
        sums: dict[tuple[uuid.UUID, date, str], list[int]] = {}
        for event in events:
            if event.aggregate == NOBODY:
                continue
            kind, payload = event.type.removeprefix("wallet."), event.payload
            day = event.occurred_at.astimezone(self._timezone).date()
            found = sums.setdefault((event.aggregate, day, payload["currency"]), [0] * 5)
            found[ROUNDS] += kind in ("round", "bet_settled")
            for place, amount, sign in SUMS[kind]:
                found[place] += sign * payload[amount]
        if sums:
            await add_activity(connection, [(*key, *sums[key]) for key in sorted(sums)])  # type: ignore[misc]

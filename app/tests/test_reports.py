"""The report of a day is what the ledger says of it, and can be built anew."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from casino.kernel.events.relay import Relay
from casino.ops.reports import UNNAMED, DailyReports, play_by_day


async def report(ledger: Any) -> list[tuple[Any, ...]]:
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date()
    found = await play_by_day(ledger.pool, yesterday, days=3)
    return [(one.game_id, one.currency, one.rounds, one.stake_minor, one.win_minor, one.ggr_minor) for one in found]


@pytest.mark.parametrize("batch", [1, 500])
async def test_stakes_wins_and_what_was_taken_back_are_summed_by_day_and_game(ledger: Any, batch: int) -> None:
    account = await ledger.player(10_000)
    for number in range(5):
        await ledger.bet(account, 100, 40 * number)
    await ledger.hold(account, 300, "hand")
    await ledger.settle(account, "hand", 500)
    await ledger.post("win", account, [("house", None, "player_cash", None, "GBP", 70)])
    await ledger.post("win_reversal", account, [("player_cash", None, "house", None, "GBP", 20)])
    await ledger.post("bet_return", account, [("house", None, "player_cash", None, "GBP", 100)])
    relay = Relay(DailyReports("Europe/London").consumer(), lambda _: ledger.pool, batch=batch)
    while await relay.step():
        pass
    expected = [(UNNAMED, "GBP", 6, 700, 950, -250)]
    assert await report(ledger) == expected
    house = await ledger.pool.fetchval("SELECT sum(balance) FROM wallet.accounts WHERE kind = 'house'")
    assert house == -250
    await ledger.pool.execute("UPDATE ops.play_by_day SET win_minor = 1")
    await relay.rebuild()
    while await relay.step():
        pass
    assert await report(ledger) == expected

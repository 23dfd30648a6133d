"""Limits of players where they meet the windows of others, rounds of several steps, and merges."""

from __future__ import annotations

from typing import Any

import asyncpg
from casino.kernel.settings import Settings
from round_starts import begin, finish

PROTECT = "SELECT wallet.protect($1, 1, NULL, 'UTC', $2, $3, $4)"
NEXT_WINDOW = (
    "UPDATE wallet.player_limits SET starts_at = starts_at - interval '1 day', ends_at = now() - interval '1 s'"
)


async def test_what_was_won_in_one_window_is_not_there_to_be_lost_in_the_next(ledger: Any) -> None:
    account = await ledger.player(10_000)
    await ledger.pool.execute(PROTECT, account, ["loss"], ["day"], [100])
    await ledger.bet(account, 10, 5_000)
    await ledger.pool.execute(NEXT_WINDOW)
    assert (await ledger.bet(account, 101))["outcome"] == "stake_above_limit"
    assert (await ledger.bet(account, 100))["outcome"] == "placed"
    assert (await ledger.bet(account, 1))["outcome"] == "stake_above_limit"


async def test_a_round_of_several_steps_begins_in_a_window_that_is_new(casino: Any) -> None:
    player = await casino.player(deposit=10_000)
    answer = await player.call("PUT", "/players/me/limits/stake/day", {"value": 100})
    assert answer.status_code == 200, answer.text
    await finish(player, (await begin(player, "tidewater-poker")).json())
    answer = await begin(player, "tidewater-poker")
    assert (answer.status_code, answer.json()["code"]) == (403, "PLAY_LIMIT_REACHED")
    connection = await asyncpg.connect(casino.part(Settings).database_url.get_secret_value())
    await connection.execute(NEXT_WINDOW)
    await connection.close()
    answer = await begin(player, "tidewater-poker")
    assert answer.status_code == 201, answer.text

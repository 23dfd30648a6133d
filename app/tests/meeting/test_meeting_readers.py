"""Readers of events that have transactions of their own, beside each other in one worker."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg


async def test_readers_of_protection_do_not_hold_what_the_other_waits_for(
    open_casino: Any, servers: Any, database: str
) -> None:
    casino = await open_casino()
    player = await casino.player()
    for _ in range(8):
        answer = await casino.register(deposit_limit={"amount_minor": 5_000, "period": "day"})
        assert answer.status_code == 201, answer.text
    for value in range(50, 80):  # decisions that wait to be read beside the registrations
        await player.call("PUT", "/players/me/limits/loss/day", {"value": value})
        await player.call("PUT", "/players/me/limits/loss/day", {"value": 10})
    await open_casino(kind="worker")
    connection = await asyncpg.connect(servers.uri(database))
    bound = "SELECT count(*) FROM wallet.player_limits WHERE kind = 'deposit' AND amount = 5000"
    behind = "SELECT count(*) FROM responsible_gaming.players WHERE applied < revision"
    async with asyncio.timeout(20):
        while await connection.fetchval(bound) < 8 or await connection.fetchval(behind):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    await connection.close()

"""Players where modules meet: who stands how, from where they play, and what is told of their money."""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from casino.realtime.feeds import MOVEMENTS
from casino.wallet.repository_limits import PlayerLimits


async def test_an_account_that_is_opened_while_its_player_is_suspended_is_frozen(ledger: Any) -> None:
    player = uuid.uuid4()
    async with ledger.pool.acquire() as opening:
        async with opening.transaction():
            account = await opening.fetchval("SELECT wallet.open_player_account($1, 'GBP')", player)
            told = asyncio.create_task(ledger.pool.execute("SELECT wallet.set_standing($1, 'frozen', true, 1)", player))
            await asyncio.sleep(0.3)
        await told
    stands = await ledger.pool.fetchrow(
        "SELECT status, barred_until FROM wallet.accounts WHERE account_id = $1", account
    )
    assert stands["status"] == "frozen" and stands["barred_until"] is not None


async def test_every_movement_of_a_players_cash_is_told_to_them(ledger: Any) -> None:
    kinds = await ledger.pool.fetch("SELECT DISTINCT kind FROM wallet.movements WHERE 'player_cash' IN (debit, credit)")
    assert {row["kind"] for row in kinds} <= set(MOVEMENTS)


async def test_a_bet_at_a_table_asks_where_its_player_is_as_a_spin_does(
    open_casino: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CASINO_LIVE_TABLES", '[{"table_id": "t1", "name": "Harbour wheel", "bets_s": 600}]')
    networks = tmp_path / "networks.csv"
    networks.write_text("network,region,anonymiser\n127.0.0.0/8,GB,0\n")
    casino = await open_casino(
        {"CASINO_IP_NETWORKS": str(networks)}, geolocation_moments=["bet"], geolocation_territory={"regions": ["GB"]}
    )
    player = await casino.player(deposit=1000)
    body = {"round_id": str(uuid.uuid4()), "selection": "straight:7", "stake_minor": 100}
    answers = [await player.spin(20), await player.call("POST", "/live/t1/bets", body, "k")]
    assert [(one.status_code, one.json()["code"]) for one in answers] == [(403, "LOCATION_REQUIRED")] * 2


async def test_what_arrives_at_a_merged_account_follows_its_player(ledger: Any) -> None:
    accounts = [await ledger.player() for _ in range(3)]
    ids = "SELECT player_id FROM wallet.accounts WHERE account_id = $1"
    first, second, third = [await ledger.pool.fetchval(ids, one) for one in accounts]
    limits = PlayerLimits(SimpleNamespace(pool=ledger.pool))
    await limits.merge(second, first, f"merge:{first}")  # nothing was there to be moved
    await limits.merge(third, second, f"merge:{second}")
    assert await limits.move_late() == 0
    await ledger.post("win", accounts[0], [("house", None, "player_cash", None, "GBP", 70)])  # a studio is late
    moved = 0
    while more := await limits.move_late():
        moved += more
    assert moved == 2
    assert [await ledger.balance(one) for one in accounts] == [0, 0, 70]

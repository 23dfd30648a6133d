"""Registration spans two modules and no transaction does: what happens when the casino dies in between."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest
from casino.wallet.api import Wallet


async def _accounts(servers: Any, database: str) -> int:
    (row,) = await servers.sql("SELECT count(*) FROM wallet.accounts WHERE kind = 'player_cash'", database)
    return int(row[0])


@pytest.mark.parametrize("death", [ConnectionError("gone"), asyncio.CancelledError()])
async def test_a_player_whose_account_was_not_opened_gets_it_when_they_log_in(
    casino: Any, servers: Any, database: str, monkeypatch: pytest.MonkeyPatch, death: BaseException
) -> None:
    async def die(*_: Any) -> int:
        raise death

    with monkeypatch.context() as patched:
        patched.setattr(Wallet, "open_account", die)
        try:
            answered = (await casino.register(email="half@example.test")).status_code
        except asyncio.CancelledError:
            answered = None
    # Cancelled is as good as killed: nobody answers. An outage is no reason to refuse who is registered already.
    assert answered == (201 if isinstance(death, Exception) else None)
    assert await _accounts(servers, database) == 0
    logins = await asyncio.gather(*(casino.login("half@example.test") for _ in range(4)))
    assert [login.status_code for login in logins] == [201] * 4
    assert await _accounts(servers, database) == 1


async def test_an_account_is_opened_once_however_often_it_is_asked_for(
    casino: Any, servers: Any, database: str
) -> None:
    player_id = uuid.uuid4()  # nobody has registered it: the wallet knows players by their ids alone
    opened = await asyncio.gather(*(casino.part(Wallet).open_account(player_id) for _ in range(8)))
    assert len(set(opened)) == 1
    assert await _accounts(servers, database) == 1


async def test_the_casino_serves_with_each_modules_role_alone(casino: Any, servers: Any, database: str) -> None:
    player = await casino.player(deposit=1_000)
    assert (await player.spin(100)).status_code == 200
    rows = await servers.sql(
        f"SELECT DISTINCT application_name FROM pg_stat_activity WHERE datname = '{database}'"
        " AND application_name LIKE 'casino %'"
    )
    assert {row[0] for row in rows} == {
        "casino pam", "casino responsible_gaming", "casino wallet", "casino game_control"
    }  # fmt: skip

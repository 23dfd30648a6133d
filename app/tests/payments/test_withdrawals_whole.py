"""Withdrawals on the whole casino: the real ledger, player account management, a member of staff with a session."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import uuid
from typing import Any

import pytest
from casino.pam.api import Actor, PlayerModule, Role, Status
from casino.pam.totp import code_at
from casino.wallet.api import Ledger, Payments, Request, RoundRequest, Wallet
from casino.wallet.ledger import Movement

SETTING = {
    "auto_approve_below_minor": 10_000,
    "checks": {"large_from_minor": 5_000, "new_instrument_hours": 0, "velocity_count": 100},
}


@pytest.fixture
async def casino(open_casino: Any) -> Any:
    return await open_casino({"CASINO_PAYMENTS": json.dumps(SETTING)})


async def player_id(casino: Any, player: Any) -> uuid.UUID:
    return uuid.UUID((await player.call("GET", "/players/me")).json()["player_id"])


async def stake(casino: Any, player: uuid.UUID, amount: int) -> None:
    """A round that wins what it stakes."""
    wallet = casino.part(Wallet)
    account = await wallet.account_of(player)
    await wallet.place_round(
        RoundRequest(account, secrets.token_hex(8), bytes(32), amount, amount, None, None, {"game_id": "test"})
    )


async def withdraw(player: Any, amount: int) -> dict[str, Any]:
    [card] = (await player.call("GET", "/payments/instruments")).json()["instruments"]
    body = {"amount_minor": amount, "instrument_id": card["instrument_id"]}
    answer = await player.call("POST", "/withdrawals", body, secrets.token_hex(8))
    assert answer.status_code == 201, answer.text
    [found] = answer.json()["withdrawals"]
    return dict(found)


async def findings(casino: Any, withdrawal: dict[str, Any]) -> set[str]:
    history = await casino.part(Payments).desk.history(uuid.UUID(withdrawal["payment_id"]))
    return {one["reason"] for line in history for one in line.findings if one["verdict"] != "allow"}


async def test_a_deposit_that_was_played_through_is_paid_out_without_a_person(casino: Any) -> None:
    player = await casino.player(1_000)
    who = await player_id(casino, player)
    first = await withdraw(player, 100)
    assert first["state"] == "pending_review" and await findings(casino, first) == {"turnover_open"}
    await stake(casino, who, 900)
    second = await withdraw(player, 100)
    assert second["state"] == "pending_review" and await findings(casino, second) == {"turnover_open"}
    await stake(casino, who, 100)
    third = await withdraw(player, 100)
    assert third["state"] == "paid" and await findings(casino, third) == set()
    await player.deposit(1_000)
    assert await findings(casino, await withdraw(player, 100)) == {"turnover_open"}, "earlier play is used up"


async def test_parts_of_a_large_amount_and_accounts_that_are_not_in_good_standing_wait(casino: Any) -> None:
    player = await casino.player(4_000)
    who = await player_id(casino, player)
    await stake(casino, who, 4_000)
    await stake(casino, who, 4_000)
    assert (await withdraw(player, 2_000))["state"] == "paid"
    await player.deposit(800)
    await stake(casino, who, 800)
    lifecycle = casino.part(PlayerModule).lifecycle
    await lifecycle.change(who, Status.RESTRICTED, Actor.STAFF, "documents are missing")
    waiting = await withdraw(player, 100)
    assert waiting["state"] == "pending_review" and await findings(casino, waiting) == {"account_restricted"}
    await lifecycle.change(who, Status.ACTIVE, Actor.STAFF, "documents came")
    await player.deposit(500)
    await stake(casino, who, 500)
    large = await withdraw(player, 3_100)
    assert large["state"] == "pending_review" and await findings(casino, large) == {"aml_structuring", "aml_deposits"}


async def test_withdrawals_at_once_are_not_paid_beyond_the_threshold_by_themselves(open_casino: Any) -> None:
    checks = SETTING["checks"] | {"large_from_minor": 2_000}  # type: ignore[operator]
    casino = await open_casino({"CASINO_PAYMENTS": json.dumps(SETTING | {"checks": checks})})
    player = await casino.player(1_900)
    await stake(casino, await player_id(casino, player), 1_900)
    await casino.part(Ledger).post(
        "adjustment", Request(await casino.part(Wallet).account_of(await player_id(casino, player)), "won", bytes(32)),
        [Movement("adjustment", None, "player_cash", None, "GBP", 5_000)], {},
    )  # fmt: skip
    found = await asyncio.gather(*(withdraw(player, 600) for _ in range(6)))
    paid = [one for one in found if one["state"] == "paid"]
    assert sum(one["amount_minor"] for one in paid) < 2_000
    for one in found:
        if one["state"] == "pending_review":
            assert await findings(casino, one) == {"aml_structuring"}


async def test_a_member_of_staff_with_a_session_decides(casino: Any) -> None:
    player = await casino.player(1_000)
    waiting = await withdraw(player, 400)
    staff = casino.part(PlayerModule).staff
    staff_id, set_up = await staff.add("kim@example.test", "Kim", "a staff password", Role.FINANCE)
    code = code_at(base64.b32decode(set_up.secret), int(casino.clock.now().timestamp()) // 30)
    body = {"email": "kim@example.test", "password": "a staff password", "code": code}
    token = (await casino.http.post("/api/v1/staff/sessions", json=body)).json()["token"]
    headers = {"Authorization": f"Bearer {token}"}
    listed = (await casino.http.get("/api/v1/staff/withdrawals", headers=headers)).json()["payments"]
    assert [one["payment_id"] for one in listed] == [waiting["payment_id"]]
    path = f"/api/v1/staff/withdrawals/{waiting['payment_id']}/approve"
    by_player = await player.call("POST", path.removeprefix("/api/v1"), {"reason": "winnings"})
    assert by_player.status_code == 401
    answer = await casino.http.post(path, json={"reason": "known for years"}, headers=headers)
    assert (answer.status_code, answer.json()["state"]) == (200, "paid")
    assert answer.json()["approvals"] == [f"staff:{staff_id}"]
    assert await player.balance() == 600

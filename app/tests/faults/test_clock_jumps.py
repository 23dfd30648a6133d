"""Clocks jump, the casino's and what dates its identifiers: no bet is lost or doubled, and no limit is got round."""

from __future__ import annotations

import base64
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from casino.pam import totp
from casino.wallet.api import Ledger

JUMPS = [{"minutes": 1}, {"minutes": -1}, {"hours": 5}, {"hours": -5}, {"days": 2}, {"days": -2}]
PASSWORD = "correct horse battery"


async def test_the_game_cycle_and_a_repeat_do_not_heed_the_casinos_clock(open_casino: Any) -> None:
    casino = await open_casino(slot_min_cycle_ms=60_000, slot_max_stake=None)
    player = await casino.player(1_000)
    first = await player.spin(100, "key")
    assert first.status_code == 200
    for jump in JUMPS:
        casino.clock.forward(**jump)
        assert (await player.spin(100, "key")).json() == first.json()
        early = await player.spin(100)
        assert (early.status_code, early.json()["code"]) == (429, "GAME_CYCLE_TOO_SHORT")
    assert await player.balance() == first.json()["balance_minor"]


async def test_identifiers_from_a_jumping_clock_keep_the_order_of_play(
    casino: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    player, offset, real = await casino.player(10_000), 0, time.time_ns
    monkeypatch.setattr("casino.kernel.identity.time.time_ns", lambda: real() + offset * 1_000_000_000)
    played = []
    for offset in (0, 3600, -3600, 60, -60, 82_800, -82_800, 0):  # noqa: B007 - the lambda above reads it
        answer = await player.spin(100)
        assert answer.status_code == 200, answer.text
        played.append(answer.json()["round_id"])
    history = (await player.call("GET", "/history?limit=50")).json()
    rounds = [entry["transaction_id"] for entry in history["entries"] if entry["kind"] == "round"]
    assert rounds == played[::-1]
    # The fixture verifies the ledger: chains and versions do not follow identifiers.


async def test_a_clock_that_is_a_day_behind_takes_no_bet_until_it_is_set(
    casino: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    player, offset, real = await casino.player(1_000), -90_000, time.time_ns
    monkeypatch.setattr("casino.kernel.identity.time.time_ns", lambda: real() + offset * 1_000_000_000)
    refused = await player.spin(100, "key")
    assert (refused.status_code, refused.json()["code"]) == (503, "NOT_READY")
    assert await player.balance() == 1_000
    offset = 0
    played = await player.spin(100, "key")
    assert played.status_code == 200
    assert await player.balance() == played.json()["balance_minor"]


@pytest.mark.parametrize(("jump", "told"), [({"seconds": 60}, "60 s ahead of"), ({"hours": -1}, "3600 s behind")])
async def test_a_clock_that_is_off_is_told_and_turns_nobody_away(casino: Any, jump: Any, told: str) -> None:
    casino.clock.time = datetime.now(UTC)
    ready = await casino.http.get("/readyz")
    assert (ready.status_code, ready.json()["warnings"]) == (200, {})
    casino.clock.forward(**jump)
    ready = await casino.http.get("/readyz")
    assert ready.status_code == 200 and ready.json()["ready"] is True
    assert told.split()[-1] in ready.json()["warnings"]["clock"]
    assert abs(int(ready.json()["warnings"]["clock"].split()[4]) - int(told.split()[0])) <= 3
    assert "casino_clock_skew_seconds" in (await casino.http.get("/metrics")).text


async def test_a_code_counts_once_though_the_clock_goes_back(casino: Any) -> None:
    player = await casino.player()
    secret = base64.b32decode((await player.call("POST", "/mfa/totp")).json()["secret"])

    def code() -> str:
        return totp.code_at(secret, int(casino.clock.now().timestamp()) // 30)

    async def log_in(shown: str) -> int:
        body = {"email": player.email, "password": PASSWORD, "code": shown}
        return int((await casino.http.post("/api/v1/sessions", json=body)).status_code)

    assert (await player.call("POST", "/mfa/totp/confirmation", {"code": code()})).status_code == 200
    casino.clock.forward(hours=1)
    taken = code()
    assert await log_in(taken) == 201
    assert await log_in(taken) == 401
    casino.clock.forward(minutes=-10)
    assert await log_in(code()) == 401, "older than one that was taken"
    casino.clock.forward(minutes=10, seconds=30)
    assert await log_in(taken) == 401
    assert await log_in(code()) == 201


async def test_a_proof_is_not_recent_on_either_side_of_a_jump(casino: Any) -> None:
    player = await casino.player()
    assert (await player.call("GET", "/players/me")).status_code == 200
    for jump in ({"hours": 1}, {"hours": -1, "minutes": -10}, {"days": -2}):
        casino.clock.forward(**jump)
        refused = await player.call("GET", "/players/me")
        assert refused.json()["code"] == "REAUTHENTICATION_REQUIRED"


async def test_a_lock_does_not_end_by_a_clock_that_goes_back(open_casino: Any) -> None:
    casino = await open_casino(max_failed_logins=3, lockout_minutes=20)
    player = await casino.player()
    for _ in range(3):
        assert (await casino.login(player.email, "wrong password")).status_code == 401
    for _ in range(4):
        casino.clock.forward(hours=-6)
        assert (await casino.login(player.email)).status_code == 401


async def test_a_bet_that_is_set_aside_runs_out_by_the_databases_clock(
    casino: Any, servers: Any, database: str
) -> None:
    player = await casino.player(1_000)
    account = (await servers.sql("SELECT account_id FROM wallet.accounts WHERE kind = 'player_cash'", database))[0][0]
    await servers.sql(
        f"SELECT wallet.open_hold('open_bet', gen_random_uuid(), {account}, 'hand', sha256(''), 'hand', wallet.uuid7(),"
        " 100, now() + interval '1 hour', NULL, '{}')",
        database,
    )
    casino.clock.forward(days=3)
    assert await casino.part(Ledger).expire_holds() == 0
    assert await player.balance() == 900
    await servers.sql("UPDATE wallet.holds SET expires_at = now() - interval '1 second'", database)
    casino.clock.forward(days=-6)
    assert await casino.part(Ledger).expire_holds() == 1
    assert await player.balance() == 1_000

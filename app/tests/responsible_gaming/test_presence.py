"""Time with a session, reality checks, statements, and the register: a process that answers, or does not."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from casino.dev.run import free_port
from casino.pam.module import PlayerModule
from casino.responsible_gaming.module import ResponsibleGaming
from protection_bench import hear, id_of, pool_of, staff

SIMULATOR = Path(__file__).parents[3] / "lab/simulators/exclusion_register/exclusion_register_simulator.py"
PERSON = {"given_name": "Ada", "family_name": "Byron", "national_id": "QQ123456C"}


class Told:
    """Stands for the WebSockets."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []

    def tell(self, player_id: Any, **message: Any) -> None:
        self.messages.append({"player_id": player_id} | message)


async def code(answer: Any) -> str:
    return str((await answer).json()["code"])


async def play(casino: Any, minutes: int) -> None:
    """Time passes in steps that leave a session open, and the job looks."""
    for _ in range(minutes):
        casino.clock.forward(minutes=1)
        await casino.part(ResponsibleGaming).presence.look()


async def test_a_reality_check_comes_by_the_rules_interval_and_is_acknowledged_before_play(open_casino: Any) -> None:
    casino = await open_casino(reality_check_minutes=30, reality_check_acknowledged=True)
    player = await casino.player(deposit=5_000)
    id_, presence = await id_of(player), casino.part(ResponsibleGaming).presence
    presence.checks = told = Told()
    won = sum([(await player.spin(20)).json()["win_minor"] for _ in range(3)])
    await hear(casino)
    await play(casino, 29)
    assert not told.messages and (await player.spin(20)).status_code == 200
    await play(casino, 1)
    await hear(casino)
    [message] = told.messages
    assert (message["player_id"], message["played_s"], message["currency"]) == (id_, 1800, "GBP")
    assert (message["staked_minor"], message["won_minor"]) == (60, won)
    assert await code(player.spin(20)) == "PLAY_BARRED"
    [check] = (await player.call("GET", "/players/me/reality-checks")).json()["checks"]
    assert check["acknowledged_at"] is None and check["net_minor"] == won - 60
    path = "/players/me/reality-checks/{}/acknowledgement"
    unknown = "00000000-0000-7000-8000-000000000000"
    assert await code(player.call("POST", path.format(unknown))) == "REALITY_CHECK_UNKNOWN"
    other = await casino.player()
    assert await code(other.call("POST", path.format(check["check_id"]))) == "REALITY_CHECK_UNKNOWN"
    assert (await player.call("POST", path.format(check["check_id"]))).status_code == 204
    assert (await player.spin(20)).status_code == 200
    await play(casino, 30)
    assert len(told.messages) == 3  # the other player's, too
    assert await pool_of(casino, "responsible_gaming").fetchval(
        "SELECT count(*) FROM responsible_gaming.outbox WHERE type = 'responsible_gaming.reality_check_told'"
    ) == 3  # fmt: skip


async def test_a_session_ends_with_its_time_and_none_begins_before_the_day_is_over(casino: Any) -> None:
    # At noon, so that no midnight comes in between.
    casino.clock.time = (casino.clock.now() + timedelta(days=1)).replace(hour=12)
    player = await casino.player(deposit=500)
    await player.call("PUT", "/players/me/limits/session/day", {"value": 45})
    await play(casino, 20)
    assert (await player.call("DELETE", "/sessions/current")).status_code == 204
    await play(casino, 30)  # nobody is there
    player.token = (await casino.login(player.email)).json()["token"]
    await play(casino, 24)
    assert (await player.spin(20)).status_code == 200
    await play(casino, 1)
    # 20 and 25: the minutes without a session are not counted.
    assert (await player.call("GET", "/wallet")).status_code == 401
    assert await code(casino.login(player.email)) == "SESSION_TIME_OVER"
    casino.clock.forward(days=1)
    assert (await casino.login(player.email)).status_code == 201


async def test_a_statement_has_each_days_sums(casino: Any) -> None:
    player = await casino.player(deposit=1_000)
    answers = [(await player.spin(20)).json() for _ in range(4)]
    await hear(casino)
    statement = (await player.call("GET", "/players/me/activity")).json()
    [day] = statement["days"]
    won = sum(answer["win_minor"] for answer in answers)
    assert (day["rounds"], day["staked_minor"], day["won_minor"], day["deposited_minor"]) == (4, 80, won, 1_000)
    assert day["net_minor"] == won - 80 and day["withdrawn_minor"] == 0
    too_long = await player.call("GET", "/players/me/activity?since=2020-01-01&until=2021-06-01")
    assert too_long.status_code == 422
    assert (await player.call("GET", "/players/me/activity?until=0001-01-01")).status_code == 200
    other = await casino.player()
    assert (await other.call("GET", "/players/me/activity")).json()["days"] == []


@pytest.fixture(scope="module")
def register() -> Iterator[str]:
    """A register as a process; its controls are at the same address."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, str(SIMULATOR), "--listen", f"127.0.0.1:{port}", "--key", "k", "--slow-seconds", "4"],
        stdout=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(500):
            with suppress(httpx.TransportError):
                if httpx.get(f"{url}/healthz").status_code == 200:
                    break
            time.sleep(0.02)
        yield url
    finally:
        process.kill()
        process.wait()


MOMENTS = ["registration", "login", "deposit", "marketing"]


async def opened(open_casino: Any, url: str) -> Any:
    settings = {
        "CASINO_EXCLUSION_REGISTER": json.dumps({"register": "REGISTER", "url": url}),
        "CASINO_EXCLUSION_REGISTER_KEY": "k",
    }
    return await open_casino(settings, exclusion_register="REGISTER", exclusion_register_moments=MOMENTS)


def control(url: str, path: str, body: Any) -> None:
    httpx.post(f"{url}/control/{path}", json=body, headers={"Authorization": "Bearer k"}).raise_for_status()


async def test_the_register_is_asked_at_each_moment_and_who_is_listed_is_out(open_casino: Any, register: str) -> None:
    casino = await opened(open_casino, register)
    assert (await casino.register(email="ada@example.test", **PERSON)).status_code == 201
    player = await casino.player(deposit=100)
    id_ = await id_of(player)
    control(register, "persons", {"person": {"national_id": "qq123456c"}, "listed": True})
    assert await code(casino.register(email="other@example.test", **PERSON)) == "PLAYER_EXCLUDED"
    assert await code(casino.login("ada@example.test")) == "PLAYER_EXCLUDED"
    control(register, "persons", {"person": {"email": player.email}, "listed": True})
    assert await code(player.deposit(100)) == "PLAYER_EXCLUDED"
    assert (await player.call("GET", "/wallet")).status_code == 401
    assert await casino.part(PlayerModule).repository.status(id_) == "self_excluded"
    assert await code(casino.login(player.email)) == "PLAYER_EXCLUDED"
    control(register, "persons", {"person": {"email": player.email}, "listed": False})
    player.token = (await casino.login(player.email)).json()["token"]
    assert (await player.deposit(100)).status_code == 201
    control(register, "persons", {"person": {"national_id": "qq123456c"}, "listed": False})
    rows = await pool_of(casino, "responsible_gaming").fetch(
        "SELECT moment, answer FROM responsible_gaming.register_checks ORDER BY checked_at, check_id"
    )
    assert ("registration", "listed") in [tuple(row) for row in rows] and ("deposit", "listed") in [
        tuple(row) for row in rows
    ]


async def test_a_register_that_does_not_answer_lets_nobody_in(open_casino: Any, register: str) -> None:
    casino = await opened(open_casino, register)
    player = await casino.player(deposit=100)
    consents, id_ = casino.part(PlayerModule).consents, await id_of(player)
    body = {"subject": "marketing:email:casino", "granted": True, "version": "1"}
    await player.call("POST", "/players/me/consents", body)
    for fault in ("silent", "broken", "nonsense", "another_request", "slow"):
        control(register, "fault", {"name": fault})
        try:
            assert await code(player.deposit(100)) == "EXCLUSION_REGISTER_UNAVAILABLE", fault
            if fault == "broken":
                assert await code(casino.login(player.email)) == "EXCLUSION_REGISTER_UNAVAILABLE"
                assert await code(casino.register(email="new@example.test")) == "EXCLUSION_REGISTER_UNAVAILABLE"
                assert not await consents.allows(id_, "email", "casino")
        finally:
            control(register, "fault", {"name": "none"})
    assert await consents.allows(id_, "email", "casino")
    assert (await casino.login(player.email)).status_code == 201


async def test_an_excluded_player_logs_in_to_withdraw_where_the_rules_say_so(open_casino: Any) -> None:
    casino = await open_casino(self_excluded_may_log_in=True)
    player = await casino.player(deposit=500)
    id_ = await id_of(player)
    await player.call("POST", "/players/me/self-exclusion", {"days": None})
    assert (await player.call("GET", "/wallet")).status_code == 401
    player.token = (await casino.login(player.email)).json()["token"]
    assert await player.balance() == 500
    assert await code(player.spin(20)) == await code(player.deposit(100)) == "ACCOUNT_MAY_NOT_PLAY"
    assert await code(player.call("POST", "/players/me/self-exclusion/return")) == "RETURN_REFUSED"
    # Where they may not, finance returns the balance to an instrument of theirs; here they have none.
    finance, body = await staff(casino, "finance"), {
        "amount_minor": 500, "instrument_id": "00000000-0000-7000-8000-000000000000", "reason": "closing balance"
    }  # fmt: skip
    refused = await finance.call("POST", f"/players/{id_}/withdrawals", body, key="k")
    assert 400 <= refused.status_code < 500, refused.text

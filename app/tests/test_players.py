"""Registration, log-in, sessions: over HTTP."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from typing import Any

import pytest
from casino.compliance.api import age_on


@pytest.mark.parametrize(
    ("born", "today", "age"),
    [
        (date(2000, 2, 29), date(2018, 2, 28), 17),
        (date(2000, 2, 29), date(2018, 3, 1), 18),
        (date(2000, 2, 29), date(2020, 2, 28), 19),
        (date(2000, 2, 29), date(2020, 2, 29), 20),
        (date(2000, 12, 31), date(2018, 12, 30), 17),
        (date(2000, 12, 31), date(2018, 12, 31), 18),
        (date(2000, 1, 1), date(2017, 12, 31), 17),
    ],
)
def test_age_counts_full_years_and_leaplings_come_of_age_on_1_march(born: date, today: date, age: int) -> None:
    assert age_on(born, today) == age


async def test_who_comes_of_age_today_may_register_and_who_does_tomorrow_may_not(open_casino: Any) -> None:
    casino = await open_casino(min_age_years=21)
    casino.clock.time = datetime(2026, 7, 10, 12, tzinfo=UTC)
    assert (await casino.register(born="2005-07-10")).status_code == 201
    refused = await casino.register(born="2005-07-11")
    assert refused.status_code == 403
    error = refused.json()
    assert (error["code"], error["rule"]) == ("UNDER_AGE", "min_age_years")
    assert "21" in error["detail"] and error["remedy"] and error["request_id"]


@pytest.mark.parametrize(("timezone", "status"), [("Pacific/Auckland", 201), ("America/New_York", 403)])
async def test_today_is_the_date_where_the_licence_is(open_casino: Any, timezone: str, status: int) -> None:
    casino = await open_casino(timezone=timezone)
    casino.clock.time = datetime(2026, 7, 9, 22, tzinfo=UTC)  # the 10th in Auckland, the 9th in New York
    assert (await casino.register(born="2008-07-10")).status_code == status


@pytest.mark.parametrize("born", ["2999-01-01", "1850-01-01", "2001-02-29", "01/02/1990", "", 0, None, "1990-1-1"])
async def test_a_date_of_birth_that_is_none_is_refused(casino: Any, born: Any) -> None:
    answer = await casino.register(born=born)
    assert answer.status_code == 422
    assert answer.json()["code"] == "REQUEST_INVALID"


async def test_an_address_is_taken_however_it_is_written(casino: Any) -> None:
    assert (await casino.register(email="Jo.Bloggs@Example.test")).status_code == 201
    again = await casino.register(email="jo.bloggs@EXAMPLE.test")
    assert (again.status_code, again.json()["code"]) == (409, "EMAIL_TAKEN")
    assert (await casino.login("JO.BLOGGS@example.TEST")).status_code == 201


async def test_a_raced_address_registers_once(casino: Any) -> None:
    answers = await asyncio.gather(*(casino.register(email="raced@example.test") for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 5


@pytest.mark.parametrize(
    "fault",
    [{"email": "no-at"}, {"email": "a@b"}, {"password": "short"}, {"password": "x" * 129}, {"is_admin": True}],
)
async def test_a_faulty_registration_is_refused_without_echoing_it(casino: Any, fault: dict[str, Any]) -> None:
    body = {"email": "someone@example.test", "password": "hunter2-hunter2", "date_of_birth": "1990-01-01"} | fault
    answer = await casino.http.post("/api/v1/players", json=body)
    assert answer.status_code == 422
    assert next(iter(fault)) in answer.json()["detail"]
    assert "hunter2" not in answer.text and "xxx" not in answer.text


async def test_a_lone_surrogate_is_refused_and_not_a_crash(casino: Any) -> None:
    body = b'{"email": "a@example.test", "password": "\\ud800\\ud800\\ud800\\ud800xxxx", "date_of_birth": "1990-01-01"}'
    answer = await casino.http.post("/api/v1/players", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422


async def test_a_wrong_password_and_an_unknown_address_look_the_same(casino: Any) -> None:
    player = await casino.player()
    wrong, unknown = await casino.login(player.email, "wrong password"), await casino.login("nobody@example.test")
    for answer in (wrong, unknown):
        assert answer.status_code == 401
    assert wrong.json() | {"request_id": 0} == unknown.json() | {"request_id": 0}
    assert wrong.json()["code"] == "BAD_CREDENTIALS"


async def test_failed_logins_are_limited_for_each_address(casino: Any) -> None:
    player = await casino.player()
    statuses = [(await casino.login(player.email, "wrong password")).status_code for _ in range(11)]
    assert statuses == [401] * 10 + [429]
    limited = await casino.login(player.email)  # even with the right password
    assert limited.json()["code"] == "LOGIN_RATE_LIMITED"
    assert 0 < int(limited.headers["Retry-After"]) <= 900
    await casino.player()  # somebody else is not concerned


async def test_a_session_ends_when_idle_for_as_long_as_the_rules_say(open_casino: Any, servers: Any) -> None:
    import redis.asyncio as redis

    casino = await open_casino(session_idle_timeout_s=900)
    player = await casino.player()
    async with redis.Redis(port=servers.redis_port, decode_responses=True) as client:
        prefix = casino.app.state.container.get(_settings()).redis_prefix
        (key,) = [key async for key in client.scan_iter(f"{prefix}session:*")]
        assert player.token not in key and player.token not in await client.get(key)
        await client.expire(key, 5)
        assert await player.balance() == 0
        assert 890 < await client.ttl(key) <= 900  # used, so the time begins anew
        await client.delete(key)
    assert (await player.call("GET", "/wallet")).json()["code"] == "UNAUTHENTICATED"


def _settings() -> Any:
    from casino.kernel.settings import Settings

    return Settings


async def test_logging_out_ends_the_session(casino: Any) -> None:
    player = await casino.player()
    assert (await player.call("DELETE", "/sessions/current")).status_code == 204
    assert (await player.call("GET", "/wallet")).status_code == 401


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x", "Basic abc", "Bearer " + "x" * 5000])
async def test_without_a_session_nothing_of_a_player_answers(casino: Any, header: str) -> None:
    for method, path in [("GET", "wallet"), ("GET", "history"), ("POST", "deposits"), ("DELETE", "sessions/current")]:
        answer = await casino.http.request(method, f"/api/v1/{path}", headers={"Authorization": header}, json={})
        assert answer.status_code in (401, 422), (path, answer.text)
        assert answer.json()["code"]

"""The page: its forms, its cookie and who may send with it. A browser plays it in the end-to-end tests."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

PASSWORD = "correct horse battery"


async def register(casino: Any, **changes: str) -> httpx.Response:
    form = {"email": "page@example.test", "password": PASSWORD, "date_of_birth": "1980-02-29"} | changes
    return await casino.http.post("/register", data=form)


async def log_in(casino: Any) -> httpx.Response:
    return await casino.http.post("/login", data={"email": "page@example.test", "password": PASSWORD})


def ids_of(html: str) -> set[str]:
    return set(re.findall(r'data-testid="([^"]+)"', html))


async def test_the_way_from_the_door_to_the_game(casino: Any) -> None:
    door = await casino.http.get("/")
    assert {"register-form", "login-form", "email", "password", "date-of-birth", "submit-register", "submit-login",
            "error"} <= ids_of(door.text)  # fmt: skip
    assert "Testland" in door.text and "Test Commission" in door.text and "95.12" in door.text
    registered = await register(casino)
    assert (registered.status_code, registered.headers["location"]) == (303, "/?registered")
    assert "ready" in (await casino.http.get("/?registered")).text
    assert (await log_in(casino)).status_code == 303
    floor = await casino.http.get("/")
    assert {"balance", "deposit-amount", "deposit-card", "submit-deposit", "stake", "submit-spin", "spin-result",
            "history", "error"} <= ids_of(floor.text)  # fmt: skip
    assert "0.00 GBP" in floor.text
    for asset in re.findall(r'(?:src|href)="(/static/[^"]+)"', floor.text):
        assert (await casino.http.get(asset)).status_code == 200


async def test_a_refusal_is_a_sentence_on_the_page(casino: Any) -> None:
    young = await register(casino, date_of_birth="2024-01-01")
    assert young.status_code == 403 and "at least 18 years old" in young.text
    faulty = await register(casino, password="short")
    assert faulty.status_code == 422 and "password" in faulty.text and "short&" not in faulty.text
    unknown = await log_in(casino)
    assert unknown.status_code == 401 and "do not match" in unknown.text
    assert 'value="page@example.test"' in unknown.text


async def test_what_a_player_writes_is_escaped(casino: Any) -> None:
    answer = await register(casino, email='"><script>alert(1)</script>', date_of_birth="1980-01-01")
    assert "<script>alert" not in answer.text


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(open_casino: Any) -> None:
    casino = await open_casino({"CASINO_COOKIE_SECURE": "true"})
    await register(casino)
    cookie = (await log_in(casino)).headers["set-cookie"]
    assert cookie.startswith("__Host-casino_session=")
    for attribute in ("HttpOnly", "Secure", "SameSite=strict", "Path=/"):
        assert attribute in cookie


async def test_a_cookie_alone_moves_no_money(casino: Any) -> None:
    await register(casino)
    await log_in(casino)
    body, key = {"amount_minor": 100, "card_token": "tok_visa"}, {"Idempotency-Key": "k"}
    bare = await casino.http.post("/api/v1/deposits", json=body, headers=key)
    assert (bare.status_code, bare.json()["code"]) == (403, "CSRF_FAILED")
    wrong = await casino.http.post("/api/v1/deposits", json=body, headers=key | {"X-CSRF-Token": b"\xe9"})
    assert wrong.status_code == 403
    token = re.search(r'csrf-token" content="([^"]+)"', (await casino.http.get("/")).text)
    assert token
    right = await casino.http.post("/api/v1/deposits", json=body, headers=key | {"X-CSRF-Token": token[1]})
    assert right.json()["status"] == "captured"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://casino.test"}, 303),
        ({"Origin": "http://casino.test:8443"}, 303),
        ({"Origin": "http://evil.test"}, 403),
        ({"Origin": "http://casino.test.evil.test"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 303),
    ],
)
async def test_a_form_of_another_site_is_refused(casino: Any, headers: dict[str, str], status: int) -> None:
    await register(casino)
    form = {"email": "page@example.test", "password": PASSWORD}
    assert (await casino.http.post("/login", data=form, headers=headers)).status_code == status


async def test_logging_out_needs_the_pages_token_and_ends_the_session(casino: Any) -> None:
    await register(casino)
    await log_in(casino)
    assert (await casino.http.post("/logout", data={})).status_code == 403
    token = re.search(r'csrf_token" value="([^"]+)"', (await casino.http.get("/")).text)
    assert token
    assert (await casino.http.post("/logout", data={"csrf_token": token[1]})).status_code == 303
    assert "login-form" in ids_of((await casino.http.get("/")).text)


async def test_every_answer_carries_the_headers_that_keep_it_in_its_place(casino: Any) -> None:
    for path in ("/", "/static/casino.js", "/api/v1/games", "/nope"):
        headers = (await casino.http.get(path)).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
        # Data runs nothing at all; a page runs its own scripts.
        assert ("script-src 'self';" in policy) is not path.startswith("/api/")
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-request-id"]
    page = (await casino.http.get("/")).text
    assert not re.search(r"<script(?![^>]*src=)|<style|\son\w+=|\sstyle=", page)


async def test_a_request_id_of_the_ingress_is_kept_and_a_forged_log_line_is_not(casino: Any) -> None:
    kept = await casino.http.get("/healthz", headers={"X-Request-Id": "abcd-1234-efgh"})
    assert kept.headers["x-request-id"] == "abcd-1234-efgh"
    forged = await casino.http.get("/healthz", headers={"X-Request-Id": 'x"} {"level": "error'})
    assert "level" not in forged.headers["x-request-id"]


async def test_an_interrupted_round_and_other_games_in_the_history_do_not_disturb_the_page(casino: Any) -> None:
    await register(casino)
    await log_in(casino)
    floor = (await casino.http.get("/")).text
    assert {"poker-hand", "poker-card", "poker-stake", "poker-result", "submit-poker"} <= ids_of(floor)
    token = re.findall(r'name="csrf-token" content="([^"]+)"', floor)[0]
    headers = {"X-CSRF-Token": token}
    deposit = {"amount_minor": 10_000, "card_token": "tok_visa"}
    starts = (("signal-dice", {"side": "under", "faces": 100}), ("tidewater-poker", {}))
    assert (
        await casino.http.post("/api/v1/deposits", json=deposit, headers=headers | {"Idempotency-Key": "d"})
    ).status_code == 201
    for game, choices in starts:
        body = {"stake_minor": 100, "choices": choices}
        path = f"/api/v1/games/{game}/rounds"
        started = await casino.http.post(path, json=body, headers=headers | {"Idempotency-Key": game})
        assert started.status_code == 201, started.text
    again = await casino.http.get("/")
    assert again.status_code == 200 and "<td>Stake</td>" in again.text and "<td>Round</td>" in again.text

"""Games, spins and history over HTTP: amounts, limits, keys, errors."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

BANDS = [{"min_age_years": 18, "stake_minor": 200}, {"min_age_years": 25, "stake_minor": 500}]


async def test_a_spin_answers_what_the_ledger_wrote(casino: Any) -> None:
    player = await casino.player(deposit=1_000)
    answer = (await player.spin(100)).json()
    assert set(answer) == {"round_id", "stake_minor", "win_minor", "balance_minor", "reels", "wins", "jackpot"}
    assert answer["balance_minor"] == 900 + answer["win_minor"] == await player.balance()
    assert sum(win["win_minor"] for win in answer["wins"]) == answer["win_minor"]
    assert [len(reel) for reel in answer["reels"]] == [3, 3, 3]


async def test_a_repeated_spin_shows_the_same_reels_and_moves_money_once(casino: Any) -> None:
    player = await casino.player(deposit=1_000)
    answers = await asyncio.gather(*(player.spin(100, key="again") for _ in range(10)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert await player.balance() == answers[0].json()["balance_minor"]
    other = await player.spin(200, key="again")
    assert (other.status_code, other.json()["code"]) == (409, "IDEMPOTENCY_KEY_REUSED")


@pytest.mark.parametrize("amount", [-1, 0, 1.5, 1.0, "1", "", True, False, None, [], {}, 2**63, 10**30, 1e3, -(2**70)])
async def test_what_is_no_amount_is_refused_everywhere(casino: Any, amount: Any) -> None:
    player = await casino.player(deposit=500)
    for answer in (await player.spin(amount), await player.deposit(amount)):
        assert answer.status_code == 422, answer.text
        assert answer.json()["code"] == "AMOUNT_INVALID"
    assert await player.balance() == 500


@pytest.mark.parametrize("body", [b"{", b"[]", b"", b"null", b'{"stake_minor": NaN}', b"[" * 30_000, b"\xff\xfe"])
async def test_a_body_that_is_no_request_is_refused_in_the_one_shape(casino: Any, body: bytes) -> None:
    player = await casino.player()
    headers = {"Authorization": f"Bearer {player.token}", "Idempotency-Key": "k", "Content-Type": "application/json"}
    answer = await casino.http.post("/api/v1/games/harbour-lights/spins", content=body, headers=headers)
    assert answer.status_code in (400, 422), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(answer.json()) == {
        "type", "title", "status", "detail", "instance", "code", "rule", "remedy", "request_id",
    }  # fmt: skip


async def test_a_body_is_bounded_whether_or_not_its_length_is_told(casino: Any) -> None:
    async def chunks() -> Any:
        for _ in range(70):
            yield b" " * 1024

    for content in (b" " * 70_000, chunks()):
        answer = await casino.http.post("/api/v1/players", content=content)
        assert (answer.status_code, answer.json()["code"]) == (413, "BODY_TOO_LARGE")


@pytest.mark.parametrize("key", [None, "", "x" * 129, "two words", "a\tb"])
async def test_a_bet_without_a_usable_key_is_refused(casino: Any, key: str | None) -> None:
    player = await casino.player()
    answer = await player.call("POST", "/games/harbour-lights/spins", {"stake_minor": 100}, key)
    assert (answer.status_code, answer.json()["code"]) == (422, "IDEMPOTENCY_KEY_MISSING")


@pytest.mark.parametrize(
    ("born", "cap"), [("2008-07-10", 200), ("2001-07-11", 200), ("2001-07-10", 500), ("1950-01-01", 500)]
)
async def test_the_stake_limit_is_that_of_the_players_age_today(open_casino: Any, born: str, cap: int) -> None:
    casino = await open_casino(slot_max_stake=BANDS)
    casino.clock.time = datetime(2026, 7, 10, 12, tzinfo=UTC)
    player = await casino.player(deposit=5_000, born=born)
    refused = await player.spin({200: 500, 500: 1_000}[cap])
    assert (refused.status_code, refused.json()["code"]) == (403, "STAKE_ABOVE_LIMIT")
    assert refused.json()["rule"] == "slot_max_stake"
    assert (await player.spin(cap + 1)).json()["code"] == "STAKE_ABOVE_LIMIT"
    assert (await player.spin(cap)).status_code == 200
    games = (await player.call("GET", "/games")).json()["games"]
    assert max(games[0]["stakes_minor"]) == cap


async def test_a_birthday_raises_the_limit_within_a_session(open_casino: Any) -> None:
    casino = await open_casino(slot_max_stake=BANDS)
    casino.clock.time = datetime(2026, 7, 9, 22, 59, tzinfo=UTC)  # 23:59 in London
    player = await casino.player(deposit=5_000, born="2001-07-10")
    assert (await player.spin(500)).status_code == 403
    casino.clock.forward(minutes=2)
    assert (await player.spin(500)).status_code == 200


async def test_an_old_round_is_answered_though_the_limit_was_lowered_since(open_casino: Any) -> None:
    before = await open_casino()
    player = await before.player(deposit=5_000)
    first = await player.spin(1_000, key="k")
    player.casino = await open_casino(slot_max_stake=BANDS)
    assert (await player.spin(1_000, key="k")).text == first.text
    assert (await player.spin(1_000)).status_code == 403


async def test_a_second_spin_within_the_cycle_is_refused_with_the_wait(open_casino: Any) -> None:
    casino = await open_casino(slot_min_cycle_ms=30_000)
    player = await casino.player(deposit=500)
    assert (await player.spin(100)).status_code == 200
    refused = await player.spin(100)
    assert (refused.status_code, refused.json()["code"]) == (429, "GAME_CYCLE_TOO_SHORT")
    assert 25 <= int(refused.headers["Retry-After"]) <= 30


async def test_a_stake_above_the_balance_is_refused(casino: Any) -> None:
    player = await casino.player(deposit=50)
    refused = await player.spin(100)
    assert (refused.status_code, refused.json()["code"]) == (402, "INSUFFICIENT_FUNDS")
    assert "0.50 GBP" in refused.json()["detail"]


async def test_an_unknown_game_and_an_unoffered_stake_are_refused(casino: Any) -> None:
    player = await casino.player(deposit=500)
    unknown = await player.call("POST", "/games/nope/spins", {"stake_minor": 100}, "k")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "GAME_UNKNOWN")
    assert (await player.spin(7)).json()["code"] == "AMOUNT_INVALID"


async def test_history_pages_through_everything_once_newest_first(casino: Any) -> None:
    player = await casino.player(deposit=1_000)
    rounds = [(await player.spin(10)).json() for _ in range(6)]
    await player.deposit(200)
    seen: list[dict[str, Any]] = []
    path = "/history?limit=3"
    while True:
        page = (await player.call("GET", path)).json()
        seen += page["entries"]
        if page["next"] is None:
            break
        path = f"/history?limit=3&before={page['next']}"
    assert [entry["kind"] for entry in seen] == ["deposit"] + ["round"] * 6 + ["deposit"]
    assert [e["transaction_id"] for e in seen[1:7]] == [r["round_id"] for r in reversed(rounds)]
    assert sum(entry["amount_minor"] for entry in seen) == await player.balance() == seen[0]["balance_minor"]
    assert seen[1]["details"]["version"] == "1.0.0"
    other = await casino.player()
    assert (await other.call("GET", "/history")).json() == {"entries": [], "next": None}


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "before=0", "before=-1", "before=x", "before="])
async def test_a_page_that_cannot_be_is_refused(casino: Any, query: str) -> None:
    answer = await (await casino.player()).call("GET", f"/history?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "REQUEST_INVALID")


async def test_an_empty_wallet_has_history_and_games_anyway(casino: Any) -> None:
    games = (await casino.http.get("/api/v1/games")).json()["games"]
    assert [(g["game_id"], g["rtp"]) for g in games] == [("harbour-lights", "95.12"), ("lamplighter", "92.85")]


async def test_errors_of_the_framework_have_the_one_shape_too(casino: Any) -> None:
    for method, path, status in [("GET", "/nope", 404), ("PUT", "/api/v1/wallet", 405), ("GET", "/static/../x", 404)]:
        answer = await casino.http.request(method, path)
        assert answer.status_code == status
        assert answer.json()["request_id"] == answer.headers["x-request-id"]


async def test_a_lost_database_is_told_as_not_ready_and_comes_back(casino: Any, servers: Any, database: str) -> None:
    player = await casino.player(deposit=500)
    kill = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'"
    await servers.sql(f'ALTER DATABASE "{database}" ALLOW_CONNECTIONS false')
    await servers.sql(kill)
    statuses = {(await player.spin(100, key="k")).status_code for _ in range(3)}
    assert statuses == {503}
    ready = await casino.http.get("/readyz")
    assert ready.status_code == 503 and ready.json()["checks"]["database"].startswith("unreachable")
    assert (await casino.http.get("/healthz")).status_code == 200
    await servers.sql(f'ALTER DATABASE "{database}" ALLOW_CONNECTIONS true')
    assert (await player.spin(100, key="k")).status_code == 200
    assert (await casino.http.get("/readyz")).status_code == 200


async def test_metrics_count_bets_and_name_no_player(casino: Any) -> None:
    player = await casino.player(deposit=500)
    await player.spin(100)
    text = (await casino.http.get("/metrics")).text
    assert 'casino_bets_total{game="harbour-lights",outcome="placed"}' in text
    assert 'route="/api/v1/games/{game_id}/spins"' in text
    assert player.email not in text


async def test_metrics_are_nobodys_who_comes_through_a_proxy(casino: Any) -> None:
    answer = await casino.http.get("/metrics", headers={"X-Forwarded-For": "198.51.100.7"})
    assert answer.status_code == 404 and answer.json()["code"] == "NOT_FOUND"
    assert "casino_" not in answer.text


async def test_openapi_lists_the_interface(casino: Any) -> None:
    paths = (await casino.http.get("/openapi.json")).json()["paths"]
    assert {"/api/v1/players", "/api/v1/sessions", "/api/v1/wallet", "/api/v1/deposits", "/api/v1/history"} <= set(
        paths
    )

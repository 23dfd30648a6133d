"""Free rounds given by staff: once for their id, to who may play, and by who may give them."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from casino.pam.api import Role
from studio_bench import GAME


@pytest.fixture
async def support(studio: Any, hire: Any) -> Any:
    return await hire(studio.casino, Role.SUPPORT)


def grant(studio: Any, **changes: Any) -> dict[str, Any]:
    ends = (studio.casino.clock.now() + timedelta(days=1)).replace(microsecond=0)
    usual = {
        "grant_id": str(uuid.uuid4()), "game_id": f"{studio.studio}.{GAME}", "rounds": 3, "bet_minor": 20,
        "expires_at": ends.isoformat(),
    }  # fmt: skip
    return usual | changes


async def test_staff_gives_free_rounds_once_for_their_id(studio: Any, support: Any) -> None:
    asked, path = grant(studio), f"/players/{studio.player_id}/free-rounds"
    first, again = [await support.call("POST", path, asked) for _ in range(2)]
    assert first.status_code == again.status_code == 201, first.text
    assert first.json() == again.json()
    assert (first.json()["rounds_left"], first.json()["told"]) == (3, False)  # no studio answers here
    other = await support.call("POST", path, asked | {"rounds": 4})
    assert (other.status_code, other.json()["code"]) == (409, "IDEMPOTENCY_KEY_REUSED")
    await studio.studios.repository.free_rounds_told(uuid.UUID(asked["grant_id"]), studio.casino.clock.now())
    [listed] = (await studio.player.call("GET", "/games/free-rounds")).json()["free_rounds"]
    assert (listed["grant_id"], listed["rounds_left"]) == (asked["grant_id"], 3)


async def test_who_may_not_play_is_given_nothing(studio: Any, support: Any, servers: Any, database: str) -> None:
    await studio.sql(servers, database, "SELECT wallet.restrict($1, 'infinity', NULL)", studio.account)
    answer = await support.call("POST", f"/players/{studio.player_id}/free-rounds", grant(studio))
    assert (answer.status_code, answer.json()["code"]) == (403, "PLAY_BARRED")
    assert not await studio.sql(servers, database, "SELECT * FROM gal.free_rounds")


@pytest.mark.parametrize(("changes", "status", "code"), [
    ({"rounds": 0}, 422, "REQUEST_INVALID"), ({"rounds": 1001}, 422, "REQUEST_INVALID"),
    ({"bet_minor": 0}, 422, "REQUEST_INVALID"), ({"expires_at": "2001-01-01T00:00:00Z"}, 422, "FREE_ROUNDS_INVALID"),
    ({"expires_at": "2030-01-01T00:00:00"}, 422, "REQUEST_INVALID"),
    ({"game_id": "harbour-lights"}, 404, "GAME_UNKNOWN"),
])  # fmt: skip
async def test_a_wrong_grant_is_refused(studio: Any, support: Any, changes: Any, status: int, code: str) -> None:
    answer = await support.call("POST", f"/players/{studio.player_id}/free-rounds", grant(studio, **changes))
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_only_support_gives_them_and_only_to_players(studio: Any, support: Any, hire: Any) -> None:
    path = f"/players/{studio.player_id}/free-rounds"
    finance = await hire(studio.casino, Role.FINANCE)
    assert (await finance.call("POST", path, grant(studio))).json()["code"] == "ROLE_MISSING"
    assert (await studio.player.call("POST", f"/staff{path}", grant(studio))).status_code == 401
    nobody = await support.call("POST", f"/players/{uuid.uuid4()}/free-rounds", grant(studio))
    assert (nobody.status_code, nobody.json()["code"]) == (403, "ACCOUNT_NOT_OPEN")

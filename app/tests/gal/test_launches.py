"""Opening studios' games: what is offered, a session for one player, the URL, free rounds told to the studio."""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from casino.gal.conformance.wire import Ask
from casino.gal.launches import FreeRoundsInvalid
from casino.gal.studio_model import Fault
from studio_bench import GAME, SECRET


class Api:
    """The studio's interface, in memory: what was asked, and what it answers next."""

    def __init__(self, bench: Any) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.answer: Any = {}
        access = bench.studios.launches._studios[bench.studio]
        transport = httpx.MockTransport(self._handle)
        access.client._http = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:1")

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.asked.append((request.url.path, json.loads(request.content)))
        if isinstance(self.answer, Exception):
            raise self.answer
        return httpx.Response(200, json=self.answer)


async def test_only_enabled_and_approved_games_are_offered_beside_our_own(bench: Any) -> None:
    repository = bench.studios.repository
    await repository.add_game("elsewhere", bench.studio, "elsewhere", "Approved elsewhere")
    await repository.approve_game("elsewhere", "OTHER", "LAB-2")
    listed = (await bench.casino.http.get("/api/v1/games")).json()
    assert [one["game_id"] for one in listed["games"]] == ["harbour-lights", "lamplighter"]
    assert {one["game_id"] for one in listed["studio_games"]} == {f"northwind.{GAME}", f"lumen.{GAME}"}
    await repository.enable_studio("lumen", False)
    listed = (await bench.casino.http.get("/api/v1/games")).json()
    assert [one["game_id"] for one in listed["studio_games"]] == [f"northwind.{GAME}"]
    for game in ("elsewhere", f"lumen.{GAME}", "harbour-lights"):
        answer = await bench.player.call("POST", f"/games/{game}/launch")
        assert (answer.status_code, answer.json()["code"]) == (404, "GAME_UNKNOWN")
    anybody = await bench.casino.http.post(f"/api/v1/games/northwind.{GAME}/launch")
    assert anybody.status_code == 401


async def test_the_rsa_dialect_asks_the_studio_for_the_url_and_takes_only_its_own(open_studios: Any) -> None:
    bench = await open_studios("rsa_status")
    api = Api(bench)
    api.answer = {"url": "http://127.0.0.1:1/play?token=theirs"}
    opened = (await bench.player.call("POST", f"/games/northwind.{GAME}/launch")).json()
    assert opened["launch_url"] == api.answer["url"]
    path, asked = api.asked[0]
    assert path == "/operator/generic/v2/game/url"
    assert (asked["user"], asked["game_code"], asked["currency"]) == (bench.player_id, GAME, "GBP")
    # The token that the studio was told is a session, and opens this player's wallet alone.
    heard = await bench.send(Ask("session", token=asked["token"]))
    assert (heard.body["user"], heard.balance_minor) == (bench.player_id, 1_000)
    for url in ("https://evil.test/play", "http://127.0.0.1:2/play", "javascript:alert(1)", "http://[", 7):
        api.answer = {"url": url}
        answer = await bench.player.call("POST", f"/games/northwind.{GAME}/launch")
        assert (answer.status_code, answer.json()["code"]) == (503, "STUDIO_UNAVAILABLE")


async def test_the_hmac_dialect_signs_the_url_itself(open_studios: Any) -> None:
    bench = await open_studios("hmac_actions")
    opened = (await bench.player.call("POST", f"/games/lumen.{GAME}/launch")).json()
    query = urlsplit(opened["launch_url"]).query
    fields = {name: values[0] for name, values in parse_qs(query).items()}
    signed = query.split("&timestamp=", 1)[0]
    expected = hmac.new(SECRET.encode(), f"{fields['timestamp']}.{signed}".encode(), hashlib.sha256).hexdigest()
    assert fields["hash"] == expected
    heard = await bench.send(Ask("session", token=fields["sessionid"]))
    assert heard.body["playerid"] == bench.player_id


async def test_a_studio_that_does_not_answer_opens_nothing_for_a_while(open_studios: Any) -> None:
    bench = await open_studios("rsa_status")
    api = Api(bench)
    api.answer = httpx.ConnectError("down")
    for _ in range(7):
        answer = await bench.player.call("POST", f"/games/northwind.{GAME}/launch")
        assert (answer.status_code, answer.json()["code"]) == (503, "STUDIO_UNAVAILABLE")
    assert len(api.asked) == 5 and answer.headers["retry-after"] == "10"
    assert await bench.ok(bench.bet(10)) == 990  # its calls are answered all the same
    api.answer = {"url": "http://127.0.0.1:1/play"}
    bench.casino.clock.forward(seconds=11)
    assert (await bench.player.call("POST", f"/games/northwind.{GAME}/launch")).status_code == 201


@pytest.mark.parametrize(("dialect", "taken"), [("rsa_status", "RS_OK"), ("hmac_actions", "success")])
async def test_free_rounds_are_told_until_the_studio_has_them_and_once(
    open_studios: Any, dialect: str, taken: str
) -> None:
    bench = await open_studios(dialect)
    api = Api(bench)
    api.answer = {"status": "not now"}
    launches, principal = bench.studios.launches, await bench.principal(bench.player)
    who = (principal.player_id, principal.account_id)
    game, grant_id = f"{bench.studio}.{GAME}", uuid.uuid4()
    ends = bench.casino.clock.now() + timedelta(days=1)
    given = {"grant_id": grant_id, "rounds": 3, "bet_minor": 20, "expires_at": ends}
    assert (await launches.grant(*who, game, **given)).told_at is None
    assert await launches.free_rounds_of(principal) == []
    api.answer = {"status": taken}
    assert (await launches.tell_pending(), await launches.tell_pending()) == (1, 0)
    assert (await launches.grant(*who, game, **given)).told_at is not None
    assert len(api.asked) == 2
    bet = {"rsa_status": ("bet_value", 20_000), "hmac_actions": ("bet", 20)}[dialect]
    assert api.asked[0][1][bet[0]] == bet[1]
    assert await bench.ok(bench.win(bench.bet(), 40, reference=None, free_rounds=str(grant_id))) == 1_040
    assert [one.used for one in await launches.free_rounds_of(principal)] == [1]
    for wrong in ({"rounds": 0}, {"rounds": 1001}, {"bet_minor": 0}, {"expires_at": bench.casino.clock.now()}):
        with pytest.raises(FreeRoundsInvalid):
            await launches.grant(
                principal.player_id, principal.account_id, game, **(given | {"grant_id": uuid.uuid4()} | wrong)
            )
    with pytest.raises(Exception, match="no such game"):
        await launches.grant(*who, "harbour-lights", **given)
    await bench.refused(
        Fault.FREE_ROUNDS_UNKNOWN, bench.win(bench.bet(), 40, reference=None, free_rounds=str(uuid.uuid4()))
    )

"""Rounds of several steps over HTTP: started, gone on with, repeated, raced for, interrupted and shown again."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections import Counter
from typing import Any

from casino.gal.api import Rounds
from casino.game_control.api import GameControl
from casino.pam.api import Actor, PlayerModule, Status
from casino.wallet.api import GameRounds, Ledger
from round_starts import STARTS, act, begin, finish, open_round


async def test_a_closed_round_moved_exactly_what_it_staked_and_won(casino: Any) -> None:
    player = await casino.player(100_000)
    for game in sorted(STARTS) * 3:
        before = await player.balance()
        answer = await begin(player, game)
        assert answer.status_code == 201, answer.text
        told = await finish(player, answer.json())
        assert told["status"] == "closed" and told["balance_minor"] == await player.balance()
        assert told["balance_minor"] == before - told["staked_minor"] + told["win_minor"]
        shown = (await player.call("GET", f"/rounds/{told['round_id']}")).json()
        assert shown["label"].startswith("REPLAY") and shown["complete"] and shown["step"] == told["step"]
        assert (shown["balance_before_minor"], shown["balance_after_minor"]) == (before, told["balance_minor"])
        assert (shown["staked_minor"], shown["win_minor"]) == (told["staked_minor"], told["win_minor"])
        assert len(shown["phases"]) >= told["step"]


async def test_the_list_has_every_game_with_its_stakes_actions_and_figures(casino: Any) -> None:
    games = {one["game_id"]: one for one in (await casino.http.get("/api/v1/games")).json()["round_games"]}
    assert set(games) == set(STARTS)
    figures = {one["wager"]: one for one in games["harbour-roulette"]["figures"]}
    assert figures["straight"]["rtp"] == "36/37" and figures["straight"]["rtp_percent"] == "97.29"
    assert games["lantern-blackjack"]["actions"] == ["insurance", "decline", "hit", "stand", "double", "split"]
    assert games["squall"]["choices"]["cash_out_at"]["lowest"] == 101 and games["squall"]["stakes_minor"][0] == 100


async def test_a_repeat_is_answered_as_before_and_another_body_refused(casino: Any) -> None:
    player = await casino.player(10_000)
    first = await begin(player, "tidewater-poker", "start")
    told = first.json()
    assert (await begin(player, "tidewater-poker", "start")).json() == told
    other = await begin(player, "tidewater-poker", "start", stake_minor=200)
    assert (other.status_code, other.json()["code"]) == (409, "IDEMPOTENCY_KEY_REUSED")
    drawn = (await act(player, told, "draw", "draw", hold=[1])).json()
    assert drawn["status"] == "closed"
    assert (await act(player, told, "draw", "draw", hold=[1])).json() == drawn
    assert (await act(player, told, "draw", "draw", hold=[2])).json()["code"] == "IDEMPOTENCY_KEY_REUSED"
    assert (await begin(player, "tidewater-poker", "start")).json() == told  # as it was answered then, open
    assert await player.balance() == drawn["balance_minor"]


async def test_of_actions_at_one_moment_one_wins(casino: Any) -> None:
    player = await casino.player(100_000)
    for _ in range(4):
        told = await open_round(player)
        answers = await asyncio.gather(*(act(player, told, "draw", hold=[place]) for place in range(5)))
        codes = Counter(a.json().get("code", a.json().get("status")) for a in answers)
        assert codes["closed"] == 1 and set(codes) <= {"closed", "ROUND_MOVED_ON", "ROUND_OVER"}
        assert {a.status_code for a in answers} == {200, 409}


async def test_the_same_start_at_one_moment_is_one_round(casino: Any) -> None:
    player = await casino.player(10_000)
    answers = await asyncio.gather(*(begin(player, "lantern-blackjack", "one") for _ in range(6)))
    assert len({a.text for a in answers}) == 1 and answers[0].status_code == 201
    starts = await asyncio.gather(*(begin(player, "tidewater-poker") for _ in range(4)))
    assert sorted(a.status_code for a in starts) == [201, 409, 409, 409]
    refused = next(a.json() for a in starts if a.status_code == 409)
    running = next(a.json() for a in starts if a.status_code == 201)
    assert refused["code"] == "ROUND_OPEN" and running["round_id"] in refused["remedy"]


async def test_an_interrupted_round_goes_on_in_another_process_and_session(casino: Any, open_casino: Any) -> None:
    player = await casino.player(10_000)
    told = await open_round(player)
    other = await open_casino()
    again = type(player)(other, (await other.login(player.email)).json()["token"], player.email)
    (found,) = (await again.call("GET", "/rounds?open=true")).json()["rounds"]
    assert {k: found[k] for k in ("round_id", "step", "data", "actions")} == {
        k: told[k] for k in ("round_id", "step", "data", "actions")
    }
    ended = await finish(again, found)
    assert (await player.call("GET", "/rounds?open=true")).json()["rounds"] == []
    assert (await player.call("GET", f"/rounds/{ended['round_id']}")).json()["win_minor"] == ended["win_minor"]


async def test_what_is_hidden_is_hidden_until_the_end_from_everybody(casino: Any) -> None:
    player = await casino.player(1_000_000)
    told = await open_round(player, "lantern-blackjack")
    shown = (await player.call("GET", f"/rounds/{told['round_id']}")).json()
    assert "dealer" not in told["data"] and "dealer" not in shown["final_display"] and not shown["complete"]
    history = (await player.call("GET", "/history")).json()["entries"]
    told_of = [entry for entry in history if told["round_id"] in json.dumps(entry)]
    assert '"dealer"' not in json.dumps(told_of) and shown["label"] is None
    assert len((await finish(player, told))["data"]["dealer"]) >= 2


async def test_a_further_stake_that_is_not_covered_is_refused_and_the_round_stays(casino: Any) -> None:
    player = await casino.player(10_000)
    told = await open_round(player, "lantern-blackjack", stake_minor=10_000)
    while "double" not in told["actions"]:
        await finish(player, told)
        if (missing := 10_000 - await player.balance()) > 0:
            await player.deposit(missing)
        told = await open_round(player, "lantern-blackjack", stake_minor=10_000)
    spare = await player.balance()
    if spare >= 10_000:
        await player.spin(500)
        told = (await player.call("GET", "/rounds?open=true")).json()["rounds"][0]
        while await player.balance() >= 10_000:
            await player.spin(500)
    refused = await act(player, told, "double")
    assert (refused.status_code, refused.json()["code"]) == (402, "INSUFFICIENT_FUNDS")
    assert (await finish(player, told))["staked_minor"] == 10_000


async def test_who_is_barred_ends_what_was_begun_and_begins_nothing(casino: Any) -> None:
    player = await casino.player(10_000)
    told = await open_round(player)
    account = (await casino.part(GameRounds).find(uuid.UUID(told["round_id"]))).account_id
    await casino.part(Ledger).restrict(account, casino.clock.now().replace(year=9000), None)
    assert (await begin(player, "signal-dice")).json()["code"] == "PLAY_BARRED"
    assert (await finish(player, told))["status"] == "closed"


async def test_limits_of_slots_bind_slots_and_the_cycle_of_other_games_those(open_casino: Any) -> None:
    bands = [{"min_age_years": 18, "stake_minor": 200}]
    casino = await open_casino(
        slot_max_stake=bands, slot_min_cycle_ms=60_000, parameters={"other_games_min_cycle_seconds": 50}
    )
    player = await casino.player(100_000)
    games = {g["game_id"]: g for g in (await player.call("GET", "/games")).json()["round_games"]}
    assert max(games["polar-drift"]["stakes_minor"]) == 200 and max(games["squall"]["stakes_minor"]) > 200
    assert (await begin(player, "polar-drift", stake_minor=500)).json()["code"] == "STAKE_ABOVE_LIMIT"
    assert (await begin(player, "signal-dice", stake_minor=1_000)).status_code == 201
    refused = await begin(player, "signal-dice")
    assert (refused.status_code, refused.json()["code"]) == (429, "GAME_CYCLE_TOO_SHORT")
    assert 40 <= int(refused.headers["retry-after"]) <= 50


async def test_a_round_is_its_players_alone(casino: Any) -> None:
    player, other = await casino.player(1_000), await casino.player(1_000)
    told = await open_round(player)
    assert (await other.call("GET", f"/rounds/{told['round_id']}")).json()["code"] == "GAME_ROUND_UNKNOWN"
    assert (await act(other, told, "draw", hold=[])).status_code == 404
    assert (await other.call("GET", f"/rounds/{uuid.uuid4()}")).status_code == 404
    assert (await casino.http.get(f"/api/v1/rounds/{told['round_id']}")).status_code == 401


async def test_what_nobody_finishes_is_ended_by_rule(casino: Any) -> None:
    player = await casino.player(100_000)
    rounds = [await open_round(player, game) for game in ("tidewater-poker", "lantern-blackjack")]
    crash = await open_round(player, "squall", choices={"cash_out_at": None})
    service = casino.part(Rounds)
    assert await service.complete_due() == (0, 0)
    casino.clock.forward(minutes=3)
    assert await service.complete_due() == (1, 0)  # the crash game runs out by itself
    casino.clock.forward(hours=24)
    assert await service.complete_due() == (2, 0)
    for told in (*rounds, crash):
        picture = await service.show(uuid.UUID(told["round_id"]))
        assert picture.status == "closed" and picture.end_reason == "not finished in time"
    assert await service.complete_due() == (0, 0)


async def test_a_round_whose_game_is_gone_is_suspended_and_then_voided(casino: Any) -> None:
    player = await casino.player(10_000)
    told = await open_round(player)
    control = casino.part(GameControl)
    gone = control.resumable.pop("tidewater-poker")
    try:
        assert (await act(player, told, "draw", hold=[])).json()["code"] == "GAME_SUSPENDED"
        casino.clock.forward(hours=25)
        service = casino.part(Rounds)
        assert await service.complete_due() == (0, 1)
        picture = await service.show(uuid.UUID(told["round_id"]))
    finally:
        control.resumable["tidewater-poker"] = gone
    assert (picture.status, picture.returned_minor, picture.win_minor) == ("voided", 100, 0)
    assert picture.balance_after_minor == 10_000 and "not offered" in (picture.end_reason or "")


async def test_who_may_not_play_begins_nothing_stakes_nothing_further_and_ends_what_was_begun(casino: Any) -> None:
    player = await casino.player(1_000_000)
    told = await open_round(player, "lantern-blackjack")
    while "double" not in told["actions"]:
        await finish(player, told)
        told = await open_round(player, "lantern-blackjack")
    (row,) = await casino.part(PlayerModule).repository.pool.fetch("SELECT player_id FROM pam.players")
    await casino.part(PlayerModule).lifecycle.change(row["player_id"], Status.RESTRICTED, Actor.SYSTEM, "documents")
    for refused in (await begin(player, "signal-dice"), await act(player, told, "double")):
        assert (refused.status_code, refused.json()["code"]) == (403, "ACCOUNT_MAY_NOT_PLAY")
    ended = await finish(player, told)
    assert (ended["status"], ended["staked_minor"]) == ("closed", 200)

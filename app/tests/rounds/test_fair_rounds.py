"""Provably fair rounds over HTTP: committed to, drawn once, revealed at their time, and computed again by anybody."""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from casino.game_control.api import FairSeeds, verify_round
from round_starts import GAMES, act, begin, finish, open_round


async def seeds_of(player: Any) -> dict[str, dict[str, Any]]:
    """The player's newest seed of each state."""
    found = (await player.call("GET", "/fair/seeds")).json()["seeds"]
    return {one["state"]: one for one in reversed(found)}


async def rotate(player: Any, client_seed: str = "mine") -> Any:
    current = (await seeds_of(player))["current"]["seed_id"]
    return await player.call("POST", "/fair/seeds/rotation", {"seed_id": current, "client_seed": client_seed})


async def proof_of(player: Any, told: dict[str, Any]) -> Any:
    return await player.call("GET", f"/rounds/{told['round_id']}/proof")


async def test_what_was_played_is_what_was_committed_to(casino: Any) -> None:
    player = await casino.player(100_000)
    assert (await rotate(player, "chosen-by-me")).status_code == 200
    before = await seeds_of(player)
    assert before["current"]["client_seed"] == "chosen-by-me" and before["current"]["server_seed"] is None
    told = []
    for game in ("signal-dice", "lantern-blackjack", "tidewater-poker", "harbour-roulette", "quayside-baccarat"):
        answer = await begin(player, game, provably_fair=True)
        assert answer.status_code == 201, answer.text
        told.append(await finish(player, answer.json()))
        assert told[-1]["fair"] == {
            "seed_id": before["current"]["seed_id"],
            "client_seed": "chosen-by-me",
            "nonce": len(told) - 1,
        }
        assert (await proof_of(player, told[-1])).json()["code"] == "SEED_NOT_REVEALED"
    after = (await rotate(player)).json()["seeds"]
    revealed = next(one for one in after if one["seed_id"] == before["current"]["seed_id"])
    assert hashlib.sha256(bytes.fromhex(revealed["server_seed"])).hexdigest() == before["current"]["commitment"]
    assert (await seeds_of(player))["current"]["commitment"] == before["next"]["commitment"]
    for one in told:
        proof = (await proof_of(player, one)).json()
        assert proof["commitment"] == before["current"]["commitment"] and proof["win_minor"] == one["win_minor"]
        assert verify_round(GAMES[proof["game_id"]], proof).fair
        verdict = (await casino.http.post("/api/v1/fair/verification", json=proof)).json()
        assert verdict["fair"] and verdict["faults"] == []
        forged = proof | {"win_minor": proof["win_minor"] + 1}
        assert not (await casino.http.post("/api/v1/fair/verification", json=forged)).json()["fair"]


async def test_a_nonce_is_drawn_from_once_however_often_and_at_once_it_is_asked_for(casino: Any) -> None:
    player = await casino.player(100_000)
    answers = await asyncio.gather(
        *(begin(player, "signal-dice", f"k{number % 4}", provably_fair=True) for number in range(12))
    )
    rounds = {a.json()["round_id"]: a.json()["fair"]["nonce"] for a in answers}
    assert {a.status_code for a in answers} == {201} and sorted(rounds.values()) == [0, 1, 2, 3]
    assert (await seeds_of(player))["current"]["rounds"] == 4


async def test_a_seed_is_shown_only_when_no_round_of_it_can_be_played(casino: Any) -> None:
    player = await casino.player(100_000)
    told = await open_round(player, provably_fair=True)
    seed = (await seeds_of(player))["current"]["seed_id"]
    answer = await rotate(player)
    retired = next(one for one in answer.json()["seeds"] if one["seed_id"] == seed)
    assert (retired["state"], retired["server_seed"]) == ("retired", None)
    ended = await finish(player, told)  # under the seed that it began with
    assert ended["fair"]["seed_id"] == seed
    assert verify_round(GAMES["tidewater-poker"], (await proof_of(player, ended)).json()).fair


async def test_a_refused_start_keeps_its_nonce_and_its_seed_hidden_until_it_is_too_late_for_it(casino: Any) -> None:
    """Else who has seen the seed could begin the refused round after all, and choose by it."""
    player = await casino.player(100)
    refused = await begin(player, "signal-dice", "late", provably_fair=True)
    assert refused.json()["code"] == "INSUFFICIENT_FUNDS"
    await player.deposit(10_000)
    seed = (await seeds_of(player))["current"]["seed_id"]
    shown = next(one for one in (await rotate(player)).json()["seeds"] if one["seed_id"] == seed)
    assert (shown["state"], shown["rounds"], shown["server_seed"]) == ("retired", 1, None)
    played = await begin(player, "signal-dice", "late", provably_fair=True)
    assert played.status_code == 201 and played.json()["fair"]["seed_id"] != seed
    casino.part(FairSeeds).fence = timedelta(0)
    assert any(one["seed_id"] == seed and one["server_seed"] for one in (await seeds_of(player)).values())


async def test_a_round_is_not_begun_after_its_draws_were_given_up(casino: Any) -> None:
    player = await casino.player(10_000)
    casino.part(FairSeeds).fence = -timedelta(seconds=1)
    answer = await begin(player, "signal-dice", provably_fair=True)
    assert (answer.status_code, answer.json()["code"]) == (409, "ROUND_TOO_LATE")
    assert await player.balance() == 10_000


async def test_a_rotation_is_of_the_seed_that_was_seen_and_may_be_repeated(casino: Any) -> None:
    player = await casino.player()
    seed = (await seeds_of(player))["current"]["seed_id"]
    body = {"seed_id": seed, "client_seed": "mine"}
    first = await player.call("POST", "/fair/seeds/rotation", body)
    again = await player.call("POST", "/fair/seeds/rotation", body)
    assert first.status_code == again.status_code == 200 and first.json() == again.json()
    other = await player.call("POST", "/fair/seeds/rotation", body | {"client_seed": "another"})
    assert (other.status_code, other.json()["code"]) == (409, "SEED_ROTATED")
    assert (await player.call("POST", "/fair/seeds/rotation", body | {"client_seed": "a b"})).status_code == 422
    elsewhere = await (await casino.player()).call("POST", "/fair/seeds/rotation", body)
    assert elsewhere.json()["code"] == "SEED_ROTATED"


async def test_a_round_of_the_generator_has_no_proof(casino: Any) -> None:
    player = await casino.player(10_000)
    told = (await begin(player, "signal-dice")).json()
    assert (await proof_of(player, told)).json()["code"] == "ROUND_NOT_FAIR"


async def test_what_was_committed_to_is_not_changed_even_by_sql(casino: Any, servers: Any, database: str) -> None:
    player = await casino.player()
    seed = uuid.UUID((await seeds_of(player))["current"]["seed_id"])
    connection = await asyncpg.connect(servers.uri(database))
    for change in (
        "server_seed = decode(repeat('ab', 32), 'hex')",
        "nonce = nonce + 2",
        "state = 'next'",
        "client_seed = 'x'",
    ):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await connection.execute(f"UPDATE game_control.seed_pairs SET {change} WHERE seed_id = $1", seed)
    for statement in ("DELETE FROM game_control.seed_pairs", "DELETE FROM game_control.fair_rounds"):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await connection.execute(statement)
    await connection.close()


async def test_when_a_player_cashes_out_is_told_by_the_servers_clock_alone(casino: Any) -> None:
    player = await casino.player(100_000)
    told = await open_round(player, "squall", choices={"cash_out_at": None})
    forged = await act(player, told, "cash_out", tick=1)
    assert (forged.status_code, forged.json()["code"]) == (409, "ACTION_INVALID")
    assert (await act(player, told, "cash_out")).json()["code"] == "ACTION_INVALID"  # too early
    casino.clock.forward(seconds=10)
    ended = (await act(player, told, "cash_out")).json()
    crash, paid = ended["data"]["crash_point"], GAMES["squall"].at_tick(100)  # type: ignore[attr-defined]
    assert paid == 181 and ended["win_minor"] == (2 * paid if paid <= crash else 0)


async def test_a_crash_is_told_by_looking_at_the_round(casino: Any) -> None:
    player = await casino.player(100_000)
    told = await open_round(player, "squall", choices={"cash_out_at": None}, provably_fair=True)
    shown = (await player.call("GET", f"/rounds/{told['round_id']}")).json()
    assert shown["status"] == "open" and "crash_point" not in shown["final_display"]
    casino.clock.forward(minutes=10)
    shown = (await player.call("GET", f"/rounds/{told['round_id']}")).json()
    assert (shown["status"], shown["end_reason"]) == ("closed", "decided by time")
    assert shown["win_minor"] in (0, 200 * 1000) and shown["final_display"]["crash_point"] >= 100
    late = await act(player, told, "cash_out")
    assert (late.status_code, late.json()["code"]) == (409, "ROUND_OVER")
    await rotate(player)
    assert verify_round(GAMES["squall"], (await proof_of(player, told)).json()).fair

"""What staff may do about rounds, what the ledger's verification sees of them, and who may write them."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import asyncpg
import pytest
from casino.compliance.api import parse_rules
from casino.game_control.api import GameControl, RandomNumberGenerator, load_definitions
from casino.game_control.definition import act as play_on
from casino.game_control.definition import start as play
from casino.game_control.rounds import Drawing, RoundState
from casino.kernel.errors import CasinoError
from casino.pam.api import Role
from casino.wallet.api import Ledger, verify_ledger
from casino.wallet.verify import INVARIANTS
from hypothesis import given
from hypothesis import strategies as st
from round_starts import GAMES, STARTS, act, finish, open_round

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=8,
)
NAMES = st.sampled_from(["bets", "wager", "side", "faces", "cash_out_at", "hold", "tick", "action"]) | st.text(
    max_size=8
)


RULES = parse_rules((resources.files("casino.dev") / "rules.json").read_text())


class Middle(Drawing):
    def below(self, bound: int) -> int:
        return bound // 2


def mixed(choices: dict[str, Any]) -> Any:
    """Right choices with some of them put out of shape."""
    wrong = {name: st.just(value) | JSON for name, value in choices.items()}
    return st.fixed_dictionaries(wrong) | st.dictionaries(NAMES, JSON, max_size=3)


@pytest.mark.parametrize("game", sorted(STARTS))
def test_whatever_is_chosen_is_played_or_refused(game: str) -> None:
    """A refusal of ours, never an error of Python's, and never a stake other than what was asked."""
    stake, choices = STARTS[game]

    @given(st.sampled_from([stake, stake + 1, 0, -stake]), mixed(choices))
    def starts(stake: int, choices: dict[str, Any]) -> None:
        try:
            state = play(GAMES[game], stake, choices, Middle())
        except CasinoError as refused:
            assert 400 <= refused.status < 500
        else:
            assert state.staked_minor == stake > 0
            assert RoundState.loads(state.dumps()).dumps() == state.dumps()

    starts()


@pytest.mark.parametrize("game", ["lantern-blackjack", "squall", "tidewater-poker"])
def test_whatever_is_done_is_done_or_refused(game: str) -> None:
    stake, choices = STARTS[game]
    begun = play(GAMES[game], stake, {"cash_out_at": None} if game == "squall" else choices, Middle())
    assert not begun.closed

    @given(st.sampled_from(GAMES[game].ACTIONS) | st.text(max_size=8), mixed({"hold": [0, 1], "tick": 7}))
    def actions(name: str, choices: dict[str, Any]) -> None:
        try:
            timed = GAMES[game].timed(choices | {"action": name}, 5_000)
            assert play_on(GAMES[game], begun, timed, Middle()).staked_minor >= stake
        except CasinoError as refused:
            assert 400 <= refused.status < 500

    actions()


async def test_bodies_out_of_shape_are_refused_over_http(casino: Any) -> None:
    player = await casino.player(10_000)
    told = await open_round(player)
    path = f"/rounds/{told['round_id']}/actions"
    starts: list[Any] = [
        {}, [], "x", {"stake_minor": "100"}, {"stake_minor": 1.5}, {"stake_minor": 100, "choices": []},
        {"stake_minor": 100, "choices": {"wager": {}}}, {"stake_minor": 100, "choices": {"wager": ["tie"]}},
        {"stake_minor": 100, "choices": {}, "win_minor": 5},
        {"stake_minor": 100, "choices": {str(n): n for n in range(17)}},
    ]  # fmt: skip
    for body in starts:
        answer = await player.call("POST", "/games/quayside-baccarat/rounds", body, "k")
        assert answer.status_code == 422, (body, answer.text)
    actions: list[Any] = [
        {"step": 1}, {"step": 0, "action": "draw"}, {"step": True, "action": "draw"}, {"step": 1, "action": "Draw!"},
        {"step": 1, "action": {"a": 1}}, {"step": 1, "action": "draw", "choices": {"action": "draw", "hold": []}},
    ]  # fmt: skip
    for body in actions:
        assert (await player.call("POST", path, body, "k")).status_code == 422, body
    for hold in ({}, "01", [5], [True], [0.0], None):
        refused = await act(player, told, "draw", hold=hold)
        assert (refused.status_code, refused.json()["code"]) == (409, "ACTION_INVALID")
    assert (await player.call("POST", path, {"step": 1, "action": "draw"})).json()["code"] == "IDEMPOTENCY_KEY_MISSING"
    assert (await player.call("POST", "/games/harbour-lights/rounds", {"stake_minor": 50}, "k")).status_code == 404
    assert await player.balance() == 10_000 - 100


async def test_staff_see_any_round_and_spin_and_only_some_void(casino: Any, staff_of: Any) -> None:
    player = await casino.player(10_000)
    support, finance, compliance = [await staff_of(r) for r in (Role.SUPPORT, Role.FINANCE, Role.COMPLIANCE)]
    told = await open_round(player)
    spin = (await player.spin(50)).json()
    base = f"/api/v1/staff/rounds/{told['round_id']}"

    async def void(headers: dict[str, str], reason: str = "the table was misprinted") -> Any:
        return await casino.http.post(f"{base}/void", json={"reason": reason}, headers=headers)

    recall = (await casino.http.get(f"{base}/recall", headers=support)).json()
    assert recall["status"] == "open" and not recall["complete"] and recall["balance_before_minor"] == 10_000
    shown = (await casino.http.get(f"/api/v1/staff/rounds/{spin['round_id']}/recall", headers=support)).json()
    assert shown["label"].startswith("REPLAY") and shown["win_minor"] == spin["win_minor"]
    assert shown["final_display"]["reels"] == spin["reels"] and shown["balance_before_minor"] == 9_900
    assert shown == (await player.call("GET", f"/rounds/{spin['round_id']}")).json()
    assert (await casino.http.get(f"{base}/recall", headers=finance)).json()["code"] == "ROLE_MISSING"
    token = {"Authorization": f"Bearer {player.token}"}
    assert (await casino.http.get(f"{base}/recall", headers=token)).status_code == 401
    assert (await void(support)).json()["code"] == "ROLE_MISSING"
    assert (await void(compliance, "")).status_code == 422
    balance = await player.balance()
    voided = (await void(compliance)).json()
    assert (voided["status"], voided["returned_minor"], voided["win_minor"]) == ("voided", 100, 0)
    assert voided["end_reason"] == "the table was misprinted" and await player.balance() == balance + 100
    assert (await void(compliance, "another reason")).json() == voided
    assert (await act(player, told, "draw", hold=[])).json()["code"] == "ROUND_OVER"
    ended = await finish(player, await open_round(player))
    base = f"/api/v1/staff/rounds/{ended['round_id']}"
    assert (await void(compliance)).json()["code"] == "ROUND_OVER"


async def test_a_void_is_told_with_its_reason_and_who_it_was(
    casino: Any, staff_of: Any, servers: Any, database: str
) -> None:
    player = await casino.player(10_000)
    headers = await staff_of(Role.COMPLIANCE)
    told = await open_round(player)
    path = f"/api/v1/staff/rounds/{told['round_id']}/void"
    assert (await casino.http.post(path, json={"reason": "a dispute"}, headers=headers)).status_code == 200
    who = (await casino.http.get("/api/v1/staff/sessions/current", headers=headers)).json()["staff_id"]
    connection = await asyncpg.connect(servers.uri(database))
    events = await connection.fetch("SELECT payload FROM wallet.events WHERE type = 'wallet.bet_void'")
    await connection.close()
    (details,) = [json.loads(row["payload"])["details"] for row in events]
    assert (details["round_id"], details["reason"], details["by"]) == (told["round_id"], "a dispute", who)


TAMPERED = [
    ("UPDATE wallet.game_rounds SET staked = staked + 1 WHERE status = 'open'", "open_rounds_hold_their_stakes"),
    ("DELETE FROM wallet.game_rounds WHERE status = 'open'", "open_rounds_hold_their_stakes"),
    ("UPDATE wallet.game_rounds SET won = won + 1 WHERE status = 'closed'", "rounds_end_as_played"),
    (
        "UPDATE wallet.game_rounds SET state = jsonb_set(state, '{data,cards}', '[]') WHERE status = 'closed'",
        "rounds_end_as_played",
    ),
    ("DELETE FROM wallet.game_rounds WHERE status = 'closed'", "rounds_end_as_played"),
    ("DELETE FROM wallet.game_round_steps WHERE step = 2", "round_steps_gapless"),
    ("UPDATE wallet.game_round_steps SET stake = stake + 5 WHERE step = 1", "round_steps_gapless"),
]


async def test_verification_finds_what_was_changed_by_hand(casino: Any, servers: Any, database: str) -> None:
    player = await casino.player(10_000)
    await finish(player, await open_round(player))
    await open_round(player)
    connection = await asyncpg.connect(servers.uri(database))
    await connection.execute("SET session_replication_role = replica")  # as who may switch triggers off
    assert (await verify_ledger(connection)).ok
    for change, broken in TAMPERED:
        transaction = connection.transaction()
        await transaction.start()
        assert not (await connection.execute(change)).endswith(" 0")
        assert await connection.fetch(INVARIANTS[broken]), change
        await transaction.rollback()
    await connection.close()


async def test_the_wallets_login_writes_rounds_by_functions_alone(casino: Any) -> None:
    player = await casino.player(10_000)
    await open_round(player)
    pool = casino.part(Ledger)._database.pool  # as the wallet's role
    for statement in (
        "UPDATE wallet.game_rounds SET due_at = now()",
        "INSERT INTO wallet.game_rounds SELECT * FROM wallet.game_rounds",
        "DELETE FROM wallet.game_round_steps",
        "INSERT INTO wallet.game_round_steps SELECT * FROM wallet.game_round_steps",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pool.execute(statement)
    assert await pool.fetchval("SELECT count(*) FROM wallet.game_rounds") == 1


async def test_a_game_that_the_rules_stop_admitting_begins_no_round_and_ends_what_it_began() -> None:
    control = GameControl([], RandomNumberGenerator(), load_definitions(RULES))
    assert set(control.round_games) == set(STARTS)
    (await control.readmit(RULES.model_copy(update={"rtp_minimum_basis_points": 9_700})))()
    assert "polar-drift" not in control.round_games and "squall" in control.round_games
    assert set(control.resumable) >= set(STARTS)

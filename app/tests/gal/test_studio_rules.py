"""What every aggregator expects of an operator, in both dialects, over HTTP."""

from __future__ import annotations

import asyncio
import json
import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from casino.gal.conformance.wire import Ask
from casino.gal.studio_model import Fault

BANDS = [{"min_age_years": 18, "stake_minor": 200}, {"min_age_years": 25, "stake_minor": 500}]


async def test_a_round_moves_money_as_it_goes(bench: Any) -> None:
    bet = bench.bet(300)
    assert await bench.ok(bet) == 700
    assert await bench.ok(bench.win(bet, 50, closes=False)) == 750
    assert await bench.ok(bench.win(bet, 500)) == 1_250 == await bench.balance()
    assert await bench.ok(bench.win(bet, 7)) == 1_257  # late: the round is over


async def test_ten_copies_at_one_moment_are_one_bet_with_one_answer(studio: Any) -> None:
    bet = studio.bet(100)
    heard = await asyncio.gather(*(studio.send(bet) for _ in range(10)))
    assert {(one.code, one.balance_minor) for one in heard} == {(studio.wire.codes[None], 900)}
    assert await studio.balance() == 900
    await studio.refused(Fault.TRANSACTION_REUSED, replace(bet, amount=101))
    await studio.refused(Fault.TRANSACTION_REUSED, studio.win(bet, 5, transaction_id=bet.transaction_id))


async def test_a_repeat_is_answered_as_before_in_a_session_that_has_run_out(studio: Any) -> None:
    bet = studio.bet(100)
    await studio.ok(bet)
    studio.casino.clock.forward(hours=30)
    assert await studio.ok(bet) == 900
    await studio.refused(Fault.SESSION_EXPIRED, studio.bet(100))
    await studio.refused(Fault.SESSION_EXPIRED, Ask("balance", token=studio.token))
    assert await studio.ok(studio.win(bet, 40)) == 940
    assert await studio.ok(studio.rollback(bet)) == 1_040


async def test_a_refused_bet_is_refused_the_same_way_again_and_says_the_balance(studio: Any) -> None:
    bet = studio.bet(1_001)
    assert (await studio.refused(Fault.FUNDS_INSUFFICIENT, bet)).balance_minor == 1_000
    await studio.player.deposit(500)
    assert (await studio.refused(Fault.FUNDS_INSUFFICIENT, bet)).balance_minor == 1_000
    assert await studio.ok(studio.rollback(bet)) == 1_500
    await studio.refused(Fault.TRANSACTION_UNKNOWN, studio.win(bet, 10))


async def test_a_rollback_of_what_never_came_buries_it(bench: Any) -> None:
    bet = bench.bet(100)
    rollback = bench.rollback(bet)
    assert await bench.ok(rollback) == 1_000
    assert await bench.ok(rollback) == 1_000
    assert await bench.ok(bench.rollback(bet)) == 1_000
    assert (await bench.refused(Fault.TRANSACTION_ROLLED_BACK, bet)).balance_minor == 1_000
    # Not even whose it was needs to be known.
    assert await bench.ok(bench.rollback(bench.bet(1), token=None, player=None)) is None


async def test_a_bet_and_its_rollback_at_one_moment_leave_the_balance_as_it_was(studio: Any) -> None:
    pairs = [(bet, studio.rollback(bet)) for bet in (studio.bet(10) for _ in range(12))]
    await asyncio.gather(*(studio.send(one) for pair in pairs for one in pair))
    assert await studio.balance() == 1_000
    for bet, rollback in pairs:
        await studio.ok(rollback)
        assert (await studio.send(bet)).code in (
            studio.wire.codes[None], studio.wire.codes[Fault.TRANSACTION_ROLLED_BACK]
        )  # fmt: skip
    assert await studio.balance() == 1_000


async def test_a_rollback_gives_back_a_settled_bet_and_takes_back_a_win(studio: Any) -> None:
    bet = studio.bet(400)
    win = studio.win(bet, 900)
    await studio.ok(bet)
    await studio.ok(win)
    spent = studio.bet(1_400)
    await studio.ok(spent)
    refused = await studio.refused(Fault.FUNDS_INSUFFICIENT, rollback := studio.rollback(win))
    assert refused.balance_minor == 100
    await studio.ok(studio.rollback(spent))
    assert await studio.ok(rollback) == 600  # the same one: what it lacked is there now
    assert await studio.ok(studio.rollback(bet)) == 1_000
    assert await studio.ok(rollback) == 600


async def test_a_win_needs_a_bet_that_stands(studio: Any) -> None:
    bet = studio.bet(100)
    win = studio.win(bet, 50)
    await studio.refused(Fault.TRANSACTION_UNKNOWN, win)
    await studio.ok(bet)
    assert await studio.ok(win) == 950
    other = studio.bet(100)
    await studio.ok(other)
    await studio.ok(studio.rollback(other))
    await studio.refused(Fault.TRANSACTION_UNKNOWN, studio.win(other, 50))


async def test_nobody_speaks_for_another_player(studio: Any) -> None:
    bet = studio.bet(100)
    await studio.ok(bet)
    other = await studio.casino.player(deposit=50)
    token, player, _ = await studio.session(other)
    await studio.refused(Fault.SESSION_UNKNOWN, studio.bet(1, player=player))
    await studio.refused(Fault.TRANSACTION_UNKNOWN, studio.win(bet, 99, token=token, player=player))
    await studio.refused(Fault.TRANSACTION_UNKNOWN, studio.rollback(bet, token=token, player=player))
    await studio.refused(Fault.SESSION_UNKNOWN, studio.bet(1, token="x" * 43))
    stranger = "lumen" if studio.studio == "northwind" else "northwind"
    elsewhere, _, _ = await studio.session(studio=stranger)
    await studio.refused(Fault.SESSION_UNKNOWN, studio.bet(1, token=elsewhere))
    # A win and a rollback may come without the session, by the player alone.
    assert await studio.ok(studio.win(bet, 30, token=None)) == 930


async def test_a_player_who_may_not_stake_is_refused_and_yet_paid(studio: Any, servers: Any, database: str) -> None:
    bet, open_ = studio.bet(100), studio.bet(50)
    await studio.ok(bet)
    await studio.ok(open_)
    await studio.sql(servers, database, "SELECT wallet.restrict($1, 'infinity', NULL)", studio.account)
    await studio.sql(
        servers, database, "UPDATE wallet.accounts SET status = 'frozen' WHERE account_id = $1", studio.account
    )
    assert (await studio.refused(Fault.PLAYER_DISABLED, studio.bet(10))).balance_minor == 850
    await studio.refused(Fault.PLAYER_DISABLED, studio.bet(0))
    assert await studio.ok(studio.win(bet, 75)) == 925
    assert await studio.ok(studio.rollback(open_)) == 975


@pytest.mark.parametrize("dialect", ["rsa_status", "hmac_actions"])
async def test_the_limit_of_the_players_age_holds_at_studios_too(open_studios: Any, dialect: str) -> None:
    bench = await open_studios(dialect, slot_max_stake=BANDS)
    assert (await bench.refused(Fault.LIMIT_REACHED, bench.bet(501))).balance_minor == 1_000
    assert await bench.ok(bench.bet(500)) == 500


async def test_a_game_must_be_enabled_approved_and_its_studio_too(studio: Any) -> None:
    repository, game = studio.studios.repository, f"{studio.studio}.golden-bay"
    bet = studio.bet(100)
    await studio.ok(bet)
    await repository.add_game("unapproved", studio.studio, "unapproved", "Unapproved")
    await studio.refused(Fault.GAME_UNKNOWN, studio.bet(1, game="unapproved"))
    await repository.enable_game(game, False)
    await studio.refused(Fault.GAME_UNKNOWN, studio.bet(1))
    await repository.enable_game(game, True)
    await repository.enable_studio(studio.studio, False)
    await studio.refused(Fault.GAME_UNKNOWN, studio.bet(1))
    assert await studio.ok(studio.win(bet, 100)) == 1_000


NONSENSE: list[dict[str, Any]] = [
    {"amount": -1}, {"amount": "1"}, {"amount": True}, {"amount": 1.5}, {"amount": 10**30}, {"amount": None},
    {"transaction_id": ""}, {"transaction_id": None}, {"transaction_id": "x" * 101}, {"transaction_id": 5},
    {"transaction_id": "a b"}, {"transaction_id": "\ud800"}, {"round_id": "\x00"}, {"closes": "yes"},
    {"token": ["x"]}, {"game": {}}, {"currency": None},
]  # fmt: skip


async def test_what_has_the_wrong_type_is_refused_and_leaves_nothing(bench: Any) -> None:
    for changes in NONSENSE:
        await bench.refused(Fault.TYPES_INVALID, bench.bet(**changes))
    bet = bench.bet()
    await bench.refused(Fault.TYPES_INVALID, bench.rollback(bet, transaction_id=bet.transaction_id))
    assert await bench.balance() == 1_000


async def test_a_wrong_currency_is_refused(bench: Any) -> None:
    bet = bench.bet(100)
    await bench.refused(Fault.CURRENCY_WRONG, replace(bet, currency="SEK"))
    await bench.ok(bet)
    await bench.refused(Fault.CURRENCY_WRONG, bench.win(bet, 5, currency="SEK"))


async def test_who_has_not_signed_is_told_nothing(bench: Any) -> None:
    for signature in ("wrong", "none"):
        heard = await bench.refused(Fault.SIGNATURE_INVALID, bench.bet(signature=signature))
        assert heard.balance_minor is None and "user" not in heard.body and "request_uuid" not in heard.body
    for body in (b"", b"{}", b"[" * 40_000, b"\xff"):
        assert (await bench.send(bench.bet(), body=body)).code == bench.wire.codes[Fault.SIGNATURE_INVALID]
    unknown = await bench.casino.http.post("/api/v1/studios/nobody/wallet", json={})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "STUDIO_UNKNOWN")


async def test_an_outage_is_said_in_the_dialect_and_the_repeat_is_taken(studio: Any, monkeypatch: Any) -> None:
    bet = studio.bet(100)
    play = studio.studios.play._play

    async def fail(*_: Any, **__: Any) -> Any:
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(play, "open_bet", fail)
        await studio.refused(Fault.TECHNICAL, bet)
    assert await studio.ok(bet) == 900


async def test_free_rounds_win_without_a_bet_and_run_out(bench: Any) -> None:
    launches, repository = bench.studios.launches, bench.studios.repository
    principal = await bench.principal(bench.player)
    grant_id = uuid.uuid4()
    now = bench.casino.clock.now()
    ends = now.replace(microsecond=0) + timedelta(days=1)
    given = {"grant_id": grant_id, "rounds": 2, "bet_minor": 20, "expires_at": ends}
    grant = await launches.grant(principal.player_id, principal.account_id, f"{bench.studio}.golden-bay", **given)
    assert grant.told_at is None  # nobody answers at the studio's address
    free = {"free_rounds": str(grant_id), "reference": None}
    win = bench.win(bench.bet(), 30, **free)
    await bench.refused(Fault.FREE_ROUNDS_UNKNOWN, win)
    await repository.free_rounds_told(grant_id, now)
    assert await bench.ok(win) == 1_030
    assert await bench.ok(bench.win(bench.bet(round_id=win.round_id), 5, **free)) == 1_035  # the same round
    assert (await bench.player.call("GET", "/games/free-rounds")).json()["free_rounds"][0]["rounds_left"] == 1
    # Some studios bet nothing first.
    bet = bench.bet(0, free_rounds=str(grant_id))
    assert await bench.ok(bet) == 1_035
    assert await bench.ok(bench.win(bet, 15, free_rounds=str(grant_id))) == 1_050
    await bench.refused(Fault.FREE_ROUNDS_UNKNOWN, third := bench.win(bench.bet(), 30, **free))
    await bench.ok(bench.rollback(win))
    # The round has another win that stands, so that it stays used.
    await bench.refused(Fault.FREE_ROUNDS_UNKNOWN, third)
    other = await bench.casino.player()
    token, player, _ = await bench.session(other)
    await bench.refused(Fault.FREE_ROUNDS_UNKNOWN, replace(third, token=token, player=player))
    bench.casino.clock.forward(days=3)
    await bench.refused(Fault.FREE_ROUNDS_UNKNOWN, bench.win(bench.bet(round_id=win.round_id), 1, **free))


async def test_several_actions_in_one_call_go_as_far_as_they_can(open_studios: Any) -> None:
    bench = await open_studios("hmac_actions")
    bet = bench.bet(100)
    heard = await bench.send(bet, bench.win(bet, 40, closes=False), bench.win(bet, 2))
    assert (heard.code, heard.balance_minor) == ("success", 942)
    assert [one["balance"] for one in heard.body["results"]] == [900, 940, 942]
    poor = bench.bet(5_000)
    heard = await bench.send(bench.bet(100), poor, bench.win(poor, 40))
    assert [one["status"] for one in heard.body["results"]] == ["success", "B_03"]
    assert await bench.balance() == 842
    for state in ({"state": "multi", "actions": []}, {"state": "multi", "actions": [{}] * 21}, {"state": "many"}):
        sent = bench.wire.send([bet], int(bench.casino.clock.now().timestamp()))
        assert await _signed(bench, json.loads(sent.body) | state) == "R_02"


async def test_an_amount_finer_than_a_minor_unit_is_refused(open_studios: Any) -> None:
    bench = await open_studios("rsa_status")
    bench.wire._exponent = 3  # the studio thinks in tenths of a penny
    await bench.refused(Fault.TYPES_INVALID, bench.bet(15))
    assert await bench.ok(bench.bet(1_000)) == 9_000  # in tenths: one pound of ten


async def _signed(bench: Any, fields: dict[str, Any]) -> str:
    import hashlib
    import hmac

    body = json.dumps(fields).encode()
    stamp = str(int(bench.casino.clock.now().timestamp()))
    signature = hmac.new(b"a secret that only two know", stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    answer = await bench.casino.http.post(
        f"{bench.url}/wallet", content=body, headers={"X-Timestamp": stamp, "X-Signature": signature}
    )
    found: str = answer.json()["code"]
    return found

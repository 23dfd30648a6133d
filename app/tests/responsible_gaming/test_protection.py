"""Protection of players over its interface: exclusion, limits, status, merge; and what a crash leaves is repaired."""

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from casino.compliance.api import RulesInForce
from casino.game_control.api import GameControl
from casino.kernel.events.outbox import event
from casino.pam.module import PlayerModule
from casino.responsible_gaming.module import ResponsibleGaming
from casino.responsible_gaming.protection import Decision
from casino.responsible_gaming.windows import PERIODS
from casino.wallet.api import Ledger, Wallet
from protection_bench import hear, id_of, parked, pool_of, staff
from protection_rules import make_rules


async def standing(casino: Any, player_id: uuid.UUID) -> tuple[Any, ...]:
    row = await pool_of(casino, "wallet").fetchrow(
        "SELECT status, barred_until IS NOT NULL, stake_cap FROM wallet.accounts"
        " WHERE player_id = $1 AND kind = 'player_cash'",
        player_id,
    )
    return tuple(row)


async def status(casino: Any, player_id: uuid.UUID) -> str:
    return str(await casino.part(PlayerModule).repository.status(player_id))


async def code(answer: Any) -> str:
    return str((await answer).json()["code"])


async def test_who_excludes_themselves_is_out_at_once_and_back_when_the_time_has_come(open_casino: Any) -> None:
    casino = await open_casino(self_exclusion_minimum_days=30, self_exclusion_return_hours=24)
    player = await casino.player(deposit=1_000)
    id_, consents = await id_of(player), casino.part(PlayerModule).consents
    await player.call(
        "POST", "/players/me/consents", {"subject": "marketing:email:casino", "granted": True, "version": "1"}
    )
    assert await consents.allows(id_, "email", "casino")
    assert await code(player.call("POST", "/players/me/self-exclusion", {"days": 29})) == "EXCLUSION_TOO_SHORT"
    assert (await player.call("POST", "/players/me/self-exclusion", {"days": 30})).status_code == 201
    assert (await player.call("GET", "/wallet")).status_code == 401
    assert await code(casino.login(player.email)) == "ACCOUNT_NOT_AVAILABLE"
    assert await standing(casino, id_) == ("open", True, None) and await status(casino, id_) == "self_excluded"
    assert not await consents.allows(id_, "email", "casino")

    support = await staff(casino, "support")
    back = f"/players/{id_}/exclusions/return"
    reason = {"reason": "asked by telephone"}
    assert await code(support.call("POST", back, reason)) == "RETURN_REFUSED"
    casino.clock.forward(days=30)
    support = await staff(casino, "support")
    await casino.part(ResponsibleGaming).protection.look_after()
    assert await code(casino.login(player.email)) == "ACCOUNT_NOT_AVAILABLE"  # it ends on request
    assert (await support.call("POST", back, reason)).status_code == 202
    casino.clock.forward(hours=23)
    assert await code(casino.login(player.email)) == "ACCOUNT_NOT_AVAILABLE"
    casino.clock.forward(hours=1)
    player.token = (await casino.login(player.email)).json()["token"]  # without a job in between
    assert await standing(casino, id_) == ("open", False, None)
    assert (await player.spin(20)).status_code == 200
    await hear(casino)
    assert not await parked(casino)


async def test_an_exclusion_that_was_cut_short_is_brought_to_its_end(casino: Any) -> None:
    player = await casino.player(deposit=500)
    id_, module = await id_of(player), casino.part(ResponsibleGaming)
    protect, exclude = module.bindings.protect, casino.part(PlayerModule).lifecycle.exclude

    async def away(*_: Any, **__: Any) -> Any:
        raise ConnectionError("away")

    module.protection._bindings.protect = away
    assert (await player.call("POST", "/players/me/self-exclusion", {"days": None})).status_code == 503
    assert (await standing(casino, id_))[1] is False  # the casino died here
    module.protection._bindings.protect = protect
    module.protection._lifecycle.exclude = away
    assert await module.protection.look_after() == 1
    assert (await standing(casino, id_))[1] is True and await status(casino, id_) == "active"  # and here
    assert await code(player.spin(20)) == "PLAY_BARRED"
    assert await code(player.deposit(100)) == "DEPOSIT_BARRED"
    module.protection._lifecycle.exclude = exclude
    await hear(casino)
    assert await status(casino, id_) == "self_excluded"
    assert (await player.call("GET", "/wallet")).status_code == 401
    assert await module.protection.look_after() == 0


async def test_a_time_out_bars_play_and_deposits_and_leaves_the_money(casino: Any) -> None:
    player = await casino.player(deposit=500)
    assert await code(player.call("POST", "/players/me/time-outs", {"days": 43})) == "TIME_OUT_TOO_LONG"
    assert (await player.call("POST", "/players/me/time-outs", {"days": 1})).status_code == 201
    assert await code(player.spin(20)) == "PLAY_BARRED" and await code(player.deposit(100)) == "DEPOSIT_BARRED"
    account = await casino.part(Wallet).account_of(await id_of(player))
    held = await casino.part(Ledger).open_hold(
        "withdrawal", _request(account), 500, part_of="all", expires_at=casino.clock.now() + timedelta(days=1),
        details={},
    )  # fmt: skip
    assert held.outcome == "opened"
    casino.clock.forward(days=1)
    assert await casino.part(ResponsibleGaming).protection.look_after() == 1
    assert (await player.deposit(100)).status_code == 201 and (await player.spin(20)).status_code == 200


def _request(account: int) -> Any:
    from casino.wallet.api import Request

    return Request(account, uuid.uuid4().hex, bytes(32))


async def test_a_loss_limit_stops_play_and_loosens_a_day_after_it_was_asked(
    open_casino: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    casino = await open_casino(limits=[{"kind": "loss", "period": "month", "maximum": 90_000}])
    control = casino.part(GameControl)
    play = control.play

    def lost(game: Any, stake_minor: int) -> Any:  # a lucky player would not come to the limit in any number of spins
        while (outcome := play(game, stake_minor)).win_minor:
            pass
        return outcome

    monkeypatch.setattr(control, "play", lost)
    player = await casino.player(deposit=5_000)
    id_ = await id_of(player)

    async def limit(value: int | None, kind: str = "loss", period: str = "day") -> Any:
        return await player.call("PUT", f"/players/me/limits/{kind}/{period}", {"value": value})

    assert (await limit(100)).json()["value"] == 100
    for _ in range(400):
        answer = await player.spin(20)
        if answer.status_code != 200:
            break
    assert answer.json()["code"] == "PLAY_LIMIT_REACHED"
    shown = (await player.call("GET", "/players/me/protection")).json()
    assert [(one["kind"], one["period"], one["value"]) for one in shown["binding"]] == [
        ("loss", "day", 100), ("loss", "month", 90_000)
    ]  # fmt: skip
    assert 80 < shown["binding"][0]["used"] <= 100
    assert (await limit(90_001, period="month")).json()["code"] == "LIMIT_ABOVE_MAXIMUM"
    assert (await limit(None)).json()["effective_at"] is not None
    assert await code(player.spin(20)) == "PLAY_LIMIT_REACHED"
    casino.clock.forward(hours=23, minutes=59)
    await casino.part(ResponsibleGaming).protection.look_after()
    player.token = (await casino.login(player.email)).json()["token"]
    assert await code(player.spin(20)) == "PLAY_LIMIT_REACHED"
    casino.clock.forward(minutes=1)
    await casino.part(ResponsibleGaming).protection.look_after()
    assert (await player.spin(20)).status_code == 200
    entries = (await player.call("GET", "/players/me/limits/history")).json()["entries"]
    assert [one["change"] for one in entries] == ["loosened", "loosening_asked", "tightened"]
    assert (await standing(casino, id_))[2] is not None  # the month's limit of the rules


async def test_a_looser_limit_waits_for_its_players_word_where_the_rules_say_so(open_casino: Any) -> None:
    casino = await open_casino(limit_loosening_confirmed=True, limit_loosening_hours=1)
    player = await casino.player()
    path = "/players/me/limits/deposit/week"
    await player.call("PUT", path, {"value": 100})
    await player.call("PUT", path, {"value": 300})
    assert await code(player.call("POST", f"{path}/confirmation")) == "LIMIT_NOT_WAITING"
    casino.clock.forward(minutes=61)
    player.token = (await casino.login(player.email)).json()["token"]
    assert await casino.part(ResponsibleGaming).protection.look_after() == 0
    assert await code(player.deposit(200)) == "DEPOSIT_LIMIT_REACHED"
    assert (await player.call("POST", f"{path}/confirmation")).json()["value"] == 300
    assert (await player.deposit(200)).status_code == 201
    assert await code(player.deposit(101)) == "DEPOSIT_LIMIT_REACHED"
    assert (await player.deposit(100)).status_code == 201


async def test_a_limit_that_is_required_comes_before_the_first_deposit(open_casino: Any) -> None:
    casino = await open_casino(limits=[{"kind": "deposit", "period": "month", "required": True, "maximum": 70_000}])
    player = await casino.player()
    assert await code(player.deposit(100)) == "LIMIT_REQUIRED"
    assert (await player.call("GET", "/players/me/protection")).json()["required"] == ["deposit/month"]
    assert (await player.call("PUT", "/players/me/limits/deposit/month", {"value": 5_000})).status_code == 200
    assert (await player.deposit(5_000)).status_code == 201
    assert await code(player.deposit(1)) == "DEPOSIT_LIMIT_REACHED"
    # Whoever answers the prompt of the registration has set it.
    answer = await casino.register(email="prompt@example.test", deposit_limit={"amount_minor": 300, "period": "month"})
    assert answer.status_code == 201, answer.text
    await hear(casino)
    other = await casino.player()
    other.token = (await casino.login("prompt@example.test")).json()["token"]
    assert await code(other.deposit(301)) == "DEPOSIT_LIMIT_REACHED"
    assert (await other.deposit(300)).status_code == 201


async def test_a_kind_of_limit_is_required_over_any_period(open_casino: Any) -> None:
    casino = await open_casino(limit_kinds_required=["loss", "session"])
    player = await casino.player()
    assert await code(player.deposit(100)) == "LIMIT_REQUIRED"
    assert (await player.call("PUT", "/players/me/limits/loss/week", {"value": 5_000})).status_code == 200
    assert (await player.call("GET", "/players/me/protection")).json()["required"] == ["session"]
    assert await code(player.deposit(100)) == "LIMIT_REQUIRED"
    assert (await player.call("PUT", "/players/me/limits/session/day", {"value": 120})).status_code == 200
    assert (await player.deposit(100)).status_code == 201


async def test_of_many_deposits_at_once_no_more_than_the_limit_begin(casino: Any) -> None:
    player = await casino.player()
    await player.call("PUT", "/players/me/limits/deposit/day", {"value": 1_000})
    answers = await asyncio.gather(*(player.deposit(300) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [403] * 5
    assert await player.balance() == 900
    key = "again"
    assert (await player.deposit(100, key=key)).status_code == 201
    assert (await player.deposit(100, key=key)).status_code == 201  # a repeat is answered, though nothing is left


@pytest.mark.parametrize(
    ("target", "expected"),
    [("suspended", ("frozen", True, None)), ("restricted", ("open", True, None)), ("closed", ("open", True, None))],
)
async def test_the_wallet_stands_by_a_status_before_staff_is_answered(
    casino: Any, target: str, expected: tuple[Any, ...]
) -> None:
    player = await casino.player(deposit=100)
    id_, compliance = await id_of(player), await staff(casino, "compliance")
    path, body = f"/players/{id_}/status", {"status": target, "reason": "a person decided"}
    assert await code((await staff(casino, "support")).call("PUT", path, body)) == "ROLE_MISSING"
    assert (await compliance.call("PUT", path, body)).status_code == 204
    assert await standing(casino, id_) == expected
    await hear(casino)  # the same once more, by its event
    assert await standing(casino, id_) == expected and not await parked(casino)
    if target != "closed":
        again = {"status": "active", "reason": "a person decided"}
        assert (await compliance.call("PUT", path, again)).status_code == 204
        await hear(casino)
        assert await standing(casino, id_) == ("open", False, None)


async def test_a_status_that_the_wallet_did_not_hear_is_told_by_its_event(casino: Any) -> None:
    player = await casino.player(deposit=100)
    id_, lifecycle = await id_of(player), casino.part(PlayerModule).lifecycle
    lifecycle._standings, standings = None, lifecycle._standings
    compliance = await staff(casino, "compliance")
    await compliance.call("PUT", f"/players/{id_}/status", {"status": "suspended", "reason": "a person decided"})
    assert await standing(casino, id_) == ("open", False, None)
    assert (await player.call("GET", "/wallet")).status_code == 401  # no session, so no bet
    lifecycle._standings = standings
    await hear(casino)
    assert await standing(casino, id_) == ("frozen", True, None)


async def test_merged_accounts_bring_their_money_and_what_bound_them(casino: Any) -> None:
    kept, gone = await casino.player(deposit=100), await casino.player(deposit=700)
    ids = await id_of(kept), await id_of(gone)
    await gone.call("PUT", "/players/me/limits/loss/day", {"value": 30})
    await kept.call("PUT", "/players/me/limits/loss/day", {"value": 50})
    account = await casino.part(Wallet).account_of(ids[1])
    ledger = casino.part(Ledger)
    held = {"part_of": "round", "expires_at": casino.clock.now() + timedelta(days=1), "details": {}}
    await ledger.open_hold("open_bet", _request(account), 20, **held)
    day = casino.clock.now().date()
    for player_id, seconds in zip(ids, (150, 300), strict=True):
        await pool_of(casino, "responsible_gaming").execute(
            "INSERT INTO responsible_gaming.session_time VALUES ($1, $2, $3)", player_id, day, seconds
        )
    compliance = await staff(casino, "compliance")
    merge = f"/players/{ids[0]}/merge", {"merged_player_id": str(ids[1]), "reason": "same person"}
    refused = await compliance.call("POST", *merge)
    assert refused.json()["code"] == "MERGE_BLOCKED" and "a bet is not over" in refused.json()["detail"]
    assert await status(casino, ids[1]) == "active"  # nothing was begun
    await ledger.resolve_holds("open_bet", _request(account), "released", part_of="round", details={})
    assert (await compliance.call("POST", *merge)).status_code == 204
    assert await kept.balance() == 800
    assert (await gone.call("GET", "/wallet")).status_code == 401
    for _ in range(2):
        await hear(casino)
        assert not await parked(casino)
    assert await kept.balance() == 800 and await standing(casino, ids[1]) == ("closed", True, 30)
    spent = await casino.part(ResponsibleGaming).presence.repository.times_since(list(ids), dict.fromkeys(PERIODS, day))
    assert spent == {ids[0]: {"day": 450, "week": 450, "month": 450}}
    assert await code(kept.spin(50)) == "PLAY_LIMIT_REACHED"
    assert (await kept.spin(20)).status_code == 200


async def test_staff_sees_and_tightens_and_shortens_nothing(casino: Any) -> None:
    player = await casino.player(deposit=500)
    id_ = await id_of(player)
    compliance, support, finance = [await staff(casino, role) for role in ("compliance", "support", "finance")]
    path = f"/players/{id_}"
    limit = {"value": 30, "reason": "affordability"}
    assert await code(support.call("PUT", f"{path}/limits/stake/day", limit)) == "ROLE_MISSING"
    assert (await compliance.call("PUT", f"{path}/limits/stake/day", limit)).status_code == 200
    assert (await player.spin(20)).status_code == 200 and await code(player.spin(20)) == "PLAY_LIMIT_REACHED"
    # A player's own looser limit does not lift it, and staff's own loosening waits.
    await player.call("PUT", "/players/me/limits/stake/day", {"value": 9_000})
    answer = await compliance.call("PUT", f"{path}/limits/stake/day", {"value": None, "reason": "explained"})
    assert answer.json()["value"] == 30 and answer.json()["effective_at"] is not None
    assert await code(player.spin(20)) == "PLAY_LIMIT_REACHED"
    exclusion = {"kind": "mandatory", "days": 10, "reason": "signs of harm"}
    assert await code(support.call("POST", f"{path}/exclusions", exclusion)) == "ROLE_MISSING"
    assert (await compliance.call("POST", f"{path}/exclusions", exclusion)).status_code == 201
    assert await status(casino, id_) == "self_excluded"
    assert await code(finance.call("GET", f"{path}/protection")) == "ROLE_MISSING"
    seen = (await support.call("GET", f"{path}/protection")).json()
    assert seen["excluded"] and seen["exclusions"][0]["reason"] == "signs of harm"
    assert {one["reason"] for one in seen["history"]} == {"affordability", "explained", "player"}
    assert await code(support.call("POST", f"{path}/exclusions/return", {"reason": "please"})) == "NOT_EXCLUDED"
    assert (await support.call("GET", f"/players/{uuid.uuid4()}/protection")).json()["code"] == "ACCOUNT_UNKNOWN"
    assert (await player.call("GET", f"/staff/players/{id_}/protection")).status_code == 401


async def test_of_exclusions_and_returns_at_once_the_exclusion_stays(open_casino: Any) -> None:
    casino = await open_casino(self_exclusion_minimum_days=1, self_exclusion_return_hours=0)
    player = await casino.player(deposit=100)
    id_, protection = await id_of(player), casino.part(ResponsibleGaming).protection
    by = Decision("player", id_, "player")
    await protection.exclude(id_, "self_exclusion", 1, by)
    casino.clock.forward(days=1)
    await asyncio.gather(
        protection.ask_to_return(id_),
        protection.exclude(id_, "mandatory", None, by),
        *(protection.bring_up_to_date(id_) for _ in range(4)),
        *(protection.apply(id_) for _ in range(4)),
    )
    assert await status(casino, id_) == "self_excluded" and (await standing(casino, id_))[1]
    pool = pool_of(casino, "responsible_gaming")
    for statement in (
        "UPDATE responsible_gaming.limit_history SET reason = 'another'",
        "DELETE FROM responsible_gaming.exclusions",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pool.execute(statement)


async def test_changed_rules_reach_who_is_there_already(casino: Any) -> None:
    player = await casino.player(deposit=500)
    id_, rules = await id_of(player), casino.part(RulesInForce)
    assert (await standing(casino, id_))[2] is None
    rules.current = make_rules(limits=[{"kind": "stake", "period": "day", "maximum": 30}])
    assert await casino.part(ResponsibleGaming).protection.look_after() == 1
    assert await standing(casino, id_) == ("open", False, 30)
    assert (await player.spin(20)).status_code == 200 and await code(player.spin(20)) == "PLAY_LIMIT_REACHED"
    rules.current = make_rules()
    assert await casino.part(ResponsibleGaming).protection.look_after() == 1
    assert (await player.spin(20)).status_code == 200


async def test_who_was_excluded_where_they_came_from_stays_so(casino: Any) -> None:
    player = await casino.player(deposit=500)
    id_, module = await id_of(player), casino.part(ResponsibleGaming)
    pool = pool_of(casino, "pam")
    await pool.execute("UPDATE pam.players SET status = 'self_excluded', status_reason = 'registered'")
    told = event("pam.player_registered", id_, casino.clock.now(), {"status": "self_excluded", "imported": True})
    await module.protection.bring_up_to_date(id_)
    assert await status(casino, id_) == "self_excluded"  # nobody but who excluded them lets them in
    for _ in range(2):
        await module.registered(None, told)
    assert await status(casino, id_) == "self_excluded" and (await standing(casino, id_))[1]
    exclusions = await module.protection.repository.exclusions(id_)
    assert [(one.kind, one.until, why) for one, why in exclusions] == [
        ("self_exclusion", None, "imported as self-excluded")
    ]

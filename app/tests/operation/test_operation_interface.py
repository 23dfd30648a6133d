"""What players, studios and staff are answered when the casino may do less, however late the process that answers knows
of it."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from casino.gal.api import LiveTable, LiveTables
from casino.gal.live.models import BetRequest
from casino.gal.live.service import Attempt
from casino.gal.studio_model import Fault
from casino.pam.api import Role
from casino.wallet.api import OperationInForce, Payments
from operation_records import ALL, moment, operate, record
from studio_bench import GAME, STUDIO_SETTINGS, open_bench

Tell = Callable[..., Awaitable[None]]


@pytest.fixture
async def tell(servers: Any, database: str) -> AsyncIterator[Tell]:
    """Another pod tells the ledger what is left: `tell("withdraw")`. The casino of the test does not hear of it."""
    connection = await asyncpg.connect(servers.uri(database))
    revision = 0

    async def next_(*acts: str, **changes: Any) -> None:
        nonlocal revision
        revision += 1
        assert (await operate(connection, record(revision, acts, **changes)))["outcome"] == "recorded"

    yield next_
    await connection.close()


def told(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


async def test_a_spin_is_refused_and_a_repeat_answered_as_before(casino: Any, tell: Tell) -> None:
    player = await casino.player(1_000)
    first = await player.spin(20, "first")
    assert first.status_code == 200
    await tell("withdraw")
    assert casino.part(OperationInForce).may("stake"), "what the process knows is old"
    refused = await player.spin(20, "second")
    assert told(refused) == (403, "PLAY_CLOSED")
    assert "regulator" not in refused.text and refused.json()["remedy"]
    assert (await player.spin(20, "first")).json() == first.json()
    await tell(*ALL)
    assert (await player.spin(20, "second")).status_code == 200, "a refusal leaves its key free"


async def test_a_deposit_is_refused_before_a_provider_hears_of_it(casino: Any, tell: Tell) -> None:
    player = await casino.player()
    first = await player.deposit(500, key="first")
    assert first.json()["status"] == "captured"
    await tell("withdraw", "stake")
    assert told(await player.deposit(500, key="second")) == (403, "DEPOSITS_CLOSED")
    assert (await player.deposit(500, key="first")).json() == first.json()
    body = {"amount_minor": 100, "method": "bank", "return_url": "https://casino.test/"}
    bank = await player.call("POST", "/payments/deposits", body, "third")
    assert bank.status_code == 422 or told(bank) == (403, "DEPOSITS_CLOSED")
    assert await player.balance() == 500
    assert (await player.spin(20)).status_code == 200, "it may still stake what it has"


async def test_nobody_registers_where_none_may_and_who_is_there_logs_in(casino: Any, tell: Tell) -> None:
    player = await casino.player(100)
    await tell("deposit", "stake", "withdraw")
    assert told(await casino.register()) == (403, "REGISTRATION_CLOSED")
    form = {"email": "new@example.test", "password": "correct horse battery", "date_of_birth": "1980-01-01"}
    page = await casino.http.post("/register", data=form)
    assert page.status_code == 403 and "No new accounts are opened" in page.text
    assert (await casino.login(player.email)).status_code == 201
    assert (await player.spin(20)).status_code == 200


async def test_a_round_of_several_steps_goes_on_by_steps_that_stake_nothing(casino: Any, tell: Tell) -> None:
    player = await casino.player(10_000)
    asked = {"stake_minor": 100, "choices": {}}
    begun = await player.call("POST", "/games/tidewater-poker/rounds", asked, "start")
    assert begun.status_code == 201, begun.text
    await tell("withdraw")
    assert (await player.call("POST", "/games/tidewater-poker/rounds", asked, "start")).json() == begun.json()
    action = {"step": begun.json()["step"], "action": "draw", "choices": {"hold": [1]}}
    drawn = await player.call("POST", f"/rounds/{begun.json()['round_id']}/actions", action, "draw")
    assert drawn.status_code == 200 and drawn.json()["status"] == "closed"
    another = await player.call("POST", "/games/tidewater-poker/rounds", asked, "another")
    assert told(another) == (403, "PLAY_CLOSED")
    fair = await player.call("POST", "/games/tidewater-poker/rounds", asked | {"provably_fair": True}, "fair")
    assert told(fair) == (403, "PLAY_CLOSED")


async def test_a_live_round_is_played_to_its_end_and_no_other_opened(casino: Any, tell: Tell) -> None:
    live = casino.part(LiveTables)
    table = LiveTable(table_id="t1", name="Wheel", bets_s=20, result_s=5)
    live._tables = {"t1": table}
    live._draw = lambda bound: 1 % bound
    player = await casino.player(1_000)
    account = await live._ledger._database.pool.fetchval(
        "SELECT account_id FROM wallet.accounts WHERE kind = 'player_cash' AND balance = 1000"
    )
    round_ = await live.advance("t1")

    async def bet(key: str) -> Any:
        body = BetRequest(round_id=round_.round_id, selection="red", stake_minor=100)
        return await live.bet("t1", Attempt(account, key, bytes(32), body, live.now()))

    first = await bet("first")
    await tell("withdraw")
    with pytest.raises(Exception, match="Play is closed"):
        await bet("second")
    assert (await bet("first")).bet_id == first.bet_id
    for _ in range(3):
        casino.clock.forward(seconds=25)
        ended = await live.advance("t1")
    assert ended.state == "settled" and await player.balance() == 1_100
    assert await live.advance("t1") is None
    await tell(*ALL)
    assert (await live.advance("t1")).state == "open"


@pytest.mark.parametrize("dialect", ["rsa_status", "hmac_actions"])
async def test_a_studio_is_told_that_play_is_closed_and_what_was_begun_is_taken(
    open_casino: Any, tell: Tell, hire: Any, dialect: str
) -> None:
    studio = await open_bench(await open_casino(STUDIO_SETTINGS), dialect)
    bet, open_ = studio.bet(100), studio.bet(50)
    assert (await studio.ok(bet), await studio.ok(open_)) == (900, 850)
    await tell("withdraw")
    assert (await studio.refused(Fault.PLAY_CLOSED, studio.bet(10))).balance_minor == 850
    await studio.refused(Fault.PLAY_CLOSED, studio.bet(0))
    assert await studio.ok(bet) == 900, "a repeat is answered as before"
    assert await studio.ok(studio.win(bet, 75)) == 925
    assert await studio.ok(studio.rollback(open_)) == 975
    launch = await studio.player.call("POST", f"/games/{studio.studio}.{GAME}/launch")
    assert told(launch) == (403, "PLAY_CLOSED")
    support = await hire(studio.casino, Role.SUPPORT)
    ends = (studio.casino.clock.now() + timedelta(days=1)).replace(microsecond=0)
    grant = {
        "grant_id": str(uuid.uuid4()), "game_id": f"{studio.studio}.{GAME}", "rounds": 3, "bet_minor": 20,
        "expires_at": ends.isoformat(),
    }  # fmt: skip
    granted = await support.call("POST", f"/players/{studio.player_id}/free-rounds", grant)
    assert told(granted) == (403, "PLAY_CLOSED")
    await tell(*ALL)
    assert await studio.ok(studio.bet(10)) == 965


async def test_a_withdrawal_is_refused_and_one_that_is_held_stays_held_until_it_may_be_paid(
    open_casino: Any, tell: Tell
) -> None:
    setting = {"auto_approve_below_minor": 10_000, "checks": {"new_instrument_hours": 0, "velocity_count": 100}}
    casino = await open_casino({"CASINO_PAYMENTS": json.dumps(setting)})
    player = await casino.player(1_000)
    payments = casino.part(Payments)

    async def withdraw(amount: int, key: str) -> Any:
        [card] = (await player.call("GET", "/payments/instruments")).json()["instruments"]
        body = {"amount_minor": amount, "instrument_id": card["instrument_id"]}
        return await player.call("POST", "/withdrawals", body, key)

    held = await withdraw(400, "held")
    [waiting] = held.json()["withdrawals"]
    assert waiting["state"] == "pending_review"
    await tell()
    assert told(await withdraw(100, "refused")) == (403, "WITHDRAWALS_CLOSED")
    assert (await withdraw(400, "held")).json() == held.json(), "a repeat is answered as before"
    approved = await payments.withdrawals.approve(uuid.UUID(waiting["payment_id"]), "staff:ann", "all is well")
    assert (approved.state, approved.held) == ("approved", 400)
    casino.clock.forward(minutes=1)
    for _ in range(2):
        await payments.resolve()
    approved, attempt = await payments.found(approved.payment_id, approved.account_id)
    assert (approved.state, approved.held, attempt) == ("approved", 400, None), "no provider was asked"
    assert await player.balance() == 600
    await tell("withdraw")
    await payments.resolve()
    assert (await payments.get(approved.payment_id)).state == "paid"
    assert (await withdraw(100, "refused")).status_code == 201, "a refusal leaves its key free"


async def test_money_that_a_provider_has_taken_is_credited_and_what_it_was_not_asked_for_is_not_asked_for(
    casino: Any, tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    player, payments = await casino.player(), casino.part(Payments)
    flow = payments.flow

    async def lost(payment_id: Any, answer: Any) -> Any:
        raise ConnectionError("died with the answer in its hand")

    async def nothing(payment_id: Any) -> None:
        """Died before it asked."""

    with monkeypatch.context() as dying:
        dying.setattr(flow, "hear", lost)
        assert (await player.deposit(300, key="asked")).status_code == 503
    with monkeypatch.context() as dying:
        dying.setattr(flow, "carry", nothing)
        assert (await player.deposit(200, key="unasked")).json()["status"] == "pending"
    await tell("withdraw")
    casino.clock.forward(minutes=1)
    await payments.resolve()
    assert (await player.deposit(300, key="asked")).json()["status"] == "captured"
    declined = (await player.deposit(200, key="unasked")).json()
    assert (declined["status"], declined["decline_code"]) == ("declined", "casino_closed")
    assert await player.balance() == 300


async def test_everybody_is_told_what_is_open_and_players_no_reason(casino: Any, tell: Tell, hire: Any) -> None:
    path = "/api/v1/operation"
    assert (await casino.http.get(path)).json() == dict.fromkeys(ALL, True)
    page = (await casino.http.get("/")).text
    assert 'data-testid="closed"' not in page and 'data-testid="register-form"' in page
    await tell("withdraw", reason="The regulator has suspended the licence.")
    await casino.part(OperationInForce).look()
    assert (await casino.http.get(path)).json() == dict.fromkeys(ALL, False) | {"withdraw": True}
    page = (await casino.http.get("/")).text
    assert "Play is closed at present, and no deposits are taken." in page and "you can withdraw it" in page
    assert 'data-testid="register-form"' not in page and "regulator has" not in page
    await tell()
    await casino.part(OperationInForce).look()
    assert "you can withdraw it" not in (await casino.http.get("/")).text

    compliance = await hire(casino, Role.COMPLIANCE)
    shown = (await compliance.call("GET", "/operation")).json()
    assert [one["revision"] for one in shown["records"]] == [2, 1] and shown["in_force"] == shown["records"][0]
    assert "suspended the licence" in shown["records"][1]["reason"] and shown["warning"] is None
    admin = await hire(casino, Role.ADMIN)
    assert told(await admin.call("GET", "/operation")) == (403, "ROLE_MISSING")
    assert told(await casino.http.get("/api/v1/staff/operation"))[0] == 401


async def test_a_casino_that_cannot_read_its_file_answers_repeats_and_does_nothing_new(
    open_casino: Any, tmp_path: Path
) -> None:
    open_ = await open_casino()
    before = await open_.player(1_000)
    spun, deposited = await before.spin(20, "first"), await before.deposit(100, key="first")
    asked = {"stake_minor": 100, "choices": {}}
    begun = await before.call("POST", "/games/tidewater-poker/rounds", asked, "start")
    broken = tmp_path / "operation.json"
    broken.write_text("{")
    casino = await open_casino({"CASINO_OPERATION": str(broken)})
    player = type(before)(casino, before.token, before.email)
    assert (await player.spin(20, "first")).json() == spun.json()
    assert (await player.deposit(100, key="first")).json()["deposit_id"] == deposited.json()["deposit_id"]
    assert (await player.call("POST", "/games/tidewater-poker/rounds", asked, "start")).json() == begun.json()
    assert told(await player.spin(20, "second")) == (403, "PLAY_CLOSED")
    assert told(await player.deposit(100, key="second")) == (403, "DEPOSITS_CLOSED")
    assert told(await casino.register()) == (403, "REGISTRATION_CLOSED")
    action = {"step": begun.json()["step"], "action": "draw", "choices": {"hold": []}}
    drawn = await player.call("POST", f"/rounds/{begun.json()['round_id']}/actions", action, "draw")
    assert drawn.status_code == 200
    assert told(await player.call("POST", "/games/tidewater-poker/rounds", asked, "other")) == (403, "PLAY_CLOSED")
    held = await casino.part(LiveTables)._ledger.open_hold(
        "open_bet", _request(await _account(casino)), 10, part_of="r", expires_at=casino.clock.now(), details={}
    )
    assert held.outcome == "casino_closed"
    ready = (await casino.http.get("/readyz")).json()
    assert ready["ready"] and "this process is closed" in ready["warnings"]["operation"]
    assert (await before.spin(20, "third")).status_code == 200, "the process that could read is open"


async def _account(casino: Any) -> int:
    found: int = await casino.part(LiveTables)._ledger._database.pool.fetchval(
        "SELECT max(account_id) FROM wallet.accounts WHERE kind = 'player_cash'"
    )
    return found


def _request(account: int) -> Any:
    from casino.wallet.api import Request

    return Request(account, secrets.token_hex(4), bytes(32))


async def test_the_file_is_in_force_before_the_first_answer(open_casino: Any, tmp_path: Path) -> None:
    path = tmp_path / "operation.json"
    path.write_text(json.dumps(record(4, ("register", "stake"), play_until=moment(hours=-1))))
    casino = await open_casino({"CASINO_OPERATION": str(path)}, kind="all")
    assert told(await casino.register()) == (403, "REGISTRATION_CLOSED")
    shown = (await casino.http.get("/metrics")).text
    assert "casino_operation_revision 4.0" in shown and "casino_operation_refused 0.0" in shown
    assert "operation" not in (await casino.http.get("/readyz")).json()["warnings"]


def test_the_command_tells_every_record_and_when_it_came(
    casino_process_environment: dict[str, str], servers: Any, database: str
) -> None:
    import asyncio

    def show(*more: str) -> str:
        command = [sys.executable, "-m", "casino", "operation", "show", *more]
        done = subprocess.run(command, env=casino_process_environment, capture_output=True, text=True, check=True)
        return done.stdout

    assert show() == "no record was ever given: everything is allowed\n"
    assert json.loads(show("--json")) == {"in_force": None, "records": []}

    async def both() -> None:
        connection = await asyncpg.connect(servers.uri(database))
        await operate(connection, record(1))
        await operate(connection, record(2, ("withdraw",), play_until="2027-05-01T22:00:00Z"))
        await connection.close()

    asyncio.run(both())
    found = json.loads(show("--json"))
    assert [one["revision"] for one in found["records"]] == [2, 1] and found["in_force"]["acts"] == ["withdraw"]
    assert found["in_force"]["play_until"] == "2027-05-01T22:00:00Z" and found["in_force"]["recorded_at"].endswith("Z")
    lines = show().splitlines()
    assert len(lines) == 2 and "Suspended: withdraw, stakes until 2027-05-01T22:00:00Z (The regulator" in lines[0]

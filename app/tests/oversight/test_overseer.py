"""What is decided about a game is kept, applied in every process, and undone by two people alone."""

from __future__ import annotations

import asyncio
import json
import secrets
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from casino.game_control.api import GameControl, Overseer, Verification
from casino.game_control.manifest import Fault
from casino.game_control.overseer import SameActor, SwitchRequestUnknown
from casino.game_control.rounds import ActionInvalid
from casino.kernel.errors import ConfigurationError
from casino.pam.api import Role

GAME = "harbour-lights"
REASON = {"reason": "the laboratory asked for it"}


@pytest.fixture(autouse=True)
async def as_before(casino: Any) -> Any:
    """The games are one object for the whole session: nothing that a test decides may outlast it."""
    yield
    control = casino.part(GameControl)
    control.apply(Verification({}, ()))
    control._signatures = None


async def listed(member: Any) -> dict[str, Any]:
    answer = await member.call("GET", "/games")
    assert answer.status_code == 200, answer.text
    return {one["game_id"]: one for one in answer.json()["games"]}


async def offered(casino: Any) -> list[str]:
    return [one["game_id"] for one in (await casino.http.get("/api/v1/games")).json()["games"]]


async def test_one_switches_a_game_off_and_two_switch_it_on(casino: Any, hire: Any) -> None:
    ann, ben, sue = [await hire(casino, role) for role in (Role.COMPLIANCE, Role.COMPLIANCE, Role.SUPPORT)]
    player = await casino.player(1_000)
    assert (await player.spin(10)).status_code == 200
    answer = await sue.call("POST", f"/games/{GAME}/disable", REASON)
    assert (answer.status_code, answer.json()["refusals"]) == (200, ["disabled_by_operator"])
    assert GAME not in await offered(casino)
    assert (await player.spin(10)).json()["code"] == "GAME_UNKNOWN"
    assert (await sue.call("POST", f"/games/{GAME}/enable", REASON)).json()["code"] == "ROLE_MISSING"
    asked = await ann.call("POST", f"/games/{GAME}/enable", {"reason": "mended"})
    assert asked.status_code == 202 and GAME not in await offered(casino)
    approval = f"/games/{GAME}/enable/{asked.json()['request_id']}/approval"
    assert (await ann.call("POST", approval)).json()["code"] == "SECOND_PERSON_REQUIRED"
    assert (await sue.call("POST", approval)).json()["code"] == "ROLE_MISSING"
    other = approval.replace(GAME, "squall")
    assert (await ben.call("POST", other)).json()["code"] == "SWITCH_REQUEST_UNKNOWN"
    assert (await ben.call("POST", approval)).json()["offered"] is True
    assert (await ben.call("POST", approval)).json()["code"] == "SWITCH_REQUEST_UNKNOWN"
    assert (await player.spin(10)).status_code == 200
    history = (await ann.call("GET", f"/games/{GAME}/switches")).json()["switches"]
    assert [(one["enabled"], one["reason"]) for one in history] == [(True, "mended"), (False, REASON["reason"])]
    assert history[0]["actor"] != history[0]["second_actor"] and history[1]["second_actor"] is None


async def test_a_request_is_not_kept_for_ever(casino: Any) -> None:
    overseer = casino.part(Overseer)
    await overseer.disable(GAME, None, "an incident", "console:ann")
    request = await overseer.request(await overseer.ask_to_enable(GAME, None, "mended", "console:ann"))
    with pytest.raises(SameActor):
        await overseer.grant(request, "console:ann")
    casino.clock.forward(hours=25)
    with pytest.raises(SwitchRequestUnknown):
        await overseer.request(request.request_id)
    await overseer.enable(GAME, None, "mended", "console:ann", "console:ben")
    assert overseer.state(GAME).decision.playable


@pytest.mark.parametrize(("path", "body", "code"), [
    ("/games/no-such-game/disable", REASON, "GAME_NOT_KNOWN"),
    ("/games/no-such-game/enable", REASON, "GAME_NOT_KNOWN"),
    (f"/games/{GAME}/disable", {}, "REQUEST_INVALID"),
    (f"/games/{GAME}/disable", {"reason": ""}, "REQUEST_INVALID"),
    (f"/games/{GAME}/disable", REASON | {"version": "latest"}, "REQUEST_INVALID"),
    ("/games/verification", None, "VERIFICATION_NOT_SET"),
])  # fmt: skip
async def test_what_makes_no_sense_is_refused(casino: Any, hire: Any, path: str, body: Any, code: str) -> None:
    answer = await (await hire(casino, Role.COMPLIANCE)).call("POST", path, body)
    assert answer.json()["code"] == code, answer.text


async def test_a_players_session_opens_nothing_of_staff(casino: Any) -> None:
    player = await casino.player()
    for method, path in (("GET", "/staff/games"), ("POST", f"/staff/games/{GAME}/disable"),
                         ("GET", f"/staff/games/{GAME}/drift"), ("GET", "/staff/reports/daily")):  # fmt: skip
        assert (await player.call(method, path, REASON if method == "POST" else None)).status_code == 401


async def test_another_process_follows_within_one_look(open_casino: Any, casino: Any) -> None:
    """Two processes of one casino have one control in these tests; what the second one knows is asked of its own."""
    other = await open_casino()
    await casino.part(Overseer).disable(GAME, "1.0.0", "an incident", "console:ann")
    other.part(GameControl).oversee(type(other.part(GameControl)._oversight)())  # as it was before
    assert GAME in await offered(other)
    await other.part(Overseer).look()
    assert GAME not in await offered(other)


async def test_a_process_that_starts_knows_what_was_decided_before(open_casino: Any, casino: Any) -> None:
    await casino.part(Overseer).disable(GAME, None, "an incident", "console:ann")
    casino.part(GameControl).oversee(type(casino.part(GameControl)._oversight)())
    assert GAME not in await offered(await open_casino())


async def test_a_round_under_way_ends_though_its_game_is_switched_off(casino: Any) -> None:
    control, overseer = casino.part(GameControl), casino.part(Overseer)
    state = control.start("lantern-blackjack", 100, {})
    while state.closed:
        state = control.start("lantern-blackjack", 100, {})
    await overseer.disable("lantern-blackjack", None, "an incident", "console:ann")
    with pytest.raises(KeyError):
        control.start("lantern-blackjack", 100, {})
    while not state.closed:
        state = control.act(state, {"action": "stand" if "stand" in state.actions else state.actions[0]})
    with pytest.raises(ActionInvalid):
        control.act(state, {"action": "stand"})
    # Software that was altered decides nothing any more, not even an end.
    control.apply(Verification({}, (Fault("lantern-blackjack", "engines/blackjack.py", "changed"),)))
    with pytest.raises(KeyError):
        control.act(state, {"action": "stand"})


def approved(casino: Any, *games: tuple[str, str | None], **dates: Any) -> bytes:
    today = casino.clock.now().date()
    entries = [{"game_id": game, "version": "1.0.0", "signature": signature,
                "valid_from": str(today - timedelta(days=1))} | dates for game, signature in games]  # fmt: skip
    return json.dumps({"source": "Test Commission, register", "games": entries}).encode()


async def test_a_list_approves_what_is_on_it_by_its_signature_and_until_its_day(casino: Any, hire: Any) -> None:
    overseer, ann = casino.part(Overseer), await hire(casino, Role.COMPLIANCE)
    signature = (await listed(ann))[GAME]["signature"]
    assert len(signature) == 64
    assert await overseer.take_over(approved(casino, (GAME, signature), ("squall", "0" * 64)), "console:ann") == 2
    found = await listed(ann)
    assert found[GAME]["offered"] and found["squall"]["refusals"] == ["approved_with_another_signature"]
    assert found["signal-dice"]["refusals"] == ["not_on_the_approved_list"]
    until = casino.clock.now().date() + timedelta(days=3)
    await overseer.take_over(approved(casino, (GAME, None), valid_until=str(until)), "console:ann")
    assert GAME in await offered(casino)
    casino.clock.forward(days=5)
    await overseer.look()
    assert GAME not in await offered(casino)
    assert overseer.state(GAME).decision.refusals == ("approval_expired",)
    assert (await casino.http.get("/readyz")).status_code == 200, "who has money here is served all the same"


async def test_a_jurisdiction_that_keeps_a_list_has_approved_nothing_until_it_is_there(open_casino: Any) -> None:
    casino = await open_casino(approved_games_required=True)
    assert await offered(casino) == []
    await casino.part(Overseer).take_over(approved(casino, (GAME, None)), "console:ann")
    assert await offered(casino) == [GAME]


@pytest.mark.parametrize(("text", "fault"), [
    (b"{", "no JSON"),
    (b'{"source": "x"}', "games"),
    (b'{"source": "x", "games": [{"game_id": "a-b", "version": "1", "valid_from": "2026-01-01"}]}', "version"),
    (b'{"source": "x", "games": [{"game_id": "a-b", "version": "1.0.0", "valid_from": "2026-01-02",'
     b' "valid_until": "2026-01-01"}]}', "end before they begin: a-b"),
    (b" " * (1 << 22) + b"{}", "bytes"),
])  # fmt: skip
async def test_half_a_list_is_none(casino: Any, text: bytes, fault: str) -> None:
    with pytest.raises(ConfigurationError, match=fault):
        await casino.part(Overseer).take_over(text, "console:ann")
    assert GAME in await offered(casino)


async def test_what_was_decided_is_not_rewritten_and_is_told_of(casino: Any, servers: Any, database: str) -> None:
    overseer = casino.part(Overseer)
    await overseer.disable(GAME, None, "an incident", "console:ann")
    await overseer.enable(GAME, None, "mended", "console:ann", "console:ben")
    pool = overseer.repository.pool
    for statement in (
        "DELETE FROM game_control.switches", "UPDATE game_control.switches SET enabled = true",
        "UPDATE game_control.approved_games SET version = '2.0.0'", "DELETE FROM game_control.verifications",
    ):  # fmt: skip
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pool.execute(statement)
    for second in ("NULL", "'console:ann'"):
        with pytest.raises(asyncpg.CheckViolationError):
            await pool.execute(
                "INSERT INTO game_control.switches (switch_id, game_id, enabled, reason, actor, second_actor, set_at)"
                f" VALUES (gen_random_uuid(), 'x', true, 'r', 'console:ann', {second}, now())"
            )
    told = await pool.fetch("SELECT type, payload FROM game_control.outbox ORDER BY position")
    assert [row["type"] for row in told] == ["game_control.game_disabled", "game_control.game_enabled"]
    assert json.loads(told[1]["payload"])["second_actor"] == "console:ben"


class Verifier:
    """A verification whose findings a test sets."""

    def __init__(self) -> None:
        self.found, self.last, self.runs, self.is_due = Verification({}, ()), None, 0, False
        self.on_result: Any = None

    def run(self) -> Verification:
        self.runs += 1
        self.last = self.found  # type: ignore[assignment]
        self.on_result(self.found)
        return self.found

    def due(self) -> bool:
        return self.is_due


async def test_a_verification_that_somebody_asks_for_runs_in_every_process_and_daily_by_itself(
    casino: Any, hire: Any, monkeypatch: Any
) -> None:
    ann, overseer, control = await hire(casino, Role.COMPLIANCE), casino.part(Overseer), casino.part(GameControl)
    verifier = Verifier()
    verifier.on_result = control.apply
    monkeypatch.setattr(control, "verification", verifier)
    await overseer.look()
    assert verifier.runs == 0
    verifier.found = Verification({GAME: "a" * 64}, (Fault(GAME, "slot.py", "changed"),))
    answer = await ann.call("POST", "/games/verification")
    assert answer.json() == {
        "ok": False, "disabled": [GAME], "faults": [{"component": GAME, "path": "slot.py", "kind": "changed"}],
    }  # fmt: skip
    assert (await listed(ann))[GAME]["refusals"] == ["software_verification_failed"]
    await overseer.look()
    assert verifier.runs == 1, "this process has answered already"
    verifier.found = Verification({}, ())
    await overseer.ask_verification("console:ben")  # elsewhere
    await overseer.look()
    assert verifier.runs == 2 and GAME in await offered(casino)
    verifier.is_due = True
    await overseer.look()
    kept = await overseer.repository.pool.fetch("SELECT occasion, ok FROM game_control.verifications ORDER BY 1, 2")
    assert [tuple(row) for row in kept] == [("daily", True), ("demand", False), ("demand", True)]
    types = await overseer.repository.pool.fetch("SELECT type FROM game_control.outbox")
    assert [row["type"] for row in types] == ["game_control.verification_failed"]


async def test_switches_that_are_set_at_one_moment_have_one_order(casino: Any) -> None:
    overseer = casino.part(Overseer)
    acts = [
        overseer.disable(GAME, None, f"r{n}", "console:ann")
        if n % 2
        else overseer.enable(GAME, None, f"r{n}", "console:ann", "console:ben")
        for n in range(8)
    ]
    await asyncio.gather(*acts)
    await overseer.look()
    last = (await overseer.repository.history(GAME, 1))[0]
    assert overseer.state(GAME).decision.playable is last.enabled


def test_the_console_lists_switches_and_approves(
    casino_process_environment: dict[str, str], monkeypatch: Any, capsys: Any, tmp_path: Any
) -> None:
    from casino.__main__ import main

    for name, value in casino_process_environment.items():
        monkeypatch.setenv(name, value)

    def command(*arguments: str) -> Any:
        capsys.readouterr()
        code = main(["games", *arguments, "--json"])
        told = capsys.readouterr()
        return (code, json.loads(told.out)) if code == 0 else (code, told.err)

    def state() -> Any:
        return {one["game_id"]: one["refusals"] for one in command("list")[1]}

    assert command("disable", GAME, "--reason", "an incident", "--by", "ann")[1]["offered"] is False
    on = ("enable", GAME, "--reason", "mended", "--by", "ann", "--agreed-by")
    code, told = command(*on, "ann")
    assert code == 2 and "does not agree to it as well" in told
    assert command(*on, "ben")[1]["offered"] is True
    file = tmp_path / "approved.json"
    file.write_text(json.dumps({"source": secrets.token_hex(4), "games": []}))
    assert command("approve", str(file), "--by", "ann") == (0, {"approved": 0})
    assert state()[GAME] == ["not_on_the_approved_list"]
    assert command("ask-verification", "--by", "ann") == (0, {"request": 1})

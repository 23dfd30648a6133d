"""Who waits for their identity to be verified plays once staff has judged it, and by no other way."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import uuid
from typing import Any

import pytest
from casino.pam import totp
from casino.pam.four_eyes import Role
from casino.pam.identity_verification import IdentityNotAwaited, IdentityUnverified, Method, Result, Verification
from casino.pam.module import PlayerModule
from casino.pam.status import Actor, Status, TransitionRefused
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

PASSED = {"result": "verified", "method": "document", "reference": "case/2026-117", "reason": "passport seen"}
FAILED = PASSED | {"result": "failed", "reason": "the picture is another person's"}
STAFF_PASSWORD = "a staff password"


async def staff_token(casino: Any, role: Role = Role.COMPLIANCE) -> tuple[uuid.UUID, str]:
    email = f"{uuid.uuid4().hex}@example.test"
    staff_id, set_up = await casino.part(PlayerModule).staff.add(email, "Kim", STAFF_PASSWORD, role)
    code = totp.code_at(base64.b32decode(set_up.secret), int(casino.clock.now().timestamp()) // 30)
    body = {"email": email, "password": STAFF_PASSWORD, "code": code}
    answer = await casino.http.post("/api/v1/staff/sessions", json=body)
    return staff_id, answer.json()["token"]


async def judge(casino: Any, token: str, player_id: uuid.UUID, body: dict[str, Any]) -> Any:
    path = f"/api/v1/staff/players/{player_id}/identity-verification"
    return await casino.http.post(path, json=body, headers={"Authorization": f"Bearer {token}"})


async def profile(player: Any) -> tuple[uuid.UUID, str, bool]:
    found = (await player.call("GET", "/players/me")).json()
    return uuid.UUID(found["player_id"]), found["status"], found["awaits_verification"]


async def history(casino: Any) -> list[tuple[Any, ...]]:
    rows = await casino.part(PlayerModule).repository.pool.fetch(
        "SELECT origin, target, actor, actor_id, reason FROM pam.status_history ORDER BY changed_at"
    )
    return [tuple(row) for row in rows]


async def test_who_waits_sees_it_and_plays_in_the_same_session_once_verified(open_casino: Any) -> None:
    casino = await open_casino(verification_required=True)
    player = await casino.player()
    staff_id, token = await staff_token(casino)
    id_, status, waits = await profile(player)
    assert (status, waits) == ("pending_verification", True)
    refused = await player.deposit(500)
    assert (refused.status_code, refused.json()["code"]) == (403, "ACCOUNT_MAY_NOT_PLAY")

    answer = await judge(casino, token, id_, FAILED)
    assert (answer.status_code, answer.json()["status"]) == (201, "pending_verification")
    assert (await player.deposit(500)).status_code == 403
    casino.clock.forward(seconds=1)
    answer = await judge(casino, token, id_, PASSED)
    assert answer.json() == {"player_id": str(id_), "status": "active"}
    assert [(await player.deposit(500)).status_code, (await player.spin(20)).status_code] == [201, 200]
    assert (await profile(player))[1:] == ("active", False)

    note = "identity {} by document [case/2026-117]: {}"
    assert await history(casino) == [
        ("pending_verification", "pending_verification", "staff", staff_id, note.format("failed", FAILED["reason"])),
        ("pending_verification", "active", "staff", staff_id, note.format("verified", PASSED["reason"])),
    ]
    pool = casino.part(PlayerModule).repository.pool
    events = await pool.fetch("SELECT payload FROM pam.outbox WHERE type = 'pam.identity_judged' ORDER BY position")
    assert [json.loads(row["payload"]) for row in events] == [
        {"result": result, "method": "document", "reference": "case/2026-117", "judged_by": str(staff_id)}
        for result in ("failed", "verified")
    ]
    again = await judge(casino, token, id_, PASSED)
    assert (again.status_code, again.json()["code"]) == (409, "IDENTITY_NOT_AWAITED")


async def test_only_compliance_judges_and_only_of_players_there_are(open_casino: Any) -> None:
    casino = await open_casino(verification_required=True)
    player = await casino.player()
    id_, _, _ = await profile(player)
    for role in (Role.SUPPORT, Role.FINANCE, Role.ADMIN):
        _, token = await staff_token(casino, role)
        assert (await judge(casino, token, id_, PASSED)).json()["code"] == "ROLE_MISSING"
    assert (await judge(casino, player.token, id_, PASSED)).status_code == 401
    _, token = await staff_token(casino)
    assert (await judge(casino, token, uuid.uuid4(), PASSED)).json()["code"] == "PLAYER_UNKNOWN"
    for fault in ({"result": "maybe"}, {"method": "a feeling"}, {"reference": "Ada Byron"}, {"reason": "x" * 91}):
        assert (await judge(casino, token, id_, PASSED | fault)).status_code == 422
    assert await history(casino) == []


async def test_no_other_step_makes_active_who_was_never_verified(open_casino: Any) -> None:
    casino = await open_casino(verification_required=True)
    player = await casino.player()
    id_, _, _ = await profile(player)
    life, staff_id = casino.part(PlayerModule).lifecycle, uuid.uuid4()
    found = Verification.model_validate(PASSED)

    async def step(target: Status) -> None:
        casino.clock.forward(seconds=1)
        await life.change(id_, target, Actor.STAFF, "by hand", staff_id)

    with pytest.raises(IdentityUnverified):
        await step(Status.ACTIVE)
    await step(Status.RESTRICTED)
    with pytest.raises(IdentityUnverified):
        await step(Status.ACTIVE)
    await step(Status.SUSPENDED)
    with pytest.raises(IdentityUnverified):
        await step(Status.ACTIVE)
    with pytest.raises(IdentityNotAwaited):  # it was suspended for a reason of its own
        await life.judge_identity(id_, found, staff_id)
    await life.exclude(id_)
    with pytest.raises(TransitionRefused):
        await step(Status.ACTIVE)
    casino.clock.forward(seconds=1)
    await life.readmit(id_)
    assert await life.status_of(id_) is Status.RESTRICTED and await life.awaits_verification(id_)
    casino.clock.forward(seconds=1)
    assert await life.judge_identity(id_, found, staff_id) is Status.ACTIVE
    await step(Status.RESTRICTED)
    await step(Status.ACTIVE)  # who was verified once is not asked again


async def test_who_registered_where_nobody_has_to_be_verified_waits_for_nothing(casino: Any) -> None:
    player = await casino.player()
    id_, status, waits = await profile(player)
    assert (status, waits) == ("active", False)
    life = casino.part(PlayerModule).lifecycle
    with pytest.raises(IdentityNotAwaited):
        await life.judge_identity(id_, Verification.model_validate(PASSED), uuid.uuid4())
    await life.change(id_, Status.RESTRICTED, Actor.STAFF, "source of funds")
    await life.change(id_, Status.ACTIVE, Actor.STAFF, "explained")


async def test_staff_verifies_at_the_console_with_a_second_factor(
    open_casino: Any, casino_process_environment: dict[str, str]
) -> None:
    casino = await open_casino(verification_required=True)
    player = await casino.player()
    id_, _, _ = await profile(player)
    email = "kim@example.test"
    staff_id, set_up = await casino.part(PlayerModule).staff.add(email, "Kim", STAFF_PASSWORD, Role.COMPLIANCE)
    code = totp.code_at(base64.b32decode(set_up.secret), int(casino.clock.now().timestamp()) // 30)

    def verify(code: str, **changes: str) -> subprocess.CompletedProcess[str]:
        options = {
            "--by": email,
            "--method": "document",
            "--reference": "case/7",
            "--reason": "passport seen",
        } | changes
        words = [word for pair in options.items() for word in pair]
        return subprocess.run(
            [sys.executable, "-m", "casino", "players", "verify", str(id_), *words, "--json"],
            input=f"{STAFF_PASSWORD}\n{code}\n", capture_output=True, text=True, env=casino_process_environment,
            check=False, timeout=60,
        )  # fmt: skip

    assert verify("000000").returncode == 1 and await history(casino) == []
    assert "reference" in verify(code, **{"--reference": "Ada Byron"}).stderr
    done = verify(code)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"player_id": str(id_), "result": "verified", "status": "active"}
    assert [(row[1], row[3]) for row in await history(casino)] == [("active", staff_id)]
    assert (await player.deposit(500)).status_code == 201  # the session that was open already


@given(st.sampled_from(Result), st.sampled_from(Method), st.text(), st.text())
def test_whatever_is_let_in_fits_the_history(result: Result, method: Method, reference: str, reason: str) -> None:
    try:
        found = Verification(result=result, method=method, reference=reference, reason=reason)
    except ValidationError:
        return
    assert len(found.note()) <= 200 and reference in found.note() and reason in found.note()


def test_the_longest_note_fits_the_history() -> None:
    longest = max(Method, key=len)
    assert len(Verification(result=Result.VERIFIED, method=longest, reference="r" * 64, reason="x" * 90).note()) <= 200

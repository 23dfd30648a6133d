"""The account's life over its services: closing, exclusion, dormancy, duplicates, consents, staff."""

from __future__ import annotations

import asyncio
import base64
import uuid
from typing import Any

import asyncpg
import pytest
from casino.pam import totp
from casino.pam.four_eyes import Role, RoleMissing, SecondPersonRequired, require_second_person
from casino.pam.identity_verification import Method, Result, Verification
from casino.pam.lifecycle import MergeRefused
from casino.pam.module import PlayerModule
from casino.pam.proof import Claim
from casino.pam.refusals import BadCredentials, SecondFactorRequired, SecondFactorWrong
from casino.pam.status import Actor, Status, TransitionRefused
from hypothesis import given
from hypothesis import strategies as st

PASSWORD = "correct horse battery"
PERSON = {"given_name": "Ada", "family_name": "Lovelace", "phone": "+441632960000", "national_id": "QQ123456C"}


async def player_id(player: Any) -> uuid.UUID:
    return uuid.UUID((await player.call("GET", "/players/me")).json()["player_id"])


async def test_closing_an_account_ends_its_sessions_and_nobody_gets_in(casino: Any) -> None:
    player = await casino.player()
    elsewhere = (await casino.login(player.email)).json()["token"]
    assert (await player.call("POST", "/players/me/closure", {"reason": "had_enough"})).status_code == 204
    for token in (player.token, elsewhere):
        player.token = token
        assert (await player.call("GET", "/wallet")).status_code == 401
    assert (await casino.login(player.email)).json()["code"] == "ACCOUNT_NOT_AVAILABLE"
    # Who does not know the password is not told.
    assert (await casino.login(player.email, "wrong password")).json()["code"] == "BAD_CREDENTIALS"


async def test_an_exclusion_ends_sessions_and_only_its_own_module_lifts_it(casino: Any) -> None:
    player = await casino.player()
    id_, life = await player_id(player), casino.part(PlayerModule).lifecycle
    assert await life.change(id_, Status.SELF_EXCLUDED, Actor.RESPONSIBLE_GAMING, "asked") is Status.ACTIVE
    assert await life.change(id_, Status.SELF_EXCLUDED, Actor.RESPONSIBLE_GAMING, "asked") is Status.SELF_EXCLUDED
    assert (await player.call("GET", "/wallet")).status_code == 401
    with pytest.raises(TransitionRefused):
        await life.change(id_, Status.ACTIVE, Actor.STAFF, "asked nicely")
    await life.change(id_, Status.ACTIVE, Actor.RESPONSIBLE_GAMING, "over")
    assert (await casino.login(player.email)).status_code == 201
    pool = casino.part(PlayerModule).repository.pool
    rows = await pool.fetch("SELECT origin, target, actor FROM pam.status_history ORDER BY changed_at")
    assert [tuple(row) for row in rows] == [
        ("active", "self_excluded", "responsible_gaming"), ("self_excluded", "active", "responsible_gaming"),
    ]  # fmt: skip
    count = await pool.fetchval("SELECT count(*) FROM pam.outbox WHERE type = 'pam.status_changed'")
    assert count == 2
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await pool.execute("DELETE FROM pam.status_history")


async def test_who_is_not_verified_or_is_restricted_looks_but_does_not_play(open_casino: Any) -> None:
    casino = await open_casino(verification_required=True)
    player = await casino.player()
    id_, life = await player_id(player), casino.part(PlayerModule).lifecycle

    async def outcomes() -> list[int]:
        return [(await player.deposit(500)).status_code, (await player.spin(20)).status_code,
                (await player.call("GET", "/wallet")).status_code]  # fmt: skip

    assert await outcomes() == [403, 403, 200]
    assert (await player.spin(20)).json()["code"] == "ACCOUNT_MAY_NOT_PLAY"
    found = Verification(result=Result.VERIFIED, method=Method.DOCUMENT, reference="case/1", reason="passport seen")
    await life.judge_identity(id_, found, uuid.uuid4())
    assert await outcomes() == [201, 200, 200]
    await life.change(id_, Status.RESTRICTED, Actor.SYSTEM, "source of funds")
    assert await outcomes() == [403, 403, 200]
    player.token = (await casino.login(player.email)).json()["token"]
    assert await outcomes() == [403, 403, 200]


async def test_an_exclusion_at_the_moment_of_a_log_in_leaves_no_session(casino: Any) -> None:
    player = await casino.player()
    id_, module = await player_id(player), casino.part(PlayerModule)
    opening = module.sessions.open

    async def excluded_first(*arguments: Any, **more: Any) -> Any:
        await module.lifecycle.change(id_, Status.SELF_EXCLUDED, Actor.RESPONSIBLE_GAMING, "asked")
        return await opening(*arguments, **more)

    module.sessions.open = excluded_first
    assert (await casino.login(player.email)).json()["code"] == "ACCOUNT_NOT_AVAILABLE"
    assert await module.sessions.open_sessions(id_) == []


async def test_of_two_steps_at_once_the_second_sees_what_the_first_made(casino: Any) -> None:
    player = await casino.player()
    id_, life = await player_id(player), casino.part(PlayerModule).lifecycle
    answers = await asyncio.gather(
        life.change(id_, Status.CLOSED, Actor.PLAYER, "a"),
        life.change(id_, Status.RESTRICTED, Actor.STAFF, "b"),
        life.change(id_, Status.SUSPENDED, Actor.STAFF, "c"),
        return_exceptions=True,
    )
    pool = casino.part(PlayerModule).repository.pool
    rows = await pool.fetch("SELECT origin, target FROM pam.status_history ORDER BY changed_at, origin")
    steps = {row["origin"]: row["target"] for row in rows}
    at = "active"
    while at in steps:  # a chain without a fork
        at = steps.pop(at)
    assert not steps and at == await pool.fetchval("SELECT status FROM pam.players")
    assert len(rows) == sum(isinstance(one, Status) for one in answers)


async def test_who_is_not_seen_for_the_rules_months_becomes_dormant_and_wakes_with_a_log_in(open_casino: Any) -> None:
    casino = await open_casino(dormancy_months=12)
    sleeper, other = await casino.player(), await casino.player()
    life = casino.part(PlayerModule).lifecycle
    casino.clock.forward(days=300)
    assert await life.make_dormant() == 0
    assert (await casino.login(other.email)).status_code == 201
    casino.clock.forward(days=70)
    assert await life.make_dormant() == 1
    assert await life.make_dormant() == 0
    assert (await casino.login(sleeper.email)).status_code == 201
    pool = casino.part(PlayerModule).repository.pool
    assert {row["status"] for row in await pool.fetch("SELECT status FROM pam.players")} == {"active"}
    assert await life.make_dormant() == 0


class FakeMerger:
    def __init__(self) -> None:
        self.heard: list[tuple[uuid.UUID, uuid.UUID, str]] = []
        self.away = False

    async def require_mergeable(self, player_id: uuid.UUID) -> None:
        """Nothing is under way."""

    async def merge(self, survivor: uuid.UUID, merged: uuid.UUID, reference: str) -> None:
        if self.away:
            raise ConnectionError("the wallet is away")
        self.heard.append((survivor, merged, reference))


async def test_duplicates_are_found_and_merged_and_an_exclusion_goes_with_them(casino: Any) -> None:
    ids = []
    again = PERSON | {"given_name": "ADA", "phone": "+441632960001"}
    somebody_else = {"given_name": "Bo", "family_name": "Ek", "national_id": "ZZ999999A"}
    for number, person in enumerate([PERSON, again, somebody_else]):
        answer = await casino.register(email=f"ada{number}@example.test", **person)
        ids.append(uuid.UUID(answer.json()["player_id"]))
    module, staff, merger = casino.part(PlayerModule), uuid.uuid4(), FakeMerger()
    assert await module.lifecycle.duplicates(ids[0]) == [(ids[1], ("national_id", "person"))]
    assert await module.lifecycle.duplicates(ids[2]) == []
    await module.lifecycle.change(ids[1], Status.SELF_EXCLUDED, Actor.RESPONSIBLE_GAMING, "asked")
    merger.away = True
    with pytest.raises(ConnectionError):
        await module.lifecycle.merge(ids[0], ids[1], staff, "same person", merger)
    merger.away = False
    for _ in range(2):  # once more, until it was heard: nothing is done twice here
        await module.lifecycle.merge(ids[0], ids[1], staff, "same person", merger)
    assert merger.heard == [(ids[0], ids[1], f"merge:{ids[1]}")] * 2
    rows = dict(await module.repository.pool.fetch("SELECT player_id, status FROM pam.players"))
    assert rows == {ids[0]: "self_excluded", ids[1]: "merged", ids[2]: "active"}
    assert (await casino.login("ada0@example.test")).json()["code"] == "ACCOUNT_NOT_AVAILABLE"
    assert await module.lifecycle.duplicates(ids[0]) == []
    kinds = [row["type"] for row in await module.repository.pool.fetch("SELECT type FROM pam.outbox ORDER BY position")]
    assert kinds.count("pam.players_merged") == 1
    with pytest.raises(MergeRefused):
        await module.lifecycle.merge(ids[2], ids[1], staff, "same person", merger)  # it went elsewhere before


async def test_players_change_how_they_are_reached_and_not_who_they_are(casino: Any) -> None:
    player = await casino.player()
    module = casino.part(PlayerModule)
    both = await asyncio.gather(
        player.call("PATCH", "/players/me", {"phone": "+44 1632 960001"}),
        player.call("PATCH", "/players/me", {"city": "Leeds", "country": "gb"}),
    )
    assert [answer.status_code for answer in both] == [204, 204]
    assert (await player.call("PATCH", "/players/me", {"city": "Leeds"})).status_code == 204  # nothing to tell
    fields = (await player.call("GET", "/players/me")).json()["fields"]
    assert (fields["phone"], fields["city"], fields["country"]) == ("+441632960001", "Leeds", "GB")
    for body in ({"family_name": "Byron"}, {"email": "a@b.test"}, {"date_of_birth": "1990-01-01"}, {"phone": "12"}):
        assert (await player.call("PATCH", "/players/me", body)).status_code == 422
    pool = module.repository.pool
    assert await pool.fetchval("SELECT count(*) FROM pam.messages WHERE kind = 'details_changed'") == 2
    other = await casino.player()
    assert (await other.call("PATCH", "/players/me", {"phone": "+441632960001"})).status_code == 204
    assert await module.lifecycle.duplicates(await player_id(other)) == [(await player_id(player), ("phone",))]
    casino.clock.forward(minutes=6)
    refused = await player.call("PATCH", "/players/me", {"city": "York"})
    assert refused.json()["code"] == "REAUTHENTICATION_REQUIRED"


async def test_consents_are_each_channels_and_products_own_and_never_overwritten(casino: Any) -> None:
    player = await casino.player()
    id_, consents = await player_id(player), casino.part(PlayerModule).consents

    async def say(subject: str, granted: bool) -> Any:
        body = {"subject": subject, "granted": granted, "version": "2026-01"}
        return await player.call("POST", "/players/me/consents", body)

    assert not await consents.allows(id_, "email", "casino")
    assert (await say("marketing:email:casino", True)).status_code == 201
    assert await consents.allows(id_, "email", "casino")
    assert not await consents.allows(id_, "sms", "casino") and not await consents.allows(id_, "email", "poker")
    listed = (await say("marketing:email:casino", False)).json()["consents"]
    assert [(one["subject"], one["granted"], one["source"]) for one in listed] == [
        ("marketing:email:casino", False, "account")
    ]
    assert not await consents.allows(id_, "email", "casino")
    for subject, granted in (("marketing:fax:casino", True), ("anything", True), ("terms", False)):
        assert (await say(subject, granted)).status_code == 422
    pool = casino.part(PlayerModule).repository.pool
    assert await pool.fetchval("SELECT count(*) FROM pam.consents") == 2
    for statement in ("UPDATE pam.consents SET granted = true", "DELETE FROM pam.consents", "TRUNCATE pam.consents"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pool.execute(statement)


async def test_staff_are_no_players_and_never_get_in_by_a_password_alone(casino: Any) -> None:
    staff = casino.part(PlayerModule).staff
    player = await casino.player()
    staff_id, set_up = await staff.add(player.email, "Kim", "a staff password", Role.COMPLIANCE)
    secret = base64.b32decode(set_up.secret)

    def code() -> str:
        return totp.code_at(secret, int(casino.clock.now().timestamp()) // 30)

    with pytest.raises(SecondFactorRequired):
        await staff.login(player.email, Claim("a staff password"))
    with pytest.raises(SecondFactorWrong):
        await staff.login(player.email, Claim("a staff password", "000000"))
    with pytest.raises(BadCredentials):
        await staff.login(player.email, Claim(PASSWORD, code()))  # the player's password
    body = {"email": player.email, "password": "a staff password", "code": code()}
    token = (await casino.http.post("/api/v1/staff/sessions", json=body)).json()["token"]
    assert (await casino.http.post("/api/v1/staff/sessions", json=body)).status_code == 401  # the code was used

    async def status(token: str, path: str) -> int:
        header = {"Authorization": f"Bearer {token}"}
        return (await casino.http.get(f"/api/v1{path}", headers=header)).status_code

    assert await status(token, "/staff/sessions/current") == 200
    assert await status(token, "/wallet") == 401 and await status(player.token, "/staff/sessions/current") == 401
    assert await staff.put_off_duty(staff_id)
    assert await status(token, "/staff/sessions/current") == 401
    casino.clock.forward(seconds=60)
    with pytest.raises(BadCredentials):
        await staff.login(player.email, Claim("a staff password", code()))


people = st.uuids()


@given(people, people, st.lists(people), st.sampled_from(Role), st.sets(st.sampled_from(Role), min_size=1))
def test_an_approval_is_by_another_person_of_the_role(
    asked: uuid.UUID, approver: uuid.UUID, before: list[uuid.UUID], role: Role, allowed: set[Role]
) -> None:
    def approve(who: uuid.UUID) -> None:
        require_second_person(asked_by=asked, approved_by=who, approver_role=role, allowed=allowed, before=before)

    if role not in allowed:
        with pytest.raises(RoleMissing):
            approve(approver)
        return
    for who in (asked, *before):
        with pytest.raises(SecondPersonRequired):
            approve(who)
    if approver != asked and approver not in before:
        approve(approver)

"""Registration by the rules, second factors, locks, sessions, resets: over HTTP."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from pathlib import Path
from typing import Any

import pytest
from casino.kernel.errors import ConfigurationError
from casino.pam import totp
from casino.pam.module import PlayerModule
from casino.pam.timing import QUANTUM_S

PASSWORD = "correct horse battery"
NEW_PASSWORD = "another long password"
FULL = {
    "given_name": "Ada", "family_name": "Lovelace", "address_line": "12 St James's Square", "postal_code": "SW1Y 4JH",
    "city": "London", "country": "GB", "phone": "+441632960000", "nationality": "GB", "national_id": "QQ123456C",
    "gender": "female", "place_of_birth": "London", "deposit_limit": {"amount_minor": 5000, "period": "week"},
    "terms_version": "2026-01",
}  # fmt: skip
FIELDS = ("name", "address", "phone", "nationality", "national_id", "gender", "place_of_birth", "deposit_limit",
          "terms_version")  # fmt: skip


def code_of(answer: Any) -> str:
    found: str = answer.json()["code"]
    return found


async def events(casino: Any) -> list[tuple[str, dict[str, Any]]]:
    rows = await casino.part(PlayerModule).repository.pool.fetch(
        "SELECT type, payload FROM pam.outbox ORDER BY position"
    )
    return [(row["type"], json.loads(row["payload"])) for row in rows]


async def test_every_missing_and_every_faulty_field_is_named_at_once(open_casino: Any) -> None:
    casino = await open_casino(registration_fields=FIELDS)
    answer = await casino.register(email="no address", phone="12", gender="", nationality="GB")
    message = answer.json()["detail"]
    assert answer.status_code == 422
    for name in set(FULL) - {"nationality"} | {"email"}:
        assert f"{name}: " in message
    assert "nationality" not in message
    assert (await casino.register(**FULL)).status_code == 201
    kinds = await events(casino)
    assert [kind for kind, _ in kinds] == ["pam.player_registered", "pam.consent_recorded"]
    assert kinds[0][1]["deposit_limit_minor"] == 5000 and kinds[0][1]["deposit_limit_period"] == "week"
    assert "Lovelace" not in json.dumps(kinds)


async def test_who_wants_no_limit_says_so(open_casino: Any) -> None:
    casino = await open_casino(registration_fields=("deposit_limit",))
    assert (await casino.register(deposit_limit={"amount_minor": None})).status_code == 201
    assert (await casino.register(deposit_limit={"amount_minor": 0})).status_code == 422


async def test_a_rule_that_asks_for_an_unknown_field_opens_no_casino(open_casino: Any) -> None:
    with pytest.raises(ConfigurationError, match="shoe_size"):
        await open_casino(registration_fields=("shoe_size",))


async def confirm_totp(casino: Any, player: Any) -> tuple[bytes, list[str]]:
    import base64

    set_up = (await player.call("POST", "/mfa/totp")).json()
    assert set_up["uri"].startswith("otpauth://totp/") and player.email not in set_up["uri"]
    secret = base64.b32decode(set_up["secret"])
    answer = await player.call("POST", "/mfa/totp/confirmation", {"code": code_now(casino, secret)})
    assert answer.status_code == 200, answer.text
    return secret, answer.json()["recovery_codes"]


def code_now(casino: Any, secret: bytes, steps: int = 0) -> str:
    return totp.code_at(secret, int(casino.clock.now().timestamp()) // 30 + steps)


async def log_in(casino: Any, email: str, **more: Any) -> Any:
    return await casino.http.post("/api/v1/sessions", json={"email": email, "password": PASSWORD} | more)


async def test_with_an_authenticator_app_a_password_alone_opens_nothing(casino: Any) -> None:
    player = await casino.player()
    secret, codes = await confirm_totp(casino, player)
    assert code_of(await log_in(casino, player.email)) == "SECOND_FACTOR_REQUIRED"
    # The code that confirmed it was taken; the next one counts once, also when it is sent twice at the same moment.
    assert code_of(await log_in(casino, player.email, code=code_now(casino, secret))) == "SECOND_FACTOR_WRONG"
    casino.clock.forward(seconds=30)
    twice = await asyncio.gather(*(log_in(casino, player.email, code=code_now(casino, secret)) for _ in range(2)))
    assert sorted(answer.status_code for answer in twice) == [201, 401]
    casino.clock.forward(seconds=60)
    assert (await log_in(casino, player.email, code=code_now(casino, secret, -1))).status_code == 201
    # A recovery code instead, once.
    assert (await log_in(casino, player.email, code=codes[0].upper())).status_code == 201
    assert code_of(await log_in(casino, player.email, code=codes[0])) == "SECOND_FACTOR_WRONG"
    assert (await player.call("GET", "/mfa")).json() == {"totp": True, "keys": 0, "recovery_codes_left": 9}
    # A wrong password is told before any factor is looked at.
    wrong = await casino.http.post(
        "/api/v1/sessions", json={"email": player.email, "password": "wrong password", "code": codes[1]}
    )
    assert code_of(wrong) == "BAD_CREDENTIALS"
    assert (await player.call("GET", "/mfa")).json()["recovery_codes_left"] == 9


async def register_key(casino: Any, player: Any, key: Any) -> Any:
    begun = (await player.call("POST", "/webauthn/registration-options")).json()
    body = {"ceremony_id": begun["ceremony_id"], "credential": key.create(begun["options"]), "name": "blue"}
    return await player.call("POST", "/webauthn/credentials", body)


async def with_key(casino: Any, player: Any, key: Any) -> Any:
    body = {"email": player.email, "password": PASSWORD}
    begun = (await casino.http.post("/api/v1/sessions/webauthn-options", json=body)).json()
    shown = {"ceremony_id": begun["ceremony_id"], "credential": key.get(begun["options"])}
    return shown, await log_in(casino, player.email, webauthn=shown)


async def test_a_key_logs_in_and_its_answer_is_taken_once(open_casino: Any, authenticator: Any) -> None:
    casino = await open_casino({"CASINO_PUBLIC_ORIGIN": "https://casino.test"})
    player = await casino.player()
    key = authenticator("https://casino.test", "casino.test")
    assert len((await register_key(casino, player, key)).json()["recovery_codes"]) == 10
    assert code_of(await log_in(casino, player.email)) == "SECOND_FACTOR_REQUIRED"
    shown, opened = await with_key(casino, player, key)
    assert opened.status_code == 201
    assert code_of(await log_in(casino, player.email, webauthn=shown)) == "WEBAUTHN_FAILED"  # replayed
    key.origin = "https://casino.example"  # a page that looks like ours
    _, phished = await with_key(casino, player, key)
    assert code_of(phished) == "WEBAUTHN_FAILED"
    key.origin = "https://casino.test"
    stranger = authenticator("https://casino.test", "casino.test", credential_id=key.credential_id)
    assert code_of((await with_key(casino, player, stranger))[1]) == "WEBAUTHN_FAILED"  # another key's signature
    (entry,) = (await player.call("GET", "/webauthn/credentials")).json()["keys"]
    assert entry["name"] == "blue" and entry["used_at"] is not None


async def test_a_key_whose_counter_goes_back_is_not_taken_again_and_still_bars(
    open_casino: Any, authenticator: Any
) -> None:
    casino = await open_casino({"CASINO_PUBLIC_ORIGIN": "https://casino.test"})
    player = await casino.player()
    key = authenticator("https://casino.test", "casino.test")
    codes = (await register_key(casino, player, key)).json()["recovery_codes"]
    key.counter = 10
    assert (await with_key(casino, player, key))[1].status_code == 201
    key.counter = 5  # the copy's
    assert code_of((await with_key(casino, player, key))[1]) == "CODE_WRONG"
    assert code_of(await log_in(casino, player.email)) == "SECOND_FACTOR_REQUIRED"
    assert (await log_in(casino, player.email, code=codes[0])).status_code == 201


async def test_keys_and_apps_are_removed_by_their_owner_alone(open_casino: Any, authenticator: Any) -> None:
    casino = await open_casino({"CASINO_PUBLIC_ORIGIN": "https://casino.test"})
    player, other = await casino.player(), await casino.player()
    key = authenticator("https://casino.test", "casino.test")
    assert (await register_key(casino, player, key)).status_code == 201
    assert code_of(await register_key(casino, other, key)) == "FACTOR_EXISTS"
    (entry,) = (await player.call("GET", "/webauthn/credentials")).json()["keys"]
    path = f"/webauthn/credentials/{entry['credential_id']}"
    assert code_of(await other.call("DELETE", path)) == "FACTOR_UNKNOWN"
    assert (await player.call("DELETE", path)).status_code == 204
    assert (await log_in(casino, player.email)).status_code == 201


async def test_after_so_many_failures_an_account_is_locked_even_to_the_right_password(open_casino: Any) -> None:
    casino = await open_casino(max_failed_logins=3, lockout_minutes=20)
    player = await casino.player()
    for _ in range(3):
        assert (await casino.login(player.email, "wrong password")).status_code == 401
    locked = await casino.login(player.email)
    unknown = await casino.login("nobody@example.test")
    assert locked.json() | {"request_id": 0} == unknown.json() | {"request_id": 0}
    assert ("pam.player_locked" in dict(await events(casino))) is True
    casino.clock.forward(minutes=21)
    assert (await casino.login(player.email)).status_code == 201


async def test_failures_count_from_the_last_log_in_and_wrong_codes_count_too(open_casino: Any) -> None:
    casino = await open_casino(max_failed_logins=2)
    player = await casino.player()
    await casino.login(player.email, "wrong password")
    assert (await casino.login(player.email)).status_code == 201
    await casino.login(player.email, "wrong password")
    assert (await casino.login(player.email)).status_code == 201
    secret, _ = await confirm_totp(casino, player)
    for _ in range(2):
        assert code_of(await log_in(casino, player.email, code="000000")) == "SECOND_FACTOR_WRONG"
    casino.clock.forward(seconds=60)
    assert code_of(await log_in(casino, player.email, code=code_now(casino, secret))) == "BAD_CREDENTIALS"


def messages(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]


async def test_a_lock_without_end_is_opened_by_a_reset_and_the_reset_ends_every_session(
    open_casino: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    casino = await open_casino(
        {"CASINO_MESSAGES_FOLDER": str(tmp_path / "messages")}, max_failed_logins=2, lockout_until_reset=True
    )
    player = await casino.player()
    for _ in range(2):
        await casino.login(player.email, "wrong password")
    casino.clock.forward(days=400)
    assert (await casino.login(player.email)).status_code == 401
    for _ in range(2):  # the second one's token is the one that counts
        assert (await casino.http.post("/api/v1/password-resets", json={"email": player.email})).status_code == 202
    while await casino.part(PlayerModule).messages.send_due():
        pass
    sent = messages(tmp_path / "messages")
    assert [one["kind"] for one in sent] == ["account_locked", "password_reset", "password_reset"]
    assert {one["to"] for one in sent} == {player.email}
    old, new = (one["values"]["token"] for one in sent[1:])
    assert all(token not in caplog.text for token in (old, new)) and player.email not in caplog.text
    pool = casino.part(PlayerModule).repository.pool
    assert await pool.fetchval("SELECT count(*) FROM pam.messages WHERE sealed IS NOT NULL") == 0

    async def complete(token: str) -> Any:
        body = {"token": token, "password": NEW_PASSWORD}
        return await casino.http.post("/api/v1/password-resets/completion", json=body)

    assert code_of(await complete(old)) == "RESET_TOKEN_INVALID"
    assert (await complete(new)).status_code == 204
    assert code_of(await complete(new)) == "RESET_TOKEN_INVALID"
    assert (await player.call("GET", "/wallet")).status_code == 401
    assert (await casino.login(player.email)).status_code == 401
    assert (await casino.login(player.email, NEW_PASSWORD)).status_code == 201


async def test_a_reset_runs_out(open_casino: Any, tmp_path: Path) -> None:
    casino = await open_casino({"CASINO_MESSAGES_FOLDER": str(tmp_path / "messages")})
    player = await casino.player()
    await casino.http.post("/api/v1/password-resets", json={"email": player.email})
    await casino.part(PlayerModule).messages.send_due()
    (message,) = messages(tmp_path / "messages")
    casino.clock.forward(minutes=31)
    body = {"token": message["values"]["token"], "password": NEW_PASSWORD}
    assert (await casino.http.post("/api/v1/password-resets/completion", json=body)).status_code == 422


async def test_refusals_and_resets_wait_whether_anybody_has_the_address_or_not(casino: Any) -> None:
    player = await casino.player()

    async def seconds(path: str, body: dict[str, str]) -> float:
        started = time.perf_counter()
        await casino.http.post(f"/api/v1/{path}", json=body)
        return time.perf_counter() - started

    for path, more in (("password-resets", {}), ("sessions", {"password": "wrong password"})):
        for email in (player.email, "nobody@example.test"):
            taken = await seconds(path, {"email": email} | more)
            assert taken >= QUANTUM_S, (path, email)


async def test_too_many_resets_of_an_address_are_refused(casino: Any) -> None:
    answers = [await casino.http.post("/api/v1/password-resets", json={"email": "a@b.test"}) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [202] * 5 + [429]
    assert code_of(answers[-1]) == "RATE_LIMITED"


async def test_a_message_that_cannot_be_sent_waits_longer_each_time_and_is_given_up_in_the_end(casino: Any) -> None:
    module = casino.part(PlayerModule)
    player = await casino.player()
    await casino.http.post("/api/v1/password-resets", json={"email": player.email})

    class Away:
        tries = 0

        async def send(self, message: Any) -> None:
            self.tries += 1
            raise ConnectionError("the provider is away")

    away = Away()
    module.messages._sender = away
    for _ in range(12):
        await module.messages.send_due()
        await module.messages.send_due()  # not due yet: nothing happens
        casino.clock.forward(hours=2)
    assert away.tries == 8
    row = await module.repository.pool.fetchrow("SELECT sealed, failed_at FROM pam.messages")
    assert row["sealed"] is None and row["failed_at"] is not None


async def test_one_session_for_each_player_where_the_rule_says_so(open_casino: Any) -> None:
    casino = await open_casino(one_session_per_player=True)
    player = await casino.player()
    answers = await asyncio.gather(*(casino.login(player.email) for _ in range(4)))
    statuses = []
    for token in [player.token, *(answer.json()["token"] for answer in answers)]:
        player.token = token
        statuses.append((await player.call("GET", "/wallet")).status_code)
    assert sorted(statuses) == [200, 401, 401, 401, 401] and statuses[0] == 401


async def test_sessions_are_listed_and_ended_by_their_player_alone(casino: Any) -> None:
    player, other = await casino.player(), await casino.player()
    second = (await casino.login(player.email)).json()["token"]
    await casino.login(player.email)
    listed = (await player.call("GET", "/sessions")).json()["sessions"]
    assert len(listed) == 3 and [one["current"] for one in listed].count(True) == 1
    assert second not in json.dumps(listed)
    theirs = next(one["session_id"] for one in listed if not one["current"])
    assert code_of(await other.call("DELETE", f"/sessions/{theirs}")) == "SESSION_UNKNOWN"
    assert (await player.call("DELETE", f"/sessions/{theirs}")).status_code == 204
    assert len((await player.call("GET", "/sessions")).json()["sessions"]) == 2
    assert (await player.call("DELETE", "/sessions")).status_code == 204
    assert [one["current"] for one in (await player.call("GET", "/sessions")).json()["sessions"]] == [True]
    assert (await other.call("GET", "/wallet")).status_code == 200


async def test_what_is_sensitive_asks_for_the_password_again_after_a_while(casino: Any) -> None:
    player = await casino.player()
    casino.clock.forward(minutes=6)
    for method, path, body in (
        ("GET", "/players/me", None),
        ("PUT", "/players/me/password", {"password": NEW_PASSWORD}),
        ("POST", "/players/me/closure", {}),
        ("POST", "/mfa/totp", None),
        ("POST", "/webauthn/registration-options", None),
    ):
        assert code_of(await player.call(method, path, body)) == "REAUTHENTICATION_REQUIRED", path
    again = "/sessions/current/reauthentication"
    assert code_of(await player.call("POST", again, {"password": "wrong password"})) == "BAD_CREDENTIALS"
    assert (await player.call("POST", again, {"password": PASSWORD})).status_code == 200
    profile = (await player.call("GET", "/players/me")).json()
    assert profile["fields"] == {"email": player.email, "date_of_birth": "1980-06-15"} and profile["status"] == "active"
    elsewhere = (await casino.login(player.email)).json()["token"]
    assert (await player.call("PUT", "/players/me/password", {"password": NEW_PASSWORD})).status_code == 204
    assert (await player.call("GET", "/wallet")).status_code == 200
    player.token = elsewhere
    assert (await player.call("GET", "/wallet")).status_code == 401


async def test_a_device_that_the_account_did_not_know_is_told(open_casino: Any, tmp_path: Path) -> None:
    casino = await open_casino({"CASINO_MESSAGES_FOLDER": str(tmp_path / "messages"), "CASINO_COOKIE_SECURE": "false"},
                               new_device_notice=True)  # fmt: skip
    player = await casino.player()  # its first device
    cookie = casino.http.cookies["casino_device"]
    assert (await casino.login(player.email)).status_code == 201  # the same one
    casino.http.cookies.clear()
    assert (await casino.login(player.email)).status_code == 201
    await casino.part(PlayerModule).messages.send_due()
    assert [one["kind"] for one in messages(tmp_path / "messages")] == ["new_device"]
    assert casino.http.cookies["casino_device"] != cookie
    listed = (await player.call("GET", "/players/me/devices")).json()["devices"]
    assert len(listed) == 2
    rows = await casino.part(PlayerModule).repository.pool.fetch("SELECT d::text FROM pam.devices d")
    assert cookie not in "".join(row[0] for row in rows)
    assert (await player.call("DELETE", f"/players/me/devices/{listed[0]['device_id']}")).status_code == 204
    assert len((await player.call("GET", "/players/me/devices")).json()["devices"]) == 1


async def test_an_account_that_was_not_opened_is_opened_with_the_log_in(casino: Any) -> None:
    from casino.wallet.api import Wallet

    wallet = casino.part(Wallet)
    opening, wallet.open_account = wallet.open_account, _away
    assert (await casino.register(email="cut.short@example.test")).status_code == 201
    wallet.open_account = opening
    answer = await casino.login("cut.short@example.test")
    assert answer.status_code == 201
    header = {"Authorization": f"Bearer {answer.json()['token']}"}
    assert (await casino.http.get("/api/v1/wallet", headers=header)).json()["balance_minor"] == 0


async def _away(*_: Any) -> int:
    raise ConnectionError("the wallet is away")


async def test_one_address_opens_so_many_accounts_an_hour_where_a_limit_is_set(open_casino: Any) -> None:
    casino = await open_casino({"CASINO_REGISTRATIONS_PER_HOUR": "2", "CASINO_TRUSTED_PROXIES": "1"})

    async def register(address: str) -> int:
        casino.http.headers["X-Forwarded-For"] = address
        return int((await casino.register()).status_code)

    assert [await register("192.0.2.1") for _ in range(3)] == [201, 201, 429]
    assert await register("192.0.2.2") == 201
    assert [await register(f"2001:db8::{host}") for host in (1, 2, 3)] == [201, 201, 429]  # one household
    assert await register("2001:db8:0:1::1") == 201


async def test_the_page_asks_for_the_jurisdictions_fields_and_for_a_code(open_casino: Any) -> None:
    casino = await open_casino({"CASINO_COOKIE_SECURE": "false"}, registration_fields=("name", "phone"))
    page = (await casino.http.get("/")).text
    assert all(f'name="{name}" required' in page for name in ("given_name", "family_name", "phone"))
    assert "nationality" not in page
    who = {"email": "ada@example.test", "password": PASSWORD}
    body = who | {"date_of_birth": "1980-01-01", "given_name": "Ada", "family_name": "Byron", "phone": ""}
    refused = await casino.http.post("/register", data=body)
    assert refused.status_code == 422 and "phone: " in refused.text
    assert (await casino.http.post("/register", data=body | {"phone": "+441632960000"})).status_code == 303
    token = (await casino.login(who["email"])).json()["token"]

    class Logged:
        email = who["email"]

        async def call(self, method: str, path: str, body: Any = None) -> Any:
            header = {"Authorization": f"Bearer {token}"}
            return await casino.http.request(method, f"/api/v1{path}", json=body, headers=header)

    secret, _ = await confirm_totp(casino, Logged())
    casino.clock.forward(seconds=30)
    assert (await casino.http.post("/login", data=who)).status_code == 401
    code = code_now(casino, secret)
    assert (await casino.http.post("/login", data=who | {"code": code})).status_code == 303

"""The key to a register of excluded persons: read in OpenBao, read anew when it was changed, and nobody in without."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from casino.compliance.api import RulesInForce
from casino.kernel.credentials import REREAD_S, Credentials
from casino.kernel.errors import ConfigurationError
from casino.kernel.openbao import BaoSession, Grant
from casino.kernel.settings import ExclusionRegisterSecret, Settings, load_settings
from casino.responsible_gaming.api import ResponsibleGaming, check_protection, open_register_key
from casino.responsible_gaming.register import HttpExclusionRegister, Listed
from casino.responsible_gaming.register_key import PAUSE_S, RegisterKey
from protection_rules import make_rules
from pydantic import SecretStr

PATH = "cell/registers/gamstop"
ENTRY = {"register": "GAMSTOP", "url": "https://register.test", "secret_path": PATH}
IN_A_POD = {
    "BAO_ADDR": "https://bao.test", "BAO_ROLE": "casino-acme-gb", "BAO_REDIS_ROLE": "r", "BAO_TRANSIT_KEY": "t",
    "BAO_DATABASE_ROLES": {"pam": "p"}, "CASINO_DATABASE_HOST": "db", "CASINO_DATABASE_NAME": "d",
    "CASINO_REDIS_HOST": "redis",
}  # fmt: skip
ASKED = {"exclusion_register": "GAMSTOP", "exclusion_register_moments": ["registration", "login"]}


class Bao(BaoSession):
    """OpenBao's kv as a casino reads it; `held` by path. Without a path it answers as for one that is forbidden."""

    def __init__(self, held: dict[str, dict[str, str]]) -> None:
        self.held, self.readings = held, 0

    async def login(self) -> Grant:
        return Grant("token", 3600, time.monotonic())

    async def _read(self, path: str) -> dict[str, Any]:
        self.readings += 1
        if path not in self.held:
            raise PermissionError("permission denied")
        return self.held[path]


class Register:
    """The register's side: who bears its key is answered, everybody else is refused."""

    def __init__(self, key: str) -> None:
        self.key, self.refused = key, 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.headers.get("Authorization") != f"Bearer {self.key}":
            self.refused += 1
            return httpx.Response(401)
        return httpx.Response(200, json={"request_id": json.loads(request.content)["request_id"], "listed": False})


class Clock:
    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


def in_a_pod(**entry: Any) -> Settings:
    return load_settings(**IN_A_POD, CASINO_EXCLUSION_REGISTER=ENTRY | entry)


async def credentials_with(bao: Bao) -> Credentials:
    made = Credentials(in_a_pod(), [], session=lambda: bao)
    await made.start()
    return made


def asking(register: Register, key: RegisterKey | None) -> HttpExclusionRegister:
    client = httpx.AsyncClient(transport=httpx.MockTransport(register))
    return HttpExclusionRegister(client, "GAMSTOP", "https://register.test", key)


def kept(bao: Bao, clock: Callable[[], float]) -> RegisterKey:
    async def read() -> SecretStr:
        return (await bao.read_register_secret(PATH)).key

    return RegisterKey(read, now=clock)


async def test_the_key_is_read_where_openbao_keeps_it() -> None:
    bao, register = Bao({PATH: {"key": "first"}}), Register("first")
    key = await open_register_key(in_a_pod(), await credentials_with(bao))
    for _ in range(5):
        assert await asking(register, key).look_up({"email": "a@example.test"}, "login") is Listed.NO
    assert bao.readings == 1 and register.refused == 0


async def test_a_changed_key_is_taken_on_by_the_look_up_that_the_register_refuses() -> None:
    bao, register, clock = Bao({PATH: {"key": "first"}}), Register("first"), Clock()
    asked = asking(register, kept(bao, clock))
    assert await asked.look_up({}, "login") is Listed.NO
    bao.held[PATH], register.key = {"key": "second"}, "second"
    clock.seconds += PAUSE_S
    assert await asked.look_up({}, "login") is Listed.NO
    assert register.refused == 1
    assert await asked.look_up({}, "login") is Listed.NO
    assert (register.refused, bao.readings) == (1, 2)


async def test_a_changed_key_is_taken_on_in_time_by_itself() -> None:
    bao, register, clock = Bao({PATH: {"key": "first"}}), Register("first"), Clock()
    asked = asking(register, kept(bao, clock))
    await asked.look_up({}, "login")
    bao.held[PATH], register.key = {"key": "second"}, "second"
    clock.seconds += REREAD_S
    assert await asked.look_up({}, "login") is Listed.NO
    assert register.refused == 0


async def test_a_key_that_the_register_refuses_lets_nobody_in_and_does_not_storm_openbao() -> None:
    bao, register, clock = Bao({PATH: {"key": "wrong"}}), Register("right"), Clock()
    asked = asking(register, kept(bao, clock))
    for _ in range(20):
        assert await asked.look_up({}, "login") is Listed.UNKNOWN
    assert bao.readings == 1
    clock.seconds += PAUSE_S
    bao.held.clear()
    for _ in range(20):
        assert await asked.look_up({}, "login") is Listed.UNKNOWN
    assert bao.readings == 2


async def test_a_key_that_was_read_serves_while_openbao_is_away() -> None:
    bao, register, clock = Bao({PATH: {"key": "first"}}), Register("first"), Clock()
    asked = asking(register, kept(bao, clock))
    await asked.look_up({}, "login")
    bao.held.clear()
    clock.seconds += REREAD_S
    for _ in range(20):
        assert await asked.look_up({}, "login") is Listed.NO
    assert bao.readings == 2


@pytest.mark.parametrize("held", [{}, {PATH: {}}, {PATH: {"key": ""}}, {PATH: {"secret": "x"}}])
async def test_a_casino_without_its_registers_key_does_not_begin(held: dict[str, dict[str, str]]) -> None:
    with pytest.raises(ConfigurationError, match=f"kv/{PATH} in OpenBao"):
        await open_register_key(in_a_pod(), await credentials_with(Bao(held)))


async def test_without_a_key_nobody_is_told_not_to_be_listed() -> None:
    async def away() -> SecretStr:
        raise ConnectionError

    assert await asking(Register("k"), RegisterKey(away)).look_up({}, "login") is Listed.UNKNOWN
    assert await asking(Register("k"), None).look_up({}, "login") is Listed.UNKNOWN


def test_a_pod_is_told_where_the_key_lies_and_development_may_be_given_it() -> None:
    with pytest.raises(ConfigurationError, match="secret_path of register GAMSTOP"):
        in_a_pod(secret_path=None)
    assert "hidden" not in repr(ExclusionRegisterSecret(key=SecretStr("hidden")))


@pytest.mark.parametrize(("register", "says"), [(None, "is not set"), ("OASIS", "leads to OASIS")])
def test_rules_that_have_another_register_asked_open_no_casino(register: str | None, says: str) -> None:
    settings = in_a_pod(register=register) if register else load_settings(**IN_A_POD)
    with pytest.raises(ConfigurationError, match=f"register GAMSTOP asked, .*{says}"):
        check_protection(settings, make_rules(**ASKED))
    check_protection(settings, make_rules())
    check_protection(in_a_pod(), make_rules(**ASKED))


class LetsEverybodyIn:
    def __init__(self, name: str) -> None:
        self.name = name

    async def look_up(self, person: Any, moment: str) -> Listed:
        return Listed.NO


async def code(answer: Any) -> str:
    return str((await answer).json()["code"])


@pytest.mark.parametrize("register", [None, "OASIS"])
async def test_rules_that_come_later_and_cannot_be_followed_let_nobody_in(
    open_casino: Any, register: str | None
) -> None:
    casino = await open_casino()
    # The register that is set up answers; it is not the one that the rules have asked.
    casino.part(ResponsibleGaming).protection._register = LetsEverybodyIn(register) if register else None
    player = await casino.player()
    assert (await casino.login(player.email)).status_code == 201
    in_force = casino.part(RulesInForce)
    in_force.current = in_force.current.model_copy(
        update={"exclusion_register": "GAMSTOP", "exclusion_register_moments": ("registration", "login")}
    )
    assert await code(casino.login(player.email)) == "EXCLUSION_REGISTER_UNAVAILABLE"
    assert await code(casino.register(email="new@example.test")) == "EXCLUSION_REGISTER_UNAVAILABLE"


async def test_a_register_of_the_law_that_the_rules_leave_out_is_told_of(open_casino: Any) -> None:
    async def warned(**rules: Any) -> dict[str, str]:
        casino = await open_casino(rules.pop("settings", {}), **rules)
        found: dict[str, str] = (await casino.http.get("/readyz")).json()["warnings"]
        return found

    known = {"parameters": {"self_exclusion_register": "GAMSTOP"}}
    assert "GAMSTOP" in (await warned(**known))["exclusion_register"]
    assert await warned(parameters={"self_exclusion_register": None}) == {}
    settings = {"CASINO_EXCLUSION_REGISTER": json.dumps({"register": "GAMSTOP", "url": "http://127.0.0.1:9"})}
    assert await warned(settings=settings, **known, **ASKED) == {}

"""The registers of excluded persons: the lab's casinos ask the one of their law, and let nobody in unasked."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
import yaml

from tests.end_to_end import lab
from tests.end_to_end.test_isolation import CREDENTIALS, reached

TENANTS = ("acme-gb", "acme-br")


class Register:
    """The register that a tenant's casino asks: its entry in the cell, and its controls."""

    def __init__(self, tenant: str) -> None:
        config = lab.get("configmap", "casino-config", f"casino-{tenant}")
        cell = lab.get("configmap", "domicile-cell", "domicile-system")
        assert config and cell
        asked = json.loads(config["data"]["rules.json"])["exclusion_register"]
        self.entry: dict[str, Any] = next(
            one for one in yaml.safe_load(cell["data"]["cell.yaml"])["exclusionRegisters"] if one["register"] == asked
        )
        self.unit = f"exclusion-register-{self.entry['name']}"
        key = (lab.PATHS.secrets / f"register-{self.entry['name']}").read_text().strip()
        # Its name is the machines' own: from here it is called by its address, which its certificate has too.
        self.http = httpx.Client(
            base_url=f"https://{lab.IDENTITY.address(lab.machine('psp1'))}:{self.entry['port']}",
            headers={"Authorization": f"Bearer {key}"}, verify=lab.trust(), timeout=5,
        )  # fmt: skip

    def set(self, email: str, *, listed: bool) -> None:
        answer = self.http.post("/control/persons", json={"person": {"email": email}, "listed": listed})
        assert answer.status_code == 200, answer.text

    def checks(self) -> dict[str, int]:
        found: dict[str, int] = self.http.get("/control/checks").json()["checks"]
        return found

    @contextmanager
    def faulty(self, name: str) -> Iterator[None]:
        """Its answers have a fault meanwhile."""
        try:
            assert self.http.post("/control/fault", json={"name": name}).status_code == 200
            yield
        finally:
            self.http.post("/control/fault", json={"name": "none"}).raise_for_status()

    @contextmanager
    def gone(self) -> Iterator[None]:
        """Nothing answers at its address meanwhile."""
        try:
            lab.on_machine("psp1", "systemctl", "stop", self.unit)
            yield
        finally:
            lab.on_machine("psp1", "systemctl", "start", self.unit)
            lab.wait_for(lambda: self.http.get("/healthz").status_code == 200, 20, f"{self.unit} again")


@pytest.fixture(params=TENANTS)
def tenant(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def person(tenant: str) -> lab.Player:
    """Somebody new to the casino, with all that its jurisdiction asks for."""
    return lab.Player(lab.url(tenant))


def register(player: lab.Player) -> httpx.Response:
    number = "".join(secrets.choice("0123456789") for _ in range(11))
    basics = {"email": player.email, "password": lab.PASSWORD, "date_of_birth": player.date_of_birth}
    more = {"phone": "+5511912345678", "national_id": number}
    return player.http.post("/players", json=basics | lab.DETAILS | more)


def log_in(player: lab.Player) -> httpx.Response:
    return player.http.post("/sessions", json={"email": player.email, "password": lab.PASSWORD})


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_the_status_says_which_register_is_asked(tenant: str) -> None:
    found = lab.condition(tenant, "ExclusionRegister")
    assert (found["status"], found["reason"]) == ("True", "Asked"), found
    assert Register(tenant).entry["register"] in found["message"] and "registration, login" in found["message"]


def test_who_is_on_the_register_opens_no_account_and_others_do(tenant: str) -> None:
    asked, listed, other = Register(tenant), person(tenant), person(tenant)
    before = asked.checks().get("registration", 0)
    asked.set(listed.email, listed=True)
    try:
        assert refusal(register(listed)) == (403, "PLAYER_EXCLUDED")
        assert register(other).status_code == 201
        assert asked.checks()["registration"] == before + 2
    finally:
        asked.set(listed.email, listed=False)
    assert register(listed).status_code == 201


def test_who_comes_onto_the_register_is_out_with_the_next_log_in(tenant: str) -> None:
    asked, player = Register(tenant), person(tenant)
    assert register(player).status_code == 201
    player.log_in()
    assert player.http.get("/wallet").status_code == 200
    asked.set(player.email, listed=True)
    try:
        assert refusal(log_in(player)) == (403, "PLAYER_EXCLUDED")
        # The session that ran has ended with it.
        assert player.http.get("/wallet").status_code == 401
    finally:
        asked.set(player.email, listed=False)


def test_nobody_is_let_in_while_the_register_does_not_answer(tenant: str) -> None:
    asked, player = Register(tenant), person(tenant)
    assert register(player).status_code == 201
    unavailable = (503, "EXCLUSION_REGISTER_UNAVAILABLE")
    for fault in ("broken", "silent", "another_request"):
        with asked.faulty(fault):
            assert refusal(register(person(tenant))) == unavailable, fault
            assert refusal(log_in(player)) == unavailable, fault
    with asked.gone():
        assert refusal(register(person(tenant))) == unavailable
        assert refusal(log_in(player)) == unavailable
    assert log_in(player).status_code == 201


def test_a_tenant_reaches_and_reads_the_key_of_its_own_register_alone() -> None:
    own, other = Register("acme-gb").entry, Register("acme-br").entry
    host = httpx.URL(own["url"]).host
    found = reached("acme-gb", [(host, own["port"]), (host, other["port"])])
    assert found.pop(f"{host}:{own['port']}") == "reached"
    assert set(found.values()) != {"reached"}, found
    program = (
        CREDENTIALS
        + f"""
def outcome(name):
    found = read("kv/data/cell/registers/" + name)
    return found if isinstance(found, str) else "read"
print(json.dumps([outcome(name) for name in ({own["name"]!r}, {other["name"]!r})]))
"""
    )
    assert json.loads(lab.in_pod("acme-gb", program)) == ["read", "Forbidden"]

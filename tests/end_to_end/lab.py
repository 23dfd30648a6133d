"""The lab as the tests see it: kubectl, the tenants' addresses, players, and the insides of a casino's pod."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import socket
import ssl
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from domicile_lab.identity import identify, machine
from domicile_lab.machines import ssh_command
from domicile_lab.paths import Paths, checkout

ROOT = checkout()
PATHS = Paths.of(ROOT)
IDENTITY = identify(ROOT)
PASSWORD = "correct horse battery staple"
DETAILS = {
    "given_name": "Ada", "family_name": "Byron", "address_line": "1 Test Street", "postal_code": "AB1 2CD",
    "city": "Testing", "country": "GB",
}  # fmt: skip
"""What Great Britain has asked of a player before play (rules.json, `registration_fields`)."""


def wait_for(condition: Callable[[], Any], timeout: float, what: str, every: float = 0.25) -> Any:
    """Wait until `condition` returns something true, and return it; fail saying `what` did not come."""
    deadline = time.monotonic() + timeout
    last: Any = None
    while time.monotonic() < deadline:
        try:
            last = condition()
        except (httpx.TransportError, subprocess.SubprocessError) as error:
            last = error
        if last and not isinstance(last, BaseException):
            return last
        time.sleep(every)
    raise AssertionError(f"{what} did not come within {timeout:.0f} s; the last answer was {last!r}")


def kubectl(*arguments: str, stdin: str | None = None, check: bool = True, timeout: float = 60) -> str:
    """Run kubectl as the lab's administrator and return what it printed (both streams when it fails)."""
    done = subprocess.run(
        [*PATHS.kubectl, *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )
    if check and done.returncode != 0:
        raise AssertionError(f"kubectl {' '.join(arguments)}: {done.stderr or done.stdout}")
    return done.stdout if done.returncode == 0 else done.stdout + done.stderr


def get(kind: str, name: str, namespace: str | None = None) -> dict[str, Any] | None:
    """An object as the API server has it; None when there is none."""
    where = ("-n", namespace) if namespace else ()
    text = kubectl("get", kind, name, *where, "-o", "json", "--ignore-not-found")
    found: dict[str, Any] | None = json.loads(text) if text.strip() else None
    return found


def on_machine(name: str, *command: str, check: bool = True, timeout: float = 60) -> str:
    """Run a command on one of the lab's machines over SSH."""
    done = subprocess.run(
        [*ssh_command(PATHS, IDENTITY, machine(name)), *command],
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )
    if check and done.returncode != 0:
        raise AssertionError(f"{name}: {' '.join(command)}: {done.stderr or done.stdout}")
    return done.stdout + ("" if done.returncode == 0 else done.stderr)


def sql(database: str, statement: str, timeout: float = 60) -> str:
    """What PostgreSQL's administrator reads on the machine that holds the data."""
    quoted = statement.replace("'", "'\\''")
    return on_machine("data1", f"runuser -u postgres -- psql -qAt -d {database} -c '{quoted}'", timeout=timeout).strip()


def tenant_manifest(name: str, **changes: Any) -> dict[str, Any]:
    """A lawful tenant in Great Britain; `changes` replace fields of its spec."""
    spec: dict[str, Any] = {
        "brand": f"Test {name}",
        "jurisdiction": "GB",
        "licence": {
            "number": f"000-{name}",
            "holder": "Test Gaming Ltd",
            "validUntil": "2031-12-31",
        },
        "products": ["casino"],
        "paymentProviders": [{"name": "sandbox"}],
        "deletionPolicy": "Delete",
    }
    return {
        "apiVersion": "casino.domicile.dev/v1alpha1",
        "kind": "CasinoTenant",
        "metadata": {"name": name},
        "spec": spec | changes,
    }


def apply(manifest: dict[str, Any], check: bool = True) -> str:
    return kubectl("apply", "-f", "-", stdin=yaml.safe_dump(manifest), check=check)


def condition(name: str, kind: str = "Ready") -> dict[str, str]:
    """A condition of a tenant for its newest generation; empty while there is none."""
    found = get("casinotenant", name)
    if not found or found.get("status", {}).get("observedGeneration") != found["metadata"]["generation"]:
        return {}
    return next((c for c in found["status"].get("conditions", []) if c["type"] == kind), {})


def is_ready(name: str) -> bool:
    return condition(name).get("status") == "True"


def wait_until_it_serves(name: str, timeout: float = 90) -> None:
    """Wait until the tenant is Ready, the ingress, which looks for new routes every second, leads to it, and it takes
    players: the kubelet brings the file that opens it within a minute or two."""
    wait_for(lambda: is_ready(name), timeout, f"{name} Ready")
    wait_for(lambda: httpx.get(f"{url(name)}/readyz", verify=trust()).status_code == 200, 15, f"a route to {name}")
    wait_for(lambda: condition(name, "OperationInForce").get("status") == "True", 180, f"{name} opened")


def url(name: str) -> str:
    found = get("casinotenant", name)
    assert found, f"there is no tenant {name}"
    return str(found["status"]["url"]).rstrip("/")


def trust() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(PATHS.authorities / "site.crt"))


def ingress_key_pin() -> str:
    """The hash of the ingress's public key, in the form that Chromium takes."""
    certificate = x509.load_pem_x509_certificate((PATHS.secrets / "ingress.crt").read_bytes())
    key = certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return base64.b64encode(hashlib.sha256(key).digest()).decode()


def resolve_localhost() -> None:
    """Resolve names under localhost to the loopback, as browsers do and Debian's resolver does not."""
    original = socket.getaddrinfo

    def patched(host: Any, *rest: Any, **named: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        return original("127.0.0.1" if isinstance(name, str) and name.endswith(".localhost") else host, *rest, **named)

    socket.getaddrinfo = patched


class Player:
    """A player over the casino's HTTP interface."""

    def __init__(self, base_url: str, date_of_birth: str = "1980-02-29") -> None:
        self.http = httpx.Client(base_url=f"{base_url}/api/v1", verify=trust(), timeout=15)
        self.email = f"{secrets.token_hex(6)}@example.test"
        self.date_of_birth = date_of_birth

    def register(self) -> httpx.Response:
        basics = {"email": self.email, "password": PASSWORD, "date_of_birth": self.date_of_birth}
        return self.http.post("/players", json=basics | DETAILS)

    def log_in(self) -> Player:
        answer = self.http.post("/sessions", json={"email": self.email, "password": PASSWORD})
        assert answer.status_code == 201, answer.text
        self.http.headers["Authorization"] = f"Bearer {answer.json()['token']}"
        return self

    def deposit(self, amount_minor: Any, card: str = "tok_visa", key: str | None = None) -> httpx.Response:
        return self.http.post(
            "/deposits",
            json={"amount_minor": amount_minor, "card_token": card},
            headers={"Idempotency-Key": key or secrets.token_hex(12)},
        )

    def spin(self, stake_minor: Any, key: str | None = None) -> httpx.Response:
        return self.http.post(
            f"/games/{self.game()}/spins",
            json={"stake_minor": stake_minor},
            headers={"Idempotency-Key": key or secrets.token_hex(12)},
        )

    def game(self) -> str:
        return str(self.games()[0]["game_id"])

    def games(self) -> list[dict[str, Any]]:
        games: list[dict[str, Any]] = self.http.get("/games").json()["games"]
        return games

    def balance(self) -> int:
        return int(self.http.get("/wallet").json()["balance_minor"])


class Officer:
    """A member of the casino's staff, for compliance: added in its pod, at work over its HTTP interface."""

    def __init__(self, base_url: str) -> None:
        self.http = httpx.Client(base_url=f"{base_url}/api/v1/staff", verify=trust(), timeout=15)
        email = f"officer-{secrets.token_hex(6)}@example.test"
        said = kubectl(
            "exec", "-i", "-n", f"casino-{tenant_at(base_url)}", "deploy/casino", "--", "/usr/bin/python3", "-m",
            "casino", "staff", "add", email, "--name", "End to end", "--role", "compliance", stdin=f"{PASSWORD}\n",
        )  # fmt: skip
        secret = next(line.partition(": ")[2] for line in said.splitlines() if line.startswith("authenticator app:"))
        answer = self.http.post("/sessions", json={"email": email, "password": PASSWORD, "code": one_time_code(secret)})
        assert answer.status_code == 201, answer.text
        self.http.headers["Authorization"] = f"Bearer {answer.json()['token']}"

    def is_on_duty(self) -> bool:
        """Whether the session still counts; it ends after a quarter of an hour without a request."""
        return self.http.get("/sessions/current").status_code == 200

    def verify(self, player_id: str) -> None:
        found = {"result": "verified", "method": "document", "reference": "end-to-end", "reason": "a player of the lab"}
        answer = self.http.post(f"/players/{player_id}/identity-verification", json=found)
        assert answer.status_code == 201 and answer.json()["status"] == "active", answer.text


_officers: dict[str, Officer] = {}


def one_time_code(secret: str) -> str:
    """RFC 6238: what an authenticator app shows now, of a secret in base32."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.digest(key, (int(time.time()) // 30).to_bytes(8, "big"), "sha1")
    at = digest[-1] & 15
    return f"{(int.from_bytes(digest[at : at + 4], 'big') & 0x7FFFFFFF) % 10**6:06}"


def tenant_at(base_url: str) -> str:
    """The name of the tenant that answers at a URL."""
    found = json.loads(kubectl("get", "casinotenants", "-o", "json"))["items"]
    names = [t["metadata"]["name"] for t in found if t.get("status", {}).get("url", "").rstrip("/") == base_url]
    assert len(names) == 1, f"{base_url} is the address of {names}"
    return str(names[0])


def let_play(player: Player) -> None:
    """Bring who is logged in as far as deposits: the limits that the law has them set, and verified by staff."""
    for place in player.http.get("/players/me/protection").json()["required"]:
        kind, _, period = place.partition("/")
        value = 12 * 60 if kind == "session" else 1_000_000
        answer = player.http.put(f"/players/me/limits/{kind}/{period or 'week'}", json={"value": value})
        assert answer.status_code == 200, answer.text
    profile = player.http.get("/players/me").json()
    if not profile["awaits_verification"]:
        return
    base_url = str(player.http.base_url).rstrip("/").removesuffix("/api/v1")
    officer = _officers.get(base_url)
    if officer is None or not officer.is_on_duty():
        officer = _officers[base_url] = Officer(base_url)
    officer.verify(profile["player_id"])


def new_player(base_url: str, deposit_minor: int = 0) -> Player:
    """A player who may play, with money if so much is asked for."""
    player = Player(base_url)
    answer = player.register()
    assert answer.status_code == 201, answer.text
    let_play(player.log_in())
    if deposit_minor:
        paid = player.deposit(deposit_minor)
        assert paid.status_code == 201 and paid.json()["status"] == "captured", paid.text
    return player


def in_pod(tenant: str, program: str, timeout: float = 60, deployment: str = "casino") -> str:
    """Run Python inside the tenant's casino container: its network, its files, its credentials."""
    return kubectl(
        "exec", "-n", f"casino-{tenant}", f"deploy/{deployment}", "--", "/usr/bin/python3", "-c", program,
        timeout=timeout,
    ).strip()  # fmt: skip


def verify_ledger(tenant: str) -> dict[str, Any]:
    """The casino's own check of every invariant; fails when one is broken."""
    text = kubectl(
        "exec", "-n", f"casino-{tenant}", "deploy/casino", "--",
        "/usr/bin/python3", "-m", "casino", "ledger", "verify", "--json",
    )  # fmt: skip
    report: dict[str, Any] = json.loads(text)
    return report


def delete(name: str) -> None:
    kubectl("delete", "casinotenant", name, "--ignore-not-found", "--timeout=90s", timeout=100)


def screenshot_folder() -> Path:
    folder = PATHS.state / "reports" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder

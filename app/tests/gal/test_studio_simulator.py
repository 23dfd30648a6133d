"""A casino and a studio as two processes: games are opened, and every script leaves the balance that it must."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from casino.dev.run import Child, checkout, free_port
from casino.dev.studio import studio_command, studio_environments

SCRIPTS = [
    "normal", "duplicate", "lost_answer", "late_bet", "late_win", "wrong_signature", "out_of_order", "rollback",
    "rollback_settled",
]  # fmt: skip
GAMES = {"rsa_status": "northwind.golden-bay", "hmac_actions": "lumen.night-market"}


class Ports:
    """Where both sides will be, known to each before either starts."""

    def __init__(self) -> None:
        self.studio, self.operator = free_port(), free_port()
        self.casino_settings, self.simulator_settings = studio_environments(self.studio, self.operator)


@pytest.fixture(scope="module")
def ports() -> Ports:
    return Ports()


@pytest.fixture
def casino_process_environment(casino_process_environment: dict[str, str], ports: Ports, tmp_path: Path) -> Any:
    environment = casino_process_environment | ports.casino_settings
    listed = [
        {"game_id": game_id, "studio": game_id.split(".")[0], "code": game_id.split(".")[1], "name": game_id,
         "approvals": {"TEST": "LAB-1"}}
        for game_id in GAMES.values()
    ]  # fmt: skip
    unapproved = listed[0] | {"game_id": "northwind.unapproved", "code": "unapproved", "approvals": {}}
    (tmp_path / "games.json").write_text(json.dumps([*listed, unapproved]))
    command = [sys.executable, "-m", "casino", "gal", "games", str(tmp_path / "games.json")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stdout == "games: 3\n", done.stderr
    return environment


@pytest.fixture
def studio_url(casino_url: str, ports: Ports) -> Iterator[str]:
    """The simulator, told where the casino really is."""
    told = json.loads(ports.simulator_settings["STUDIO_DIALECTS"])
    for one in told.values():
        one["operator_url"] = one["operator_url"].replace(f"http://127.0.0.1:{ports.operator}", casino_url)
    command = studio_command(checkout(), ports.studio)
    with Child(command, "the studio", port=ports.studio, environment={"STUDIO_DIALECTS": json.dumps(told)}):
        yield f"http://127.0.0.1:{ports.studio}"


@pytest.mark.parametrize("dialect", ["rsa_status", "hmac_actions"])
def test_a_studio_that_makes_mistakes_leaves_every_balance_right(
    casino_url: str, studio_url: str, dialect: str, ports: Ports, tmp_path: Path
) -> None:
    with httpx.Client(base_url=f"{casino_url}/api/v1", timeout=20) as http:
        who = {"email": "player@example.test", "password": "correct horse battery"}
        http.post("/players", json=who | {"date_of_birth": "1980-01-01"}).raise_for_status()
        token = http.post("/sessions", json=who).raise_for_status().json()["token"]
        http.headers["Authorization"] = f"Bearer {token}"
        deposit = {"amount_minor": 10_000, "card_token": "tok_visa"}
        http.post("/deposits", json=deposit, headers={"Idempotency-Key": "first"}).raise_for_status()
        offered = http.get("/games").json()["studio_games"]
        assert {one["game_id"] for one in offered} == set(GAMES.values())
        assert http.post("/games/northwind.unapproved/launch").json()["code"] == "GAME_UNKNOWN"
        launched = http.post(f"/games/{GAMES[dialect]}/launch")
        assert launched.status_code == 201, launched.text
        url = launched.json()["launch_url"]
        assert urlsplit(url).netloc == urlsplit(studio_url).netloc
        assert "is open" in httpx.get(url).text
        assert (
            httpx.get(url[:-3] + "xxx").status_code == 403
        )  # another session, or a signature that is not the casino's
        changed = 0
        for script in SCRIPTS:
            asked = {"script": script, "rounds": 2, "stake": 10, "prize": 25}
            played = httpx.post(f"{studio_url}/control/rounds", json=asked, timeout=30).json()
            assert played["ok"], (script, played)
            changed += played["change"]
        assert http.get("/wallet").json()["balance_minor"] == 10_000 + changed == 10_150
        history = http.get("/history?limit=100").json()["entries"]
        assert {"bet", "bet_settled", "bet_void", "bet_return", "win", "win_reversal"} <= {
            one["kind"] for one in history
        }
        told = httpx.get(f"{studio_url}/control/sessions").json()["sessions"][-1]
        report = _conformance(casino_url, dialect, ports, told, tmp_path)
    assert report["conforms"] is True and report["failed"] == 0
    # Skipped for want of an ended session, an excluded player and free rounds.
    assert (report["passed"], report["skipped"]) == {"rsa_status": (34, 4), "hmac_actions": (36, 4)}[dialect]


def _conformance(casino_url: str, dialect: str, ports: Ports, session: dict[str, Any], folder: Path) -> Any:
    """What the command says of the casino, asked as the studio whose session that is."""
    studio, game = GAMES[dialect].split(".")
    keys = json.loads(ports.simulator_settings["STUDIO_DIALECTS"])[dialect]
    (folder / "key").write_text(keys.get("private_key") or keys["secret"])
    (folder / "session").write_text(session["token"])
    command = [
        sys.executable, "-m", "casino", "gal", "conformance", f"{casino_url}/api/v1/studios/{studio}",
        "--dialect", dialect, "--key", str(folder / "key"), "--operator", keys.get("operator", ""),
        "--token-file", str(folder / "session"), "--player", session["player"], "--game", game,
        "--currency", "GBP", "--json",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert session["token"] not in done.stdout + done.stderr
    return json.loads(done.stdout)


def test_the_studio_answers_no_stranger(studio_url: str) -> None:
    for path in ("/operator/generic/v2/game/url", "/operator/generic/v2/freebet", "/freerounds"):
        assert httpx.post(f"{studio_url}{path}", json={}).status_code == 401
    assert httpx.get(f"{studio_url}/play?token=nobody").status_code == 403
    assert httpx.post(f"{studio_url}/control/rounds", json={"script": "normal"}).status_code == 422

"""The casino as a process: killed without warning, ended in order, refusing to start, and its commands."""

from __future__ import annotations

import asyncio
import json
import os
import random
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from casino.__main__ import main
from casino.dev.run import free_port
from casino.wallet.api import verify_ledger

PASSWORD = "correct horse battery"


class Zygote:
    """Casinos by the dozen (zygote.py)."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).parent / "zygote.py")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True, bufsize=1,
        )  # fmt: skip
        self.alive: set[int] = set()

    async def casino(self) -> tuple[str, int]:
        """A new casino's URL and process id, when it is ready."""
        port = free_port()
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(f"{port}\n")
        pid = int(await asyncio.to_thread(self._process.stdout.readline))
        self.alive.add(pid)
        await ready(f"http://127.0.0.1:{port}")
        return f"http://127.0.0.1:{port}", pid

    def kill(self, pid: int, number: int = signal.SIGKILL) -> None:
        os.kill(pid, number)
        if number == signal.SIGKILL:
            self.alive.discard(pid)

    def close(self) -> None:
        for pid in self.alive:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.stdin.close()  # type: ignore[union-attr]
        self._process.wait(5)


@pytest.fixture
def zygote(casino_process_environment: dict[str, str], tmp_path: Path) -> Iterator[Zygote]:
    zygote = Zygote(casino_process_environment | {"CASINO_TEST_LOG": str(tmp_path / "log")})
    yield zygote
    zygote.close()


async def ready(url: str) -> None:
    async with httpx.AsyncClient() as http, asyncio.timeout(20):
        while True:
            try:
                if (await http.get(f"{url}/readyz")).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.02)


async def make_player(url: str, deposit: int) -> str:
    """A new player's session token."""
    async with httpx.AsyncClient(base_url=f"{url}/api/v1") as http:
        email = f"{secrets.token_hex(6)}@example.test"
        await http.post("/players", json={"email": email, "password": PASSWORD, "date_of_birth": "1980-01-01"})
        token: str = (await http.post("/sessions", json={"email": email, "password": PASSWORD})).json()["token"]
        answer = await http.post(
            "/deposits", json={"amount_minor": deposit, "card_token": "tok_visa"},
            headers={"Authorization": f"Bearer {token}", "Idempotency-Key": "first"},
        )  # fmt: skip
        assert answer.json()["status"] == "captured"
        return token


async def spin(http: httpx.AsyncClient, url: str, token: str, key: str) -> dict[str, Any]:
    answer = await http.post(
        f"{url}/api/v1/games/harbour-lights/spins", json={"stake_minor": 100},
        headers={"Authorization": f"Bearer {token}", "Idempotency-Key": key},
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


@pytest.mark.drill
async def test_a_kill_between_bet_and_answer_never_loses_or_doubles_money(
    zygote: Zygote, servers: Any, database: str, drill: Any
) -> None:
    """Players bet one after the other while the process is killed at seeded moments; each lost bet is repeated."""
    rng, kills = random.Random(drill.seed), drill.count(20, 500)
    url, pid = await zygote.casino()
    http = httpx.AsyncClient(timeout=10)
    players = [await make_player(url, 1_000_000) for _ in range(6)]
    expected = dict.fromkeys(players, 1_000_000)
    interrupted = repeated_hits = 0

    async def bet_until_killed(token: str) -> str | None:
        """Bet on; the key of the bet whose answer the kill took away."""
        while True:
            key = secrets.token_hex(8)
            try:
                answer = await spin(http, url, token, key)
            except httpx.TransportError:
                return key
            expected[token] += answer["win_minor"] - answer["stake_minor"]
            assert answer["balance_minor"] == expected[token]

    for _ in range(kills):
        bets = [asyncio.create_task(bet_until_killed(token)) for token in players]
        await asyncio.sleep(rng.uniform(0.03, 0.09))
        zygote.kill(pid)
        lost = await asyncio.gather(*bets)
        url, pid = await zygote.casino()
        for token, key in zip(players, lost, strict=True):
            assert key is not None
            interrupted += 1
            before = await rounds_of(servers, database, key)
            first, second = await spin(http, url, token, key), await spin(http, url, token, key)
            assert first == second
            repeated_hits += before
            expected[token] += first["win_minor"] - first["stake_minor"]
            assert first["balance_minor"] == expected[token]
            assert await rounds_of(servers, database, key) == 1
    assert interrupted == kills * len(players)
    # The kills fell on both sides of the commit: some bets stood though their answer was lost, others did not.
    assert kills < 20 or 0 < repeated_hits < interrupted
    await http.aclose()
    connection = await asyncpg.connect(servers.uri(database))
    report = await verify_ledger(connection)
    await connection.close()
    assert report.ok, report.breaks
    drill.injected(kills)


async def rounds_of(servers: Any, database: str, key: str) -> int:
    found = await servers.sql(f"SELECT FROM wallet.request_keys WHERE key = '{key}'", database)
    return len(found)


async def test_sigterm_unreadies_finishes_the_bets_under_way_and_exits_in_order(
    casino_process_environment: dict[str, str], servers: Any, database: str
) -> None:
    port = free_port()
    environment = casino_process_environment | {"CASINO_PORT": str(port), "CASINO_DRAIN_SECONDS": "0.5"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "casino", "api", env=environment, stdout=asyncio.subprocess.PIPE
    )
    try:
        await _end_in_order(process, f"http://127.0.0.1:{port}", servers.uri(database))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _end_in_order(process: asyncio.subprocess.Process, url: str, uri: str) -> None:
    await ready(url)
    token = await make_player(url, 1_000)
    blocker = await asyncpg.connect(uri)
    lock = blocker.transaction()
    await lock.start()
    await blocker.execute("SELECT FROM wallet.accounts WHERE kind = 'player_cash' FOR UPDATE")
    async with httpx.AsyncClient(timeout=10) as player, httpx.AsyncClient() as http:
        bet = asyncio.create_task(spin(player, url, token, "under-way"))  # it waits for the lock
        await asyncio.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.2)
        closing = await http.get(f"{url}/readyz")
        assert (closing.status_code, closing.json()["checks"]) == (503, {"process": "closing"})
        assert (await http.get(f"{url}/healthz")).status_code == 200
        await asyncio.sleep(0.6)
        assert process.returncode is None  # the socket is closed, the bet still under way
        await lock.rollback()
        await blocker.close()
        answer = await bet
        assert answer["balance_minor"] == 900 + answer["win_minor"]
        output, _ = await asyncio.wait_for(process.communicate(), 10)
    assert process.returncode == 0
    lines = [json.loads(line) for line in output.decode().splitlines()]
    assert "closed" in [line["message"] for line in lines]
    assert token not in output.decode() and PASSWORD not in output.decode()
    assert all({"time", "level", "logger", "message"} <= set(line) for line in lines)
    assert any(line.get("route") == "/api/v1/games/{game_id}/spins" and line["request_id"] for line in lines)


def run_command(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], *arguments: str) -> int:
    for name in list(os.environ):
        if name.startswith(("CASINO_", "BAO_")):
            monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    # Logging belongs to a process, and this one is pytest's.
    monkeypatch.setattr("casino.__main__.configure_logging", lambda _: None)
    return main(list(arguments))


def test_verify_prints_a_report_and_fails_on_a_break(
    casino_process_environment: dict[str, str], servers: Any, database: str,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    def sql(statement: str) -> None:
        asyncio.run(servers.sql(statement, database))

    sql("SELECT wallet.add_currency('GBP', 2::smallint)")
    assert run_command(monkeypatch, casino_process_environment, "ledger", "verify", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["ok"] is True and report["accounts"] == 64
    sql("UPDATE wallet.accounts SET balance = 5 WHERE account_id = 1")
    assert run_command(monkeypatch, casino_process_environment, "ledger", "verify") == 1
    told = capsys.readouterr().out
    assert "BROKEN" in told and "zero_sum" in told


def test_migrate_again_does_nothing(
    casino_process_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(monkeypatch, casino_process_environment, "migrate") == 0
    assert capsys.readouterr().out == "migrated: nothing to do\nrights of roles changed: 0\n"


def test_migrate_tells_what_is_due_without_writing_it(
    casino_process_environment: dict[str, str], servers: Any, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    asyncio.run(servers.sql("CREATE DATABASE due OWNER casino_test_owner"))
    environment = casino_process_environment | {"CASINO_DATABASE_URL": servers.uri("due")}
    for _ in range(2):
        assert run_command(monkeypatch, environment, "migrate", "--dry-run", "--json") == 0
        due = json.loads(capsys.readouterr().out)["due"]
        assert [one["name"] for one in due][:1] == ["0001_ledger.sql"]
        assert all(one["kind"] in ("transaction", "no transaction", "backfill") for one in due)
    assert run_command(monkeypatch, environment, "migrate", "--json") == 0
    done = json.loads(capsys.readouterr().out)
    assert done["applied"] == [one["name"] for one in due] and done["grants"]
    assert run_command(monkeypatch, environment, "migrate", "--dry-run") == 0
    assert capsys.readouterr().out == "nothing is due\n"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"CASINO_DATABASE_URL": ""}, "CASINO_DATABASE_URL"),
        ({"CASINO_PSP_SECRETS": "{}"}, "CASINO_PSP_SECRETS for provider sandbox"),
        ({"CASINO_PSP_SECRETS": '{"sandbox": {"merchant_id": "m", "secret": 7}}'}, "CASINO_PSP_SECRETS"),
        ({"CASINO_RULES": "/nowhere/rules.json"}, "/nowhere/rules.json"),
        ({"CASINO_PORT": "many", "CASINO_DATABASE_CONNECTIONS": "1"}, "CASINO_PORT"),
        ({"BAO_ADDR": "https://bao.test:8200", "CASINO_DATABASE_URL": "", "CASINO_REDIS_URL": ""}, "BAO_ROLE"),
    ],
)
def test_a_casino_that_is_not_usable_as_configured_says_why_and_does_not_listen(
    casino_process_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    change: dict[str, str], told: str,
) -> None:  # fmt: skip
    environment = {name: value for name, value in (casino_process_environment | change).items() if value}
    assert run_command(monkeypatch, environment, "api") == 2
    said = capsys.readouterr().err
    assert told in said and "Traceback" not in said


def test_a_pytest_that_starts_beside_this_one_leaves_the_servers_up(servers: Any, tmp_path: Path) -> None:
    # It makes its own temporary root private again, in which PostgreSQL's data once lay.
    (tmp_path / "test_beside.py").write_text("def test_it(tmp_path):\n    assert tmp_path.exists()\n")
    beside = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path / "test_beside.py")]
    subprocess.run(beside, check=True, cwd=tmp_path, capture_output=True)
    assert asyncio.run(servers.sql("CHECKPOINT")) == []

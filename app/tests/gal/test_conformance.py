"""The conformance suite: our own casino passes it, and each planted fault of a double is found by its case."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from casino.gal.conformance.bench import Endpoint
from casino.gal.conformance.cases import CASES
from casino.gal.conformance.runner import SuiteReport, run_suite
from studio_bench import GAME, wire_of
from studio_double import BARRED, GRANT, PLAYER, Double, dialect_of

BOTH = ("rsa_status", "hmac_actions")
# A fault and the cases that must find it, in every dialect that has them.
FAULTS: dict[str, set[int]] = {
    "takes any signature": {2, 3, 5},
    "takes old signatures": {4},
    "asks for no session": {6, 7},
    "takes a bet again": {9, 11},
    "answers a repeat with today's balance": {9},
    "takes another body under an id": {10},
    "tells no balance with a refusal": {12},
    "gives refused bets back": {13},
    "takes any currency": {14},
    "has one code for nonsense": {15, 16, 17},
    "takes any game": {18},
    "takes a win again": {20},
    "pays wins without a bet": {21, 22},
    "refuses a win of nothing": {23},
    "refuses late wins": {24},
    "gives a bet back twice": {28},
    "refuses a rollback of nothing": {29, 30},
    "forgets what it buried": {30},
    "gives no settled bet back": {31},
    "takes no win back": {32},
    "pays for a bet that was rolled back": {33},
    "takes bets after the session": {34},
    "refuses wins after the session": {35},
    "takes bets of excluded players": {36},
    "takes any free round": {38},
    "goes on after a refusal": {40},
    "tells no currency": {1},
    "tells the balance of before": {8, 19, 26},
    "closes a round by its first win": {24, 25},
    "gives no bet back": {26, 31},
    "refuses a rollback again": {27},
    "knows no free rounds": {37},
    "tells no results": {39},
    "repeats no request id": {41},
}


async def _suite(dialect: str, planted: str | None, only: set[int] | None = None) -> SuiteReport:
    endpoint = Endpoint(
        "http://operator.test/studio", "live", PLAYER, GAME, "GBP", expired_token="expired", barred_token="barred",
        barred_player=BARRED, free_rounds=GRANT,
    )  # fmt: skip
    async with Double(dialect_of(dialect), planted).client() as http:
        return await run_suite(endpoint, wire_of(dialect), http, only=only)


def _failed(report: SuiteReport) -> set[int]:
    return {one.number for one in report.verdicts if one.outcome == "failed"}


@pytest.mark.parametrize("dialect", BOTH)
async def test_a_double_that_keeps_the_rules_passes_every_case(dialect: str) -> None:
    report = await _suite(dialect, None)
    assert (_failed(report), report.count("skipped"), report.conforms) == (set(), 0, True)
    assert report.count("passed") == sum(dialect in one.dialects for one in CASES)


@pytest.mark.parametrize("dialect", BOTH)
@pytest.mark.parametrize("planted", sorted(FAULTS))
async def test_a_planted_fault_is_found_by_its_cases(dialect: str, planted: str) -> None:
    expected = {one for one in FAULTS[planted] if dialect in CASES[one - 1].dialects}
    report = await _suite(dialect, planted, expected)
    assert _failed(report) == expected
    assert not report.conforms
    for verdict in report.verdicts:
        if verdict.outcome == "failed":
            assert verdict.expected and verdict.got and verdict.exchanges


def test_every_case_has_a_fault_that_it_finds() -> None:
    found = set().union(*FAULTS.values())
    assert {one.number for one in CASES} == found


async def test_our_own_casino_conforms(bench: Any, servers: Any, database: str) -> None:
    expired, _, _ = await bench.session(hours=-1)
    other = await bench.casino.player()
    barred, barred_player, account = await bench.session(other)
    await bench.sql(servers, database, "SELECT wallet.restrict($1, 'infinity', NULL)", account)
    grant, now = uuid.uuid4(), bench.casino.clock.now()
    player = await bench.principal(bench.player)
    await bench.studios.launches.grant(
        player.player_id, player.account_id, f"{bench.studio}.{GAME}", grant_id=grant, rounds=1, bet_minor=10,
        expires_at=now + timedelta(days=1),
    )  # fmt: skip
    await bench.studios.repository.free_rounds_told(grant, now)
    endpoint = Endpoint(
        bench.url, bench.token, bench.player_id, GAME, "GBP", expired_token=expired, barred_token=barred,
        barred_player=barred_player, free_rounds=str(grant),
    )  # fmt: skip
    report = await run_suite(
        endpoint, bench.wire, bench.casino.http, now_s=lambda: int(bench.casino.clock.now().timestamp())
    )
    assert report.conforms, [(one.number, one.expected, one.got) for one in report.verdicts if one.outcome == "failed"]
    assert report.count("skipped") == 0
    told = json.dumps(report.as_json())
    assert bench.token not in told and expired not in told  # a report is sent about


def test_the_command_says_what_failed_and_answers_by_its_exit_code(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("a secret that only two know")
    (tmp_path / "token").write_text("t")
    command = [
        sys.executable, "-m", "casino", "gal", "conformance", "http://127.0.0.1:1/studio", "--dialect", "hmac_actions",
        "--key", str(tmp_path / "key"), "--token-file", str(tmp_path / "token"), "--player", "p", "--game", "g",
        "--currency", "GBP", "--json",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1, done.stderr
    report = json.loads(done.stdout)
    assert report["conforms"] is False and report["passed"] == 0
    assert report["cases"][0]["got"] == "ConnectError" and report["cases"][0]["number"] == 1
    assert re.search(r"  1 FAILED   the balance", done.stderr)
    assert "needs expired_token" in done.stderr
    unusable = subprocess.run(
        [*command[:6], "--dialect", "rsa_status", *command[8:]], capture_output=True, text=True, timeout=60, check=False
    )
    assert unusable.returncode == 2 and "no RSA private key" in unusable.stderr

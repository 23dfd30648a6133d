"""rules.json changes while the casino runs: whole, without a restart, or not at all."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from casino.compliance.api import Rules, RulesInForce
from casino.compliance.in_force import FIXED
from casino.dev.run import free_port
from casino.kernel.db import Databases
from casino.kernel.errors import ConfigurationError
from casino.kernel.metrics import REGISTRY
from casino.wallet.api import build as build_wallet
from hypothesis import given
from hypothesis import strategies as st

RULES: dict[str, Any] = {
    "schema": 1, "catalogue_version": "t", "jurisdiction": "T", "jurisdiction_name": "T", "regulator": "R",
    "currency": "GBP", "currency_exponent": 2, "timezone": "Europe/London", "min_age_years": 18,
    "slot_max_stake": None, "slot_min_cycle_ms": None, "rtp_minimum_basis_points": None,
    "session_idle_timeout_s": None, "record_retention_years": None,
}  # fmt: skip


def band(stake: int) -> list[dict[str, int]]:
    return [{"min_age_years": 18, "stake_minor": stake}]


class ConfigMap:
    """A file as Kubernetes mounts it: a link into a folder that is itself a link, which is swapped."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._version = folder, 0
        self.path = folder / "rules.json"
        self.put(json.dumps(RULES))
        self.path.symlink_to("..data/rules.json")

    def put(self, text: str | bytes) -> None:
        self._version += 1
        version = self._folder / f"..{self._version}"
        version.mkdir()
        (version / "rules.json").write_bytes(text if isinstance(text, bytes) else text.encode())
        (self._folder / "..tmp").symlink_to(version.name)
        (self._folder / "..tmp").rename(self._folder / "..data")

    def change(self, **changes: Any) -> None:
        self.put(json.dumps(RULES | changes))


@pytest.fixture
def config_map(tmp_path: Path) -> ConfigMap:
    folder = tmp_path / "mounted"
    folder.mkdir()
    return ConfigMap(folder)


def metric(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def test_a_change_comes_into_force_whole_and_is_logged_with_both_digests(
    config_map: ConfigMap, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    rules = RulesInForce.read(config_map.path)
    before, accepted = rules.digest, metric("casino_rules_changes_total", outcome="accepted")
    assert await rules.look() is False
    config_map.change(min_age_years=21, slot_max_stake=band(100))
    assert await rules.look() is True
    assert rules.current.min_age_years == 21 and rules.digest != before
    (line,) = [record for record in caplog.records if record.message == "rules changed"]
    assert (line.digest_before, line.digest) == (before, rules.digest)  # type: ignore[attr-defined]
    assert line.changed == ["min_age_years", "slot_max_stake"]  # type: ignore[attr-defined]
    assert metric("casino_rules_changes_total", outcome="accepted") == accepted + 1
    assert metric("casino_rules_in_force", digest=rules.digest, catalogue_version="t") == 1
    assert metric("casino_rules_in_force", digest=before, catalogue_version="t") == 0


BROKEN: dict[str, Callable[[], str | bytes]] = {
    "no JSON": lambda: "{",
    "empty": lambda: "",
    "no text": lambda: b"\xff\xfe",
    "a field is missing": lambda: json.dumps({k: v for k, v in RULES.items() if k != "min_age_years"}),
    "half a rule": lambda: json.dumps(RULES | {"slot_max_stake": []}),
    "another currency": lambda: json.dumps(RULES | {"currency": "EUR"}),
    "another exponent": lambda: json.dumps(RULES | {"currency_exponent": 3}),
    "another time zone": lambda: json.dumps(RULES | {"timezone": "UTC"}),
    "another jurisdiction": lambda: json.dumps(RULES | {"jurisdiction": "X", "min_age_years": 21}),
}


@pytest.mark.parametrize("fault", BROKEN)
async def test_a_file_that_cannot_be_used_changes_nothing_and_is_told_of_once(
    config_map: ConfigMap, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    rules = RulesInForce.read(config_map.path)
    current, digest = rules.current, rules.digest
    config_map.put(BROKEN[fault]())
    for _ in range(3):
        assert await rules.look() is False
    assert (rules.current, rules.digest) == (current, digest) and rules.fault
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == 1 and errors[0].digest_in_force == digest  # type: ignore[attr-defined]
    assert metric("casino_rules_refused") == 1
    config_map.change()  # the old file again: nothing to complain of
    assert await rules.look() is False
    assert rules.fault is None and metric("casino_rules_refused") == 0
    config_map.change(min_age_years=19)
    assert await rules.look() is True


async def test_a_file_that_is_gone_changes_nothing(config_map: ConfigMap) -> None:
    rules = RulesInForce.read(config_map.path)
    config_map.path.unlink()
    assert await rules.look() is False
    assert rules.fault and rules.current.min_age_years == 18


async def test_a_change_that_a_module_cannot_follow_is_refused_by_all(config_map: ConfigMap) -> None:
    rules, committed = RulesInForce.read(config_map.path), []

    async def follow(_: Rules) -> Callable[[], None]:
        return lambda: committed.append(1)

    async def fail(_: Rules) -> Callable[[], None]:
        raise RuntimeError("no game is left")

    rules.before_change(follow)
    rules.before_change(fail)
    config_map.change(min_age_years=21)
    assert await rules.look() is False
    assert rules.current.min_age_years == 18 and not committed


@given(st.dictionaries(st.sampled_from(sorted(RULES)), st.one_of(st.none(), st.integers(-1, 30), st.text(max_size=4))))
def test_no_file_ever_leaves_rules_that_are_not_whole_or_are_anothers(
    tmp_path_factory: pytest.TempPathFactory, changes: dict[str, Any]
) -> None:
    path = tmp_path_factory.mktemp("rules") / "rules.json"
    path.write_text(json.dumps(RULES))
    rules = RulesInForce.read(path)
    first = rules.current
    path.write_text(json.dumps(RULES | changes))
    changed = asyncio.run(rules.look())
    assert Rules.model_validate(rules.current.model_dump(by_alias=True)) == rules.current
    assert all(getattr(rules.current, name) == getattr(first, name) for name in FIXED)
    assert changed or rules.current is first


async def test_every_module_goes_by_the_new_rules(open_casino: Any, tmp_path: Path) -> None:
    casino = await open_casino()
    player = await casino.player(deposit=10_000)
    rules = casino.part(RulesInForce)
    rules._path = tmp_path / "rules.json"
    text = casino.rules.model_dump(by_alias=True, mode="json")
    changes = {"slot_max_stake": band(50), "min_age_years": 40, "session_idle_timeout_s": 60}
    rules._path.write_text(json.dumps(text | changes | {"slot_max_stake": [{"min_age_years": 0, "stake_minor": 50}]}))
    assert (await player.spin(100)).status_code == 200
    assert await rules.look() is True
    assert (await player.spin(100)).json()["code"] == "STAKE_ABOVE_LIMIT"
    games = (await player.call("GET", "/games")).json()["games"]
    assert games and all(max(game["stakes_minor"]) <= 50 for game in games)
    assert (await casino.register(born="1990-01-01")).json()["code"] == "UNDER_AGE"
    from casino.pam.api import PlayerAccounts

    key = casino.part(PlayerAccounts)._sessions._key(player.token)
    await player.balance()
    assert 0 < await casino.part(PlayerAccounts)._sessions._redis.ttl(key) <= 60


async def test_a_game_that_other_rules_forbid_is_offered_no_more() -> None:
    from casino.compliance.api import parse_rules
    from casino.game_control.api import build

    control = build(parse_rules(json.dumps(RULES)), "test")
    before, game = set(control.games), next(iter(control.games.values()))
    offer = await control.readmit(parse_rules(json.dumps(RULES | {"rtp_minimum_basis_points": 9_999})))
    assert control.games, "until the rules come into force"
    offer()
    assert control.games == {}
    assert control.play(game, 100) is not None, "a round that is under way comes to its end"
    (await control.readmit(parse_rules(json.dumps(RULES))))()
    assert set(control.games) == before


@pytest.fixture
def process(casino_process_environment: dict[str, str], config_map: ConfigMap) -> Iterator[str]:
    port = free_port()
    environment = casino_process_environment | {
        "CASINO_PORT": str(port), "CASINO_RULES": str(config_map.path), "CASINO_RULES_POLL_S": "0.05",
    }  # fmt: skip
    running = subprocess.Popen([sys.executable, "-m", "casino", "api"], env=environment, stdout=subprocess.DEVNULL)
    yield f"http://127.0.0.1:{port}"
    running.kill()
    running.wait()


def until(ask: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with suppress(httpx.TransportError):
            if ask():
                return
        time.sleep(0.02)
    pytest.fail("it did not come to that")


def test_a_running_casino_takes_on_its_config_map(process: str, config_map: ConfigMap) -> None:
    def stakes() -> int:
        return int(max(httpx.get(f"{process}/api/v1/games").json()["games"][0]["stakes_minor"]))

    until(lambda: httpx.get(f"{process}/readyz").status_code == 200)
    assert stakes() > 50
    config_map.change(slot_max_stake=band(50))
    until(lambda: stakes() == 50)
    config_map.put("{}")
    until(lambda: "rules" in httpx.get(f"{process}/readyz").json()["warnings"])
    ready = httpx.get(f"{process}/readyz")
    assert (ready.status_code, ready.json()["ready"]) == (200, True), "a bad file turns no player away"
    assert "casino_rules_refused 1.0" in httpx.get(f"{process}/metrics").text
    assert stakes() == 50
    config_map.change(slot_max_stake=band(100))
    until(lambda: stakes() == 100)


async def test_a_casino_with_records_does_not_start_in_another_currency(servers: Any, database: str) -> None:
    databases = Databases(servers.settings(database), None, ["wallet"], {"wallet": 1})
    await databases.open()
    for _ in range(2):
        await build_wallet(databases.of("wallet"), "GBP", 2)
    with pytest.raises(ConfigurationError, match="the ledger is in GBP, and the rules say EUR"):
        await build_wallet(databases.of("wallet"), "EUR", 2)
    await databases.close()


def test_a_casino_opens_on_no_broken_rules(config_map: ConfigMap) -> None:
    config_map.put("{}")
    with pytest.raises(ConfigurationError, match="jurisdiction"):
        RulesInForce.read(config_map.path)

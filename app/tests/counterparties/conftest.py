"""A payment provider and a studio as processes of their own, and the keys that the casino has of them."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from casino.dev.run import Child, checkout, free_port, psp_command
from casino.dev.studio import studio_command, studio_environments

SECRET = "what the provider gave"


@pytest.fixture(scope="module")
def parties(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The casino's variables for both of them, as they should be."""
    folder, psp, studio = tmp_path_factory.mktemp("parties"), free_port(), free_port()
    (folder / "merchants.json").write_text(json.dumps({"alfa": SECRET}))
    casino, simulator = studio_environments(studio, free_port())
    command = [*psp_command(checkout(), psp, Path(":memory:")), "--merchants", str(folder / "merchants.json")]
    with (
        Child(command, "the PSP simulator", port=psp),
        Child(studio_command(checkout(), studio), "the studio", port=studio, environment=simulator),
    ):
        yield casino | {
            "CASINO_PAYMENTS": "{}",
            "CASINO_PSP": json.dumps([{"name": "alfa", "url": f"http://127.0.0.1:{psp}"}]),
            "CASINO_PSP_SECRETS": json.dumps({"alfa": {"merchant_id": "alfa", "secret": SECRET}}),
        }


@pytest.fixture
def ask(casino_process_environment: dict[str, str], parties: dict[str, str]) -> Any:
    """`casino counterparties --json` with other variables than the right ones: the exit code, and each one's answer."""

    def ask_(**changed: str) -> tuple[int, dict[str, str]]:
        done = subprocess.run(
            [sys.executable, "-m", "casino", "counterparties", "--json"],
            env=casino_process_environment | parties | changed,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode in (0, 1), done.stderr
        return done.returncode, {f"{one['kind']} {one['name']}": one["answer"] for one in json.loads(done.stdout)}

    return ask_

"""The tests of payments import what they share by its name; the simulator is a process of its own."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from casino.dev.run import Child, checkout, free_port, psp_command

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def psp_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A simulator that stands for the providers of `payments_simulator.SECRETS`."""
    from payments_simulator import SECRETS

    folder, port = tmp_path_factory.mktemp("psp"), free_port()
    (folder / "merchants.json").write_text(json.dumps(SECRETS))
    command = [*psp_command(checkout(), port, Path(":memory:")), "--merchants", str(folder / "merchants.json")]
    with Child([*command, "--max-skew-seconds", str(10**10)], "the PSP simulator", port=port):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
async def simulator(psp_url: str) -> Any:
    from payments_simulator import Simulator

    simulator = Simulator(psp_url)
    yield simulator
    await simulator.close()


@pytest.fixture(scope="session")
def payments_database(servers: Any) -> str:
    """One for all tests of payments, each of which finds it empty: to copy one for each would take most of a test."""
    name: str = asyncio.run(servers.new_database())
    return name


EMPTY = """SET LOCAL session_replication_role = replica;  -- the history's trigger refuses it otherwise
    TRUNCATE wallet.payments, wallet.payment_transitions, wallet.payment_attempts, wallet.psp_events,
        wallet.instruments, wallet.instrument_decisions, wallet.settlement_files, wallet.settlement_lines,
        wallet.settlement_breaks;
    DROP TABLE IF EXISTS money"""


@pytest.fixture
async def world(servers: Any, payments_database: str, simulator: Any) -> Any:
    """Payments with three providers, before the first one."""
    from casino.kernel.db import Database
    from payments_world import TableLedger, World, rules_with

    store = Database(servers.settings(payments_database), None, "wallet", size=4)
    await store.open()
    # Not as the wallet's role, which may do neither.
    empty = f"BEGIN; {EMPTY}; {TableLedger.SCHEMA}; GRANT ALL ON money TO PUBLIC; COMMIT"
    connection = await asyncpg.connect(servers.uri(payments_database))
    await connection.execute(empty)
    await connection.close()
    world = World(store, simulator, None, rules=rules_with())  # type: ignore[arg-type]
    world.again()
    yield world
    sums = await world.sums()
    assert sums["cash"] + sums["pending"] - sums["loss"] == sums["provider"]
    await store.close()

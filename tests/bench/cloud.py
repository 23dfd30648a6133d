"""How long the cloud's stacks take: planned, built, previewed; beside what the cloud itself worked on it.

The cloud is the lab's, on this machine: it answers within milliseconds where AWS takes minutes to make a database. So
what is measured is the engine, the program and the providers; the ratio says how much of it is not the cloud.
"""

from __future__ import annotations

import json
import tempfile
import threading
import time
import urllib.request
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from domicile_catalog import load_catalogue
from domicile_catalog.environment import NOBODY, Environment, read_surroundings, zones_of
from domicile_infra.plan.accounts import plan_zones
from domicile_infra.plan.attachments import documents_of
from domicile_infra.plan.cell import CellFacts, plan_cells
from domicile_infra.plan.organization import choices_of, plan_organization

from tests.cloud.world import GB, ORGANIZATION, ROOT, World, running_world

CELLS = 50
PROGRAM = "providers/run_program.py"


def run_cloud() -> dict[str, Any]:
    """The figures; seconds of wall time but for the planners' (processor time)."""
    result: dict[str, Any] = {"cloud_plan_50_cells_s": round(plan_cells_s(), 2)}
    with tempfile.TemporaryDirectory(prefix="domicile-bench-") as folder, running_world(Path(folder)) as world:
        result["cloud_organization_up_s"] = round(world.up(ORGANIZATION).seconds, 1)
        before = asked(world)
        with Memory() as memory:
            up = world.up(GB)
        after = asked(world)
        result["cloud_cell_resources"] = up.count("created")
        result["cloud_cell_up_s"] = round(up.seconds, 1)
        result["cloud_cell_calls"] = int(after["calls"] - before["calls"])
        result["cloud_cell_calls_s"] = round(after["seconds"] - before["seconds"], 1)
        result["cloud_up_over_calls"] = round(up.seconds / (after["seconds"] - before["seconds"]), 2)
        result["cloud_program_mb"] = round(memory.peak_kib / 1024)
        began = time.monotonic()
        world.pulumi(GB, "preview", "--expect-no-changes")
        result["cloud_cell_preview_s"] = round(time.monotonic() - began, 1)
    return result


def asked(world: World) -> dict[str, float]:
    """How many calls the cloud has answered so far, and for how many seconds it worked on them."""
    with urllib.request.urlopen(f"{world.cloud.raw_url}/domicile/health", timeout=10) as answer:
        told: dict[str, float] = json.loads(answer.read())
        return told


def plan_cells_s() -> float:
    """Processor seconds for an environment of 50 cells: everything that is decided before anything is built."""
    environment, began = many_cells(), time.process_time()
    catalogue, today = load_catalogue(), datetime.now(UTC).date()
    zones, _ = plan_zones(environment, catalogue, today, ())
    choices = choices_of(environment)
    roomy = replace(choices.facts, quotas=replace(choices.facts.quotas, accounts=100, trails_in_a_region=100))
    plan_organization(
        environment, catalogue, today, documents_of(environment, zones), choices=replace(choices, facts=roomy)
    )
    facts = {
        cell.name: CellFacts(
            account_id=f"{at:012d}",
            organization_id="o-benchbench",
            deployer_role_arn=f"arn:aws:iam::{at:012d}:role/domicile-deployer",
            retention_years=5,
            availability_zones=zones_of(catalogue, cell),
        )
        for at, cell in enumerate(environment.cells, 1)
    }
    for plan in plan_cells(environment, facts).values():
        assert plan.subnets
    return time.process_time() - began


def many_cells() -> Environment:
    """The lab's environment with its first cell fifty times, under other names."""
    found = read_surroundings(ROOT / "environments" / "lab", load_catalogue(), NOBODY, []).environment
    assert found is not None and found.organization is not None
    first = found.cells[0]
    cells = [
        first.model_copy(update={"name": f"cell-{at}", "base_domain": f"c{at}.acme.example"}) for at in range(CELLS)
    ]
    wide = found.organization.model_copy(update={"supernet": IPv4Network("10.0.0.0/8")})
    return found.model_copy(update={"cells": tuple(cells), "organization": wide})


class Memory:
    """The most memory that a Pulumi program takes while this is open, in KiB (VmHWM)."""

    def __init__(self) -> None:
        self.peak_kib = 0
        self._ended = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Memory:
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._watcher.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.2):
            for process in Path("/proc").glob("[0-9]*"):
                try:
                    if PROGRAM not in (process / "cmdline").read_text():
                        continue
                    lines = (process / "status").read_text().splitlines()
                except OSError:  # it has ended meanwhile
                    continue
                self.peak_kib = max([self.peak_kib, *(int(line.split()[1]) for line in lines if "VmHWM" in line)])

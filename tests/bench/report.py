"""What a benchmark says: its targets, the table, and the files in docs/benchmarks."""

from __future__ import annotations

import datetime as dt
import json
import platform
import re
import subprocess
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench import realtime
from tests.end_to_end import lab

RESULTS = lab.ROOT / "docs" / "benchmarks"
console = Console()
SECTIONS = ("large", "fleet", "casino", "site")
"""What other benchmarks keep in the same file."""
ABOUT = ("machine", "postgresql", "commit", "date", "seconds_each", "clients")


def measured(what: str, seconds: int) -> None:
    console.print(f"[dim]{what}, {seconds} s ...[/]", highlight=False)


def machine() -> dict[str, Any]:
    cpuinfo = Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*: (.*)", cpuinfo)
    memory = re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())
    return {
        "cpu": model[1] if model else platform.processor(),
        "cores": cpuinfo.count("processor\t"),
        "memory_gib": round(int(memory[1]) / 2**20, 1) if memory else None,
        "kernel": platform.release(),
    }


TARGETS = realtime.TARGETS | {
    "place_all_s": ("<", 1.0),
    "cloud_plan_50_cells_s": ("<", 5.0),
    "cloud_cell_up_s": ("<", 60.0),
    "cloud_cell_preview_s": ("<", 15.0),
    "cloud_program_mb": ("<", 500.0),
    "ledger_over_pgbench": (">=", 1.5),
    "jackpot_costs_percent": ("<", 15.0),
    "http_over_ledger": (">=", 0.5),
    "http_bets_per_s": (">=", 2000.0),
    "http_p99_ms": ("<", 50.0),
    "large_over_empty": (">=", 0.9),
    "apply_to_first_bet_s": ("<=", 30.0),
    "fleet_converge_over_bare": ("<=", 1.5),
    "fleet_rest_requests_a_minute": ("<", 15.0),
    "fleet_rest_tenant_writes_a_minute": ("<", 1.0),
    "fleet_memory_most_mb": ("<", 600.0),
    "fleet_change_p99_s": ("<", 5.0),
    "fleet_restart_s": ("<", 60.0),
}


def verdict(name: str, value: Any) -> str:
    if name not in TARGETS:
        return ""
    sign, target = TARGETS[name]
    met = {">=": value >= target, "<": value < target, "<=": value <= target}[sign]
    return f"{'met' if met else 'MISSED'} ({sign} {target:g})"


def ratios(found: dict[str, Any]) -> dict[str, float]:
    """What one run's figures are to each other; of what was not measured, nothing."""
    pairs = {
        "ledger_over_pgbench": ("ledger_bets_per_s", "pgbench_tps"),
        "ledger_alone_over_pgbench": ("ledger_alone_bets_per_s", "pgbench_tps"),
        "http_over_ledger": ("http_bets_per_s", "ledger_bets_per_s"),
        "http_over_ledger_alone": ("http_bets_per_s", "ledger_alone_bets_per_s"),
    }
    made = {name: round(found[a] / found[b], 2) for name, (a, b) in pairs.items() if a in found and b in found}
    if "ledger_jackpot_bets_per_s" in found:
        kept = found["ledger_jackpot_bets_per_s"] / found["ledger_bets_per_s"]
        made["jackpot_costs_percent"] = round(100 * (1 - kept), 1)
    return made


def about(server: dict[str, str], seconds: int, clients: int) -> dict[str, Any]:
    """Where, when and how a run was made."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=lab.ROOT, capture_output=True, text=True, check=True
    )
    return {
        "machine": machine(), "postgresql": server, "commit": commit.stdout.strip(),
        "date": dt.datetime.now(dt.UTC).date().isoformat(), "seconds_each": seconds, "clients": clients,
    }  # fmt: skip


def show(result: dict[str, Any], about: dict[str, Any]) -> None:
    table = Table(title="One run on one machine: compare the ratios")
    for heading in ("figure", "value", "target"):
        table.add_column(heading)
    for name, value in result.items():
        table.add_row(name, str(value), verdict(name, value))
    console.print(table)
    for name, value in about.items():
        console.print(f"- {name}: {value}", highlight=False)


def show_profile(name: str, found: dict[str, dict[str, float]]) -> None:
    for where, shares in found.items():
        table = Table(title=f"{name}: {where}, shares of samples")
        table.add_column("what")
        table.add_column("share", justify="right")
        for what, share in shares.items():
            table.add_row(what, f"{share:.1%}")
        console.print(table)


def write_profiles(profiles: dict[str, Any], about: dict[str, Any]) -> None:
    """Keep what the loads spent their time on, as a page."""
    explained = (
        "Written by `make bench PROFILE=1`: shares of samples, taken under loads of their own. `running` "
        "is a server process that waits for nothing but, on a full machine, a processor."
    )
    lines = ["# Profiles", "", explained, ""]
    for name, found in profiles.items():
        for where, shares in found.items():
            lines += [f"## {name}: {where}", "", "| what | share |", "|---|---|"]
            lines += [f"| `{what}` | {share:.1%} |" for what, share in shares.items()] + [""]
    (RESULTS / "profile.md").write_text("\n".join([*lines, *(f"- {k}: {v}" for k, v in about.items()), ""]))


def write_section(name: str, found: dict[str, Any]) -> None:
    """Keep another benchmark's figures beside the others."""
    _write(_kept() | {name: found})


def write(result: dict[str, Any], about: dict[str, Any]) -> None:
    """Keep it in docs/benchmarks/ beside what other benchmarks wrote there."""
    _write(result | about | {name: found for name, found in _kept().items() if name in SECTIONS})


def _kept() -> dict[str, Any]:
    latest = RESULTS / "latest.json"
    found: dict[str, Any] = json.loads(latest.read_text()) if latest.exists() else {}
    return found


def _write(found: dict[str, Any]) -> None:
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "latest.json").write_text(json.dumps(found, indent=2) + "\n")
    lines = ["# Benchmarks", "", "Ratios within one run are what to compare.", "", "## `make bench`", ""]
    sections = {name: found[name] for name in SECTIONS if name in found}
    lines += _page({name: value for name, value in found.items() if name not in sections})
    for name, section in sections.items():
        lines += ["", f"## `make bench-{name}`", "", *_page(section)]
    (RESULTS / "README.md").write_text("\n".join([*lines, ""]))


def _page(found: dict[str, Any]) -> list[str]:
    lines = ["| figure | value | target |", "|---|---|---|"]
    lines += [f"| `{name}` | {value} | {verdict(name, value)} |" for name, value in found.items() if name not in ABOUT]
    return [*lines, "", *(f"- {name}: {found[name]}" for name in ABOUT if name in found)]

"""Run one of the project's suites within its time budget, or all of them, and say what was counted.

    python tests/run.py lint | unit | casino | controls | apiserver | cloud | scan | lab | all [-- pytest arguments]

A suite that takes longer than its budget fails even when every test passed: a slow suite is a fault that grows.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REPORTS = ROOT / ".lab" / "reports"
SOURCES = ["catalog", "policies", "infra", "operators", "app", "audit", "lab", "cli", "kubectl"]


@dataclass(frozen=True)
class Suite:
    """`commands` run in turn; a command that starts with `pytest` gets a report that is counted."""

    commands: tuple[tuple[str, ...], ...]
    budget_s: int
    before: Callable[[], None] = lambda: None


# program -> its Debian package
UNIT_PROGRAMS = {
    "redis-server": "redis-server",
    "restic": "restic",
    "rclone": "rclone",
    "softhsm2-util": "softhsm2",
    "dieharder": "dieharder",
    "chromium": "chromium",
}


def need_programs() -> None:
    """The casino's tests run against real programs: install them as root, else say what is missing."""
    missing = [package for program, package in UNIT_PROGRAMS.items() if not shutil.which(program)]
    if not missing:
        return
    if os.geteuid() != 0:
        named = " ".join(missing)
        sys.exit(f"The casino's tests need {named}: `sudo apt-get install {named}`, or run as root.")
    call("domicile-lab", "packages")


def need_tools() -> None:
    call("domicile-lab", "tools")


def need_control_plane() -> None:
    need_programs()
    need_tools()


def need_lab() -> None:
    call("domicile-lab", "up")


SUITES = {
    "lint": Suite(
        (
            ("ruff", "check", "."),
            ("ruff", "format", "--check", "--quiet", "."),
            ("mypy", *(f"{s}/src" for s in SOURCES)),
            ("lint-imports",),
            ("lint-imports", "--config", "app/importlinter.toml"),
            ("domicile", "validate", "environments/lab"),
            ("domicile", "generate", "--check"),
        ),
        budget_s=240,
    ),
    # A file's tests stay together: they share servers, which each of the two processes starts for itself.
    "unit": Suite((("pytest", "-n", "2", "--dist", "loadfile"),), budget_s=480),
    # The casino on real servers of its own: PostgreSQL, Redis, OpenBao, an HSM, and the simulators.
    "casino": Suite((("pytest", "-n", "2", "--dist", "loadfile", "app/tests"),), budget_s=1200, before=need_programs),
    "controls": Suite((("domicile", "controls", "--verify"),), budget_s=480, before=need_programs),
    # Two at a time, a control plane each: most of a test is waiting.
    "apiserver": Suite(
        (("pytest", "-n", "2", "--dist", "loadfile", "operators/tests/integration", "lab/tests/integration"),),
        budget_s=1800,
        before=need_control_plane,
    ),
    "cloud": Suite((("pytest", "tests/cloud"),), budget_s=1200, before=need_tools),
    "scan": Suite((("python", "-m", "tests.scan"), ("pytest", "tests/scan")), budget_s=240),
    "lab": Suite((("pytest", "tests/end_to_end"),), budget_s=1500, before=need_lab),
}


def call(*command: str) -> None:
    done = subprocess.run(command, cwd=ROOT, check=False)
    if done.returncode != 0:
        sys.exit(f"`{' '.join(command)}` ended with {done.returncode}.")


def environment() -> dict[str, str]:
    tools = ROOT / ".lab" / "bin"
    return {**os.environ, "DOMICILE_TOOLS": str(tools), "PATH": f"{tools}:{os.environ['PATH']}"}


def run(name: str, extra: list[str]) -> tuple[int, int]:
    """Run one suite; return (passed, failed), where a lint command counts as one."""
    suite = SUITES[name]
    suite.before()
    print(f"== {name} ==", flush=True)
    begun = time.monotonic()
    passed = failed = 0
    for command in suite.commands:
        if command[0] == "pytest":
            REPORTS.mkdir(parents=True, exist_ok=True)
            report = REPORTS / f"{name}.xml"
            report.unlink(missing_ok=True)
            argv = [sys.executable, "-m", *command, f"--junitxml={report}", *extra]
            code = subprocess.run(argv, cwd=ROOT, env=environment(), check=False).returncode
            good, bad = count(report)
            if good + bad == 0 or (code != 0 and bad == 0):
                bad += 1  # nothing ran, or the run itself broke
            passed, failed = passed + good, failed + bad
        else:
            code = subprocess.run(command, cwd=ROOT, env=environment(), check=False).returncode
            if code != 0:
                print(f"`{' '.join(command)}` ended with {code}.", flush=True)
            passed, failed = passed + (code == 0), failed + (code != 0)
    seconds = time.monotonic() - begun
    print(f"{name}: {passed} passed, {failed} failed in {seconds:.0f} s (budget {suite.budget_s} s)", flush=True)
    if seconds > suite.budget_s:
        print(f"{name} took longer than its budget: find what is slow, or split it.", flush=True)
        failed += 1
    return passed, failed


def count(report: Path) -> tuple[int, int]:
    """(passed, failed) of a JUnit report. A skipped test counts as failed: nothing is skipped silently."""
    if not report.exists():
        return 0, 0
    passed = failed = 0
    for suite in ET.parse(report).getroot().iter("testsuite"):
        tests, bad = int(suite.get("tests", 0)), sum(int(suite.get(k, 0)) for k in ("failures", "errors", "skipped"))
        passed, failed = passed + tests - bad, failed + bad
    return passed, failed


def main(arguments: list[str]) -> int:
    names, extra = (arguments, []) if "--" not in arguments else split(arguments)
    if not names or any(n not in (*SUITES, "all") for n in names):
        print(__doc__, file=sys.stderr)
        return 2
    chosen = list(SUITES) if "all" in names else names
    totals = [run(name, extra) for name in chosen]
    passed, failed = (sum(column) for column in zip(*totals, strict=True))
    print(f"{passed} passed, {failed} failed", flush=True)
    return 1 if failed else 0


def split(arguments: list[str]) -> tuple[list[str], list[str]]:
    at = arguments.index("--")
    return arguments[:at], arguments[at + 1 :]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""`make soak`: every drill with its full count of seeded faults.

    python -m tests.soak               a new seed
    python -m tests.soak --seed 4711   the same faults again
    python -m tests.soak --most 5      a rehearsal: at most five faults in each drill, and nothing is written

A drill is a test marked `drill` (conftest.py); the suites run a sample of it. The result goes to
docs/soak/latest.json and a table beside it, failed drills included. The exit code is 1 when one failed.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import secrets
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

from tests.run import environment, need_tools

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "docs" / "soak"
DRILLED = ("app/tests", "operators/tests/integration/test_chaos.py")
"""Where drills live. The suites' own list has parts of the platform alone."""
REPORT = ROOT / ".lab" / "reports" / "soak.xml"


def drills(report: Path) -> list[dict[str, Any]]:
    """The drills of a JUnit report: name, faults injected, seconds, and whether it passed or was left out."""
    found = []
    for case in ET.parse(report).getroot().iter("testcase"):
        properties = {p.get("name"): p.get("value") for p in case.iter("property")}
        tags = {child.tag for child in case}
        skipped = next((str(child.get("message")) for child in case if child.tag == "skipped"), None)
        found.append(
            {
                "drill": f"{case.get('classname')}::{case.get('name')}",
                "faults": int(properties.get("faults") or 0),
                "seconds": round(float(case.get("time", 0)), 1),
                "passed": not tags & {"failure", "error", "skipped"},
            }
            | ({"left_out": skipped} if skipped is not None else {})
        )
    return found


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()


def _outcome(drill: dict[str, Any]) -> str:
    return "passed" if drill["passed"] else f"left out: {drill['left_out']}" if "left_out" in drill else "FAILED"


def table(result: dict[str, Any]) -> str:
    lines = ["# Soak", "", "Written by `make soak`. The same seed injects the same faults.", ""]
    lines += ["| drill | faults or sequences | seconds | |", "|---|---|---|---|"]
    lines += [f"| `{d['drill']}` | {d['faults']} | {d['seconds']} | {_outcome(d)} |" for d in result["drills"]]
    return "\n".join([*lines, "", f"Seed {result['seed']}, commit {result['commit']}, {result['date']}.", ""])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, help="inject the same faults again (default: a new seed)")
    parser.add_argument("--most", type=int, help="at most so many faults in each drill; the results are not kept")
    options = parser.parse_args()
    seed = options.seed
    seed = secrets.randbelow(1_000_000) if seed is None else seed
    print(f"seed {seed}", flush=True)
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.unlink(missing_ok=True)
    begun = time.monotonic()
    command = [sys.executable, "-m", "pytest", *DRILLED, "-m", "drill", "--soak"]
    command += [f"--drill-seed={seed}", f"--junitxml={REPORT}", "-o", "junit_family=xunit1"]
    if options.most is not None:
        command.append(f"--drill-most={options.most}")
    need_tools()
    code = subprocess.run(command, cwd=ROOT, env=environment(), check=False).returncode
    if not REPORT.exists():
        return code or 1
    result = {
        "seed": seed,
        "commit": git("rev-parse", "--short", "HEAD") + ("-changed" if git("status", "--porcelain") else ""),
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "seconds": round(time.monotonic() - begun, 1),
        "drills": drills(REPORT),
    }
    if not result["drills"]:
        print("no drill was found: nothing is written", flush=True)
        return 1
    failed = code or not all(d["passed"] or "left_out" in d for d in result["drills"])
    if options.most is not None:
        print(table(result))
        return 1 if failed else 0
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "latest.json").write_text(json.dumps(result, indent=2) + "\n")
    (RESULTS / "README.md").write_text(table(result))
    print(f"written to {RESULTS.relative_to(ROOT)}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

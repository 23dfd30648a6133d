"""`make bench`: one run that measures the ledger and the casino against PostgreSQL's own benchmark.

First the catalogue alone, on one core, the cloud's stacks with the real engine, real time, and a fleet on a cell of its
own (`fleet.py`). The rest is all on the lab, one after the other: pgbench's TPC-B, bets straight to the ledger's SQL
function by the same pgbench with as many clients, bets over HTTP through the ingress, and a tenant from `kubectl apply`
to its first settled bet. Ratios within one run are what to compare; absolute figures are this machine's. The ledger is
verified after the load: a broken invariant ends the run without a figure.

  make bench                                       everything
  python -m tests.bench --only ledger --seconds 5  one part, printed and not kept
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from tests.bench import fleet, ledger, profile, realtime, report, web
from tests.bench.catalogue import run_catalogue
from tests.bench.cloud import run_cloud
from tests.end_to_end import lab

PARTS = ("catalogue", "cloud", "realtime", "fleet", "ledger", "http", "apply")
FLEET = 20
"""Tenants of the fleet that every run has; `make bench-fleet` has a thousand."""


def on_the_lab(parts: list[str], seconds: int, scale: int, profiles: dict[str, Any] | None) -> dict[str, Any]:
    """What needs the bench's own tenant: the ledger by itself, and bets over HTTP."""
    if not {"ledger", "http"} & set(parts):
        return {}
    found: dict[str, Any] = {}
    url, rules = ledger.prepare()
    tokens = lab.PATHS.state / "bench-tokens"
    try:
        if "ledger" in parts:
            found |= ledger.run_tpcb(seconds, scale) | ledger.run(seconds, rules)
            found |= ledger.run_readers()
        if "http" in parts:
            web.open_sessions(tokens)
            found |= web.run_http(seconds, url, tokens)
        if profiles is not None:
            # Loads of their own: what is measured above is not watched.
            if "ledger" in parts:
                with profile.profiled(seconds, profiles, "bets straight to the ledger"):
                    ledger.run_ledger(seconds, rules, ledger.BATCH)
            if "http" in parts:
                with profile.profiled(seconds, profiles, "bets over HTTP", python=True):
                    web.wrk(url, tokens, web.PEAK_CONNECTIONS, seconds, 0)
        if not lab.verify_ledger(ledger.TENANT)["ok"]:
            raise SystemExit("The ledger does not hold after the load: no figure is given.")
    finally:
        tokens.unlink(missing_ok=True)
        lab.delete(ledger.TENANT)
    return found | report.ratios(found)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="make bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seconds", type=int, default=20, help="length of each measurement (default 20)")
    parser.add_argument("--scale", type=int, default=50, help="pgbench's scale (default 50)")
    parser.add_argument("--only", action="append", choices=PARTS, help="a part; may be given again; writes no files")
    parser.add_argument("--profile", action="store_true", help="say as well what the loads spend their time on")
    parser.add_argument("--json", action="store_true", help="print the object that is written")
    options = parser.parse_args()
    lab.resolve_localhost()
    parts: list[str] = options.only or list(PARTS)
    server = ledger.settings_of_the_server()
    result: dict[str, Any] = {}
    if "catalogue" in parts:
        result |= run_catalogue()
    if "cloud" in parts:
        report.console.print("[dim]the cloud's stacks ...[/]")
        result |= run_cloud()
    if "realtime" in parts:
        report.console.print("[dim]real time: connections, a broadcast, a round's settlement ...[/]")
        result |= realtime.run()
    if "fleet" in parts:
        report.console.print(f"[dim]a fleet of {FLEET} on a cell of its own ...[/]")
        result |= fleet.run_fleet(FLEET, changes=10, rest_seconds=60)
    profiles: dict[str, Any] | None = {} if options.profile else None
    result |= on_the_lab(parts, options.seconds, options.scale, profiles)
    if "apply" in parts:
        result |= web.run_apply()
    about = report.about(server, options.seconds, ledger.CLIENTS)
    report.show(result, about)
    for name, found in (profiles or {}).items():
        report.show_profile(name, found)
    if options.only is None:
        report.write(result, about)
    if profiles:
        report.write_profiles(profiles, about)
    if options.json:
        print(json.dumps(result, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())

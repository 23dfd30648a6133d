"""`make bench`: one run that measures the ledger and the casino against PostgreSQL's own benchmark.

First the catalogue alone, on one core, and the cloud's stacks with the real engine. The rest is all on the lab, one
after the other: pgbench's TPC-B, bets straight to the ledger's SQL function by the same pgbench with as many clients,
bets over HTTP through the ingress, and a tenant from `kubectl apply` to its first settled bet. Ratios within one run
are what to compare; absolute figures are this machine's. The ledger is verified after the load: a broken invariant
ends the run without a figure.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import platform
import re
import secrets
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench import cpu
from tests.bench.catalogue import run_catalogue
from tests.bench.cloud import run_cloud
from tests.end_to_end import lab

TENANT = "bench"
DATABASE = "casino_bench"
PLAYERS = 64_000  # enough that no player bets twice within the jurisdiction's shortest game cycle
SESSIONS = 16_000
CLIENTS = 16
BATCH = 8
"""Bets in one statement, as the casino sends them when that many are asked for at one moment."""
STEADY_CONNECTIONS = 64
PEAK_CONNECTIONS = 256  # enough that somebody always waits: the peak is what is asked for, not the times at it
STAKE_MINOR = 100
REST_S = 6  # between loads: longer than any jurisdiction's game cycle, so that who bet last may bet again
RESULTS = lab.ROOT / "docs" / "benchmarks"
console = Console()

FUND = f"""
DO $$
DECLARE player bigint; held bigint;
BEGIN
  SELECT count(*) INTO held FROM wallet.accounts WHERE kind = 'player_cash';
  FOR i IN held + 1 .. {PLAYERS} LOOP
    player := wallet.open_player_account(gen_random_uuid(), 'GBP');
    PERFORM wallet.post('opening_balance', player, 'fund', sha256('fund'), wallet.uuid7(),
      ARRAY[ROW('opening', 'bench', 'player_cash', NULL, 'GBP', 10000000)::wallet.movement], '{{}}');
  END LOOP;
END $$;
"""

# Bets by the casino's own call, with the rules' cap and cycle; half of the rounds win, as two postings cost more. Each
# client goes round its own players, so that nobody bets twice within a cycle and no two statements meet on a row.
BET = """
\\set n (:n + {batch}) % {each}
SELECT count(*) FROM wallet.place_rounds(
    ARRAY(SELECT {first} + :client_id * {each} + (:n + i) % {each} FROM generate_series(1, {batch}) i),
    ARRAY(SELECT gen_random_uuid()::text FROM generate_series(1, {batch})),
    array_fill(sha256('bench'), ARRAY[{batch}]),
    ARRAY(SELECT wallet.uuid7() FROM generate_series(1, {batch})),
    array_fill({stake}::bigint, ARRAY[{batch}]),
    ARRAY(SELECT ((:n / {batch} + i) % 2) * {stake}::bigint FROM generate_series(1, {batch}) i),
    array_fill({cap}::bigint, ARRAY[{batch}]), array_fill({cycle}, ARRAY[{batch}]),
    array_fill('{{"game_id": "bench", "reels": [[1, 2, 3], [4, 5, 6], [7, 8, 9]], "wins": []}}'::jsonb,
        ARRAY[{batch}]){jackpot});
"""

OPEN_SESSIONS = """
import asyncio, datetime, json, sys
from casino.kernel.cache import open_redis
from casino.kernel.clock import SystemClock
from casino.kernel.credentials import Credentials
from casino.kernel.db import Databases
from casino.kernel.settings import load_settings
from casino.pam.sessions import SessionStore
async def main():
    settings = load_settings()
    credentials = Credentials(settings, [settings.bao_role_of("wallet"), settings.bao_redis_role])
    await credentials.start()
    databases = Databases(settings, credentials, ["wallet"], {"wallet": 1})
    await databases.open()
    rows = await databases.of("wallet").pool.fetch(
        "SELECT player_id, account_id FROM wallet.accounts WHERE kind = 'player_cash' ORDER BY account_id LIMIT %d")
    store = SessionStore(open_redis(settings, credentials), settings, SystemClock(), lambda: 3600)
    born = datetime.date(1980, 1, 1)
    for at in range(0, len(rows), 20):
        opened = await asyncio.gather(*(store.open(r[0], r[1], born) for r in rows[at:at + 20]))
        print("\\n".join(token for token, _ in opened))
asyncio.run(main())
"""


def pgbench(database: str, *arguments: str, script: str | None = None) -> str:
    """Run pgbench beside the server, over its socket; `script` becomes its only transaction."""
    if script is not None:
        lab.on_machine("data1", f"cat > /tmp/bench.sql <<'END'\n{script}\nEND")
        arguments = (*arguments, "-f", "/tmp/bench.sql")
    return lab.on_machine("data1", "runuser", "-u", "postgres", "--", "pgbench", *arguments, database)


def tps(text: str) -> float:
    found = re.search(r"tps = ([\d.]+) \(without", text)
    if not found:
        raise SystemExit(f"pgbench gave no figure:\n{text}")
    return float(found[1])


def measured(what: str, seconds: int) -> None:
    console.print(f"[dim]{what}, {seconds} s ...[/]", highlight=False)


def settings_of_the_server() -> dict[str, str]:
    """The durability settings, read back from the server that is measured."""
    names = ("server_version", "fsync", "synchronous_commit", "full_page_writes", "wal_sync_method", "shared_buffers")
    found = {name: lab.sql("postgres", f"SHOW {name}") for name in names}
    for name in ("fsync", "synchronous_commit", "full_page_writes"):
        if found[name] != "on":
            raise SystemExit(f"{name} is {found[name]}: a ledger is measured with {name} on, or not at all.")
    return found


def run_tpcb(seconds: int, scale: int) -> dict[str, Any]:
    lab.sql("postgres", "DROP DATABASE IF EXISTS tpcb")
    lab.sql("postgres", "CREATE DATABASE tpcb")
    pgbench("tpcb", "-q", "-i", "-s", str(scale))
    lab.sql("postgres", "CHECKPOINT")
    measured(f"pgbench TPC-B, scale {scale}, {CLIENTS} clients", seconds)
    found = tps(pgbench("tpcb", "-n", "-M", "prepared", "-c", str(CLIENTS), "-j", "2", "-T", str(seconds)))
    lab.sql("postgres", "DROP DATABASE tpcb")
    return {"pgbench_tps": round(found, 1), "pgbench_scale": scale}


def placed_rounds() -> int:
    return int(lab.sql(DATABASE, "SELECT count(*) FROM wallet.transactions WHERE kind = $$round$$"))


def run_ledger(seconds: int, rules: dict[str, Any], batch: int, *, jackpot: bool = False) -> float:
    """Bets a second straight to the ledger's function, `batch` in a statement; with `jackpot` each feeds one pot."""
    first = int(lab.sql(DATABASE, "SELECT min(account_id) FROM wallet.accounts WHERE kind = $$player_cash$$"))
    fed = f", array_fill('bench'::text, ARRAY[{batch}]), array_fill(1000000::bigint, ARRAY[{batch}])"
    script = BET.format(
        each=PLAYERS // CLIENTS, first=first, stake=STAKE_MINOR, cap=rules["slot_max_stake"][-1]["stake_minor"],
        cycle=rules["slot_min_cycle_ms"], batch=batch, jackpot=fed if jackpot else "",
    )  # fmt: skip
    lab.sql("postgres", "CHECKPOINT")
    before = placed_rounds()
    measured(
        f"bets straight to the ledger's function, {batch} in a statement{' with a jackpot' if jackpot else ''}", seconds
    )
    shape = ("-n", "-M", "prepared", "-D", "n=0", "-c", str(CLIENTS), "-j", "2", "-T", str(seconds))
    called = tps(pgbench(DATABASE, *shape, script=script)) * batch
    placed = (placed_rounds() - before) / seconds
    if placed < 0.98 * called:
        raise SystemExit(f"Of {called:.0f} bets a second only {placed:.0f} were placed: the load is wrong.")
    time.sleep(REST_S)
    return round(placed, 1)


def wrk(url: str, tokens: Path, connections: int, seconds: int, pause_ms: int) -> dict[str, Any]:
    """Load the casino through its ingress; wrk counts what was placed and the answers' times."""
    time.sleep(REST_S)
    game = lab.new_player(url).game()
    host = url.removeprefix("https://")
    done = subprocess.run(
        ["wrk", "-t2", f"-c{connections}", f"-d{seconds}s", "-s", str(Path(__file__).parent / "load.lua"),
         "--timeout", "5s", "-H", f"Host: {host}", f"https://127.0.0.1:{lab.IDENTITY.port}", "--", str(tokens),
         f"/api/v1/games/{game}/spins", json.dumps({"stake_minor": STAKE_MINOR}), str(pause_ms), secrets.token_hex(4)],
        capture_output=True, text=True, check=False, timeout=seconds + 60,
    )  # fmt: skip
    found = re.search(r"RESULT (\{.*\})", done.stdout)
    if not found:
        raise SystemExit(f"wrk gave no figure:\n{done.stdout}{done.stderr}")
    result: dict[str, Any] = json.loads(found[1])
    if result["refused"] > 0.001 * result["placed"] or result["errors"]:
        raise SystemExit(f"Bets were refused or broke under load, so the figure would not be of bets: {result}")
    return result | {"bets_per_s": result["placed"] / result["seconds"]}


def run_http(seconds: int, url: str, tokens: Path) -> dict[str, Any]:
    wrk(url, tokens, PEAK_CONNECTIONS, 3, 0)  # connections and statements warm
    measured(f"bets over HTTP at full speed, {PEAK_CONNECTIONS} connections", seconds)
    before = cpu.usage()
    peak = wrk(url, tokens, PEAK_CONNECTIONS, seconds, 0)
    shares = cpu.shares(before, cpu.usage())
    # A connection that pauses for P and waits for W bets 1/(P+W) times a second; short runs before tell W.
    interval = pause = 1000 * STEADY_CONNECTIONS / (0.7 * peak["bets_per_s"])
    for _ in range(3):
        tried = wrk(url, tokens, STEADY_CONNECTIONS, 6, round(pause))
        pause = max(pause + interval - 1000 * STEADY_CONNECTIONS / tried["bets_per_s"], 1.0)
    measured("bets over HTTP at 70 % of the peak", seconds)
    steady = wrk(url, tokens, STEADY_CONNECTIONS, seconds, round(pause))
    return {
        "http_bets_per_s": round(peak["bets_per_s"], 1),
        "http_peak_connections": PEAK_CONNECTIONS,
        "http_peak_p50_ms": peak["p50_ms"],
        "http_peak_p99_ms": peak["p99_ms"],
        "http_at_70_percent_bets_per_s": round(steady["bets_per_s"], 1),
        "http_load_of_peak": round(steady["bets_per_s"] / peak["bets_per_s"], 3),
        "http_p50_ms": steady["p50_ms"],
        "http_p99_ms": steady["p99_ms"],
        "http_cpu_shares": shares,
    }


def run_apply() -> dict[str, Any]:
    """From `kubectl apply` of a new tenant to Ready, and to its first settled bet."""
    name = "bench-apply"
    lab.delete(name)
    console.print("[dim]a new tenant, from apply to its first bet ...[/]")
    begun = time.monotonic()
    lab.apply(lab.tenant_manifest(name))
    lab.wait_for(lambda: lab.is_ready(name), 120, f"{name} Ready", every=0.1)
    ready = time.monotonic() - begun
    player = lab.wait_for(lambda: _try_player(lab.url(name)), 60, "a player", every=0.1)
    assert player.spin(STAKE_MINOR).status_code == 200
    bet = time.monotonic() - begun
    lab.delete(name)
    return {"apply_to_ready_s": round(ready, 2), "apply_to_first_bet_s": round(bet, 2)}


def _try_player(url: str) -> lab.Player | None:
    try:
        return lab.new_player(url, deposit_minor=1_000)
    except (AssertionError, ValueError):
        return None  # the ingress does not know the tenant yet


def prepare() -> tuple[str, dict[str, Any], Path]:
    """The bench's own tenant with its players funded; returns its URL, its rules and a file of session tokens."""
    lab.apply(lab.tenant_manifest(TENANT))
    lab.wait_until_it_serves(TENANT)
    console.print(f"[dim]{PLAYERS} players with money ...[/]")
    lab.on_machine("data1", f"runuser -u postgres -- psql -q -v ON_ERROR_STOP=1 -d {DATABASE} <<'END'\n{FUND}\nEND")
    lab.sql(DATABASE, "VACUUM ANALYZE")
    rules = json.loads(lab.in_pod(TENANT, "print(open('/etc/casino/rules.json').read())"))
    tokens = lab.PATHS.state / "bench-tokens"
    tokens.touch(mode=0o600)
    tokens.write_text(lab.in_pod(TENANT, OPEN_SESSIONS % SESSIONS, timeout=180) + "\n")
    return lab.url(TENANT), rules, tokens


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


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="make bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seconds", type=int, default=20, help="length of each measurement (default 20)")
    parser.add_argument("--scale", type=int, default=50, help="pgbench's scale (default 50)")
    parser.add_argument("--json", action="store_true", help="print the object that is written")
    options = parser.parse_args()
    lab.resolve_localhost()
    server = settings_of_the_server()
    url, rules, tokens = prepare()
    try:
        result: dict[str, Any] = run_catalogue()
        console.print("[dim]the cloud's stacks ...[/]")
        result |= run_cloud()
        result |= run_tpcb(options.seconds, options.scale)
        result["ledger_alone_bets_per_s"] = run_ledger(options.seconds, rules, 1)
        result["ledger_bets_per_s"] = run_ledger(options.seconds, rules, BATCH)
        result["ledger_jackpot_bets_per_s"] = run_ledger(options.seconds, rules, BATCH, jackpot=True)
        result |= run_http(options.seconds, url, tokens)
        if not lab.verify_ledger(TENANT)["ok"]:
            raise SystemExit("The ledger does not hold after the load: no figure is given.")
    finally:
        tokens.unlink(missing_ok=True)
        lab.delete(TENANT)
    result |= run_apply()
    result["ledger_over_pgbench"] = round(result["ledger_bets_per_s"] / result["pgbench_tps"], 2)
    result["ledger_alone_over_pgbench"] = round(result["ledger_alone_bets_per_s"] / result["pgbench_tps"], 2)
    result["jackpot_costs_percent"] = round(
        100 * (1 - result["ledger_jackpot_bets_per_s"] / result["ledger_bets_per_s"]), 1
    )
    result["http_over_ledger_alone"] = round(result["http_bets_per_s"] / result["ledger_alone_bets_per_s"], 2)
    result["http_over_ledger"] = round(result["http_bets_per_s"] / result["ledger_bets_per_s"], 2)
    write(result, server, options)
    if options.json:
        print(json.dumps(result, indent=2))
    return 0


TARGETS = {
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
    "apply_to_first_bet_s": ("<=", 30.0),
}


def verdict(name: str, value: Any) -> str:
    if name not in TARGETS:
        return ""
    sign, target = TARGETS[name]
    met = {">=": value >= target, "<": value < target, "<=": value <= target}[sign]
    return f"{'met' if met else 'MISSED'} ({sign} {target:g})"


def write(result: dict[str, Any], server: dict[str, str], options: argparse.Namespace) -> None:
    """Print the table, and keep it in docs/benchmarks/ beside what other benchmarks wrote there."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=lab.ROOT, capture_output=True, text=True, check=True
    )
    RESULTS.mkdir(exist_ok=True)
    latest = RESULTS / "latest.json"
    kept: dict[str, Any] = json.loads(latest.read_text()) if latest.exists() else {}
    sections = {k: v for k, v in kept.items() if k in ("fleet", "casino", "site")}
    about = {
        "machine": machine(), "postgresql": server, "commit": commit.stdout.strip(),
        "date": dt.datetime.now(dt.UTC).date().isoformat(), "seconds_each": options.seconds, "clients": CLIENTS,
    }  # fmt: skip
    latest.write_text(json.dumps(result | about | sections, indent=2) + "\n")
    table = Table(title="One run on one machine: compare the ratios")
    for heading in ("figure", "value", "target"):
        table.add_column(heading)
    lines = ["# Benchmarks", "", "Written by `make bench`. Ratios within one run are what to compare.", ""]
    lines += ["| figure | value | target |", "|---|---|---|"]
    for name, value in result.items():
        table.add_row(name, str(value), verdict(name, value))
        lines.append(f"| `{name}` | {value} | {verdict(name, value)} |")
    about_lines = [f"- {name}: {value}" for name, value in about.items()]
    (RESULTS / "README.md").write_text("\n".join([*lines, "", *about_lines, ""]))
    console.print(table)
    for line in about_lines:
        console.print(line, highlight=False)


if __name__ == "__main__":
    sys.exit(main())

"""The casino over HTTP, through its ingress: bets at full speed and at 70 % of it, and a tenant from apply to play."""

from __future__ import annotations

import json
import re
import secrets
import subprocess
import time
from pathlib import Path
from typing import Any

from tests.bench import cpu
from tests.bench.ledger import REST_S, STAKE_MINOR, TENANT
from tests.bench.report import console, measured
from tests.end_to_end import lab

SESSIONS = 16_000
STEADY_CONNECTIONS = 64
PEAK_CONNECTIONS = 256  # enough that somebody always waits: the peak is what is asked for, not the times at it

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


def open_sessions(tokens: Path) -> None:
    """Sessions of players that are there already; their tokens go into a file, one a line."""
    tokens.touch(mode=0o600)
    tokens.write_text(lab.in_pod(TENANT, OPEN_SESSIONS % SESSIONS, timeout=180) + "\n")


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
    used = cpu.spent(before, cpu.usage())
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
        "http_cpu_shares": cpu.shares(used),
        "http_cpu_us_per_bet": {name: round(1e6 * one / peak["placed"]) for name, one in used.items()},
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

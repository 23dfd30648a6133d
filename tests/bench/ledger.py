"""The ledger by itself: PostgreSQL's own benchmark, and bets by the casino's own call from as many clients."""

from __future__ import annotations

import json
import re
import time
from typing import Any

from tests.bench.report import console, measured
from tests.end_to_end import lab

TENANT = "bench"
DATABASE = "casino_bench"
PLAYERS = 64_000  # enough that no player bets twice within the jurisdiction's shortest game cycle
CLIENTS = 16
BATCH = 8
"""Bets in one statement, as the casino sends them when that many are asked for at one moment."""
STAKE_MINOR = 100
READ_UP_TO = 500
"""Events that wait at any moment under load, since readers handle them by the hundred."""
REST_S = 6  # between loads: longer than any jurisdiction's game cycle, so that who bet last may bet again

# A commit every so often: all in one transaction would write its house accounts' rows again and again, and look
# through all that it wrote each time.
FUND = f"""
SELECT wallet.open_jackpot('bench', 'GBP');
DO $$
DECLARE player bigint; held bigint;
BEGIN
  SELECT count(*) INTO held FROM wallet.accounts WHERE kind = 'player_cash';
  FOR i IN held + 1 .. {PLAYERS} LOOP
    player := wallet.open_player_account(gen_random_uuid(), 'GBP');
    PERFORM wallet.post('opening_balance', player, 'fund', sha256('fund'), wallet.uuid7(),
      ARRAY[ROW('opening', 'bench', 'player_cash', NULL, 'GBP', 10000000)::wallet.movement], '{{}}');
    IF i % 100 = 0 THEN COMMIT; END IF;
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
    array_fill({cap}::bigint, ARRAY[{batch}]), array_fill({cycle}::integer, ARRAY[{batch}]),
    array_fill('{{"game_id": "bench", "reels": [[1, 2, 3], [4, 5, 6], [7, 8, 9]], "wins": []}}'::jsonb,
        ARRAY[{batch}]){jackpot});
"""


def pgbench(database: str, *arguments: str, script: str | None = None, durable: bool = True) -> str:
    """Run pgbench beside the server, over its socket; `script` becomes its only transaction.

    Not `durable` is for filling: a commit that does not wait for the disk.
    """
    if script is not None:
        lab.on_machine("data1", f"cat > /tmp/bench.sql <<'END'\n{script}\nEND")
        arguments = (*arguments, "-f", "/tmp/bench.sql")
    options = [] if durable else ["env", "PGOPTIONS=-csynchronous_commit=off"]
    return lab.on_machine(
        "data1", "runuser", "-u", "postgres", "--", *options, "pgbench", *arguments, database, timeout=600
    )


def tps(text: str) -> float:
    found = re.search(r"tps = ([\d.]+) \(without", text)
    if not found:
        raise SystemExit(f"pgbench gave no figure:\n{text}")
    return float(found[1])


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


def transactions() -> int:
    """How many the ledger has: each is a link of a chain, so nothing need be counted."""
    return int(lab.sql(DATABASE, "SELECT sum(links)::bigint FROM wallet.accounts"))


def script(batch: int, *, cap: Any, cycle: Any, jackpot: bool = False) -> str:
    """pgbench's transaction: `batch` bets in a statement; with `jackpot` each feeds one pot."""
    first = int(lab.sql(DATABASE, "SELECT min(account_id) FROM wallet.accounts WHERE kind = $$player_cash$$"))
    fed = f", array_fill('bench'::text, ARRAY[{batch}]), array_fill(1000000::bigint, ARRAY[{batch}])"
    return BET.format(
        each=PLAYERS // CLIENTS, first=first, stake=STAKE_MINOR, cap=cap, cycle=cycle, batch=batch,
        jackpot=fed if jackpot else "",
    )  # fmt: skip


def run_ledger(seconds: int, rules: dict[str, Any], batch: int, *, jackpot: bool = False) -> float:
    """Bets a second straight to the ledger's function by the rules' cap and cycle."""
    asked = script(
        batch, cap=rules["slot_max_stake"][-1]["stake_minor"], cycle=rules["slot_min_cycle_ms"], jackpot=jackpot
    )
    lab.sql("postgres", "CHECKPOINT")
    before = transactions()
    measured(
        f"bets straight to the ledger's function, {batch} in a statement{' with a jackpot' if jackpot else ''}", seconds
    )
    shape = ("-n", "-M", "prepared", "-D", "n=0", "-c", str(CLIENTS), "-j", "2", "-T", str(seconds))
    called = tps(pgbench(DATABASE, *shape, script=asked)) * batch
    placed = (transactions() - before) / seconds
    if placed < 0.98 * called:
        raise SystemExit(f"Of {called:.0f} bets a second only {placed:.0f} were placed: the load is wrong.")
    time.sleep(REST_S)
    return round(placed, 1)


def waiting() -> int:
    """Events that the reader that is furthest behind has before it."""
    text = lab.kubectl(
        "exec", "-n", f"casino-{TENANT}", "deploy/casino-worker", "--",
        "/usr/bin/python3", "-m", "casino", "events", "status", "--json",
    )  # fmt: skip
    return max(int(one.get("waiting", 0)) for one in json.loads(text))


def stop_readers() -> None:
    """Until `start_readers`: the operator, which would bring the worker back, stands still as well."""
    lab.kubectl("scale", "-n", "domicile-system", "deploy/domicile-operator", "--replicas=0")
    lab.kubectl("scale", "-n", f"casino-{TENANT}", "deploy/casino-worker", "--replicas=0")
    lab.kubectl("wait", "-n", f"casino-{TENANT}", "--for=delete", "pod", "-l", "app.kubernetes.io/component=worker",
                "--timeout=120s", timeout=130)  # fmt: skip


def start_readers() -> None:
    """Let the operator go on, and bring the worker back."""
    lab.kubectl("scale", "-n", "domicile-system", "deploy/domicile-operator", "--replicas=2")
    lab.kubectl("rollout", "status", "-n", "domicile-system", "deploy/domicile-operator", "--timeout=120s", timeout=130)


def run_readers() -> dict[str, Any]:
    """Events a second that all readers get through, from the backlog that the ledger's load has left them.

    What comes after is not measured beside their work on what came before.
    """
    begun, backlog = time.monotonic(), waiting()
    console.print(f"[dim]the readers of {backlog} events ...[/]")
    lab.wait_for(lambda: waiting() < READ_UP_TO, 300, "the readers to have read the ledger's load", every=2)
    if backlog < READ_UP_TO:
        return {}
    return {"events_read_per_s": round(backlog / (time.monotonic() - begun), 1)}


def run(seconds: int, rules: dict[str, Any]) -> dict[str, Any]:
    """Bets a second one by one, in batches, and in batches that all feed one jackpot."""
    return {
        "ledger_alone_bets_per_s": run_ledger(seconds, rules, 1),
        "ledger_bets_per_s": run_ledger(seconds, rules, BATCH),
        "ledger_jackpot_bets_per_s": run_ledger(seconds, rules, BATCH, jackpot=True),
        "ledger_batch": BATCH,
    }


def prepare() -> tuple[str, dict[str, Any]]:
    """The bench's own tenant with its players funded; answers its URL and its rules."""
    lab.apply(lab.tenant_manifest(TENANT))
    lab.wait_until_it_serves(TENANT)
    console.print(f"[dim]{PLAYERS} players with money ...[/]")
    script = f"runuser -u postgres -- psql -q -v ON_ERROR_STOP=1 -d {DATABASE} <<'END'\n{FUND}\nEND"
    lab.on_machine("data1", script, timeout=300)
    lab.sql(DATABASE, "VACUUM ANALYZE")
    rules: dict[str, Any] = json.loads(lab.in_pod(TENANT, "print(open('/etc/casino/rules.json').read())"))
    return lab.url(TENANT), rules

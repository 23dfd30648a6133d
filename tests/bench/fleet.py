"""`make bench-fleet`: what a fleet costs one operator, against bare server-side apply of the very same objects.

Starts a cell of its own on loopback (fleet_cell.py) below a temporary folder, and takes it down at the end. One run:
apply the tenants and wait until all are Ready; let it come to rest and count what the operator then asks of the API
server; change tenants one at a time; stop the operator and apply the same objects by bare calls; start it again.

  make bench-fleet TENANTS=1000                        everything, kept in docs/benchmarks
  python -m tests.bench.fleet --tenants 20 --only-show  a small one, printed and not kept
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import requests
from domicile_lab import tools
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tests.bench import report
from tests.bench.fleet_cell import TENANTS, Asked, FleetCell, FleetOperator, built
from tests.end_to_end import lab

from operator_testkit.fleet import CHILDREN  # isort: skip  fleet_cell says where it lies

APPLIERS = 4
"""As many at a time as the operator has workers."""
QUIET_SECONDS = 10.0
APPLY = "application/apply-patch+yaml"
ITS_OWN = {"leases"}
"""What an operator asks for by itself, whether it has tenants or not."""
WRITES = {"create", "update", "patch", "delete"}
STAMPED = "casino.domicile.dev/applied"


def tenant(at: int, brand: str = "") -> dict[str, Any]:
    """The manifest of one tenant of the fleet."""
    made = lab.tenant_manifest(name(at))
    made["spec"]["brand"] = brand or f"Casino {at}"
    made["spec"]["paymentProviders"] = [{"name": "sandbox"}]
    made["spec"].pop("studios", None)
    made["spec"]["domains"] = [f"casino-{at}.example"]
    made["spec"]["size"] = "small"
    return made


def name(at: int) -> str:
    return f"fleet-{at:04d}"


class Caller:
    """Server-side apply and nothing else, over one connection of each thread."""

    def __init__(self, cell: FleetCell) -> None:
        self._session = requests.Session()
        adapter = requests.adapters.HTTPAdapter(pool_maxsize=APPLIERS)
        self._session.mount("https://", adapter)
        self._session.verify, self._url = str(cell.cluster.certificate), cell.cluster.url
        self._session.headers["Authorization"] = f"Bearer {cell.cluster.admin_token}"
        self._session.trust_env = False

    def apply(self, path: str, manifest: dict[str, Any], manager: str = "bench") -> None:
        where = f"{self._url}{path}?fieldManager={manager}&force=true&fieldValidation=Strict"
        answer = self._session.patch(where, data=json.dumps(manifest), headers={"Content-Type": APPLY}, timeout=60)
        if answer.status_code >= 300:
            raise SystemExit(f"{path}: {answer.status_code} {answer.text[:400]}")

    def get(self, path: str) -> dict[str, Any]:
        answer = self._session.get(f"{self._url}{path}", timeout=300)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found


@contextmanager
def bar(what: str, total: int) -> Iterator[Callable[[int], None]]:
    columns = (TextColumn("{task.description:<34}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=report.console) as progress:
        task = progress.add_task(what, total=total)
        yield lambda done: progress.update(task, completed=done)


def watched(what: str, total: int, count: Callable[[], int], seconds: float, every: float = 0.5) -> float:
    """Seconds until `count` says `total`. Raises SystemExit after so many."""
    begun = time.monotonic()
    with bar(what, total) as show:
        while (done := count()) < total:
            show(done)
            if time.monotonic() - begun > seconds:
                raise SystemExit(f"{what}: {done} of {total} within {seconds:.0f} s.")
            time.sleep(every)
        show(done)
    return time.monotonic() - begun


def converge(cell: FleetCell, operator: FleetOperator, count: int) -> dict[str, Any]:
    """From the first apply of a tenant until all are Ready."""
    caller, before, cpu = Caller(cell), len(cell.requests()), operator.cpu_s()
    begun = time.monotonic()
    with ThreadPoolExecutor(APPLIERS) as pool:
        for _ in pool.map(lambda at: caller.apply(f"{TENANTS}/{name(at)}", tenant(at)), range(count)):
            pass
    watched("tenants ready", count, operator.ready_tenants, 60 + 20 * count, every=max(0.5, count / 200))
    took = time.monotonic() - begun
    asked = len(cell.requests()) - before
    return {
        "fleet_tenants": count,
        "fleet_converge_s": round(took, 1),
        "fleet_converge_requests_a_tenant": round(asked / count, 1),
        "fleet_converge_cpu_s": round(operator.cpu_s() - cpu, 1),
    }


def come_to_rest(cell: FleetCell, most: float) -> float:
    """Seconds until the operator has written nothing but its Lease and the law for a while, or until `most`."""
    begun = since = time.monotonic()
    seen = len(tenant_writes(cell.requests()))
    while time.monotonic() - since < QUIET_SECONDS and time.monotonic() - begun < most:
        time.sleep(1)
        now = len(tenant_writes(cell.requests()))
        if now != seen:
            seen, since = now, time.monotonic()
    return time.monotonic() - begun


def tenant_writes(asked: Sequence[Asked]) -> list[Asked]:
    return [one for one in asked if one.verb in WRITES and one.resource not in ITS_OWN
            and one.name != "domicile-law"]  # fmt: skip


def rest(cell: FleetCell, operator: FleetOperator, count: int, seconds: int) -> dict[str, Any]:
    """What the operator asks for while nothing changes."""
    come_to_rest(cell, 120)
    before, cpu = len(cell.requests()), operator.cpu_s()
    with bar("at rest, seconds", seconds) as show:
        for passed in range(seconds):
            show(passed)
            time.sleep(1)
        show(seconds)
    asked = cell.requests()[before:]
    own = [one for one in asked if one.resource in ITS_OWN]
    minutes = seconds / 60
    kinds = Counter(f"{one.verb} {one.resource}" for one in asked if one.resource not in ITS_OWN)
    now, most = operator.memory_mb()
    return {
        "fleet_rest_requests_a_minute": round((len(asked) - len(own)) / minutes, 1),
        "fleet_rest_requests_a_minute_and_tenant": round((len(asked) - len(own)) / minutes / count, 3),
        "fleet_rest_lease_requests_a_minute": round(len(own) / minutes, 1),
        "fleet_rest_tenant_writes_a_minute": round(len(tenant_writes(asked)) / minutes, 1),
        "fleet_rest_most_asked": dict(kinds.most_common(5)),
        "fleet_rest_cpu_percent": round(100 * (operator.cpu_s() - cpu) / seconds, 1),
        "fleet_memory_mb": now,
        "fleet_memory_most_mb": most,
    }


def change(cell: FleetCell, count: int, samples: int) -> dict[str, Any]:
    """One tenant's edit, which rolls its pods, until it is Ready as edited. One after the other."""
    caller, taken = Caller(cell), []
    with bar("changes", samples) as show:
        for sample in range(samples):
            at = sample * count // samples
            caller.apply(f"{TENANTS}/{name(at)}", tenant(at, f"Brand {sample}"))
            begun = time.monotonic()
            while not served(cell.api.ask("GET", f"{TENANTS}/{name(at)}")):
                if time.monotonic() - begun > 300:
                    raise SystemExit(f"{name(at)} is not Ready 300 s after its change.")
                time.sleep(0.05)
            taken.append(time.monotonic() - begun)
            show(sample + 1)
    taken.sort()
    return {
        "fleet_changes": samples,
        "fleet_change_p50_s": round(taken[len(taken) // 2], 2),
        "fleet_change_p99_s": round(taken[min(len(taken) - 1, int(len(taken) * 0.99))], 2),
    }


def served(found: dict[str, Any]) -> bool:
    generation = found["metadata"]["generation"]
    ready = [one for one in found.get("status", {}).get("conditions", []) if one["type"] == "Ready"]
    return bool(ready and ready[0]["status"] == "True" and ready[0].get("observedGeneration") == generation)


def objects_of(cell: FleetCell) -> list[tuple[str, dict[str, Any]]]:
    """Every object that the operator applied for the fleet, as an apply states it, with its path: in namespaces of
    other names, and without the label that would make it a tenant's."""
    listed = [("/api/v1/namespaces", "")]
    listed += [(root, plural) for plural, root in CHILDREN.items()]
    caller = Caller(cell)
    found: list[tuple[str, dict[str, Any]]] = []
    for root, plural in listed:
        answer = caller.get(f"{root}/{plural}?labelSelector=domicile.dev/tenant".replace("/?", "?"))
        kind, version = answer["kind"].removesuffix("List"), answer["apiVersion"]
        for item in answer["items"]:
            if STAMPED in item["metadata"].get("annotations", {}):
                found.append(bare(item | {"kind": kind, "apiVersion": version}, root, plural))
    return found


def bare(item: dict[str, Any], root: str, plural: str) -> tuple[str, dict[str, Any]]:
    """An object reduced to what the operator owns of it, by the API server's own account."""
    owned = next(one["fieldsV1"] for one in item["metadata"]["managedFields"]
                 if one["manager"] == "domicile-operator" and one["operation"] == "Apply")  # fmt: skip
    made = unlabelled(project(item, owned))
    metadata = item["metadata"]
    made |= {"apiVersion": item["apiVersion"], "kind": item["kind"]}
    made["metadata"] |= {"name": metadata["name"].replace("casino-fleet", "bare-fleet")}
    if "namespace" not in metadata:
        return f"{root}/{made['metadata']['name']}", made
    namespace = made["metadata"]["namespace"] = metadata["namespace"].replace("casino-fleet", "bare-fleet")
    return f"{root}/namespaces/{namespace}/{plural}/{made['metadata']['name']}", made


def project(value: Any, owned: dict[str, Any]) -> Any:
    """The part of a value that `fieldsV1` names. Lists whole: their items are the operator's here."""
    if not isinstance(value, dict):
        return value
    keys = {key[2:]: inner for key, inner in owned.items() if key.startswith("f:")}
    return {key: project(value[key], keys[key]) if keys[key] else value[key] for key in value if key in keys}


def unlabelled(value: Any) -> Any:
    """Without labels of ours, also those of pods to be: no tenant has such a namespace."""
    if isinstance(value, list):
        return [unlabelled(one) for one in value]
    if not isinstance(value, dict):
        return value
    kept = {key: unlabelled(one) for key, one in value.items()}
    if isinstance(kept.get("labels"), dict):
        kept["labels"] = {key: one for key, one in kept["labels"].items() if "domicile.dev/" not in key}
    return kept


def bare_apply(cell: FleetCell, count: int) -> dict[str, Any]:
    """The same objects by bare calls, kind by kind of each tenant as the operator orders them, until its pods are
    ready: what any operator at all must cost here."""
    objects, caller = objects_of(cell), Caller(cell)
    for path, made in objects[:count]:
        assert made["kind"] == "Namespace", path
    begun, done = time.monotonic(), 0
    with ThreadPoolExecutor(APPLIERS) as pool, bar("bare applies", len(objects)) as show:
        for part in (objects[:count], objects[count:]):
            for _ in pool.map(lambda one: caller.apply(*one), part):
                done += 1
                show(done)
    applied = time.monotonic() - begun
    wanted = sum(made["kind"] == "Deployment" for _, made in objects)

    def available() -> int:
        found = caller.get("/apis/apps/v1/deployments?resourceVersion=0")["items"]
        mine = [one for one in found if one["metadata"]["namespace"].startswith("bare-")]
        return sum(one.get("status", {}).get("availableReplicas", 0) > 0 for one in mine)

    watched("bare Deployments available", wanted, available, 60 + 20 * count, every=max(1.0, count / 50))
    return {
        "fleet_objects_a_tenant": round(len(objects) / count, 1),
        "fleet_bare_applies_s": round(applied, 1),
        "fleet_bare_ready_s": round(time.monotonic() - begun, 1),
    }


def restart(cell: FleetCell, operator: FleetOperator, count: int) -> dict[str, Any]:
    """From the start of a new process until it has found every tenant with nothing left to do."""
    before, moment = len(cell.requests()), time.time()
    operator.begin()
    took = watched(
        "tenants settled after a restart",
        count,
        lambda: operator.settled_since(moment),
        60 + 10 * count,
        every=max(0.5, count / 500),
    )
    asked = cell.requests()[before:]
    return {
        "fleet_restart_s": round(took, 1),
        "fleet_restart_requests": len(asked),
        "fleet_restart_tenant_writes": len(tenant_writes(asked)),
        "fleet_restart_memory_most_mb": operator.memory_mb()[1],
    }


def logins(cell: FleetCell, count: int) -> dict[str, Any]:
    """What no pod of kwok's does: take a login of every tenant from OpenBao and use it, in PostgreSQL and in Redis."""
    used = 0
    with bar("logins used", count) as show:
        for at in range(count):
            database, role = f"casino_{name(at).replace('-', '_')}", f"casino-{name(at)}"
            found = cell.bao.read(f"database/creds/{role}-wallet")["data"]
            with psycopg.connect(cell.postgres.dsn(database, found["username"], found["password"])) as connection:
                assert connection.execute("SELECT current_database()").fetchone() == (database,)
            found = cell.bao.read(f"database/creds/{role}-redis")["data"]
            used += redis_says(cell.redis_port, f"AUTH {found['username']} {found['password']}") == "+OK"
            show(at + 1)
    assert used == count, f"{count - used} logins of Redis were refused"
    return {"fleet_logins_used": 2 * count, "fleet_leases": 2 * count}


def redis_says(port: int, line: str) -> str:
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.sendall(f"{line}\r\n".encode())
        return connection.recv(200).decode().strip()


def run_fleet(count: int, *, changes: int = 20, rest_seconds: int = 60) -> dict[str, Any]:
    """All of it. Gives figures whose names begin with `fleet_`."""
    os.environ.setdefault("DOMICILE_TOOLS", str(lab.PATHS.bin))
    kwok = tools.build_one(lab.PATHS, "kwok", lambda text: report.console.print(f"[dim]{text}[/]"))
    folder = Path(tempfile.mkdtemp(prefix="domicile-fleet-"))
    folder.chmod(0o711)
    try:
        with built(kwok, folder) as cell:
            return measured(cell, count, changes, rest_seconds)
    except BaseException:
        kept = Path(tempfile.gettempdir()) / "domicile-fleet-failed"
        shutil.rmtree(kept, ignore_errors=True)
        kept.mkdir()
        for log in folder.glob("*.log"):
            if log.name != "audit.log":
                shutil.copy(log, kept)
        report.console.print(f"The servers' logs are in {kept}.")
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def measured(cell: FleetCell, count: int, changes: int, rest_seconds: int) -> dict[str, Any]:
    operator = FleetOperator(cell)
    operator.begin()
    watched("the operator leads", 1, lambda: int(operator.leads and operator.answers("/readyz") == 200), 90)
    time.sleep(2)  # the API server's policies learn of the law by a watch
    found = converge(cell, operator, count)
    found |= rest(cell, operator, count, rest_seconds)
    found |= change(cell, count, min(changes, count))
    found |= logins(cell, count)
    come_to_rest(cell, 60)
    operator.stop()
    found |= bare_apply(cell, count)
    found |= restart(cell, operator, count)
    operator.stop()
    found["fleet_converge_over_bare"] = round(found["fleet_converge_s"] / found["fleet_bare_ready_s"], 2)
    found["fleet_converge_over_bare_applies"] = round(found["fleet_converge_s"] / found["fleet_bare_applies_s"], 2)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="make bench-fleet", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--tenants", type=int, default=1000, help="how many (default 1000)")
    parser.add_argument("--changes", type=int, default=100, help="how many edits are timed (default 100)")
    parser.add_argument("--rest", type=int, default=180, help="seconds that it is watched at rest (default 180)")
    parser.add_argument("--only-show", action="store_true", help="print it and keep nothing")
    parser.add_argument("--json", action="store_true", help="print the object as well")
    options = parser.parse_args()
    begun = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was started is taken down all the same
    found = run_fleet(options.tenants, changes=options.changes, rest_seconds=options.rest)
    found["fleet_took_s"] = round(time.monotonic() - begun)
    about = report.about({"fsync": "off", "server": "embedded"}, options.rest, APPLIERS)
    report.show(found, about)
    if not options.only_show:
        report.write_section("fleet", found | about)
    if options.json:
        print(json.dumps(found, indent=2))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

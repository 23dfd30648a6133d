"""A cell for a fleet, on loopback and below one folder: a real API server with its controllers and scheduler, real
PostgreSQL, OpenBao and Redis, and kwok for nodes and pods. What is not real is listed in ADR 41."""

from __future__ import annotations

import json
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import requests

from tests.end_to_end import lab

sys.path.insert(0, str(lab.ROOT / "operators" / "tests"))

from operator_testkit.cell import DEPLOY, Cell, Operator
from operator_testkit.fleet import Api
from operator_testkit.servers import Process, eventually, free_port, stopped_afterwards, tool

ACCOUNT = "system:serviceaccount:domicile-system:domicile-operator"
CONTROLLERS = (
    "deployment-controller", "replicaset-controller", "job-controller", "endpointslice-controller",
    "node-lifecycle-controller", "resourcequota-controller", "disruption-controller",
    "garbage-collector-controller", "namespace-controller",
)  # fmt: skip
STAGES = Path(__file__).with_name("fleet_stages.yaml")
POD_NETWORK = "10.64.0.0/12"
NODES = 4
TENANTS = "/apis/casino.domicile.dev/v1alpha1/casinotenants"
REDIS_PASSWORD = "redis-of-the-fleet"


class Asked(NamedTuple):
    """One request: its verb, and of what."""

    verb: str
    resource: str
    name: str


class FleetCell(Cell):
    """A cell of the tests, with what makes Deployments, Jobs and pods move, and a log of the operator's requests."""

    def __init__(self, folder: Path, kwok: Path) -> None:
        self.audit = folder / "audit.log"
        self._asked: list[Asked] = []
        self._read_to = 0
        policy = folder / "audit-policy.yaml"
        rules = [{"level": "Metadata", "users": [ACCOUNT]}, {"level": "None"}]
        made = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"], "rules": rules}
        policy.write_text(json.dumps(made))
        super().__init__(folder, (f"--audit-policy-file={policy}", f"--audit-log-path={self.audit}"))
        # The tests' cell takes away what refuses unlawful tenants; here it stands as in any other.
        self.cluster.kubectl("apply", "-k", str(DEPLOY))
        self.api = Api(self)
        self._control_plane(kwok)
        self._redis()
        self.pods = Pods(self.api)

    def _control_plane(self, kwok: Path) -> None:
        folder, config = self.folder, self.cluster.kubeconfig("controllers", self.cluster.admin_token)
        shared = (f"--kubeconfig={config}", "--leader-elect=false", "--secure-port=0", "--kube-api-qps=500",
                  "--kube-api-burst=1000")  # fmt: skip
        own = (f"--authentication-kubeconfig={config}", f"--authorization-kubeconfig={config}")
        Process([tool("kube-controller-manager"), *shared, *own, f"--controllers={','.join(CONTROLLERS)}",
                 "--concurrent-deployment-syncs=20", "--concurrent-replicaset-syncs=20", "--concurrent-job-syncs=20",
                 "--concurrent-service-endpoint-syncs=20"], folder / "controllers.log")  # fmt: skip
        Process([tool("kube-scheduler"), *shared, *own], folder / "scheduler.log")
        for at in range(NODES):
            self.api.ask("POST", "/api/v1/nodes", node(f"kwok-{at}"))
        Process([str(kwok / "kwok"), f"--kubeconfig={config}", "--manage-all-nodes=true", f"--config={STAGES}",
                 f"--cidr={POD_NETWORK}",
                 "--node-lease-duration-seconds=40"], folder / "kwok.log", env={"HOME": str(folder)})  # fmt: skip
        eventually(lambda: self.cluster.kubectl("wait", "--for=condition=Ready", "node", "--all", "--timeout=30s"), 60)

    def _redis(self) -> None:
        program, port = shutil.which("redis-server"), free_port()
        if program is None:
            raise SystemExit("redis-server is not installed: `apt-get install redis-server` (Debian).")
        self.redis_port = port
        Process([program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--requirepass", REDIS_PASSWORD],
                self.folder / "redis.log", cwd=self.folder)  # fmt: skip
        settings = {"plugin_name": "redis-database-plugin", "host": "127.0.0.1", "port": port, "tls": False,
                    "username": "default", "password": REDIS_PASSWORD, "allowed_roles": "*"}  # fmt: skip
        eventually(lambda: self.bao.write_data("database/config/redis", data=settings) or True, 30, "Redis")

    def requests(self) -> list[Asked]:
        """The operator's requests so far, as the API server's audit log has them."""
        with self.audit.open() as log:
            log.seek(self._read_to)
            while (line := log.readline()).endswith("\n"):
                found = json.loads(line)
                about = found.get("objectRef", {})
                self._asked.append(Asked(found["verb"], about.get("resource", ""), about.get("name", "")))
                self._read_to = log.tell()
        return self._asked


class FleetOperator(Operator):
    """The operator with the settings that a release has, as rbac.yaml lets it."""

    command = ("-m", "tests.bench.fleet_operator")

    def begin(self, **environment: str) -> None:
        cell = self._cell
        assert isinstance(cell, FleetCell)
        settings = {"DOMICILE_RESYNC_SECONDS": "25", "DOMICILE_LEASE_SECONDS": "15", "FLEET_PODS": cell.pods.url}
        self.start(**settings, PYTHONPATH=str(lab.ROOT), **environment)

    def series(self, name: str) -> dict[str, float]:
        """Every series of that name; nothing while nobody answers."""
        try:
            answer = requests.get(f"http://127.0.0.1:{self.port}/metrics", timeout=30)
        except requests.RequestException:
            return {}
        pairs = (line.rpartition(" ") for line in answer.text.splitlines() if line.startswith(f"{name}{{"))
        return {series: float(value) for series, _, value in pairs}

    def ready_tenants(self) -> int:
        found = self.series("domicile_tenant_condition")
        return sum(value == 1 for series, value in found.items() if 'condition="Ready"' in series)

    def settled_since(self, moment: float) -> int:
        """How many tenants a pass found with nothing left to do, after a time of `time.time`."""
        return sum(at > moment for at in self.series("domicile_tenant_last_settled_timestamp_seconds").values())

    def memory_mb(self) -> tuple[float, float]:
        """Resident now, and at most so far."""
        assert self.process
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        found = {line.split(":")[0]: line.split()[1] for line in lines if line.startswith(("VmRSS", "VmHWM"))}
        return round(int(found["VmRSS"]) / 1024, 1), round(int(found["VmHWM"]) / 1024, 1)

    def cpu_s(self) -> float:
        """Processor seconds that the process has used."""
        assert self.process
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / 100


class Pods:
    """What each pod would say at /metrics: that it has followed all that its tenant's status says was written."""

    SECONDS = 2.0
    """How long an answer is kept: the pods of one tenant are asked together."""

    def __init__(self, api: Api) -> None:
        self._api, self._tenants, self._kept, self._lock = api, {}, {}, threading.Lock()
        pods = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                try:
                    body, code = pods.says(self.path[1:]).encode(), 200
                except (requests.RequestException, LookupError):
                    body, code = b"", 503
                self.send_response(code)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                return

        Handler.protocol_version = "HTTP/1.1"
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def says(self, address: str) -> str:
        with self._lock:
            tenant = self._tenants.get(address) or self._find(address)
            at, text = self._kept.get(tenant, (0.0, ""))
            if time.monotonic() - at > self.SECONDS:
                text = self._text(tenant)
                self._kept[tenant] = (time.monotonic(), text)
            return text

    def _find(self, address: str) -> str:
        found = self._api.ask("GET", f"/api/v1/pods?resourceVersion=0&fieldSelector=status.podIP={address}")["items"]
        tenant = found[0]["metadata"]["labels"]["domicile.dev/tenant"]
        self._tenants[address] = tenant
        return str(tenant)

    def _text(self, tenant: str) -> str:
        status = self._api.ask("GET", f"{TENANTS}/{tenant}").get("status", {})
        revision = status.get("operation", {}).get("revision", 0)
        return "\n".join((
            f'casino_rules_in_force{{digest="{status.get("rules", {}).get("digest", "0" * 64)}"}} 1.0',
            f"casino_operation_revision {revision}", f"casino_operation_barrier_passed {revision}", "",
        ))  # fmt: skip


def node(name: str) -> dict[str, Any]:
    size = {"cpu": "1000", "memory": "4Ti", "pods": "20000", "ephemeral-storage": "1Ti"}
    status = {"allocatable": size, "capacity": size}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
            "status": status}  # fmt: skip


@contextmanager
def built(kwok: Path, folder: Path) -> Iterator[FleetCell]:
    """The cell, and its end: every process that was started for it, the youngest first."""
    with stopped_afterwards():
        yield FleetCell(folder, kwok)

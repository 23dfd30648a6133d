"""A cell on loopback: cluster, PostgreSQL and OpenBao, prepared as docs/architecture.md promises."""

import json
import os
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import hvac
import psycopg
import yaml
from domicile_operator.logins import provisioner_document, roles_sql

from operator_testkit.servers import Cluster, OpenBao, Postgres, Process, eventually, free_port
from operator_testkit.tls import Authority

DEPLOY = Path(__file__).parents[2] / "deploy"
POLICY = Path(__file__).parents[3] / "playbooks" / "roles" / "cell" / "files" / "operator.hcl"
IMAGE = "registry.test/casino:0.1.0-abc1234"


class Cell:
    """Everything that stands before the operator starts."""

    def __init__(self, folder: Path, flags: Sequence[str] = ()) -> None:
        """`flags` are further ones of the API server."""
        self.folder = folder
        self.authority = Authority(folder)
        self.postgres = Postgres(self.authority)
        self.openbao = OpenBao(folder, self.authority)
        self.cluster = Cluster(folder, self.authority, flags=flags)
        self._prepare_postgresql()
        self.bao = self._prepare_openbao()
        self.cluster.kubectl("apply", "-k", str(DEPLOY))
        # These tests ask what the operator says of a tenant that the API server would not have let in.
        self.cluster.kubectl("delete", "validatingadmissionpolicybinding", "domicile-tenants")
        eventually(lambda: "casinotenants" in self.cluster.kubectl("api-resources"), what="the CRD")
        self.configuration = self._write_configuration()

    def sql(self, query: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """As superuser."""
        with psycopg.connect(self.postgres.dsn(database), autocommit=True) as connection:
            cursor = connection.execute(query)
            return cursor.fetchall() if cursor.description else []

    def token(self, audience: str = "") -> str:
        """A token of the operator's service account."""
        wanted = [f"--audience={audience}"] if audience else []
        account = ["domicile-operator", "-n", "domicile-system"]
        return self.cluster.kubectl("create", "token", *account, "--duration=2h", *wanted).strip()

    def _prepare_postgresql(self) -> None:
        self.sql(roles_sql())
        self.sql("ALTER ROLE openbao PASSWORD 'bao-of-the-test'")

    def _prepare_openbao(self) -> hvac.Client:
        client = hvac.Client(self.openbao.address, verify=str(self.authority.certificate))
        eventually(lambda: client.sys.is_initialized() in (True, False), what="OpenBao")
        keys = client.sys.initialize(1, 1)
        self._unseal_key = keys["keys"][0]
        client.sys.submit_unseal_key(self._unseal_key)
        client.token = keys["root_token"]
        eventually(lambda: client.sys.read_health_status(method="GET")["initialized"], what="OpenBao unsealed")
        client.sys.enable_secrets_engine("kv", path="kv", options={"version": "2"})
        client.sys.enable_secrets_engine("database", path="database")
        client.sys.enable_secrets_engine("transit", path="transit")
        client.sys.enable_auth_method("jwt", path="jwt")
        write = lambda path, data: client.write_data(path, data=data)  # noqa: E731
        write("auth/jwt/config", {"jwt_validation_pubkeys": [self.cluster.issuer_public]})
        connection = f"postgresql://{{{{username}}}}:{{{{password}}}}@127.0.0.1:{self.postgres.plain_port}/postgres"
        write("database/config/postgresql", {
            "plugin_name": "postgresql-database-plugin", "allowed_roles": "*",
            "connection_url": f"{connection}?sslmode=disable",
            "username": "openbao", "password": "bao-of-the-test",
        })  # fmt: skip
        write("database/roles/domicile-provisioner", provisioner_document())
        write("sys/policies/acl/domicile-operator", {"policy": POLICY.read_text()})
        write("auth/jwt/role/domicile-operator", {
            "role_type": "jwt", "user_claim": "sub", "bound_audiences": ["openbao"],
            "bound_subject": "system:serviceaccount:domicile-system:domicile-operator",
            "token_policies": ["domicile-operator"], "token_ttl": 1200,
        })  # fmt: skip
        return client

    def unseal(self) -> None:
        self.bao.sys.submit_unseal_key(self._unseal_key)

    def _write_configuration(self) -> Path:
        folder = self.folder / "cell"
        folder.mkdir()
        (folder / "ca.crt").write_text(self.authority.certificate.read_text())
        cell = {
            "name": "test", "environment": "test", "production": False,
            "places": ["eu-west-2", "sa-east-1"],
            "baseDomain": "casinos.test", "publicPort": 18443,
            "rollouts": {"atOnce": 3, "watchSeconds": 2},
            "ingressClass": "skipper", "ingressNamespace": "ingress-system",
            "postgresql": {"host": "localhost", "port": self.postgres.front.port, "cidr": "127.0.0.1/32"},
            "redis": {"host": "localhost", "port": 6379, "cidr": "127.0.0.1/32"},
            "openbao": {"address": self.openbao.address, "cidr": "127.0.0.1/32", "port": self.openbao.port},
            "paymentProviders": [
                {"name": "sandbox", "url": "https://psp.test:8443", "cidr": "10.1.2.4/32", "port": 8443}
            ],
        }  # fmt: skip
        (folder / "cell.yaml").write_text(yaml.safe_dump(cell))
        return folder


class Operator:
    """The operator as a process, with the rights that deploy/rbac.yaml gives it and no others."""

    command = ("-m", "domicile_operator")

    def __init__(self, cell: Cell, name: str = "operator", api: str = "") -> None:
        """`name` tells several apart, in the names of files; `api` is where it finds the API server, if not there."""
        self._cell, self.port, self._log = cell, free_port(), cell.folder / f"{name}.log"
        (cell.folder / f"{name}.token").write_text(cell.token("openbao"))
        kubeconfig = cell.cluster.kubeconfig(name, cell.token(), api)
        self._environment = os.environ | {
            "KUBECONFIG": str(kubeconfig),
            "CASINO_IMAGE": IMAGE,
            "CASINO_BACKUP_IMAGE": IMAGE.replace("casino:", "casino-backup:"),
            "DOMICILE_CELL_FOLDER": str(cell.configuration),
            "BAO_TOKEN_FILE": str(cell.folder / f"{name}.token"),
            "DOMICILE_HTTP_PORT": str(self.port),
            "DOMICILE_RESYNC_SECONDS": "5",
            # An operator that is killed leaves its Lease behind, and the next one waits for so long.
            "DOMICILE_LEASE_SECONDS": "6",
        }
        self.process: Process | None = None

    def start(self, **environment: str) -> "Operator":
        # A process that is forgotten would hold the Lease for every test to come.
        assert not (self.process and self.process.alive), f"{self._log.stem} runs: stop it first"
        self.process = Process([sys.executable, *self.command], self._log, env=self._environment | environment)
        return self

    @property
    def log(self) -> str:
        """Of all its processes so far."""
        return self._log.read_text(errors="replace")

    def answers(self, path: str) -> int:
        """The status code of /healthz or /readyz; 0 where nothing answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def metric(self, series: str) -> float:
        """The value of one series; NaN where it is not there."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=5) as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith(f"{series} "):
                    return float(line.rpartition(" ")[2])
        return float("nan")

    @property
    def leads(self) -> bool:
        return self.answers("/healthz") != 0 and self.metric("domicile_leader") == 1

    def stop(self) -> None:
        if self.process:
            self.process.stop()

    def kill(self) -> None:
        """As when its node dies."""
        if self.process:
            self.process.send(signal.SIGKILL)
            self.process.stop()


class Controllers:
    """Stands in for the controllers that a bare API server lacks, for one tenant."""

    def __init__(self, cell: Cell, tenant: str) -> None:
        self._kubectl, self._namespace = cell.cluster.kubectl, f"casino-{tenant}"

    def finish_migration(self) -> str:
        """Complete the newest unfinished Job; gives its name."""
        job = eventually(self._unfinished, 60, "a migration Job")
        now = "2026-01-01T00:00:00Z"
        self._status("job", job, {
            "startTime": now, "completionTime": now, "succeeded": 1,
            "conditions": [
                {"type": kind, "status": "True", "lastProbeTime": now, "lastTransitionTime": now}
                for kind in ("SuccessCriteriaMet", "Complete")
            ],
        })  # fmt: skip
        return job

    def roll_out(self, replicas: int = 1) -> None:
        """All pods of the Deployments' present generation are ready; of the next one, if one comes at once, as well."""
        wanted = {"casino": replicas, "casino-worker": 1, "casino-realtime": min(replicas, 2)}
        seen: dict[str, int] = {}
        while (now := {name: self._generation(name) for name in wanted}) != seen:
            for name, pods in wanted.items():
                self._status("deployment", name, {
                    "observedGeneration": now[name], "replicas": pods,
                    "updatedReplicas": pods, "readyReplicas": pods, "availableReplicas": pods,
                })  # fmt: skip
            seen = now
            time.sleep(0.5)

    def _generation(self, name: str) -> int:
        found = eventually(lambda: self._get("deployment", name), what="the Deployment")
        return int(found["metadata"]["generation"])

    def delete_namespace(self) -> None:
        """Empty a terminating namespace and let it go."""
        eventually(
            lambda: (
                self._kubectl("get", "namespace", self._namespace, "-o", "jsonpath={.status.phase}") == "Terminating"
            ),
            what="the namespace terminating",
        )
        found = json.loads(self._kubectl("get", "namespace", self._namespace, "-o", "json"))
        kinds = "deploy,job,svc,ingress,cm,sa,netpol,quota,limits,pdb,hpa"
        self._kubectl("delete", kinds, "--all", "-n", self._namespace, "--wait=false")
        found["spec"]["finalizers"] = []
        path = f"/api/v1/namespaces/{self._namespace}/finalize"
        self._kubectl("replace", "--raw", path, "-f", "-", stdin=json.dumps(found))

    def _unfinished(self) -> str:
        jobs = json.loads(self._kubectl("get", "jobs", "-n", self._namespace, "-o", "json"))["items"]
        open_jobs = [job for job in jobs if not job.get("status", {}).get("conditions")]
        return open_jobs[0]["metadata"]["name"] if open_jobs else ""

    def _get(self, kind: str, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._kubectl("get", kind, name, "-n", self._namespace, "-o", "json"))
        return found

    def _status(self, kind: str, name: str, status: dict[str, Any]) -> None:
        patch = json.dumps({"status": status})
        where = ["-n", self._namespace, "--subresource=status", "--type=merge"]
        self._kubectl("patch", kind, name, *where, "-p", patch)

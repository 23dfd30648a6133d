"""A backup through everything: a real API server, OpenBao, PostgreSQL and store. Nothing but the pods is stood in for:
what a Job's container would run is run here, with its environment and the token of its account."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hvac
import pytest
import yaml
from operator_testkit.cell import Cell, Controllers, Operator
from operator_testkit.servers import Process, eventually, free_port
from operator_testkit.tenants import apply, manifest, until

pytestmark = pytest.mark.apiserver

TENANT = "kept-gb"
NAMESPACE = f"casino-{TENANT}"
USERNAME, SECRET = "cell", "opens-the-store"


@pytest.fixture
def store(cell: Cell, tmp_path: Path) -> Iterator[None]:
    """The cell has a store: rclone's REST server over TLS, which takes no backup away. Afterwards it has none."""
    missing = [name for name in ("rclone", "restic") if shutil.which(name) is None]
    assert not missing, f"apt-get install {' '.join(missing)}"
    port = free_port()
    certificate, key = cell.authority.issue("localhost")
    (tmp_path / "store").mkdir()
    command = ["rclone", "serve", "restic", "--append-only", f"--addr=127.0.0.1:{port}", f"--cert={certificate}"]
    command += [f"--key={key}", "--config=/dev/null", "--cache-objects=false", str(tmp_path / "store")]
    environment = os.environ | {"RCLONE_USER": USERNAME, "RCLONE_PASS": SECRET}
    server = Process(command, tmp_path / "rclone.log", env=environment)
    file = cell.configuration / "cell.yaml"
    before = file.read_text()
    offsite = {"name": "offsite", "place": "eu-west-2", "url": f"rest:https://localhost:{port}", "port": port}
    file.write_text(yaml.safe_dump(yaml.safe_load(before) | {"backups": [offsite | {"cidr": "127.0.0.1/32"}]}))
    opens = {"data": {"username": USERNAME, "password": SECRET}}
    cell.bao.write_data("kv/data/cell/backups/offsite", data=opens)
    yield
    file.write_text(before)
    server.stop()


def client_without_tls(cell: Cell, folder: Path) -> Path:
    """PostgreSQL's programs as packaged with the server: they are built without TLS, and go round its front."""
    folder.mkdir()
    program = folder / "pg_dump"
    program.write_text(
        f"#!/bin/sh\nunset PGSSLMODE PGSSLROOTCERT\nPGHOST=127.0.0.1 PGPORT={cell.postgres.plain_port} "
        f'exec {cell.postgres.binaries}/pg_dump "$@"\n'
    )
    program.chmod(0o755)
    return folder


def run_container(cell: Cell, job: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """What the Job's container runs, as the account that it runs as."""
    kubectl = cell.cluster.kubectl
    pod = json.loads(kubectl("get", "job", job, "-n", NAMESPACE, "-o", "json"))["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    token = folder / f"{pod['serviceAccountName']}.token"
    token.write_text(
        kubectl("create", "token", pod["serviceAccountName"], "-n", NAMESPACE, "--audience=openbao").strip()
    )
    configured = json.loads(kubectl("get", "configmap", "casino-config", "-n", NAMESPACE, "-o", "json"))["data"]
    (folder / "rules.json").write_text(configured["rules.json"])
    environment = {one["name"]: one["value"] for one in container["env"]} | {
        "BAO_TOKEN_FILE": str(token),
        "CASINO_CA_FILE": str(cell.authority.certificate),
        "CASINO_RULES": str(folder / "rules.json"),
        "CASINO_PG_BIN": str(folder / "bin"),
        "DOMICILE_VERSION": "0.1.0-test",
        "PATH": os.environ["PATH"],
    }
    command = [sys.executable, "-m", "casino", *container["args"]]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)


def backup(name: str, store: str = "offsite") -> str:
    made: dict[str, Any] = {"apiVersion": "casino.domicile.dev/v1alpha1", "kind": "CasinoBackup"}
    return json.dumps(made | {"metadata": {"name": name}, "spec": {"tenant": TENANT, "store": store}})


def told(cell: Cell, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(cell.cluster.kubectl("get", "casinobackup", name, "-o", "json")).get(
        "status", {}
    )
    return found


def reason(cell: Cell, name: str) -> str:
    return str(next((one["reason"] for one in told(cell, name).get("conditions", [])), ""))


def test_a_tenant_is_backed_up_and_nobody_else_can_open_it(
    cell: Cell, operator: Operator, store: None, tmp_path: Path
) -> None:
    client_without_tls(cell, tmp_path / "bin")
    apply(cell, manifest(TENANT))
    hands = Controllers(cell, TENANT)
    migration = eventually(hands._unfinished, 60, "the migration")
    migrated = run_container(cell, migration, tmp_path)
    assert migrated.returncode == 0, migrated.stderr
    hands.finish_migration()
    until(cell, TENANT, "Database", "True")

    kubectl = cell.cluster.kubectl
    kubectl("apply", "-f", "-", stdin=backup("nowhere", "no-such-store"))
    eventually(lambda: reason(cell, "nowhere") == "STORE_UNKNOWN", what="the refusal")
    kubectl("apply", "-f", "-", stdin=backup("first"))
    eventually(lambda: told(cell, "first").get("phase") == "Running", what="its beginning")
    jobs = json.loads(kubectl("get", "jobs", "-n", NAMESPACE, "-l", "app.kubernetes.io/component=backup", "-o", "json"))
    (job,) = jobs["items"]
    taken = run_container(cell, job["metadata"]["name"], tmp_path)
    assert taken.returncode == 0, taken.stderr
    assert hands.finish_migration() == job["metadata"]["name"]
    eventually(lambda: told(cell, "first").get("phase") == "Completed", what="its end")
    receipt = told(cell, "first")["receipt"]
    assert receipt["bytes"] > 0 and len(receipt["snapshot"]) == 64 and receipt["image"] == "0.1.0-test"
    assert (receipt["place"], receipt["licence"]) == ("eu-west-2", "000-012345-R-000001-001")
    assert receipt == told(cell, "first")["receipt"] and receipt["schema"].endswith(".sql")
    said = kubectl("patch", "casinobackup", "first", "--type=merge", "-p", '{"spec": {"store": "x1"}}', check=False)
    assert "Make another" in said

    # The password that it is sealed under is the backup's account's alone.
    secret = cell.bao.read(f"kv/data/tenants/{TENANT}/backup")["data"]["data"]["password"]
    assert secret not in taken.stdout + taken.stderr + operator.log
    for account, role, may in (
        ("casino-backup", "-backup", True),
        ("casino", "", False),
        ("casino-migrate", "-migrate", False),
    ):
        client = hvac.Client(cell.openbao.address, verify=str(cell.authority.certificate))
        jwt = kubectl("create", "token", account, "-n", NAMESPACE, "--audience=openbao").strip()
        client.auth.jwt.jwt_login(role=f"casino-{TENANT}{role}", jwt=jwt)
        assert _reads(client, f"kv/data/tenants/{TENANT}/backup") == may, account
    client.auth.jwt.jwt_login(role="domicile-operator", jwt=cell.token("openbao"))
    assert not _reads(client, f"kv/data/tenants/{TENANT}/backup")
    with pytest.raises(hvac.exceptions.Forbidden):
        client.write_data(f"kv/data/tenants/{TENANT}/backup", data={"data": {"password": "another"}})


def _reads(client: hvac.Client, path: str) -> bool:
    try:
        return client.read(path) is not None
    except hvac.exceptions.Forbidden:
        return False

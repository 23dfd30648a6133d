"""What Pulumi builds in the cloud runs: the cell's cluster is a real node, and on it serves the stack's operator."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

import pytest
from domicile_lab.cloud import Cloud
from domicile_lab.cloud.state import read_endpoints

from tests.cloud.world import GB, ORGANIZATION, ROOT, World
from tests.end_to_end import lab

DEPLOYER = "domicile-deployer"


def lab_command(*arguments: str) -> None:
    done = subprocess.run(["domicile-lab", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The lab's cloud with its node, and the environment `lab` built in it: the organisation and the cell gb-lab."""
    assert read_endpoints(lab.PATHS.cloud) is None, "The lab's cloud runs, and these tests end it: `make cloud-down`."
    try:
        lab_command("cloud", "node")
        endpoints = read_endpoints(lab.PATHS.cloud)
        assert endpoints is not None
        built = World(tmp_path_factory.mktemp("world"), Cloud(lab.PATHS.cloud, endpoints), None)
        built.domicile("up", "--yes", "--stack", ORGANIZATION, "--stack", GB)
        yield built
    finally:
        lab_command("cloud", "down")


def kubectl(*arguments: str, stdin: str | None = None, fails: bool = False) -> str:
    """kubectl as the administrator of the cloud's node."""
    command = [str(lab.PATHS.bin / "kubectl"), "--kubeconfig", str(lab.PATHS.cloud_kubeconfig), *arguments]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=150, check=False)
    assert (done.returncode != 0) == fails, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_stacks_operator_serves_the_cell(world: World) -> None:
    kubectl("rollout", "status", "deployment/domicile-operator", "-n", "domicile-system", "--timeout=120s")
    cell = kubectl("get", "configmap", "domicile-cell", "-n", "domicile-system", "-o", "jsonpath={.data.cell\\.yaml}")
    assert str(world.output(GB, "databaseEndpoint")) in cell
    # The operator has written the law, so the API server can judge: a Brazilian casino may not live here.
    lab.wait_for(lambda: "domicile-law" in kubectl("get", "configmap", "-n", "domicile-system"), 60, "the law")
    brazilian = (ROOT / "environments/lab/tenants/acme-br.yaml").read_text()
    assert "NOT_SERVED" in kubectl("apply", "-f", "-", stdin=brazilian, fails=True)
    british = (ROOT / "environments/lab/tenants/acme-gb.yaml").read_text()
    kubectl("apply", "-f", "-", stdin=british)
    kubectl("wait", "--for=condition=Placed", "casinotenant/acme-gb", "--timeout=60s")
    assert kubectl("get", "casinotenant", "acme-gb", "-o", "jsonpath={.status.place}") == "eu-west-2"
    refused = world.domicile("destroy", "--yes", "--stack", GB, fails=True)
    assert "Casinos live in its cluster: acme-gb." in refused and world.stands(GB)
    kubectl("delete", "casinotenant", "acme-gb", "--wait=false")
    # The stores of the cell are records, so the operator never sees that nothing is left in them.
    kubectl("patch", "casinotenant", "acme-gb", "--type=merge", "--patch", '{"metadata": {"finalizers": null}}')


def test_the_node_asks_the_cloud_whose_a_token_is(world: World) -> None:
    role = f"arn:aws:iam::{world.accounts[GB]}:role/{DEPLOYER}"
    asked = ("aws", "eks", "get-token", "--cluster-name", GB, "--region", "eu-west-2", "--output", "json")
    token = json.loads(world.run(*asked, "--role-arn", role))["status"]["token"]
    server = str(world.output(GB, "clusterEndpoint"))
    anybody = ["--server", server, "--kubeconfig=/dev/null", "--insecure-skip-tls-verify"]
    command = [str(lab.PATHS.bin / "kubectl"), *anybody, "auth", "whoami", "-o", "jsonpath={.status.userInfo.username}"]
    who = subprocess.run([*command, "--token", token], capture_output=True, text=True, check=False)
    assert f"assumed-role/{DEPLOYER}/" in who.stdout, who.stderr
    # The administrator of the organisation's own account has no access entry.
    stranger = json.loads(world.run(*asked))["status"]["token"]
    refused = subprocess.run([*command, "--token", stranger], capture_output=True, text=True, check=False)
    assert refused.returncode != 0 and "Unauthorized" in refused.stderr, refused.stdout


def test_a_destroyed_cell_is_gone_from_its_cluster(world: World) -> None:
    world.domicile("destroy", "--yes", "--stack", GB)
    kinds = "namespaces,customresourcedefinitions,clusterroles,validatingadmissionpolicies"
    left = {name.partition("/")[2] for name in kubectl("get", kinds, "-o", "name").split()}
    assert not {name for name in left if "casino" in name or name.startswith("domicile-")}

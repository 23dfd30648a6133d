"""A control plane's own autoscaler, by what metrics-server measures: it decides, and the operator lets it."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from domicile_operator.children.scaling import states_replicas
from operator_testkit.cell import Cell, Controllers, Operator
from operator_testkit.metrics_server import NODE, Kubelet, MetricsServer
from operator_testkit.servers import Process, eventually, tool
from operator_testkit.tenants import apply, manifest, until

pytestmark = pytest.mark.apiserver
CONTROLLERS = "horizontal-pod-autoscaler-controller,resourcequota-controller"
"""The second because a namespace takes no pod before somebody has counted what it has."""
TENANT, NAMESPACE = "peak-gb", "casino-peak-gb"


@pytest.fixture
def kubelet(cell: Cell) -> Iterator[Kubelet]:
    """A node's, with metrics-server and the autoscalers' controller running."""
    made = Kubelet(cell.authority)
    server = MetricsServer(cell.folder, cell.cluster, cell.authority, made)
    try:
        server.available()
        config = cell.cluster.kubeconfig("controllers", cell.cluster.admin_token)
        controllers = Process(
            [
                tool("kube-controller-manager"), f"--kubeconfig={config}", f"--authentication-kubeconfig={config}",
                f"--authorization-kubeconfig={config}", f"--controllers={CONTROLLERS}",
                "--leader-elect=false", "--horizontal-pod-autoscaler-sync-period=3s", "--bind-address=127.0.0.1",
                "--secure-port=0",
            ],
            cell.folder / "controllers.log",
        )  # fmt: skip
        yield made
        controllers.stop()
    finally:
        server.stop()
        made.stop()


def get(cell: Cell, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        cell.cluster.kubectl("get", kind, "casino", "-n", NAMESPACE, "-o", "json", "--show-managed-fields")
    )
    return found


def run_pods(cell: Cell, count: int) -> list[str]:
    """Pods of the Deployment's template on the test's node, ready for an hour."""
    template, long_ago = get(cell, "deployment")["spec"]["template"], "2026-01-01T00:00:00Z"
    names = [f"casino-{at}" for at in range(count)]
    ready = [
        {"type": kind, "status": "True", "lastTransitionTime": long_ago}
        for kind in ("PodScheduled", "Initialized", "ContainersReady", "Ready")
    ]
    for name in names:
        metadata = {"name": name, "namespace": NAMESPACE, "labels": template["metadata"]["labels"]}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"] | {"nodeName": NODE}}
        eventually(
            lambda pod=pod: "created" in cell.cluster.kubectl("create", "-f", "-", stdin=json.dumps(pod)), 60, "a pod"
        )
        status = json.dumps({"status": {"phase": "Running", "startTime": long_ago, "conditions": ready}})
        where = ["pod", name, "-n", NAMESPACE, "--subresource=status", "--type=merge"]
        cell.cluster.kubectl("patch", *where, "-p", status)
    return names


def test_busy_pods_are_joined_by_more_which_the_operator_leaves(
    cell: Cell, operator: Operator, kubelet: Kubelet
) -> None:
    apply(cell, manifest(TENANT, size="large"))
    hands = Controllers(cell, TENANT)
    hands.finish_migration()
    hands.roll_out(4)
    until(cell, TENANT, "Ready", "True")
    kubelet.rates = {(NAMESPACE, name): 0.85 for name in run_pods(cell, 4)}
    # Four pods at 850 millicores are six at 600, and not yet seven if a little more is measured. Two scrapes, a quarter
    # of a minute apart, tell what is used.
    eventually(lambda: get(cell, "deployment")["spec"]["replicas"] == 6, 120, "six pods")
    scaler = get(cell, "hpa")["status"]
    assert {c["type"]: c["status"] for c in scaler["conditions"]}["ScalingActive"] == "True"
    measured = scaler["currentMetrics"][0]["resource"]["current"]["averageValue"]
    assert measured.endswith("m") and 800 <= int(measured[:-1]) <= 900
    found = get(cell, "deployment")
    assert not states_replicas(found)
    kubelet.rates = dict.fromkeys(kubelet.rates, 0.05)
    hands.roll_out(6)
    time.sleep(7)  # more than one resync of the operator, and too short a lull to take a pod away
    assert get(cell, "deployment")["metadata"]["generation"] == found["metadata"]["generation"]
    until(cell, TENANT, "Ready", "True")

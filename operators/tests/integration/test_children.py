"""What a real API server says of the children: of their pods, and of who has the number of them."""

import copy
import json
import time
from dataclasses import replace
from typing import Any

import pytest
from domicile_operator.children.base import KubernetesChild
from domicile_operator.children.order import BUILD
from domicile_operator.children.scaling import states_replicas
from domicile_operator.games import GamesManifest
from domicile_operator.manifests.namespace import namespace, service_accounts
from domicile_operator.plan import Plan
from operator_testkit.cell import Cell, Controllers, Operator
from operator_testkit.samples import ARCHIVING, CELL, IN_AWS, plan
from operator_testkit.servers import eventually
from operator_testkit.tenants import apply, manifest, until

pytestmark = pytest.mark.apiserver

PLANS = {
    "small": plan(),
    "large": plan(size="large", domains=["play.acme.example"], studios=[{"name": "starbright"}]),
    "archiving": plan(cell=ARCHIVING),
    "in-aws": plan(cell=IN_AWS, size="medium"),
    "verified": replace(plan(), games=GamesManifest("{}", "A" * 43 + "=")),
    "located": plan(cell=CELL.model_copy(update={"networks": "n"}), rules='{"geolocation_moments": ["bet"]}'),
}
CLOSED = "closed-to-the-unrestricted"


def templates(of: Plan) -> dict[str, dict[str, Any]]:
    """The pod templates of all that the operator builds, by the name of what has them."""
    built = [one for child in BUILD if isinstance(child, KubernetesChild) for one in child.desired(of)]
    return {one["metadata"]["name"]: one["spec"]["template"] for one in built if "template" in one.get("spec", {})}


@pytest.fixture(scope="module")
def closed(cell: Cell) -> str:
    """A namespace as the operator makes them, with their service accounts, under another name."""
    made = namespace(plan())
    standard = {name: value for name, value in made["metadata"]["labels"].items() if name.startswith("pod-security")}
    made["metadata"] = {"name": CLOSED, "labels": standard}
    cell.cluster.kubectl("apply", "-f", "-", stdin=json.dumps(made))
    for account in service_accounts(plan()):
        account["metadata"] = {"name": account["metadata"]["name"], "namespace": CLOSED}
        cell.cluster.kubectl("apply", "-f", "-", stdin=json.dumps(account))
    return CLOSED


def admission_of(cell: Cell, template: dict[str, Any]) -> str:
    """What the API server says of a pod by this template; nothing is made."""
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "asked", "namespace": CLOSED}} | {
        "spec": template["spec"]
    }
    said = cell.cluster.kubectl("create", "--dry-run=server", "-f", "-", stdin=json.dumps(pod), check=False)
    return "admitted" if "created (server dry run)" in said else said


@pytest.mark.parametrize("of", PLANS)
def test_every_pod_is_admitted_where_only_restricted_ones_are(cell: Cell, closed: str, of: str) -> None:
    found = templates(PLANS[of])
    assert len(found) == 4
    assert {name: admission_of(cell, one) for name, one in found.items()} == dict.fromkeys(found, "admitted")


LOOSE: dict[str, tuple[str, dict[str, Any]]] = {
    "privilege": ("container", {"allowPrivilegeEscalation": True}),
    "root": ("both", {"runAsNonRoot": False}),
    "capability": ("container", {"capabilities": {"add": ["NET_ADMIN"]}}),
    "no-profile": ("pod", {"seccompProfile": {"type": "Unconfined"}}),
}


@pytest.mark.parametrize("loose", LOOSE)
def test_one_with_more_rights_is_not(cell: Cell, closed: str, loose: str) -> None:
    where, change = LOOSE[loose]
    template = copy.deepcopy(templates(plan())["casino"])
    if where in ("pod", "both"):
        template["spec"]["securityContext"] |= change
    if where in ("container", "both"):
        template["spec"]["containers"][0]["securityContext"] |= change
    assert 'violates PodSecurity "restricted' in admission_of(cell, template)


def deployment(cell: Cell, where: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        cell.cluster.kubectl("get", "deployment", *where, "-o", "json", "--show-managed-fields")
    )
    return found


def stated_whole(cell: Cell, found: dict[str, Any]) -> None:
    """As an operator of the release before does: with the number of pods."""
    body = {name: found[name] for name in ("apiVersion", "kind", "spec")}
    # With annotations: a change of them moves a Deployment's generation as one of its spec does.
    kept = ("name", "namespace", "labels", "annotations")
    body["metadata"] = {name: found["metadata"][name] for name in kept if name in found["metadata"]}
    how = ["--server-side", "--field-manager=domicile-operator", "--force-conflicts"]
    cell.cluster.kubectl("apply", *how, "-f", "-", stdin=json.dumps(body))


def test_an_operator_that_leaves_the_number_to_an_autoscaler_takes_no_pod_away(cell: Cell, operator: Operator) -> None:
    where = ["casino", "-n", "casino-scaled-gb"]
    apply(cell, manifest("scaled-gb", size="large"))
    hands = Controllers(cell, "scaled-gb")
    hands.finish_migration()
    hands.roll_out(4)
    until(cell, "scaled-gb", "Ready", "True")
    operator.stop()
    try:
        before = deployment(cell, where)
        stated_whole(cell, before)
        before = deployment(cell, where)
        assert before["spec"]["replicas"] == 4 and states_replicas(before)
    finally:
        operator.start()
    found = eventually(lambda: None if states_replicas(one := deployment(cell, where)) else one, 30, "handing over")
    # Were it 1 for a moment, and 4 again, the generation would tell.
    assert found["spec"] == before["spec"]
    assert found["metadata"]["generation"] == before["metadata"]["generation"]

    cell.cluster.kubectl("scale", "deployment", *where, "--replicas=7")  # through the same subresource
    generation = deployment(cell, where)["metadata"]["generation"]
    hands.roll_out(7)
    time.sleep(7)  # more than one resync
    found = deployment(cell, where)
    assert (found["spec"]["replicas"], found["metadata"]["generation"]) == (7, generation)
    until(cell, "scaled-gb", "Progressing", "False", "Settled")

    cell.cluster.kubectl("scale", "deployment", *where, "--replicas=0")
    eventually(lambda: deployment(cell, where)["spec"]["replicas"] == 4, 15, "pods again")
    eventually(lambda: not states_replicas(deployment(cell, where)), 15, "handing over again")
    assert deployment(cell, where)["spec"]["replicas"] == 4


def test_to_stop_stating_the_number_would_have_left_one_pod(cell: Cell) -> None:
    """The API server's rule that the handing over is for."""
    made = {
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "naive", "namespace": "default", "labels": {"of": "naive"}},
        "spec": {
            "replicas": 4,
            "selector": {"matchLabels": {"of": "naive"}},
            "template": {
                "metadata": {"labels": {"of": "naive"}},
                "spec": {"containers": [{"name": "one", "image": "registry.test/one:1"}]},
            },
        },
    }  # fmt: skip
    stated_whole(cell, made)
    del made["spec"]["replicas"]
    stated_whole(cell, made)
    assert deployment(cell, ["naive", "-n", "default"])["spec"]["replicas"] == 1

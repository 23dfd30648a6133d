"""Who may talk to whom: the matrix as it was decided, against the policies as they are built."""

from typing import Any

import pytest
from domicile_operator.manifests.metadata import labels
from domicile_operator.manifests.network import network_policies
from domicile_operator.plan import Plan
from operator_testkit.network import NAME, Peer, Pod, allowed, pod
from operator_testkit.samples import BACKED_UP, CELL, plan

OPEN_CELL = CELL.model_copy(
    update={
        "postgresql": CELL.postgresql.model_copy(update={"cidr": "10.1.0.1/32"}),
        "redis": CELL.redis.model_copy(update={"cidr": "10.1.0.2/32"}),
        "openbao": CELL.openbao.model_copy(update={"cidr": "10.1.0.3/32"}),
    }
)
OF = plan(cell=OPEN_CELL, studios=[{"name": "starbright"}])
POLICIES = network_policies(OF)
SCRAPED = {"domicile.dev/scrapes-metrics": "true"}


def process(component: str, of: Plan = OF) -> Pod:
    return pod(of.names.namespace, labels(of, component))


PROCESSES = ("api", "worker", "realtime", "migrate")
LISTENS = {"api": 8080, "worker": 8080, "realtime": 8081, "migrate": 8080}

OUT: dict[str, tuple[Peer, int, str]] = {
    "PostgreSQL": ("10.1.0.1", 5432, "TCP"),
    "Redis": ("10.1.0.2", 6379, "TCP"),
    "OpenBao": ("10.1.0.3", 8200, "TCP"),
    "payment provider": ("10.1.2.4", 8443, "TCP"),
    "its studio": ("10.1.2.5", 9443, "TCP"),
    "another's studio": ("10.1.2.6", 443, "TCP"),
    "names, UDP": (pod("kube-system", {"k8s-app": "kube-dns"}), 53, "UDP"),
    "names, TCP": (pod("kube-system", {"k8s-app": "kube-dns"}), 53, "TCP"),
    "the cluster's API": ("10.96.0.1", 443, "TCP"),
    "the cloud's metadata": ("169.254.169.254", 80, "TCP"),
    "the internet": ("203.0.113.9", 443, "TCP"),
    "another tenant": (process("api", plan("other-gb")), 8080, "TCP"),
    "its own api": (process("api"), 8080, "TCP"),
    "the operator": (pod("domicile-system", {"app.kubernetes.io/name": "domicile-operator"}), 8080, "TCP"),
}
MAY_REACH = {
    "PostgreSQL": {"api", "worker", "migrate"},
    "Redis": {"api", "worker", "realtime"},
    "OpenBao": set(PROCESSES),
    "payment provider": {"api", "worker"},
    "its studio": {"api", "worker"},
    "another's studio": set(),
    "names, UDP": set(PROCESSES),
    "names, TCP": set(PROCESSES),
    "the cluster's API": set(),
    "the cloud's metadata": set(),
    "the internet": set(),
    "another tenant": set(),
    "its own api": set(),
    "the operator": set(),
}

IN: dict[str, Peer] = {
    "the ingress controller": pod("ingress-system", {"app": "skipper"}),
    "the operator": pod("domicile-system", {"app.kubernetes.io/name": "domicile-operator"}),
    "another pod of the operator's namespace": pod("domicile-system", {"app.kubernetes.io/name": "domicile-logins"}),
    "who calls itself the operator elsewhere": pod("default", {"app.kubernetes.io/name": "domicile-operator"}),
    "the monitoring": Pod("monitoring", {}, {NAME: "monitoring"} | SCRAPED),
    "a namespace that says no": Pod("other", {}, {NAME: "other", "domicile.dev/scrapes-metrics": "false"}),
    "another tenant": process("worker", plan("other-gb")),
    "its own worker": process("worker"),
    "the internet": "203.0.113.9",
}
MAY_ENTER = {
    "the ingress controller": {"api", "realtime"},
    "the operator": {"api", "worker"},
    "another pod of the operator's namespace": set(),
    "who calls itself the operator elsewhere": set(),
    "the monitoring": {"api", "worker", "realtime"},
    "a namespace that says no": set(),
    "another tenant": set(),
    "its own worker": set(),
    "the internet": set(),
}


@pytest.mark.parametrize("peer", OUT)
def test_each_process_reaches_what_it_needs_and_nothing_else(peer: str) -> None:
    target, port, protocol = OUT[peer]
    assert {one for one in PROCESSES if allowed(POLICIES, process(one), target, port, protocol)} == MAY_REACH[peer]


@pytest.mark.parametrize("peer", IN)
def test_each_process_is_reached_by_who_has_to_and_nobody_else(peer: str) -> None:
    assert {one for one in PROCESSES if allowed(POLICIES, IN[peer], process(one), LISTENS[one])} == MAY_ENTER[peer]


def test_a_backup_reaches_the_database_openbao_and_the_stores_and_is_reached_by_nobody() -> None:
    of = plan(cell=OPEN_CELL.model_copy(update={"backups": BACKED_UP.backups}))
    policies, source = network_policies(of), process("backup", of)
    targets = OUT | {"the store": ("10.1.2.8", 8000, "TCP")}
    reached = {
        peer for peer, (target, port, protocol) in targets.items() if allowed(policies, source, target, port, protocol)
    }
    assert reached == {"PostgreSQL", "OpenBao", "the store", "names, UDP", "names, TCP"}
    assert not any(allowed(policies, peer, source, 8080) for peer in IN.values())
    assert not any(allowed(policies, process(one, of), "10.1.2.8", 8000) for one in PROCESSES)


PORTS = (22, 53, 80, 443, 5432, 6379, 8080, 8081, 8200, 8443, 9443, 10250)


@pytest.mark.parametrize("one", PROCESSES)
def test_of_a_peer_one_port_is_open(one: str) -> None:
    for peer, (target, port, _) in OUT.items():
        reached = {other for other in PORTS if allowed(POLICIES, process(one), target, other)}
        assert reached <= {port}, f"{one} reaches {reached} of {peer}"
    for peer, source in IN.items():
        entered = {other for other in PORTS if allowed(POLICIES, source, process(one), other)}
        assert entered <= {LISTENS[one]}, f"{peer} enters {entered} of {one}"


def test_a_pod_of_no_known_kind_is_shut_in() -> None:
    stranger = pod(OF.names.namespace, {"app.kubernetes.io/name": "debug"})
    assert not any(allowed(POLICIES, stranger, target, port, protocol) for target, port, protocol in OUT.values())
    assert not any(allowed(POLICIES, source, stranger, port) for source in IN.values() for port in PORTS)


def test_every_policy_is_needed() -> None:
    """Without it another matrix holds: what nothing depends on would be there for show."""

    def matrix(policies: list[dict[str, Any]]) -> list[bool]:
        pods = [process(one) for one in PROCESSES] + [pod(OF.names.namespace)]
        return [allowed(policies, one, target, port, how) for one in pods for target, port, how in OUT.values()] + [
            allowed(policies, source, one, port) for one in pods for source in IN.values() for port in PORTS
        ]

    for at in range(len(POLICIES)):
        assert matrix(POLICIES[:at] + POLICIES[at + 1 :]) != matrix(POLICIES), POLICIES[at]["metadata"]["name"]


def test_what_no_policy_selects_is_open_and_what_is_not_understood_is_refused() -> None:
    """The evaluator's own: that it can say yes for want of a policy, and does not guess."""
    assert allowed([], process("api"), "203.0.113.9", 443)
    odd = {"spec": {"podSelector": {"matchExpressions": []}, "policyTypes": ["Egress"]}}
    with pytest.raises(AssertionError, match="matchExpressions"):
        allowed([odd | {"metadata": {"namespace": OF.names.namespace}}], process("api"), "203.0.113.9", 443)

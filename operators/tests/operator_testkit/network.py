"""NetworkPolicies as the API defines them (networking.k8s.io/v1), evaluated over values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

Policy = Mapping[str, Any]
NAME = "kubernetes.io/metadata.name"


@dataclass(frozen=True)
class Pod:
    """A pod by what policies see of it: its labels, and those of its namespace, which are named `namespace`."""

    namespace: str
    labels: Mapping[str, str]
    namespace_labels: Mapping[str, str]


def pod(namespace: str, labels: Mapping[str, str] | None = None, **more: str) -> Pod:
    """A pod in a namespace that has its name as a label, as every namespace has, and `more`."""
    return Pod(namespace, labels or {}, {NAME: namespace} | more)


Peer = Pod | str
"""A pod, or the address of what is none."""


def allowed(policies: Sequence[Policy], source: Peer, target: Peer, port: int, protocol: str = "TCP") -> bool:
    """Whether a connection may be made: the source's egress and the target's ingress both have to admit it."""
    leaves = not isinstance(source, Pod) or _admits(policies, source, target, port, protocol, "Egress")
    enters = not isinstance(target, Pod) or _admits(policies, target, source, port, protocol, "Ingress")
    return leaves and enters


def _admits(policies: Sequence[Policy], own: Pod, peer: Peer, port: int, protocol: str, way: str) -> bool:
    """A pod that no policy isolates in a direction is open in it; else what any of them allows."""
    isolating = [
        policy
        for policy in policies
        if policy["metadata"]["namespace"] == own.namespace
        and way in policy["spec"]["policyTypes"]
        and _selects(policy["spec"]["podSelector"], own.labels)
    ]
    if not isolating:
        return True
    key = "to" if way == "Egress" else "from"
    return any(
        _is_one_of(rule.get(key, []), own, peer) and _port_is_one_of(rule.get("ports", []), port, protocol)
        for policy in isolating
        for rule in policy["spec"].get(way.lower(), [])
    )


def _is_one_of(entries: Sequence[Mapping[str, Any]], own: Pod, peer: Peer) -> bool:
    return not entries or any(_is(entry, own, peer) for entry in entries)


def _is(entry: Mapping[str, Any], own: Pod, peer: Peer) -> bool:
    _only(entry, "ipBlock", "namespaceSelector", "podSelector")
    if "ipBlock" in entry:
        _only(entry["ipBlock"], "cidr")
        return isinstance(peer, str) and ip_address(peer) in ip_network(entry["ipBlock"]["cidr"])
    if not isinstance(peer, Pod):
        return False
    here = (
        _selects(entry["namespaceSelector"], peer.namespace_labels)
        if "namespaceSelector" in entry
        else peer.namespace == own.namespace
    )
    return here and _selects(entry.get("podSelector", {}), peer.labels)


def _port_is_one_of(entries: Sequence[Mapping[str, Any]], port: int, protocol: str) -> bool:
    for entry in entries:
        _only(entry, "port", "protocol")
    return not entries or any(
        entry.get("protocol", "TCP") == protocol and entry.get("port", port) == port for entry in entries
    )


def _selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    _only(selector, "matchLabels")
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())


def _only(found: Mapping[str, Any], *known: str) -> None:
    """What this does not know it must not pass over."""
    assert set(found) <= set(known), f"not evaluated: {sorted(set(found) - set(known))}"

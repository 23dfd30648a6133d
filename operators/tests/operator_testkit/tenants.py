"""Tenants as a person writes them, and what the API server says of them."""

import json
from typing import Any

import yaml

from operator_testkit.cell import Cell
from operator_testkit.servers import Cluster, eventually


def manifest(name: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "casino.domicile.dev/v1alpha1",
        "kind": "CasinoTenant",
        "metadata": {"name": name},
        "spec": {
            "brand": "Acme Casino",
            "jurisdiction": "GB",
            "licence": {"number": "000-012345-R-000001-001", "holder": "Acme Ltd", "validUntil": "2099-12-31"},
            "products": ["casino"],
            "paymentProviders": [{"name": "sandbox"}],
        }
        | spec,
    }


def apply(cell: Cell, tenant: dict[str, Any], *options: str) -> str:
    return cell.cluster.kubectl("apply", *options, "-f", "-", stdin=yaml.safe_dump(tenant))


def refused(cell: Cell, tenant: dict[str, Any], *options: str) -> str:
    """What the API server answers to a tenant that it must not admit."""
    said = cell.cluster.kubectl("apply", *options, "-f", "-", stdin=yaml.safe_dump(tenant), check=False)
    assert "created" not in said and "configured" not in said and "serverside-applied" not in said, said
    return said


def status(cell: Cell, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(cell.cluster.kubectl("get", "casino", name, "-o", "json"))
    return found.get("status", {})


def condition(cell: Cell, name: str, kind: str) -> dict[str, Any]:
    return next((c for c in status(cell, name).get("conditions", []) if c["type"] == kind), {})


def until(cell: Cell, name: str, kind: str, value: str, reason: str = "", seconds: float = 60) -> dict[str, Any]:
    """The condition, once it has this status (and reason)."""

    def check() -> dict[str, Any]:
        found = condition(cell, name, kind)
        good = found.get("status") == value and (not reason or found["reason"] == reason)
        return found if good else {}

    found: dict[str, Any] = eventually(check, seconds, f"{name} {kind}={value} {reason}")
    return found


def namespace_from_before(cluster: Cluster, name: str) -> None:
    """A namespace without a label, as one that was there before the admission policies were."""
    binding = ["validatingadmissionpolicybinding", "domicile-tenant-namespaces"]
    kept = cluster.kubectl("get", *binding, "-o", "json")
    cluster.kubectl("delete", *binding)
    eventually(lambda: "created" in cluster.kubectl("create", "namespace", name, check=False), what="the namespace")
    cluster.kubectl("apply", "-f", "-", stdin=kept)

"""Many tenants at once: who plays the cluster's controllers for them, and what must be true of all at the end."""

import json
import random
import re
import threading
import time
from typing import Any

import requests

from operator_testkit.cell import Cell

LABEL = "domicile.dev/tenant"
CHILDREN = {
    "serviceaccounts": "/api/v1", "resourcequotas": "/api/v1", "limitranges": "/api/v1", "configmaps": "/api/v1",
    "services": "/api/v1", "networkpolicies": "/apis/networking.k8s.io/v1", "ingresses": "/apis/networking.k8s.io/v1",
    "jobs": "/apis/batch/v1", "deployments": "/apis/apps/v1", "poddisruptionbudgets": "/apis/policy/v1",
    "horizontalpodautoscalers": "/apis/autoscaling/v2",
}  # fmt: skip
"""Plural and root of every kind that a tenant has in its namespace."""
MERGE = "application/merge-patch+json"


class Api:
    """The API server as its admin, without a process for each call."""

    def __init__(self, cell: Cell) -> None:
        self._url, self._session = cell.cluster.url, requests.Session()
        self._session.verify = str(cell.cluster.certificate)
        self._session.headers["Authorization"] = f"Bearer {cell.cluster.admin_token}"
        # Of the environment a session would take another CA than its own.
        self._session.trust_env = False

    def ask(self, method: str, path: str, body: Any = None, content: str = "application/json") -> dict[str, Any]:
        """Raises requests.HTTPError."""
        answer = self._session.request(
            method, self._url + path, data=None if body is None else json.dumps(body),
            headers={"Content-Type": content}, timeout=10,
        )  # fmt: skip
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def children(self, plural: str, tenant: str = "") -> list[dict[str, Any]]:
        """All objects of a kind that are labelled for a tenant, or for this one."""
        where = f"/namespaces/casino-{tenant}" if tenant else ""
        found: list[dict[str, Any]] = self.ask("GET", f"{CHILDREN[plural]}{where}/{plural}?labelSelector={LABEL}")[
            "items"
        ]
        return found

    def tenants(self) -> dict[str, dict[str, Any]]:
        items = self.ask("GET", "/apis/casino.domicile.dev/v1alpha1/casinotenants")["items"]
        return {one["metadata"]["name"]: one for one in items}

    def namespaces(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask("GET", f"/api/v1/namespaces?labelSelector={LABEL}")["items"]
        return found


STUCK = {
    "conditions": [
        {
            "type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded",
            "message": "exceeded its progress deadline",
        }
    ]
}  # fmt: skip


class Hands(threading.Thread):
    """The controllers that a bare API server lacks, for every tenant: Jobs end, Deployments roll out, namespaces go."""

    def __init__(self, cell: Cell) -> None:
        super().__init__(name="hands", daemon=True)
        self._api, self._resting = Api(cell), threading.Event()
        self.trouble = self.broken = ""
        """What kept a round from its end; the image whose pods never come up."""

    def __enter__(self) -> "Hands":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._resting.set()
        self.join()

    def run(self) -> None:
        while not self._resting.wait(0.4):
            try:
                self._round()
            except (requests.RequestException, KeyError) as error:
                self.trouble = repr(error)  # the API server is away, or somebody was quicker: the next round

    def _round(self) -> None:
        now = "2026-01-01T00:00:00Z"
        done = [
            {"type": kind, "status": "True", "lastProbeTime": now, "lastTransitionTime": now}
            for kind in ("SuccessCriteriaMet", "Complete")
        ]
        for job in self._api.children("jobs"):
            if not job.get("status", {}).get("conditions"):
                self._status(job, "jobs", {"startTime": now, "completionTime": now, "succeeded": 1, "conditions": done})
        for found in self._api.children("deployments"):
            generation, pods = found["metadata"]["generation"], found["spec"]["replicas"]
            if found.get("status", {}).get("observedGeneration") != generation:
                if self._never_comes(found):
                    self._status(found, "deployments", {"observedGeneration": generation, "updatedReplicas": 0} | STUCK)
                    continue
                seen = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), pods)
                self._status(found, "deployments", {"observedGeneration": generation, "conditions": []} | seen)
        for namespace in self._api.namespaces():
            if namespace["metadata"].get("deletionTimestamp"):
                self._finish(namespace)

    def _never_comes(self, found: dict[str, Any]) -> bool:
        return found["spec"]["template"]["spec"]["containers"][0]["image"] == self.broken

    def _status(self, found: dict[str, Any], plural: str, status: dict[str, Any]) -> None:
        metadata = found["metadata"]
        path = f"{CHILDREN[plural]}/namespaces/{metadata['namespace']}/{plural}/{metadata['name']}/status"
        self._api.ask("PATCH", path, {"status": status}, MERGE)

    def _finish(self, namespace: dict[str, Any]) -> None:
        name = namespace["metadata"]["name"]
        for plural, root in CHILDREN.items():
            self._api.ask("DELETE", f"{root}/namespaces/{name}/{plural}")
        namespace["spec"]["finalizers"] = []
        self._api.ask("PUT", f"/api/v1/namespaces/{name}/finalize", namespace)


def fingerprint(api: Api, tenant: str) -> list[str]:
    """What stands in a tenant's namespace, without what the API server, a tenant's name or its brand make different."""
    found: list[str] = []
    for plural in CHILDREN:
        for item in api.children(plural, tenant):
            stated = {key: item[key] for key in ("spec", "data") if key in item}
            stated["labels"] = item["metadata"].get("labels", {})
            stated.get("spec", {}).pop("clusterIP", None)
            stated.get("spec", {}).pop("clusterIPs", None)
            text = f"{plural}/{item['metadata']['name']} {json.dumps(stated, sort_keys=True)}"
            for name in (tenant, tenant.replace("-", "_")):
                text = text.replace(name, "TENANT")
            text = re.sub(r"Brand [0-9]+", "BRAND", text)
            # Digests of what differs by name, and the labels that a Job gets by its uid.
            found.append(re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{10,64}", "DIGEST", text))
    return sorted(found)


def strays(cell: Cell, api: Api, living: set[str], dropped: set[str]) -> list[str]:
    """What is left of tenants that are gone, beside the records that were to be kept. Empty is good.

    `dropped` are those whose records were to go as well.
    """
    found = [f"namespace {one['metadata']['name']}" for one in api.namespaces()
             if one["metadata"]["labels"][LABEL] not in living]  # fmt: skip
    found += [f"tenant {name}" for name in api.tenants() if name not in living]
    for path in ("sys/policies/acl", "auth/jwt/role", "database/roles"):
        listed = (cell.bao.list(path) or {"data": {"keys": []}})["data"]["keys"]
        found += [f"{path}/{name}" for name in listed if name.startswith("casino-") and not _of(name, living)]
    databases = {name for (name,) in cell.sql("SELECT datname FROM pg_database WHERE datname LIKE 'casino_%'")}
    roles = {name for (name,) in cell.sql("SELECT rolname FROM pg_roles WHERE rolname LIKE 'casino_%'")}
    for tenant in dropped - living:
        prefix = f"casino_{tenant.replace('-', '_')}"
        found += [f"database {name}" for name in databases if name == prefix]
        found += [f"role {name}" for name in roles if name.startswith(f"{prefix}_")]
    known = {f"casino_{tenant.replace('-', '_')}" for tenant in living}
    open_ones = cell.sql("SELECT datname FROM pg_database WHERE datname LIKE 'casino_%' AND datallowconn")
    found += [f"open database {name}" for (name,) in open_ones if name not in known]
    return found


def _of(name: str, living: set[str]) -> bool:
    return any(name == f"casino-{tenant}" or name.startswith(f"casino-{tenant}-") for tenant in living)


def meddle(api: Api, tenant: str, dice: random.Random) -> str:
    """Delete or spoil one child of the tenant, by chance. Gives what was done; nothing where it has none."""
    plural = dice.choice(sorted(CHILDREN))
    items = sorted(api.children(plural, tenant), key=lambda item: str(item["metadata"]["name"]))
    if not items:
        return ""
    item = dice.choice(items)
    metadata = item["metadata"]
    path = f"{CHILDREN[plural]}/namespaces/{metadata['namespace']}/{plural}/{metadata['name']}"
    # Fields that the operator states: what it does not state is left to whoever does.
    spoilt = {
        "deployments": {"spec": {"template": {"spec": {"enableServiceLinks": True}}}},
        "services": {"spec": {"selector": dict.fromkeys(item.get("spec", {}).get("selector", {}), "nobody")}},
        "configmaps": {"data": {"rules.json": "{}"}},
        "networkpolicies": {"spec": {"policyTypes": ["Ingress"], "egress": None}},
        "resourcequotas": {"spec": {"hard": {"pods": "1"}}},
    }.get(plural)
    if spoilt and dice.random() < 0.5:
        api.ask("PATCH", path, spoilt, MERGE)
        return f"spoil {plural}/{metadata['name']} of {tenant}"
    api.ask("DELETE", path)
    return f"delete {plural}/{metadata['name']} of {tenant}"


def free_lease(cell: Cell) -> None:
    """For who has killed an operator and knows it dead: the next one need not wait."""
    patch = json.dumps({"spec": {"holderIdentity": "", "leaseDurationSeconds": 1}})
    cell.cluster.kubectl("patch", "lease", "domicile-operator", "-n", "domicile-system", "--type=merge", "-p", patch)


def rest(dice: random.Random, most: float) -> None:
    time.sleep(dice.uniform(0, most))

"""Objects as a real API server gave them, for tests to break, and a cluster that holds them.

`recorded/healthy.json` is of the lab: tenant acme-gb, its namespace and the operator, without managedFields, volumes
and environment.
"""

import copy
import json
from pathlib import Path

from domicile_kubectl.clients.refusals import refusal
from domicile_kubectl.names import TENANTS
from domicile_kubectl.seen import Seen
from domicile_kubectl.tenant import Tenant

RECORDED = json.loads((Path(__file__).parent / "recorded" / "healthy.json").read_text())


def world():
    """A copy of the recorded objects, to change."""
    return copy.deepcopy(RECORDED)


def tenant_of(objects):
    return Tenant(objects["tenant"])


def seen_of(objects, **changes):
    kinds = ("operator", "operator_pods", "deployments", "jobs", "pods", "events")
    return Seen(**{**{kind: objects[kind] for kind in kinds}, **changes})


def set_condition(objects, kind, status, reason, message=""):
    """Say so in the tenant's status, as the operator does."""
    found = objects["tenant"]["status"]["conditions"]
    entry = next((one for one in found if one["type"] == kind), None)
    if entry is None:
        entry = {"type": kind, "lastTransitionTime": "2026-11-30T22:31:20Z", "observedGeneration": 1}
        found.append(entry)
    entry.update(status=status, reason=reason, message=message)


def waiting(objects, message="Waiting for the casino: 0 of 1 pods of this version ready."):
    """The tenant waits for something."""
    set_condition(objects, "Progressing", "True", "Waiting", message)
    set_condition(objects, "Ready", "False", "Progressing", message)


def stopped(objects, code, message, condition="Progressing", refused=False):
    """The operator's pass stopped there."""
    set_condition(objects, condition, "False", code, message)
    if refused:
        set_condition(objects, "Progressing", "False", "Refused", "Nothing is built until the refusal is resolved.")
    set_condition(objects, "Ready", "False", code, message)


def pod_of(objects, beginning):
    return next(one for one in objects["pods"] if one["metadata"]["name"].startswith(beginning))


def deployment(objects, name):
    return next(one for one in objects["deployments"] if one["metadata"]["name"] == name)


def unready(objects, name="casino", beginning="casino-7d"):
    """A Deployment whose one pod is not ready; gives the pod's status."""
    for field in ("availableReplicas", "readyReplicas"):
        deployment(objects, name)["status"][field] = 0
    status = pod_of(objects, beginning)["status"]
    for condition in status["conditions"]:
        if condition["type"] in ("Ready", "ContainersReady"):
            condition["status"] = "False"
    status["containerStatuses"][0].update(ready=False, started=False)
    return status


def container_waits(status, reason, message="", **last):
    """The container waits, as the kubelet says it."""
    told = {"reason": reason} | ({"message": message} if message else {})
    status["containerStatuses"][0].update(state={"waiting": told}, lastState={"terminated": last} if last else {})


def warning(name, reason, message, at="2026-11-30T22:40:00Z", kind="Pod"):
    return {
        "type": "Warning",
        "reason": reason,
        "message": message,
        "lastTimestamp": at,
        "metadata": {"name": f"{name}.{reason}", "creationTimestamp": at},
        "involvedObject": {"kind": kind, "name": name, "namespace": "casino-acme-gb"},
    }


class FakeCluster:
    """Answers from recorded objects, by path; `patches` keeps what was asked to be changed."""

    def __init__(self, objects, log=""):
        self.log_text, self.logs_read, self.patches, self.refused = log, [], [], {}
        self.tenants = {objects["tenant"]["metadata"]["name"]: objects["tenant"]}
        name = objects["tenant"]["metadata"]["name"]
        self.objects = {
            "/apis/apps/v1/namespaces/domicile-system/deployments/domicile-operator": objects["operator"],
            "/api/v1/namespaces/domicile-system/pods": {"items": objects["operator_pods"]},
            f"/apis/apps/v1/namespaces/casino-{name}/deployments": {"items": objects["deployments"]},
            f"/apis/batch/v1/namespaces/casino-{name}/jobs": {"items": objects["jobs"]},
            f"/api/v1/namespaces/casino-{name}/pods": {"items": objects["pods"]},
            f"/api/v1/namespaces/casino-{name}/events": {"items": objects["events"]},
        }

    def get(self, path, query=None):
        del query
        for part, (status, body) in self.refused.items():
            if part in path:
                raise refusal(status, "GET", path, json.dumps(body).encode())
        if path == TENANTS:
            return {"items": list(self.tenants.values())}
        if path.startswith(f"{TENANTS}/") and path.rpartition("/")[2] in self.tenants:
            return copy.deepcopy(self.tenants[path.rpartition("/")[2]])
        if path in self.objects:
            return self.objects[path]
        missing = {"message": "not found", "details": {"name": path.rpartition("/")[2]}}
        raise refusal(404, "GET", path, json.dumps(missing).encode())

    def patch(self, path, body):
        self.get(path)
        self.patches.append(body)
        found = self.tenants[path.rpartition("/")[2]]
        _merge(found, body)
        if "spec" in body:
            found["metadata"]["generation"] += 1
        self.after_patch(found)
        return copy.deepcopy(found)

    def after_patch(self, tenant):
        """What an operator would do of it: nothing, unless a test says so."""

    def log(self, namespace, pod, container, previous):
        self.logs_read.append((namespace, pod, container, previous))
        return self.log_text


def _merge(into, patch):
    for key, value in patch.items():
        if value is None:
            into.pop(key, None)
        elif isinstance(value, dict):
            _merge(into.setdefault(key, {}), value)
        else:
            into[key] = value


def no_right(verb="list", resource="pods", group="", namespace="casino-acme-gb"):
    """What a real API server says to who may not."""
    where = f'in the namespace "{namespace}"' if namespace else "at the cluster scope"
    message = f'{resource} is forbidden: User "ada" cannot {verb} resource "{resource}" in API group "{group}" {where}'
    return 403, {"kind": "Status", "reason": "Forbidden", "message": message, "code": 403}

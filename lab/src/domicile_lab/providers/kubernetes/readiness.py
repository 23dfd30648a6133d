"""When an object that was applied is ready, by its kind. Pure.

The conditions are those that the API documents for each kind; for a Deployment,
https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#complete-deployment, which is also what
`kubectl rollout status` waits for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from domicile_lab.providers.kubernetes.objects import Kind

Live = Mapping[str, Any]


@dataclass(frozen=True)
class Readiness:
    """`why` says what is waited for, or what failed for good."""

    state: Literal["ready", "waiting", "failed"]
    why: str = ""


READY = Readiness("ready")


def waiting(why: str) -> Readiness:
    return Readiness("waiting", why)


def readiness(kind: Kind, live: Live, wait_for: str | None = None) -> Readiness:
    """How far `live` is. `wait_for` is the annotation `pulumi.com/waitFor`: `condition=<type>[=<status>]`."""
    if wait_for:
        return _condition_asked(live, wait_for)
    rule = RULES.get((kind.group, kind.name))
    return rule(live) if rule else READY


def condition(live: Live, type: str) -> Mapping[str, Any]:
    """The condition of that type in the object's status; empty when it is not there."""
    conditions = live.get("status", {}).get("conditions") or []
    return next((c for c in conditions if c.get("type") == type), {})


def _condition_asked(live: Live, wait_for: str) -> Readiness:
    word, _, rest = wait_for.partition("=")
    type, _, status = rest.partition("=")
    if word != "condition" or not type:
        return Readiness(
            "failed", f"the annotation pulumi.com/waitFor is {wait_for!r}; here it can be condition=<type>"
        )
    found = condition(live, type)
    if found.get("status", "").lower() == (status or "True").lower():
        return READY
    return waiting(f"condition {type} is {found.get('status', 'absent')}: {found.get('message', 'no message')}")


def _unobserved(live: Live) -> Readiness | None:
    wanted, seen = live.get("metadata", {}).get("generation"), live.get("status", {}).get("observedGeneration")
    if wanted is not None and (seen is None or seen < wanted):
        return waiting("its controller has not seen this generation yet")
    return None


def _definition(live: Live) -> Readiness:
    names = condition(live, "NamesAccepted")
    if names.get("status") == "False":
        return Readiness("failed", f"its names are taken: {names.get('message', '')}")
    if condition(live, "Established").get("status") == "True":
        return READY
    return waiting(f"not Established: {condition(live, 'Established').get('message', 'no condition yet')}")


def _namespace(live: Live) -> Readiness:
    phase = live.get("status", {}).get("phase")
    return READY if phase == "Active" else waiting(f"phase is {phase}")


def _deployment(live: Live) -> Readiness:
    if early := _unobserved(live):
        return early
    progressing = condition(live, "Progressing")
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        return Readiness("failed", progressing.get("message", "its rollout exceeded its deadline"))
    status, wanted = live.get("status", {}), live.get("spec", {}).get("replicas", 1)
    updated, available, all = (status.get(k, 0) for k in ("updatedReplicas", "availableReplicas", "replicas"))
    if updated < wanted or available < wanted:
        last = condition(live, "ReplicaFailure").get("message") or condition(live, "Available").get("message", "")
        return waiting(f"{updated} of {wanted} replicas are updated, {available} available. {last}".strip())
    return READY if all <= updated else waiting(f"{all - updated} old replicas are still there")


def _stateful_set(live: Live) -> Readiness:
    if early := _unobserved(live):
        return early
    status, wanted = live.get("status", {}), live.get("spec", {}).get("replicas", 1)
    ready, current = status.get("readyReplicas", 0), status.get("updatedReplicas", 0)
    if ready < wanted or current < wanted:
        return waiting(f"{ready} of {wanted} replicas are ready, {current} updated")
    return READY


def _daemon_set(live: Live) -> Readiness:
    if early := _unobserved(live):
        return early
    status = live.get("status", {})
    wanted = status.get("desiredNumberScheduled", 0)
    updated, available = status.get("updatedNumberScheduled", 0), status.get("numberAvailable", 0)
    if updated < wanted or available < wanted:
        return waiting(f"{updated} of {wanted} pods are updated, {available} available")
    return READY


def _job(live: Live) -> Readiness:
    failed = condition(live, "Failed")
    if failed.get("status") == "True":
        return Readiness("failed", f"{failed.get('reason', 'it failed')}: {failed.get('message', '')}")
    if condition(live, "Complete").get("status") == "True" or live.get("spec", {}).get("suspend"):
        return READY
    return waiting(f"{live.get('status', {}).get('active', 0)} pods are at work")


def _pod(live: Live) -> Readiness:
    phase = live.get("status", {}).get("phase")
    if phase == "Failed":
        return Readiness("failed", live["status"].get("message", "its phase is Failed"))
    if phase == "Succeeded" or condition(live, "Ready").get("status") == "True":
        return READY
    return waiting(f"phase is {phase}: {condition(live, 'Ready').get('message', 'not ready')}")


def _service(live: Live) -> Readiness:
    if live.get("spec", {}).get("type") != "LoadBalancer" or live.get("status", {}).get("loadBalancer", {}).get(
        "ingress"
    ):
        return READY
    return waiting("its load balancer has no address")


def _api_service(live: Live) -> Readiness:
    found = condition(live, "Available")
    return READY if found.get("status") == "True" else waiting(f"not Available: {found.get('message', '')}")


RULES: Mapping[tuple[str, str], Callable[[Live], Readiness]] = {
    ("", "Namespace"): _namespace,
    ("", "Pod"): _pod,
    ("", "Service"): _service,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): _definition,
    ("apiregistration.k8s.io", "APIService"): _api_service,
    ("apps", "DaemonSet"): _daemon_set,
    ("apps", "Deployment"): _deployment,
    ("apps", "StatefulSet"): _stateful_set,
    ("batch", "Job"): _job,
}
"""By group and kind. Any other kind is ready once it is stored."""

"""Writes what a pass found: the status always, an Event only when Ready or the state moves."""

import logging
from datetime import datetime

from domicile_operator import metrics
from domicile_operator.clients.kube import Object
from domicile_operator.conditions import timestamp
from domicile_operator.errors import Fault
from domicile_operator.names import API_VERSION, FIELD_MANAGER, KIND
from domicile_operator.status import Findings, build_status, ready
from domicile_operator.world import World

log = logging.getLogger(__name__)

EVENT_NAMESPACE = "default"
"""Where Kubernetes keeps the Events of cluster-scoped objects."""


def write_status(tenant: Object, found: Findings, world: World) -> None:
    """Write the status if it differs from what stands there. Raises Fault, or Gone where the tenant went."""
    before, now = tenant.get("status") or {}, world.now()
    after = build_status(tenant, found, now)
    name = tenant["metadata"]["name"]
    metrics.record_conditions(name, after["conditions"])
    if after == before:
        return
    # A merge patch removes a key only by null.
    gone: Object = {key: None for key in before if key not in after}
    world.kube.patch_status(API_VERSION, KIND, name, after | gone)
    turned = (before.get("state"), _turn(before)) != (after["state"], _turn(after))
    if turned and ready(after):
        log.info("%s is %s: %s", name, after["state"], ready(after)["message"])
        try:
            world.kube.create(event(tenant, after, now))
        except Fault:
            return  # an Event is a courtesy; the status has it all


def _turn(status: Object) -> tuple[str, str]:
    condition = ready(status)
    return condition.get("status", ""), condition.get("reason", "")


def event(tenant: Object, status: Object, now: datetime) -> Object:
    """The Event of a transition. Pure."""
    metadata, condition = tenant["metadata"], ready(status)
    good = condition["status"] == "True" or condition["reason"] in ("Progressing", "Deleting")
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"generateName": f"{metadata['name']}.", "namespace": EVENT_NAMESPACE},
        "involvedObject": {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "name": metadata["name"],
            "uid": metadata["uid"],
            "resourceVersion": metadata.get("resourceVersion", ""),
        },
        "type": "Normal" if good else "Warning",
        "reason": condition["reason"],
        "message": f"{status['state']}: {condition['message']}"[:1024],
        "source": {"component": FIELD_MANAGER},
        "reportingComponent": FIELD_MANAGER,
        "firstTimestamp": timestamp(now),
        "lastTimestamp": timestamp(now),
        "count": 1,
    }

"""Writes what a pass found: the status where it differs, and an Event for each condition that turned."""

import logging

from domicile_operator import events, metrics
from domicile_operator.clients.kube import Object
from domicile_operator.errors import Fault
from domicile_operator.names import API_VERSION, KIND
from domicile_operator.status import Findings, build_status, ready
from domicile_operator.told import drift_event
from domicile_operator.world import World

log = logging.getLogger(__name__)


def write_status(tenant: Object, found: Findings, world: World) -> None:
    """Write the status if it differs from what stands there. Raises Fault, or Gone where the tenant went."""
    before, now = tenant.get("status") or {}, world.now()
    after = build_status(tenant, found, now)
    name = tenant["metadata"]["name"]
    metrics.record_tenant(tenant, after)
    metrics.record_conditions(name, after["conditions"])
    if found.repaired:
        metrics.record_drift(change.kind for change in found.changes if change.drift)
    if after != before:
        # A merge patch removes a key only by null.
        gone: Object = {key: None for key in before if key not in after}
        world.kube.patch_status(API_VERSION, KIND, name, after | gone)
        if _turn(before) != _turn(after):
            log.info("%s is %s: %s", name, after["state"], ready(after).get("message", ""))
    turned = events.transitions(before.get("conditions", []), after["conditions"])
    drifted = drift_event(before.get("drift", []), after.get("drift", []))
    for event in (*turned, *drifted, *found.events):
        if not world.budget.take(name, now):
            metrics.EVENTS_HELD_BACK.inc()
            continue
        try:
            world.kube.create(events.manifest(tenant, event, now))
        except Fault:
            return  # an Event is a courtesy; the status has it all


def _turn(status: Object) -> tuple[str, str, str]:
    condition = ready(status)
    return status.get("state", ""), condition.get("status", ""), condition.get("reason", "")

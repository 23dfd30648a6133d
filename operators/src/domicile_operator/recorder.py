"""Writes what a pass found: the status where it differs, an Event for each condition that turned, and for each
threshold that a licence passes."""

import logging
from collections.abc import Mapping
from typing import Any

from domicile_operator import events, metrics
from domicile_operator.clients.kube import Object
from domicile_operator.conditions import LICENCE_EXPIRING, LICENCE_VALID
from domicile_operator.errors import Fault
from domicile_operator.names import API_VERSION, KIND
from domicile_operator.status import Findings, build_status, condition, ready
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
        _warn_of_the_licence(tenant, before, after, world)
        world.kube.patch_status(API_VERSION, KIND, name, merge_patch(before, after))
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


def merge_patch(before: Mapping[str, Any], after: Mapping[str, Any]) -> Object:
    """All of `after`, as a merge patch (RFC 7386) of `before`: what is gone goes by null, however deep it was."""
    patch: Object = {key: None for key in before if key not in after}
    for key, value in after.items():
        was = before.get(key)
        patch[key] = merge_patch(was, value) if isinstance(value, Mapping) and isinstance(was, Mapping) else value
    return patch


def _warn_of_the_licence(tenant: Object, before: Object, after: Object, world: World) -> None:
    """An Event at each threshold, before the status says it: a pass that is cut between the two is repeated, and the
    Event's name, which is of the threshold and the licence's last day, lets it be told once."""
    was, told = condition(before, LICENCE_VALID).get("reason"), condition(after, LICENCE_VALID)
    reason = told.get("reason", "")
    if not reason.startswith(LICENCE_EXPIRING) or reason == was:
        return
    ends = tenant["spec"]["licence"]["validUntil"]
    named = f"{tenant['metadata']['name']}.{tenant['metadata']['uid'][:8]}.{reason.lower()}.{ends}"
    warning = events.manifest(tenant, events.Event("Warning", reason, told["message"]), world.now())
    warning["metadata"] = {"name": named, "namespace": events.NAMESPACE}
    try:
        world.kube.create(warning)
    except Fault as fault:
        if fault.code != "CONFLICT":  # told already
            log.warning("%s: %s (not told as an Event: %s)", tenant["metadata"]["name"], told["message"], fault.message)


def _turn(status: Object) -> tuple[str, str, str]:
    told = ready(status)
    return status.get("state", ""), told.get("status", ""), told.get("reason", "")

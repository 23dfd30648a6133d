"""The end of a tenant: the operator's finalizer, and the children removed in order.

The finalizer is put on before the first child exists and taken off after the last is gone. A tenant that
was never built has none, so it deletes at once even where OpenBao is unreachable.
"""

from domicile_operator.annotations import asked_of
from domicile_operator.children.base import Ending
from domicile_operator.children.order import TEAR_DOWN
from domicile_operator.clients.kube import Object
from domicile_operator.conditions import PROGRESSING, READY, Condition
from domicile_operator.errors import Fault, Gone
from domicile_operator.names import API_VERSION, FINALIZER, KIND, Names
from domicile_operator.status import DELETING, Findings
from domicile_operator.world import World


def hold(tenant: Object, world: World) -> None:
    """Put the finalizer on, if it is not there."""
    metadata = tenant["metadata"]
    finalizers = metadata.get("finalizers", [])
    if FINALIZER in finalizers:
        return
    # The version is tested: a tenant deleted since it was read must not be held.
    operations: list[Object] = [
        {"op": "test", "path": "/metadata/resourceVersion", "value": metadata["resourceVersion"]},
        {"op": "add", "path": "/metadata/finalizers", "value": [*finalizers, FINALIZER]},
    ]
    world.kube.patch_json(API_VERSION, KIND, metadata["name"], operations)


def release(tenant: Object, world: World) -> None:
    """Take the finalizer off; gone already is fine."""
    metadata = tenant["metadata"]
    position = metadata["finalizers"].index(FINALIZER)
    path = f"/metadata/finalizers/{position}"
    try:
        world.kube.patch_json(
            API_VERSION,
            KIND,
            metadata["name"],
            # Positions shift when another controller takes its own off: test what stands there.
            [{"op": "test", "path": path, "value": FINALIZER}, {"op": "remove", "path": path}],
        )
    except Gone:
        return


def tear_down(tenant: Object, names: Names, world: World, found: Findings) -> str:
    """One pass of deletion. Gives `gone`, or `waiting` or `held` with the reason in the findings. Raises Fault."""
    if FINALIZER not in tenant["metadata"].get("finalizers", []):
        return "gone"
    found.state = DELETING
    asked = asked_of(tenant)
    if asked.held:
        waiting = f"Deletion waits, and whatever runs goes on running. {asked.why}"
        found.conditions.append(Condition(PROGRESSING, "False", "Held", waiting))
        return "held"
    spec = tenant["spec"]
    ending = Ending(names, spec.get("licence", {}).get("number", ""), spec.get("deletionPolicy") == "Delete")
    for child in TEAR_DOWN:
        try:
            waiting = child.cleanup(ending, world)
        except Fault as fault:
            raise Fault(fault.code, f"Deletion waits: {fault.message}") from fault
        if waiting:
            found.conditions += [
                Condition(PROGRESSING, "True", "Deleting", waiting),
                Condition(READY, "False", "Deleting", waiting),
            ]
            return "waiting"
    release(tenant, world)
    return "gone"

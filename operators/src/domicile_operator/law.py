"""The ConfigMap `domicile-law`: what the cluster's admission policies go by, kept current by the operator."""

from typing import Any

from domicile_operator.names import LAW, SYSTEM_NAMESPACE
from domicile_operator.world import World


def keep_law(world: World) -> None:
    """Write the law of this cell and of this day. Raises Fault; what was written before then goes on to hold."""
    world.kube.apply(law_manifest(world.rulebook.law(world.cell(), world.now())))


def law_manifest(data: dict[str, str]) -> dict[str, Any]:
    """The ConfigMap, given its keys and values."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": LAW,
            "namespace": SYSTEM_NAMESPACE,
            "annotations": {"domicile.dev/written-by": "the operator, from the catalogue: edits are undone"},
        },
        "data": data,
    }

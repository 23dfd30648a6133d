"""Deployments whose number of pods is an autoscaler's, and the autoscalers."""

from collections.abc import Sequence

from domicile_operator.children.base import PrunedChild
from domicile_operator.clients.kube import Object
from domicile_operator.errors import Fault, Gone
from domicile_operator.manifests import autoscaling
from domicile_operator.names import FIELD_MANAGER
from domicile_operator.plan import Manifest, Plan
from domicile_operator.world import World

REPLICAS_MANAGER = "domicile-operator-replicas"
"""The field manager that keeps a Deployment's `replicas` from falling to 1 until an autoscaler has written them."""


class Autoscalers(PrunedChild):
    """Who decides how many pods there are."""

    api_version, kind = "autoscaling/v2", "HorizontalPodAutoscaler"

    def desired(self, plan: Plan) -> Sequence[Manifest]:
        return autoscaling.autoscalers(plan)


def apply_autoscaled(manifest: Manifest, least: int, world: World) -> Object:
    """Apply a Deployment that states no `replicas`, and leave its number of pods as it is. Raises Fault.

    Server-side apply removes a field that its only owner stops stating, and the API server then fills in 1: a casino
    of eight pods would lose seven. So another field manager becomes an owner of what is there before this one lets
    go. Where an autoscaler has written meanwhile the field is its own, and the refusal says just that.

    A new Deployment begins with `least` pods. So does one of fewer: an autoscaler would bring it there in its own time,
    and leave one of none alone for ever. Handed over in the same pass: each of the two applies moves the Deployment's
    generation, and whoever waits for its pods would wait for them twice.
    """
    kube, found = world.kube, _live(manifest, world)
    if found is None or found["spec"]["replicas"] < least:
        begun = kube.apply(_with_replicas(manifest, least))
        found = _live(manifest, world)
        if found is None or found["spec"]["replicas"] < least:
            return begun  # of a plan, which writes nothing
    if states_replicas(found):
        kept = {name: manifest["metadata"][name] for name in ("name", "namespace")}
        stated = {name: manifest[name] for name in ("apiVersion", "kind")}
        spec = {"replicas": found["spec"]["replicas"]}
        try:
            kube.co_own(stated | {"metadata": kept, "spec": spec}, REPLICAS_MANAGER)
        except Fault as fault:
            if fault.code != "CONFLICT":
                raise
    return kube.apply(manifest)


def states_replicas(found: Object) -> bool:
    """Whether `replicas` would lose an owner if the operator applied a Deployment without them."""
    return any(
        entry.get("manager") == FIELD_MANAGER
        and entry.get("operation") == "Apply"
        and "f:replicas" in entry.get("fieldsV1", {}).get("f:spec", {})
        for entry in found["metadata"].get("managedFields", ())
    )


def _live(manifest: Manifest, world: World) -> Object | None:
    metadata = manifest["metadata"]
    try:
        return world.kube.get(manifest["apiVersion"], manifest["kind"], metadata["name"], metadata["namespace"])
    except Gone:
        return None


def _with_replicas(manifest: Manifest, replicas: int) -> Manifest:
    return manifest | {"spec": manifest["spec"] | {"replicas": replicas}}

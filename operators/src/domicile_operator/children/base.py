"""What every kind of child can do."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from domicile_operator.clients.kube import Object
from domicile_operator.conditions import PROGRESSING
from domicile_operator.names import LABEL_TENANT, Names
from domicile_operator.ownership import made_by_us
from domicile_operator.plan import Manifest, Plan
from domicile_operator.world import World


@dataclass(frozen=True)
class Reference:
    """A child as `status.children` names it. `namespace` is empty for what lies outside one."""

    kind: str
    name: str
    namespace: str = ""


@dataclass(frozen=True)
class Observation:
    """What is true of a child now.

    `waiting` is empty when it is as desired, else what it waits for, as a sentence; `stuck` says that waiting is in
    vain. `serving` says whether players are served, where the child knows.
    """

    children: tuple[Reference, ...] = ()
    waiting: str = ""
    serving: bool | None = None
    stuck: bool = False


@dataclass(frozen=True)
class Ending:
    """A tenant on its way out. Read from a spec that may no longer parse: a bad spec must still delete."""

    names: Names
    licence: str
    drop_records: bool


class Child(ABC):
    """One kind of child.

    `condition` is the condition type that its faults are reported under. Later children are not applied
    while an earlier one waits: that is how the casino is kept back until its database is migrated.

    It reaches the world through the clients that it is given, and writes in no other way: they see to drift, adoption,
    pause and dry run.
    """

    condition: str = PROGRESSING
    in_stores: bool = False
    """Whether it lies in OpenBao or PostgreSQL, and is settled by what it desires: looked at on rounds (rounds.py)."""
    even_when_paused: bool = False
    """Whether it is kept while its tenant is paused: nobody's pause holds back what a regulator ordered."""

    @abstractmethod
    def desired(self, plan: Plan) -> Sequence[Any]:
        """What should exist. Pure."""

    @abstractmethod
    def apply(self, plan: Plan, world: World) -> Sequence[Any]:
        """Make it exist; safe to repeat. Gives what exists now. Raises Fault."""

    @abstractmethod
    def observe(self, plan: Plan, applied: Sequence[Any]) -> Observation:
        """Judge what `apply` gave. Pure."""

    def cleanup(self, ending: Ending, world: World) -> str:
        """Remove it when the tenant goes; safe to repeat.

        Gives what is still waited for, or nothing once it is gone. Raises Fault. Objects in the tenant's
        namespace go with it and have nothing to do here.
        """
        return ""


class KubernetesChild(Child):
    """Children that are Kubernetes objects: applied as built, the superfluous removed."""

    api_version: str
    kind: str

    @abstractmethod
    def desired(self, plan: Plan) -> Sequence[Manifest]: ...

    def apply(self, plan: Plan, world: World) -> Sequence[Object]:
        manifests = self.desired(plan)
        applied = [world.kube.apply(manifest) for manifest in manifests]
        self.prune(plan, manifests, world)
        return applied

    def observe(self, plan: Plan, applied: Sequence[Object]) -> Observation:
        return Observation(references(applied))

    def prune(self, plan: Plan, manifests: Sequence[Manifest], world: World) -> None:
        """Delete the tenant's objects of this kind that are no longer desired. Nothing by default."""


class PrunedChild(KubernetesChild):
    """Kubernetes children whose number or names change over a tenant's life."""

    def prune(self, plan: Plan, manifests: Sequence[Manifest], world: World) -> None:
        wanted = {manifest["metadata"]["name"] for manifest in manifests}
        namespace = plan.names.namespace
        for found in world.kube.list(self.api_version, self.kind, namespace, f"{LABEL_TENANT}={plan.names.tenant}"):
            name = found["metadata"]["name"]
            # What has an owner in the cluster (a backup's Job) is no child, and goes with its owner.
            if name not in wanted and made_by_us(found) and not found["metadata"].get("ownerReferences"):
                world.kube.delete(self.api_version, self.kind, name, namespace)


def references(objects: Sequence[Object]) -> tuple[Reference, ...]:
    """References to Kubernetes objects."""
    return tuple(
        Reference(item["kind"], item["metadata"]["name"], item["metadata"].get("namespace", "")) for item in objects
    )

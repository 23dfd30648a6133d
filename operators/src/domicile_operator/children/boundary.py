"""The tenant's walls: namespace, identities, network policies, quota."""

from collections.abc import Sequence

from domicile_operator.annotations import ADOPT
from domicile_operator.children.base import Ending, KubernetesChild, Observation, PrunedChild, references
from domicile_operator.clients.kube import Object
from domicile_operator.errors import Fault, Gone
from domicile_operator.manifests import namespace, network
from domicile_operator.ownership import given, ours
from domicile_operator.plan import Manifest, Plan
from domicile_operator.world import World


class NamespaceChild(KubernetesChild):
    """The namespace: the first to be built and the first to go, with all that is in it."""

    api_version, kind = "v1", "Namespace"

    def desired(self, plan: Plan) -> Sequence[Manifest]:
        return [namespace.namespace(plan)]

    def apply(self, plan: Plan, world: World) -> Sequence[Object]:
        try:
            found = world.kube.get("v1", "Namespace", plan.names.namespace)
        except Gone:
            return super().apply(plan, world)
        if not ours(found, plan.names) and not given(found, plan.names):
            raise Fault(
                "NAMESPACE_NOT_OURS",
                f"Namespace {plan.names.namespace} was made by somebody else and is left alone. "
                f"Delete it, or give the tenant another name, or annotate it with {ADOPT}={plan.names.tenant}: then "
                "it is taken over, with what is in it.",
            )
        return [found] if found["metadata"].get("deletionTimestamp") else super().apply(plan, world)

    def observe(self, plan: Plan, applied: Sequence[Object]) -> Observation:
        leaving = any(item["metadata"].get("deletionTimestamp") for item in applied)
        waiting = f"Namespace {plan.names.namespace} is being deleted; it is built again once gone."
        # What runs in it is on its way out, whatever it says of itself.
        return Observation(references(applied), waiting, False) if leaving else Observation(references(applied))

    def cleanup(self, ending: Ending, world: World) -> str:
        names = ending.names
        try:
            found = world.kube.get("v1", "Namespace", names.namespace)
        except Gone:
            return ""
        if not ours(found, names):
            return ""
        if not found["metadata"].get("deletionTimestamp"):
            world.kube.delete("v1", "Namespace", names.namespace)
        return f"Namespace {names.namespace} and what runs in it are being deleted."


class ServiceAccounts(KubernetesChild):
    """Who the casino and its migration are to OpenBao."""

    api_version, kind = "v1", "ServiceAccount"

    def desired(self, plan: Plan) -> Sequence[Manifest]:
        return namespace.service_accounts(plan)


class NetworkPolicies(PrunedChild):
    """What may talk to whom. In place before anything runs."""

    api_version, kind = "networking.k8s.io/v1", "NetworkPolicy"

    def desired(self, plan: Plan) -> Sequence[Manifest]:
        return network.network_policies(plan)


class Quota(KubernetesChild):
    """How much the tenant may take of the cell."""

    api_version, kind = "v1", "ResourceQuota"

    def desired(self, plan: Plan) -> Sequence[Manifest]:
        return [namespace.quota(plan)]


class DefaultLimits(KubernetesChild):
    """What a container gets that says nothing."""

    api_version, kind = "v1", "LimitRange"

    def desired(self, plan: Plan) -> Sequence[Manifest]:
        return [namespace.limit_range(plan)]

"""Whether the pods play by the rules that the operator wrote. The kubelet takes a minute or two to bring them."""

from collections.abc import Sequence

from domicile_operator.clients.pods import rules_of
from domicile_operator.conditions import RULES_IN_FORCE, Condition
from domicile_operator.errors import Fault
from domicile_operator.names import APP
from domicile_operator.plan import Plan
from domicile_operator.world import World

SERVICE_NAME = "kubernetes.io/service-name"


def look(plan: Plan, world: World) -> Condition:
    """Ask every ready pod of the casino. Never raises: what cannot be seen is Unknown, and stops nothing."""
    try:
        slices = world.kube.list("discovery.k8s.io/v1", "EndpointSlice", plan.names.namespace, f"{SERVICE_NAME}={APP}")
    except Fault as fault:
        return Condition(RULES_IN_FORCE, "Unknown", fault.code, fault.message)
    addresses = sorted(
        {
            endpoint["addresses"][0]
            for found in slices
            for endpoint in found.get("endpoints") or ()
            if (endpoint.get("conditions") or {}).get("ready", True)
        }
    )
    return judge(plan.rules.digest, len(addresses), rules_of(addresses, world.pod_metrics))


def judge(wanted: str, pods: int, told: Sequence[str]) -> Condition:
    """The condition, given how many pods there are and what those that answered play by. Pure."""
    if not pods or len(told) < pods:
        return Condition(
            RULES_IN_FORCE, "Unknown", "NotSeen", f"{len(told)} of {pods} pods say by which rules they play."
        )
    behind = sum(digest != wanted for digest in told)
    if behind:
        return Condition(
            RULES_IN_FORCE,
            "False",
            "OtherRules",
            f"{behind} of {pods} pods play by other rules than those written. The kubelet brings them within two "
            "minutes; if it stays so, a pod has refused them: its log and /readyz say why.",
        )
    return Condition(RULES_IN_FORCE, "True", "InForce", f"{pods} of {pods} pods play by the rules of status.rules.")

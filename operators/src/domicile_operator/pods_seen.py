"""What the ready pods say of themselves: whether they play by the rules that the operator wrote, which the kubelet
takes a minute or two to bring, and whether their games are what was signed."""

from collections.abc import Sequence

from domicile_operator import games
from domicile_operator.clients.pods import ask_all, rules_of
from domicile_operator.conditions import GAMES_VERIFIED, RULES_IN_FORCE, Condition
from domicile_operator.errors import Fault
from domicile_operator.names import APP
from domicile_operator.plan import Plan
from domicile_operator.world import World

SERVICE_NAME = "kubernetes.io/service-name"


def look(plan: Plan, world: World) -> list[Condition]:
    """Ask every ready pod of the casino. Never raises: what cannot be seen is Unknown, and stops nothing."""
    try:
        slices = world.kube.list("discovery.k8s.io/v1", "EndpointSlice", plan.names.namespace, f"{SERVICE_NAME}={APP}")
    except Fault as fault:
        return [Condition(kind, "Unknown", fault.code, fault.message) for kind in (RULES_IN_FORCE, GAMES_VERIFIED)]
    addresses = sorted(
        {
            endpoint["addresses"][0]
            for found in slices
            for endpoint in found.get("endpoints") or ()
            if (endpoint.get("conditions") or {}).get("ready", True)
        }
    )
    told = ask_all(addresses, world.pod_metrics)
    return [
        judge(plan.rules.digest, len(addresses), rules_of(told)),
        games.judge(plan.games, plan.cell.name, [one.games for one in told], len(addresses)),
    ]


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

"""What the ready pods say of themselves: whether they play by the rules that the operator wrote, and do no more than it
allowed, which the kubelet takes a minute or two to bring; and whether their games are what was signed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from domicile_operator import games
from domicile_operator.clients.pods import Told, ask_all, rules_of
from domicile_operator.conditions import GAMES_VERIFIED, OPERATION_IN_FORCE, RULES_IN_FORCE, Condition, timestamp
from domicile_operator.errors import Fault
from domicile_operator.names import APP, WORKER, Names
from domicile_operator.operation import Record
from domicile_operator.plan import Plan
from domicile_operator.world import World

SERVICE_NAME = "kubernetes.io/service-name"
ASKED = (APP, WORKER)
"""The Services whose pods are asked."""


@dataclass(frozen=True)
class Seen:
    """How many pods of each Service are ready, and what those say that answered, up to the first that does not."""

    pods: Mapping[str, int]
    answers: Mapping[str, Sequence[Told]]

    @property
    def told(self) -> list[Told]:
        """What all of them say."""
        return [one for service in ASKED for one in self.answers.get(service, ())]


NOBODY = Seen(dict.fromkeys(ASKED, 0), dict.fromkeys(ASKED, ()))
"""Of a tenant that was never built."""


def ask(names: Names, world: World) -> Seen:
    """Ask every ready pod that serves players or works in the background. Raises Fault."""
    selector = f"{SERVICE_NAME} in ({','.join(ASKED)})"
    slices = world.kube.list("discovery.k8s.io/v1", "EndpointSlice", names.namespace, selector)
    addresses = {
        service: sorted(
            {
                endpoint["addresses"][0]
                for found in slices
                if found["metadata"].get("labels", {}).get(SERVICE_NAME) == service
                for endpoint in found.get("endpoints") or ()
                if (endpoint.get("conditions") or {}).get("ready", True)
            }
        )
        for service in ASKED
    }
    return Seen(
        {service: len(found) for service, found in addresses.items()},
        {service: ask_all(found, world.pod_metrics) for service, found in addresses.items()},
    )


def look(plan: Plan, seen: Seen | Fault) -> list[Condition]:
    """By which rules the casino plays, with which games. What cannot be seen is Unknown, and stops nothing. Pure."""
    if isinstance(seen, Fault):
        return [Condition(kind, "Unknown", seen.code, seen.message) for kind in (RULES_IN_FORCE, GAMES_VERIFIED)]
    pods, told = seen.pods[APP], seen.answers[APP]
    return [
        judge(plan.rules.digest, pods, rules_of(told)),
        games.judge(plan.games, plan.cell.name, [one.games for one in told], pods),
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


def judge_operation(record: Record, seen: Seen | Fault, *, reopen: bool = False) -> Condition:
    """Whether the record of what may be done holds: every ready pod shows it, and nothing that began before it still
    runs in the ledger, which any pod may have seen. `reopen`: what it takes to open again is said too. Pure."""
    said = _said(record, reopen=reopen)
    if isinstance(seen, Fault):
        return Condition(OPERATION_IN_FORCE, "Unknown", seen.code, f"{seen.message} {said}")
    silent = [
        f"{len(showing)} of {seen.pods[service]} pods of {service}"
        for service in ASKED
        for showing in [[one for one in seen.answers[service] if one.operation is not None]]
        if not seen.pods[service] or len(showing) < seen.pods[service]
    ]
    if silent:
        told = f"{' and '.join(silent)} say which revision they hold to."
        return Condition(OPERATION_IN_FORCE, "Unknown", "NotSeen", f"{told} {said}")
    pods = len(seen.told)
    behind = sum(one.operation != record.revision for one in seen.told)
    if behind:
        return Condition(
            OPERATION_IN_FORCE,
            "False",
            "OtherRevision",
            f"{behind} of {pods} pods hold to another revision than {record.revision}. The kubelet brings it within "
            "two minutes, and the first pod that has it binds the ledger; if it stays so, a pod has refused it: its "
            f"log and /readyz say why. {said}",
        )
    if max((one.barrier or 0) for one in seen.told) < record.revision:
        waits = "What began before it may still be written: the ledger waits for those transactions to end."
        return Condition(OPERATION_IN_FORCE, "False", "BarrierNotPassed", f"{waits} {said}")
    return Condition(OPERATION_IN_FORCE, "True", "InForce", f"{pods} of {pods} pods hold to it. {said}")


def _said(record: Record, *, reopen: bool) -> str:
    operation = record.operation
    allowed = ", ".join(sorted(operation.acts)) or "nothing"
    said = f"Revision {record.revision} allows: {allowed}."
    if operation.play_until and len(operation.acts) > 1:
        said += f" From {timestamp(operation.play_until)} on: withdraw alone."
    if operation.reason:
        said += f" {operation.reason}"
    if reopen:
        said += (
            " Once licence and law allow it, it opens when spec.state is written anew: first WithdrawOnly, and when "
            "status.state says so, what it is to be, which takes the right loosen."
        )
    return said

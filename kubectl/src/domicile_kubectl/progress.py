"""Whether what was asked for has come about, from the tenant as it is now. Pure."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from domicile_kubectl.tenant import Condition, Tenant


@dataclass(frozen=True)
class Verdict:
    """`sentence` says what came about, or what is still waited for."""

    done: bool
    sentence: str


Judge = Callable[[Tenant], Verdict]


def paused(tenant: Tenant) -> Verdict:
    """Whether the operator says that it leaves the tenant alone."""
    said = tenant.condition("Paused")
    if said and said.status == "True" and said.reason == "Annotated":
        return Verdict(True, said.message)
    return Verdict(False, "The operator has not taken it up yet.")


def resumed(tenant: Tenant) -> Verdict:
    """Whether the operator goes on. One that is planned stays held."""
    said = tenant.condition("Paused")
    if said is None or (said.status == "True" and said.reason == "Annotated"):
        return Verdict(False, "The operator has not taken it up yet.")
    held = f" It stays held all the same: {said.message}" if said.status == "True" else ""
    return Verdict(True, f"The operator goes on.{held}")


def handled(request: str) -> Judge:
    """Whether a pass was made since the request."""

    def judge(tenant: Tenant) -> Verdict:
        if tenant.status.get("lastHandledReconcileAt") != request:
            return Verdict(False, "The operator has not come to it yet.")
        ready = tenant.condition("Ready")
        told = f" Ready is {ready.status}, {ready.reason}: {ready.message}" if ready else ""
        return Verdict(True, f"A pass was made.{told}")

    return judge


def tried_again(tenant: Tenant) -> Verdict:
    """Whether the release that failed is held against the tenant no more."""
    if "failed" in (tenant.status.get("release") or {}):
        return Verdict(False, "The operator has not taken it up yet.")
    said = tenant.condition("Release")
    return Verdict(True, said.message if said else "It may begin again.")


def planned(request: str) -> Judge:
    """Whether the operator has answered: by a plan of the newest spec, or by a refusal of which there is none."""

    def judge(tenant: Tenant) -> Verdict:
        if tenant.status.get("lastHandledReconcileAt") != request:
            return Verdict(False, "The operator has not come to it yet.")
        plan = tenant.status.get("plan")
        if plan and plan.get("observedGeneration") != tenant.generation:
            return Verdict(False, "The plan is of the spec before.")
        return Verdict(True, "")

    return judge


def in_force(generation: int, allowed: Collection[str] | None) -> Judge:
    """Whether the record of that generation binds everywhere, and allows nothing but `allowed` (None: whatever)."""

    def judge(tenant: Tenant) -> Verdict:
        said = tenant.condition("OperationInForce")
        acts = tenant.operation.get("acts")
        if tenant.observed < generation or said is None or said.generation < generation or acts is None:
            return Verdict(False, "The operator has not taken it up yet.")
        if allowed is not None and not set(acts) <= set(allowed):
            return Verdict(False, f"What may be done is still: {', '.join(acts)}.")
        return Verdict(said.status == "True", _in_words(tenant, said))

    return judge


def _in_words(tenant: Tenant, said: Condition) -> str:
    if said.status != "True":
        return said.message
    since = tenant.operation.get("since")
    acts = ", ".join(tenant.operation["acts"]) or "nothing"
    return f"In force{f' since {since}' if since else ''}: {tenant.status.get('state')}. What may be done: {acts}."

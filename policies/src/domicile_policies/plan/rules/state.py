"""What holds data is kept, and goes only by a person's word."""

from collections.abc import Iterator

from domicile_policies.plan.facts import PackFacts
from domicile_policies.plan.resource import Operation, Plan, PlannedResource, name_of
from domicile_policies.plan.rule import Rule, Said, fault
from domicile_policies.plan.types import STATEFUL


def protected(resource: PlannedResource, facts: PackFacts) -> Iterator[Said]:
    """Protected from deletion, and left standing when it leaves the program (where the plan tells)."""
    if resource.type not in STATEFUL or facts.disposable or resource.operation is Operation.DELETE:
        return
    if not resource.options.protect:
        yield fault(resource, "holds data and is not protected")
    if resource.options.retain_on_delete is False:
        yield fault(resource, "holds data and is not retained on deletion")


def approved(plan: Plan, facts: PackFacts) -> Iterator[Said]:
    """No replacement or deletion of it without an approval in the environment."""
    if facts.disposable:
        return
    for resource in plan.resources:
        if resource.type in STATEFUL and resource.operation in (Operation.REPLACE, Operation.DELETE):
            yield from _approved(resource.urn, resource.type, resource.name, resource.operation, facts)
    if facts.standing is None or plan.changes_only:
        return
    here = {one.urn for one in plan.remaining} | {alias for one in plan.remaining for alias in one.options.aliases}
    told = {one.urn for one in plan.resources}
    for urn in sorted(facts.standing - here - told):
        yield from _approved(urn, type_of(urn), name_of(urn), Operation.DELETE, facts)


def _approved(urn: str, kind: str, name: str, action: Operation, facts: PackFacts) -> Iterator[Said]:
    given = [
        one
        for one in facts.approvals
        if one.stack == facts.stack and one.action == str(action) and one.resource in (name, f"{kind}::{name}")
    ]
    if any(facts.today <= one.until for one in given):
        return
    if given:
        last = max(given, key=lambda one: one.until)
        why = f"the approval of {last.by} ended on {last.until}"
    else:
        why = "nobody has approved it"
    yield Said(urn, f"{name}: would {action} a {kind}, which holds data, and {why}")


def type_of(urn: str) -> str:
    """The type in a URN: the last of the types of its parents and itself."""
    return urn.split("::")[2].rpartition("$")[2]


RULES = (
    Rule(
        "stateful-protected",
        "What holds data is protected and retained",
        "Give it the options protect and retain_on_delete.",
        on_resource=protected,
        needs_inputs=False,
    ),
    Rule(
        "stateful-approved",
        "What holds data is replaced or deleted with an approval alone",
        "If it was renamed, give it an alias. If it must go, write an approval into environment.yaml: stack, resource, "
        "action, reason, by, until.",
        on_plan=approved,
        needs_inputs=False,
    ),
)

"""What holds data is kept, and goes only by a person's word."""

from collections.abc import Collection, Iterable, Iterator
from datetime import date

from domicile_catalog.environment import Approval

from domicile_policies.plan.facts import PackFacts
from domicile_policies.plan.holding import holdings, is_kept
from domicile_policies.plan.resource import Operation, Plan, PlannedResource, name_of
from domicile_policies.plan.rule import Rule, Said, fault


def protected(resource: PlannedResource, facts: PackFacts) -> Iterator[Said]:
    """Protected from deletion, and left standing when it leaves the program (where the plan tells)."""
    if not is_kept(resource.type) or facts.disposable or resource.operation is Operation.DELETE:
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
        if is_kept(resource.type) and resource.operation in (Operation.REPLACE, Operation.DELETE):
            yield from _approved(resource.urn, resource.type, resource.name, resource.operation, facts)
    if facts.standing is None or plan.changes_only:
        return
    here = {one.urn for one in plan.remaining} | {alias for one in plan.remaining for alias in one.options.aliases}
    told = {one.urn for one in plan.resources}
    for urn in sorted(urn for urn in facts.standing - here - told if is_kept(type_of(urn))):
        yield from _approved(urn, type_of(urn), name_of(urn), Operation.DELETE, facts)


def _approved(urn: str, kind: str, name: str, action: Operation, facts: PackFacts) -> Iterator[Said]:
    why = unapproved(facts.approvals, facts.stack, kind, name, facts.today, actions=(str(action),))
    if why is not None:
        yield Said(urn, f"{name}: would {action} a {kind}, {_held(kind)}, and {why}")


def unapproved(
    approvals: Iterable[Approval],
    stack: str,
    kind: str,
    name: str,
    today: date,
    *,
    actions: Collection[str] = ("replace", "delete"),
) -> str | None:
    """Why no approval lets a resource of the stack be replaced or deleted on a day; None where one does.

    An approval names the resource as it is, or as `type::name`; it is good until the end of its last day.
    """
    given = [
        one
        for one in approvals
        if one.stack == stack and one.action in actions and one.resource in (name, f"{kind}::{name}")
    ]
    if any(today <= one.until for one in given):
        return None
    if given:
        last = max(given, key=lambda one: one.until)
        return f"the approval of {last.by} ended on {last.until}"
    return "nobody has approved it"


def _held(kind: str) -> str:
    held = holdings()[kind]
    return f"which is kept ({held.name}: {held.means[:1].lower()}{held.means[1:].rstrip('.')})"


def type_of(urn: str) -> str:
    """The type in a URN: the last of the types of its parents and itself."""
    return urn.split("::")[2].rpartition("$")[2]


APPROVED = Rule(
    "stateful-approved",
    "What holds data is replaced or deleted with an approval alone",
    "If it was renamed, give it an alias. If it must go, write an approval into environment.yaml: stack, resource, "
    "action, reason, by, until.",
    on_plan=approved,
    needs_inputs=False,
)
RULES = (
    Rule(
        "stateful-protected",
        "What holds data is protected and retained",
        "Give it the options protect and retain_on_delete.",
        on_resource=protected,
        needs_inputs=False,
    ),
    APPROVED,
)

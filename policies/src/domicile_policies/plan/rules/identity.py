"""Who may act: no policy of everything, and no provider that nobody named."""

from collections.abc import Iterator

from domicile_policies.plan.access import ATTACHES_POLICY, IDENTITY_POLICIES
from domicile_policies.plan.facts import PackFacts
from domicile_policies.plan.iam import allows_everything, statements_of
from domicile_policies.plan.resource import AWS, KUBERNETES, UNKNOWN, PlannedResource, at, leaves
from domicile_policies.plan.rule import Rule, Said, fault, undecided
from domicile_policies.plan.types import KNOWN, REPLICATES

EVERYTHING = ("AdministratorAccess", "PowerUserAccess", "IAMFullAccess")
"""AWS's managed policies that allow everything, or to give oneself everything."""


def least_privilege(resource: PlannedResource, _: PackFacts) -> Iterator[Said]:
    """No policy allows every action on every resource: its own, one inside it, or one that it attaches."""
    for path in IDENTITY_POLICIES.get(resource.type, ()):
        for document in leaves(resource.properties, *path):
            if document is UNKNOWN:
                yield undecided(resource, f"its {'.'.join(path)}")
            for statement in statements_of(document):
                if allows_everything(statement):
                    which = at(statement, "Sid") or "a statement"
                    yield fault(resource, f"allows every action on every resource: {which}")
    if (key := ATTACHES_POLICY.get(resource.type)) is not None:
        for arn in leaves(resource.at(key)):
            # An unknown one is a policy of the same plan, which is judged itself.
            if arn is not UNKNOWN and str(arn).rpartition("/")[2] in EVERYTHING:
                yield fault(resource, f"attaches {arn}, which allows everything")


def known_type(resource: PlannedResource, _: PackFacts) -> Iterator[Said]:
    """A type of which somebody has said what it can do with data, whoever provides it."""
    harmless = resource.type.startswith((KUBERNETES, "pulumi:", "domicile:"))
    if not harmless and resource.type not in KNOWN and resource.type not in REPLICATES:
        yield fault(resource, f"is a {resource.type}, and no rule knows what that can do with data")


def named_provider(resource: PlannedResource, _: PackFacts) -> Iterator[Said]:
    """A provider that the program named: it says which account and which region."""
    if not resource.type.startswith((AWS, KUBERNETES)):
        return
    if resource.provider is None or resource.provider.is_default:
        yield fault(resource, "has no provider of its own: its account and region would be whatever the shell says")


RULES = (
    Rule(
        "no-default-provider",
        "Every resource names its account and region by a provider",
        "Pass provider, or providers to its component, in its options.",
        on_resource=named_provider,
        needs_inputs=False,
    ),
    Rule(
        "type-known",
        "Every type of resource is known to the rules",
        "Add the type to the tables of policies' plan/types.py, with what can be said of it there.",
        on_resource=known_type,
        needs_inputs=False,
    ),
    Rule(
        "iam-no-admin",
        "No policy allows every action on every resource",
        "Name the actions. Where a person decided that a role needs everything, waive it in the pack's waivers.yaml.",
        on_resource=least_privilege,
    ),
)

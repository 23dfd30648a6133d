"""Nothing is public by its own settings or by its policy."""

from collections.abc import Iterator

from domicile_policies.plan.access import ALWAYS_PUBLIC, GRANTS, PUBLIC_UNLESS, PUBLIC_WHEN, RESOURCE_POLICIES
from domicile_policies.plan.facts import PackFacts
from domicile_policies.plan.iam import is_public, statements_of
from domicile_policies.plan.resource import UNKNOWN, Plan, PlannedResource, at, each
from domicile_policies.plan.rule import Rule, Said, fault, undecided
from domicile_policies.plan.types import BUCKET

PUBLIC_ACCESS = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
ACCOUNT_PUBLIC_ACCESS = "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock"
BLOCKS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")


def not_public(resource: PlannedResource, _: PackFacts) -> Iterator[Said]:
    """No setting that makes something reachable or readable by anyone."""
    for path, value in PUBLIC_WHEN.get(resource.type, ()):
        found = resource.at(*path)
        if found is UNKNOWN:
            yield undecided(resource, ".".join(path))
        elif str(found).lower() == value.lower():
            yield fault(resource, f"{'.'.join(path)} is {found}, which makes it public")
    if resource.type in (PUBLIC_ACCESS, ACCOUNT_PUBLIC_ACCESS):
        for key in BLOCKS:
            if resource.at(key) is UNKNOWN:
                yield undecided(resource, key)
            elif resource.at(key) is not True:
                yield fault(resource, f"{key} is {resource.at(key)}: it must be true")
    yield from _reachable(resource)
    yield from _open_policy(resource)
    yield from _granted(resource)


def _reachable(resource: PlannedResource) -> Iterator[Said]:
    """What is on the internet unless a setting says otherwise, or in any case."""
    if resource.type in ALWAYS_PUBLIC:
        yield fault(resource, f"is a {resource.type}, which everybody reaches")
    if resource.type in PUBLIC_UNLESS:
        path, wanted = PUBLIC_UNLESS[resource.type]
        found = each(resource.at(*path))
        if UNKNOWN in found:
            yield undecided(resource, ".".join(path))
        elif not found or (wanted is not None and any(one != wanted for one in found)):
            yield fault(resource, f"{'.'.join(path)} is not {wanted or 'set'}, which makes it public")


def _open_policy(resource: PlannedResource) -> Iterator[Said]:
    """A policy on it that lets everybody in."""
    if (path := RESOURCE_POLICIES.get(resource.type)) is None:
        return
    document = resource.at(*path)
    if document is UNKNOWN:
        yield undecided(resource, ".".join(path))
    for statement in statements_of(document):
        if is_public(statement):
            which = at(statement, "Sid") or "a statement"
            yield fault(resource, f"its {'.'.join(path)} lets everybody in: {which}")


def _granted(resource: PlannedResource) -> Iterator[Said]:
    """A grant to everybody, where a resource is one grant."""
    if resource.type not in GRANTS:
        return
    key, narrowing = GRANTS[resource.type]
    given = resource.at(key)
    if given is UNKNOWN:
        yield undecided(resource, key)
    elif given == "*" and all(resource.at(one) is None for one in narrowing):
        yield fault(resource, f"its {key} is {given}, which lets everybody in")


def buckets_not_public(plan: Plan, _: PackFacts) -> Iterator[Said]:
    """Each bucket blocks public access by itself, whatever its account does."""
    for bucket in plan.of(BUCKET):
        if not plan.about(bucket, PUBLIC_ACCESS, "bucket"):
            yield fault(bucket, "has no BucketPublicAccessBlock")


RULES = (
    Rule(
        "not-public",
        "Nothing that holds data is public",
        "Make it private. What strangers must reach stands behind the edge's load balancer.",
        on_resource=not_public,
    ),
    Rule(
        "bucket-not-public",
        "Every bucket blocks public access",
        "Add a BucketPublicAccessBlock with its four settings true.",
        on_plan=buckets_not_public,
        needs_all=True,
    ),
)

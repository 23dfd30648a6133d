"""No public data, and one open door: the edge's HTTPS."""

from collections.abc import Iterator
from typing import Any

from domicile_policies.plan.facts import PackFacts
from domicile_policies.plan.iam import is_public, statements_of
from domicile_policies.plan.resource import UNKNOWN, Plan, PlannedResource, at, each
from domicile_policies.plan.rule import Rule, Said, fault, undecided
from domicile_policies.plan.types import BUCKET, PUBLIC_WHEN, RESOURCE_POLICIES

PUBLIC_ACCESS = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
ACCOUNT_PUBLIC_ACCESS = "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock"
BLOCKS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
EVERYWHERE = ("0.0.0.0/0", "::/0")
HTTPS = 443
EDGE = "edge"
"""What the logical name of the one security group begins with, and of its rules, that strangers may reach."""


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
    if (element := RESOURCE_POLICIES.get(resource.type)) is not None:
        document = resource.at(element)
        if document is UNKNOWN:
            yield undecided(resource, element)
        for statement in statements_of(document):
            if is_public(statement):
                yield fault(resource, f"its {element} lets everybody in: {at(statement, 'Sid') or 'a statement'}")


def buckets_not_public(plan: Plan, _: PackFacts) -> Iterator[Said]:
    """Each bucket blocks public access by itself, whatever its account does."""
    for bucket in plan.of(BUCKET):
        if not plan.about(bucket, PUBLIC_ACCESS, "bucket"):
            yield fault(bucket, "has no BucketPublicAccessBlock")


def ingress(resource: PlannedResource, _: PackFacts) -> Iterator[Said]:
    """From everywhere comes HTTPS to the edge, and nothing else."""
    for rule in _ingress_rules(resource):
        sources = [at(rule, key) for key in ("cidrIpv4", "cidrIpv6")]
        for key in ("cidrBlocks", "ipv6CidrBlocks"):
            sources += each(at(rule, key))
        if UNKNOWN in sources:
            yield undecided(resource, "who may come in")
            continue
        ports = (at(rule, "fromPort"), at(rule, "toPort"))
        https = all(isinstance(port, int | float) and int(port) == HTTPS for port in ports)
        at_edge = https and resource.name.startswith(EDGE)
        for source in sources:
            if source in EVERYWHERE and not at_edge:
                yield fault(resource, f"lets {source} in to the ports {ports[0]} to {ports[1]}")


def _ingress_rules(resource: PlannedResource) -> tuple[Any, ...]:
    if resource.type == "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule":
        return (resource.properties,)
    if resource.type == "aws:ec2/securityGroupRule:SecurityGroupRule":
        return (resource.properties,) if resource.at("type") in ("ingress", UNKNOWN) else ()
    if resource.type in ("aws:ec2/securityGroup:SecurityGroup", "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"):
        return each(resource.at("ingress"))
    return ()


def cluster_endpoint(resource: PlannedResource, _: PackFacts) -> Iterator[Said]:
    """The cluster's API is reached from inside, or from addresses that are named."""
    if resource.type != "aws:eks/cluster:Cluster":
        return
    public, named = resource.at("vpcConfig", "endpointPublicAccess"), resource.at("vpcConfig", "publicAccessCidrs")
    if UNKNOWN in (public, named):
        yield undecided(resource, "who reaches the cluster's API")
    # AWS's own defaults are a public endpoint, open to all.
    elif public is not False and (not each(named) or any(one in EVERYWHERE for one in each(named))):
        yield fault(resource, "the cluster's API is open to the internet")


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
    Rule(
        "ingress-edge-only",
        "From everywhere comes HTTPS to the edge alone",
        f"Name the sources, or let it in at the edge: a rule whose name begins with {EDGE}, port {HTTPS} alone.",
        on_resource=ingress,
    ),
    Rule(
        "cluster-endpoint-private",
        "The cluster's API is not open to the internet",
        "Set endpointPublicAccess to false, or name publicAccessCidrs.",
        on_resource=cluster_endpoint,
    ),
)

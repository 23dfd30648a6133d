"""One open door: the edge's HTTPS. Everybody is whoever has more addresses than any one holder, by halves as well."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from domicile_policies.plan.addresses import wide
from domicile_policies.plan.facts import PackFacts
from domicile_policies.plan.resource import UNKNOWN, Plan, PlannedResource, at, each, leaves
from domicile_policies.plan.rule import Rule, Said, fault, undecided
from domicile_policies.plan.tokens import aws

HTTPS = 443
EDGE = "edge"
"""What the logical name of the one security group begins with, and of its rules, that strangers may reach."""
UNPRIVILEGED = 1024
"""From this port on answers come back, which a network ACL, having no memory, must let in."""

GROUP_RULE = aws("vpc", "SecurityGroupIngressRule")
OLD_GROUP_RULE = aws("ec2", "SecurityGroupRule")
GROUPS = (aws("ec2", "SecurityGroup"), aws("ec2", "DefaultSecurityGroup"))
ACLS = (aws("ec2", "NetworkAcl"), aws("ec2", "DefaultNetworkAcl"))
ACL_RULE = aws("ec2", "NetworkAclRule")
PREFIX_LIST, PREFIX_LIST_ENTRY = aws("ec2", "ManagedPrefixList"), aws("ec2", "ManagedPrefixListEntry")

_SINGLE = ("cidrIpv4", "cidrIpv6", "cidrBlock", "ipv6CidrBlock")
_SEVERAL = ("cidrBlocks", "ipv6CidrBlocks")
_LISTS = ("prefixListId", "prefixListIds")


def ingress(resource: PlannedResource, _: PackFacts) -> Iterator[Said]:
    """From everywhere comes HTTPS to the edge, and nothing else."""
    sources = []
    for rule in _closed(resource):
        found = _sources(rule)
        if UNKNOWN in found:
            yield undecided(resource, "who may come in")
        sources += [str(one) for one in found if one is not UNKNOWN]
    for source in wide(sources):
        yield fault(resource, f"lets {source} in, to more than the edge's HTTPS")


def together(plan: Plan, _: PackFacts) -> Iterator[Said]:
    """Nor do rules of one group by halves, or a prefix list whose entries do or which nobody knows."""
    members: dict[str, list[tuple[PlannedResource, str]]] = defaultdict(list)
    for resource in plan.remaining:
        for rule in _closed(resource):
            if rule is UNKNOWN:
                yield undecided(resource, "who may come in")
                continue
            for source in _sources(rule):
                if source is not UNKNOWN and not wide([str(source)]):
                    members[_group(resource)].append((resource, str(source)))
            for given in [one for key in _LISTS for one in leaves(at(rule, key))]:
                ranges = _ranges(plan, resource, given)
                if ranges is None:
                    yield fault(resource, f"lets the prefix list {_shown(given)} in, which this plan does not make")
                elif UNKNOWN in ranges:
                    yield undecided(resource, f"who is in the prefix list {_shown(given)}")
                else:
                    members[_group(resource)] += [(resource, str(one)) for one in ranges]
    for found in members.values():
        open_to = set(wide([source for _, source in found]))
        named = {source: resource for resource, source in found if source in open_to}
        # What one resource lets in by itself is told of that resource, unless it came by a prefix list.
        if len({one.urn for one in named.values()}) > 1 or any(_by_list(one) for one in named.values()):
            last = list(named.values())[-1]
            yield fault(last, f"with others of its group lets in {', '.join(sorted(named))}, which is everybody")


def network_acl(resource: PlannedResource, _: PackFacts) -> Iterator[Said]:
    """A network ACL lets everybody in to HTTPS and to the ports of answers alone."""
    if resource.type in ACLS:
        rules = each(resource.at("ingress"))
    elif resource.type == ACL_RULE and resource.at("egress") in (None, False, UNKNOWN):
        rules = (resource.properties,)
    else:
        return
    for rule in rules:
        if (at(rule, "action") or at(rule, "ruleAction")) == "deny":
            continue
        found = _sources(rule)
        if UNKNOWN in (*found, at(rule, "fromPort"), at(rule, "toPort"), at(rule, "protocol")):
            yield undecided(resource, "who may come in")
            continue
        for source in wide(str(one) for one in found):
            if not (_is_https(rule) or _answers(rule)):
                yield fault(resource, f"lets {source} in to the ports {at(rule, 'fromPort')} to {at(rule, 'toPort')}")


def cluster_endpoint(resource: PlannedResource, _: PackFacts) -> Iterator[Said]:
    """The cluster's API is reached from inside, or from addresses that are named."""
    if resource.type != aws("eks", "Cluster"):
        return
    public, named = (
        resource.at("vpcConfig", "endpointPublicAccess"),
        each(resource.at("vpcConfig", "publicAccessCidrs")),
    )
    if UNKNOWN in (public, *named):
        yield undecided(resource, "who reaches the cluster's API")
    # AWS's own defaults are a public endpoint, open to all.
    elif public is not False and (not named or wide(str(one) for one in named)):
        yield fault(resource, "the cluster's API is open to the internet")


def _closed(resource: PlannedResource) -> tuple[Any, ...]:
    """The rules of a security group that are to be closed to strangers: all but the edge's HTTPS."""
    return tuple(one for one in _rules(resource) if not (_is_https(one) and resource.name.startswith(EDGE)))


def _rules(resource: PlannedResource) -> tuple[Any, ...]:
    if resource.type == GROUP_RULE:
        return (resource.properties,)
    if resource.type == OLD_GROUP_RULE:
        return (resource.properties,) if resource.at("type") in ("ingress", UNKNOWN) else ()
    return each(resource.at("ingress")) if resource.type in GROUPS else ()


def _sources(rule: Any) -> list[Any]:
    """The ranges of a rule, one UNKNOWN for what is not known."""
    if rule is UNKNOWN:
        return [UNKNOWN]
    return [one for key in (*_SINGLE, *_SEVERAL) for one in leaves(at(rule, key))]


def _group(resource: PlannedResource) -> str:
    """The security group that a rule is of: itself, by what makes it, or by its id."""
    if resource.type in GROUPS:
        return resource.urn
    tied = resource.dependencies.get("securityGroupId", ())
    return tied[0] if tied else str(resource.at("securityGroupId"))


def _ranges(plan: Plan, resource: PlannedResource, given: Any) -> tuple[Any, ...] | None:
    """The ranges of a prefix list that the plan makes; None for one that it does not."""
    urns = {urn for key in (*_LISTS, "ingress") for urn in resource.dependencies.get(key, ())}
    made = [one for one in plan.of(PREFIX_LIST) if one.urn in urns or one.at("id") == given]
    if not made:
        return None
    return tuple(
        found
        for one in made
        for found in (
            *leaves(one.at("entries"), "cidr"),
            *(
                cidr
                for entry in plan.about(one, PREFIX_LIST_ENTRY, "prefixListId")
                for cidr in leaves(entry.at("cidr"))
            ),
        )
    )


def _by_list(resource: PlannedResource) -> bool:
    return any(True for rule in _rules(resource) for key in _LISTS for _ in leaves(at(rule, key)))


def _shown(given: Any) -> str:
    return "that is yet to be made" if given is UNKNOWN else str(given)


def _ports(rule: Any) -> tuple[int, int] | None:
    """From which to which port, None where it is all of them or not said."""
    ports = (at(rule, "fromPort"), at(rule, "toPort"))
    if str(at(rule, "protocol") or at(rule, "ipProtocol")) in ("-1", "all"):
        return None
    first, last = ports
    # JSON knows no whole numbers.
    if isinstance(first, int | float) and isinstance(last, int | float):
        return int(first), int(last)
    return None


def _is_https(rule: Any) -> bool:
    return _ports(rule) == (HTTPS, HTTPS)


def _answers(rule: Any) -> bool:
    ports = _ports(rule)
    return ports is not None and ports[0] >= UNPRIVILEGED


RULES = (
    Rule(
        "ingress-edge-only",
        "From everywhere comes HTTPS to the edge alone",
        f"Name the sources, or let it in at the edge: a rule whose name begins with {EDGE}, port {HTTPS} alone.",
        on_resource=ingress,
    ),
    Rule(
        "ingress-by-parts",
        "Nor does everybody come in by several rules of one group, or by a prefix list",
        "Name the sources, fewer of them, and make the prefix list in the same stack.",
        on_plan=together,
    ),
    Rule(
        "network-acl-closed",
        "Network ACLs let everybody in to HTTPS and to the ports of answers alone",
        f"Name the sources; strangers need port {HTTPS}, and answers the ports from {UNPRIVILEGED} on.",
        on_resource=network_acl,
    ),
    Rule(
        "cluster-endpoint-private",
        "The cluster's API is not open to the internet",
        "Set endpointPublicAccess to false, or name publicAccessCidrs.",
        on_resource=cluster_endpoint,
    ),
)

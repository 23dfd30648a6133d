"""Encrypted on the way, by a protocol that is not broken."""

from collections.abc import Iterator

from domicile_policies.plan.facts import PackFacts
from domicile_policies.plan.iam import denies_plain_text, statements_of
from domicile_policies.plan.resource import UNKNOWN, Plan, PlannedResource, at, each
from domicile_policies.plan.rule import Rule, Said, fault, undecided
from domicile_policies.plan.types import BUCKET, FORCE_TLS, LISTENERS

BUCKET_POLICY = "aws:s3/bucketPolicy:BucketPolicy"
MODERN = ("ELBSecurityPolicy-TLS13-1-2-", "ELBSecurityPolicy-TLS13-1-3-", "ELBSecurityPolicy-FS-1-2-Res-")
"""What the names of a load balancer's TLS policies begin with that refuse everything below TLS 1.2."""
WEAKER = "-Ext"
"""What such a name has in it where the policy keeps ciphers for old clients."""


def listeners(resource: PlannedResource, _: PackFacts) -> Iterator[Said]:
    """A load balancer ends TLS 1.2 or later; plain HTTP does nothing but say where HTTPS is."""
    if resource.type not in LISTENERS:
        return
    protocol, chosen = resource.at("protocol"), resource.at("sslPolicy")
    if protocol is UNKNOWN or (protocol in ("HTTPS", "TLS") and chosen is UNKNOWN):
        yield undecided(resource, "its protocol")
    elif protocol == "HTTP":
        if any(at(one, "type") != "redirect" for one in each(resource.at("defaultActions"))):
            yield fault(resource, "serves plain HTTP")
    elif protocol in ("HTTPS", "TLS") and (not str(chosen).startswith(MODERN) or WEAKER in str(chosen)):
        yield fault(resource, f"its sslPolicy is {chosen}, which takes more than TLS 1.2 with forward secrecy")


def stores(resource: PlannedResource, _: PackFacts) -> Iterator[Said]:
    """Databases and caches refuse who comes without TLS."""
    if resource.type == "aws:elasticache/replicationGroup:ReplicationGroup":
        for key, wanted in (("transitEncryptionEnabled", True), ("transitEncryptionMode", "required")):
            found = resource.at(key)
            if found is UNKNOWN:
                yield undecided(resource, key)
            elif found != wanted and not (key == "transitEncryptionMode" and found is None):
                yield fault(resource, f"{key} is {found}: it must be {wanted}")
    if resource.type in ("aws:rds/clusterParameterGroup:ClusterParameterGroup",):
        yield from _forced(resource)


def _forced(resource: PlannedResource) -> Iterator[Said]:
    family, given = resource.at("family"), each(resource.at("parameters"))
    if family is UNKNOWN or UNKNOWN in given or UNKNOWN in [at(one, "name") for one in given]:
        yield undecided(resource, "whether TLS is forced")
        return
    names = next((names for start, names in FORCE_TLS.items() if str(family).startswith(start)), ())
    values = {at(one, "name"): at(one, "value") for one in given}
    for name in names:
        if values.get(name) is UNKNOWN:
            yield undecided(resource, name)
        elif str(values.get(name)).lower() not in ("1", "on", "true"):
            yield fault(resource, f"does not set {name} to 1: {family} takes connections without TLS")


def buckets_tls(plan: Plan, _: PackFacts) -> Iterator[Said]:
    """Each bucket's policy refuses what comes without TLS."""
    for bucket in plan.of(BUCKET):
        policies = plan.about(bucket, BUCKET_POLICY, "bucket")
        documents = [one.at("policy") for one in policies]
        if UNKNOWN in documents:
            yield undecided(bucket, "its bucket policy")
        elif not any(denies_plain_text(statement) for one in documents for statement in statements_of(one)):
            yield fault(bucket, "has no BucketPolicy that denies requests without TLS")


RULES = (
    Rule(
        "tls-listener",
        "Load balancers end TLS 1.2 or later",
        "Use ELBSecurityPolicy-TLS13-1-2-2021-06 or a stricter one, and redirect HTTP.",
        on_resource=listeners,
    ),
    Rule(
        "tls-stores",
        "Databases and caches demand TLS",
        "Set rds.force_ssl (PostgreSQL) or require_secure_transport (MySQL) to 1; a cache: transitEncryptionEnabled.",
        on_resource=stores,
    ),
    Rule(
        "tls-buckets",
        "Buckets refuse requests without TLS",
        'Add a BucketPolicy that denies s3:* where aws:SecureTransport is "false".',
        on_plan=buckets_tls,
        needs_all=True,
    ),
)

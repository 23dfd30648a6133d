"""Encrypted at rest, and what tells of players under keys of our own."""

from collections.abc import Iterator
from typing import Any

from domicile_policies.names import CLASS_TAG
from domicile_policies.plan.facts import PackFacts
from domicile_policies.plan.resource import UNKNOWN, Plan, PlannedResource, at, each
from domicile_policies.plan.rule import Rule, Said, fault, undecided
from domicile_policies.plan.types import BUCKET, ENCRYPTED, KEYED

BUCKET_ENCRYPTION = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"


def encrypted(resource: PlannedResource, _: PackFacts) -> Iterator[Said]:
    """The setting that encrypts, where a resource has one that may be off."""
    for path in ENCRYPTED.get(resource.type, ()):
        yield from _on(resource, resource.at(*path), ".".join(path))
    if resource.type == "aws:ec2/launchTemplate:LaunchTemplate":
        for disk in each(resource.at("blockDeviceMappings")):
            if (ebs := at(disk, "ebs")) is not None:
                yield from _on(resource, at(ebs, "encrypted"), f"the encryption of {at(disk, 'deviceName')}")


def _on(resource: PlannedResource, value: Any, what: str) -> Iterator[Said]:
    if value is UNKNOWN:
        yield undecided(resource, what)
    elif str(value).lower() != "true":
        yield fault(resource, f"{what} is {value}: it is not encrypted at rest")


def under_own_key(resource: PlannedResource, facts: PackFacts) -> Iterator[Said]:
    """A key that we can take away, for what tells of players.

    An unknown key is one that the same plan makes, and so ours.
    """
    path = KEYED.get(resource.type)
    if path is None:
        return
    key, held = resource.at(*path), _holds_players_data(resource, facts)
    if held is UNKNOWN and _no_key(key):
        yield undecided(resource, "whether it holds players' data")
    elif held is True and _no_key(key):
        yield fault(resource, f"holds {resource.tag(CLASS_TAG)} under {key or 'no key of its own'}: players' data")


def _no_key(key: Any) -> bool:
    """No key, or one that AWS manages."""
    return key is not UNKNOWN and (not key or "alias/aws/" in str(key))


def _holds_players_data(resource: PlannedResource, facts: PackFacts) -> Any:
    held = resource.tag(CLASS_TAG)
    if held is UNKNOWN:
        return UNKNOWN
    # Without the tag it may be anything; that the tag is there is another rule's.
    return held is None or not facts.personal.isdisjoint(str(held).split("+"))


def buckets_encrypted(plan: Plan, facts: PackFacts) -> Iterator[Said]:
    """Each bucket has an encryption of its own choice; under a key of ours where it holds players' data."""
    for bucket in plan.of(BUCKET):
        chosen = plan.about(bucket, BUCKET_ENCRYPTION, "bucket")
        if not chosen:
            yield fault(bucket, "has no BucketServerSideEncryptionConfiguration")
        held = _holds_players_data(bucket, facts)
        for one in chosen:
            for rule in each(one.at("rules")):
                default = at(rule, "applyServerSideEncryptionByDefault")
                algorithm, key = at(default, "sseAlgorithm"), at(default, "kmsMasterKeyId")
                if UNKNOWN in (algorithm, held):
                    yield undecided(one, "how the bucket is encrypted")
                elif held and (not str(algorithm).startswith("aws:kms") or _no_key(key)):
                    text = f"encrypts {bucket.name} with {algorithm} under {key or 'no key of its own'}: players' data"
                    yield fault(one, text)


RULES = (
    Rule(
        "encrypted-at-rest",
        "Everything is encrypted at rest",
        "Turn the encryption on; for most types that is possible only when they are made.",
        on_resource=encrypted,
    ),
    Rule(
        "customer-key",
        "What tells of players is under a key of the cell's own",
        "Give it the cell's key for its class of data, or tag it with the class that it really holds.",
        on_resource=under_own_key,
    ),
    Rule(
        "bucket-encrypted",
        "Every bucket is encrypted, under a key of the cell's own where it holds players' data",
        "Add a BucketServerSideEncryptionConfiguration with aws:kms and the cell's key.",
        on_plan=buckets_encrypted,
        needs_all=True,
    ),
)

"""S3 buckets: every bucket of the account, each asked where it stands."""

from collections.abc import Callable, Iterator
from typing import Any

from domicile_audit.cloud.found import holding
from domicile_audit.cloud.reader import Reader
from domicile_audit.holding import (
    ANYBODY,
    NOWHERE_KNOWN,
    UNENCRYPTED,
    Access,
    Encryption,
    Flow,
    Holding,
    KeyKind,
    Lock,
)
from domicile_audit.resource_policy import account_of, asks_for_tls, outsiders

_EVERYBODY = ("global/AllUsers", "global/AuthenticatedUsers")
_DAYS_IN_YEAR = 365


def buckets(reader: Reader) -> Iterator[Holding]:
    """The buckets of the account in all regions."""
    listed = reader.pages("s3", "list_buckets", "Buckets")
    if not listed:
        return
    whole_account = reader.ask(
        "s3control",
        "get_public_access_block",
        about="the account",
        absent=("NoSuchPublicAccessBlockConfiguration",),
        AccountId=reader.account,
    )
    block = (whole_account or {}).get("PublicAccessBlockConfiguration", {})
    for one in listed:
        yield _bucket(reader, str(one["Name"]), block)


def _bucket(reader: Reader, name: str, account_block: dict[str, Any]) -> Holding:
    # The endpoint of any region tells where a bucket is; the rest is asked where it stands.
    location = reader.ask("s3", "get_bucket_location", about=name, Bucket=name)
    region = NOWHERE_KNOWN if location is None else _region(location.get("LocationConstraint"))
    through = reader.region if location is None else region

    def ask(operation: str, *absent: str) -> dict[str, Any]:
        return reader.ask("s3", operation, about=name, absent=absent, region=through, Bucket=name) or {}

    tags = {str(tag["Key"]): str(tag["Value"]) for tag in ask("get_bucket_tagging", "NoSuchTagSet").get("TagSet", ())}
    policy = ask("get_bucket_policy", "NoSuchBucketPolicy").get("Policy")
    own_block = ask("get_public_access_block", "NoSuchPublicAccessBlockConfiguration").get(
        "PublicAccessBlockConfiguration", {}
    )
    block = {key for one in (account_block, own_block) for key, value in one.items() if value}
    lock = ask("get_object_lock_configuration", "ObjectLockConfigurationNotFoundError").get(
        "ObjectLockConfiguration", {}
    )
    return holding(
        reader,
        "s3:bucket",
        f"arn:aws:s3:::{name}",
        tags,
        region=region,
        encryption=_encryption(ask("get_bucket_encryption", "ServerSideEncryptionConfigurationNotFoundError")),
        shared_with=(
            *_by_policy(reader, policy, restricted="RestrictPublicBuckets" in block, status=ask),
            *_by_acl(ask("get_bucket_acl"), ignored="IgnorePublicAcls" in block),
        ),
        flows=_replication(ask("get_bucket_replication", "ReplicationConfigurationNotFoundError")),
        plaintext=None if asks_for_tls(policy) else "its policy does not deny requests without TLS",
        lockable=True,
        lock=_lock(lock),
    )


def _region(constraint: str | None) -> str:
    """A bucket's region by its location constraint, which is of older date than regions' names."""
    return {None: "us-east-1", "": "us-east-1", "EU": "eu-west-1"}.get(constraint, str(constraint))


def _by_policy(
    reader: Reader, policy: str | None, *, restricted: bool, status: Callable[..., dict[str, Any]]
) -> tuple[Access, ...]:
    """Whom the policy lets in. A block on public access shuts out all strangers, where S3 itself holds it public."""
    found = outsiders(policy, reader.ours, "bucket policy")
    if found and restricted and status("get_bucket_policy_status").get("PolicyStatus", {}).get("IsPublic"):
        return ()
    return found


def _by_acl(answer: dict[str, Any], *, ignored: bool) -> tuple[Access, ...]:
    """Whom the access control list lets in; with `ignored`, what it says of everybody does not count."""
    owner = answer.get("Owner", {}).get("ID")
    found = []
    for grant in answer.get("Grants", ()):
        grantee, by = grant.get("Grantee", {}), f"access control list, {grant.get('Permission')}"
        canonical = grantee.get("ID")
        if str(grantee.get("URI", "")).endswith(_EVERYBODY):
            found += [] if ignored else [Access(principal=ANYBODY, by=by)]
        elif canonical and canonical != owner:
            found.append(Access(principal=f"CanonicalUser:{canonical}", by=by))
    return tuple(found)


def _encryption(answer: dict[str, Any]) -> Encryption:
    rules = answer.get("ServerSideEncryptionConfiguration", {}).get("Rules", ())
    applied = [one.get("ApplyServerSideEncryptionByDefault", {}) for one in rules]
    if not any(one.get("SSEAlgorithm") for one in applied):
        return UNENCRYPTED
    key = next((one["KMSMasterKeyID"] for one in applied if one.get("KMSMasterKeyID")), None)
    return Encryption.by(key, otherwise=KeyKind.PROVIDER)


def _replication(answer: dict[str, Any]) -> tuple[Flow, ...]:
    rules = answer.get("ReplicationConfiguration", {}).get("Rules", ())
    return tuple(
        Flow(
            target=str(rule["Destination"]["Bucket"]),
            by=f"replication rule {rule.get('ID', '')}".strip(),
            account=rule["Destination"].get("Account") or account_of(str(rule["Destination"]["Bucket"])),
        )
        for rule in rules
        if rule.get("Status") == "Enabled"
    )


def _lock(configuration: dict[str, Any]) -> Lock | None:
    retention = configuration.get("Rule", {}).get("DefaultRetention", {})
    if configuration.get("ObjectLockEnabled") != "Enabled" or not retention:
        return None
    days = int(retention.get("Days") or 0) + _DAYS_IN_YEAR * int(retention.get("Years") or 0)
    return Lock(mode=str(retention.get("Mode", "")).lower(), days=days)

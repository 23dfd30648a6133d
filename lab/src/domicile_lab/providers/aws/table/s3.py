"""Amazon S3. https://docs.aws.amazon.com/AmazonS3/latest/API/"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from domicile_lab.providers.aws.model import Call, Cloud, Facts, Read, Resource, Tags, Update

BUCKET: Final = {"Bucket": "{bucket}"}


def _constraint(_: Facts, cloud: Cloud) -> str | None:
    """The first region is the one that must not be named."""
    return None if cloud.region == "us-east-1" else cloud.region


def _location(facts: Facts, cloud: Cloud) -> dict[str, str] | None:
    region = _constraint(facts, cloud)
    return {"LocationConstraint": region} if region else None


def _owner(facts: Facts, cloud: Cloud) -> str:
    return facts.inputs.get("accountId") or cloud.account


def _delete_bucket(cloud: Cloud, facts: Facts) -> None:
    bucket = {"Bucket": facts.id}
    if facts.get("forceDestroy"):
        held = cloud.call("s3", "ListObjectVersions", bucket)
        for each in [*held.get("Versions", ()), *held.get("DeleteMarkers", ())]:
            cloud.call("s3", "DeleteObject", {**bucket, "Key": each["Key"], "VersionId": each["VersionId"]})
    cloud.call("s3", "DeleteBucket", bucket)


def _setting(
    type_: str,
    setting: str,
    read: Read,
    *,
    inside: str = "",
    takes: tuple[str, ...] | None = None,
    delete: Call | None,
    **more: Any,
) -> Resource:
    """A part of a bucket's configuration that is set and read as a whole. Its id is the bucket's name."""
    put = Call(setting, BUCKET, inside=inside, takes=takes)
    unsupported = more.pop("unsupported", ())
    if type_ not in {"BucketPolicy", "BucketPublicAccessBlock", "BucketOwnershipControls"}:
        unsupported = (*unsupported, "expectedBucketOwner")
    return Resource(
        type=f"aws:s3/{type_[0].lower()}{type_[1:]}:{type_}",
        service="s3",
        create=put,
        id="{bucket}",
        id_parts=("bucket",),
        reads=(read,),
        updates=(Update(put, whole=True),),
        delete=delete,
        unsupported=unsupported,
        **more,
    )


def _get(operation: str, at: str = "", gone: tuple[str, ...] = (), **more: Any) -> Read:
    return Read(operation, BUCKET, at=at, gone=gone, **more)


def _if(key: str) -> Callable[[Any, Facts], Any]:
    return lambda data, _: data if data and data.get(key) else None


FLAGS: Final[Mapping[str, bool]] = {
    "blockPublicAcls": False,
    "blockPublicPolicy": False,
    "ignorePublicAcls": False,
    "restrictPublicBuckets": False,
}

RESOURCES: Final = (
    Resource(
        type="aws:s3/bucket:Bucket",
        service="s3",
        create=Call("CreateBucket", {"CreateBucketConfiguration": _location}, takes=("bucket", "objectLockEnabled")),
        id="{bucket}",
        id_parts=("bucket",),
        reads=(
            Read("HeadBucket", {"Bucket": "{id}"}, gone=("404",), only=("bucketRegion",)),
            Read(
                "GetObjectLockConfiguration",
                {"Bucket": "{id}"},
                at="ObjectLockConfiguration",
                only=("objectLockEnabled",),
            ),
            Read("GetBucketTagging", {"Bucket": "{id}"}, gone=("NoSuchTagSet",), only=(), tags="TagSet"),
        ),
        delete=_delete_bucket,
        tags=Tags(
            Call("PutBucketTagging", {"Bucket": "{id}"}),
            Call("DeleteBucketTagging", {"Bucket": "{id}"}),
            tag_param="Tagging.TagSet",
            whole=True,
        ),
        names={"objectLockEnabled": "ObjectLockEnabledForBucket"},
        computed={
            "arn": "arn:{partition}:s3:::{bucket}",
            "bucketDomainName": "{bucket}.s3.amazonaws.com",
            "bucketRegionalDomainName": "{bucket}.s3.{region}.amazonaws.com",
        },
        autoname="bucket",
        autoname_length=63,
        local=("forceDestroy",),
        unsupported=(
            "accelerationStatus",
            "acl",
            "bucketNamespace",
            "bucketPrefix",
            "corsRules",
            "grants",
            "lifecycleRules",
            "logging",
            "objectLockConfiguration",
            "policy",
            "replicationConfiguration",
            "requestPayer",
            "serverSideEncryptionConfiguration",
            "versioning",
            "website",
        ),
    ),
    _setting(
        "BucketVersioning",
        "PutBucketVersioning",
        _get("GetBucketVersioning", pick=_if("Status"), fields={"versioningConfiguration": "@"}),
        takes=("mfa", "versioningConfiguration"),
        # Locked buckets keep their versions for good.
        delete=Call(
            "PutBucketVersioning",
            {**BUCKET, "VersioningConfiguration": {"Status": "Suspended"}},
            ignore=("InvalidBucketState",),
        ),
        untold=("mfa",),
    ),
    _setting(
        "BucketServerSideEncryptionConfiguration",
        "PutBucketEncryption",
        _get(
            "GetBucketEncryption",
            at="ServerSideEncryptionConfiguration",
            gone=("ServerSideEncryptionConfigurationNotFoundError",),
        ),
        inside="ServerSideEncryptionConfiguration",
        takes=("rules",),
        names={"kmsMasterKeyId": "KMSMasterKeyID"},
        delete=Call("DeleteBucketEncryption", BUCKET),
        unsupported=("rules.blockedEncryptionTypes",),
    ),
    _setting(
        "BucketPublicAccessBlock",
        "PutPublicAccessBlock",
        _get(
            "GetPublicAccessBlock", at="PublicAccessBlockConfiguration", gone=("NoSuchPublicAccessBlockConfiguration",)
        ),
        inside="PublicAccessBlockConfiguration",
        takes=tuple(FLAGS),
        defaults=FLAGS,
        delete=Call("DeletePublicAccessBlock", BUCKET),
        local=("skipDestroy",),
    ),
    _setting(
        "BucketPolicy",
        "PutBucketPolicy",
        _get("GetBucketPolicy", gone=("NoSuchBucketPolicy",), only=("policy",)),
        takes=("policy",),
        json=("policy",),
        delete=Call("DeleteBucketPolicy", BUCKET),
    ),
    _setting(
        "BucketObjectLockConfiguration",
        "PutObjectLockConfiguration",
        _get("GetObjectLockConfiguration", at="ObjectLockConfiguration", pick=_if("Rule")),
        inside="ObjectLockConfiguration",
        takes=("objectLockEnabled", "rule"),
        # Without it the API refuses; there is no other value.
        check=lambda inputs: inputs.setdefault("objectLockEnabled", "Enabled") and [],
        delete=Call(
            "PutObjectLockConfiguration", {**BUCKET, "ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled"}}
        ),
        unsupported=("token",),
    ),
    _setting(
        "BucketLifecycleConfiguration",
        "PutBucketLifecycleConfiguration",
        _get("GetBucketLifecycleConfiguration", gone=("NoSuchLifecycleConfiguration",), only=("rules",)),
        inside="LifecycleConfiguration",
        takes=("rules",),
        delete=Call("DeleteBucketLifecycle", BUCKET),
        local=("timeouts",),
        unsupported=("transitionDefaultMinimumObjectSize",),
    ),
    _setting(
        "BucketOwnershipControls",
        "PutBucketOwnershipControls",
        _get("GetBucketOwnershipControls", at="OwnershipControls", gone=("OwnershipControlsNotFoundError",)),
        inside="OwnershipControls",
        takes=("rule",),
        delete=Call("DeleteBucketOwnershipControls", BUCKET),
    ),
    _setting(
        "BucketLogging",
        "PutBucketLogging",
        _get("GetBucketLogging", at="LoggingEnabled", pick=_if("TargetBucket")),
        inside="BucketLoggingStatus.LoggingEnabled",
        takes=("targetBucket", "targetGrants", "targetObjectKeyFormat", "targetPrefix"),
        delete=Call("PutBucketLogging", {**BUCKET, "BucketLoggingStatus": {}}),
    ),
    Resource(
        type="aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock",
        service="s3control",
        create=Call("PutPublicAccessBlock", {"AccountId": _owner}, inside="PublicAccessBlockConfiguration"),
        id="{account}",
        id_parts=("accountId",),
        reads=(
            Read(
                "GetPublicAccessBlock",
                {"AccountId": "{id}"},
                at="PublicAccessBlockConfiguration",
                gone=("NoSuchPublicAccessBlockConfiguration",),
            ),
        ),
        updates=(
            Update(
                Call("PutPublicAccessBlock", {"AccountId": "{id}"}, inside="PublicAccessBlockConfiguration"), whole=True
            ),
        ),
        defaults=FLAGS,
        delete=Call("DeletePublicAccessBlock", {"AccountId": "{id}"}),
    ),
)

"""Bucket policies: TLS, the organisation, and one key or none at all."""

from domicile_infra.plan.documents.statements import (
    ANYONE,
    Document,
    Scope,
    Statement,
    deny_outside_organization,
    deny_plain_text,
    document,
)


def bucket_policy(scope: Scope, bucket: str, key_arn: str, *, locked: bool = False) -> Document:
    """What nobody may do to a bucket of the cell: `key_arn` is the only key that may close what is put there.

    `locked` is for one whose objects may not go before their time. It allows nothing: roles' policies do.
    """
    resources = _resources(bucket)
    statements = [
        deny_plain_text("s3:*", resources),
        _deny_old_tls(resources),
        deny_outside_organization(scope, "s3:*", resources),
        {
            # What names no key gets the bucket's own, which is this one.
            "Sid": "DenyOtherKeys",
            "Effect": "Deny",
            "Principal": ANYONE,
            "Action": "s3:PutObject",
            "Resource": resources[1],
            "Condition": {
                "StringNotEquals": {"s3:x-amz-server-side-encryption-aws-kms-key-id": key_arn},
                "Null": {"s3:x-amz-server-side-encryption-aws-kms-key-id": "false"},
            },
        },
        {
            "Sid": "DenyOtherEncryption",
            "Effect": "Deny",
            "Principal": ANYONE,
            "Action": "s3:PutObject",
            "Resource": resources[1],
            "Condition": {
                "StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"},
                "Null": {"s3:x-amz-server-side-encryption": "false"},
            },
        },
        {
            "Sid": "DenyKeysOfTheCallers",
            "Effect": "Deny",
            "Principal": ANYONE,
            "Action": "s3:PutObject",
            "Resource": resources[1],
            "Condition": {"Null": {"s3:x-amz-server-side-encryption-customer-algorithm": "false"}},
        },
        {
            "Sid": "DenyCarryingAway",
            "Effect": "Deny",
            "Principal": ANYONE,
            "Action": ["s3:PutReplicationConfiguration", "s3:PutBucketAcl", "s3:PutObjectAcl"],
            "Resource": list(resources),
        },
    ]
    if locked:
        statements.append(
            {
                "Sid": "DenyShorteningTheLock",
                "Effect": "Deny",
                "Principal": ANYONE,
                "Action": ["s3:BypassGovernanceRetention", "s3:PutBucketObjectLockConfiguration"],
                "Resource": list(resources),
                # The program itself sets the lock, and may make it longer.
                "Condition": {"ArnNotLike": {"aws:PrincipalArn": scope.deployer_role_arn}},
            }
        )
    return document(statements)


def access_log_policy(scope: Scope, bucket: str) -> Document:
    """The policy of the bucket that load balancers and other buckets write their access logs to."""
    resources = _resources(bucket)
    return document(
        [
            deny_plain_text("s3:*", resources),
            _deny_old_tls(resources),
            deny_outside_organization(scope, "s3:*", resources),
            {
                "Sid": "LogsOfLoadBalancers",
                "Effect": "Allow",
                "Principal": {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
                "Action": "s3:PutObject",
                "Resource": f"arn:aws:s3:::{bucket}/*/AWSLogs/{scope.account_id}/*",
            },
            {
                "Sid": "LogsOfBuckets",
                "Effect": "Allow",
                "Principal": {"Service": "logging.s3.amazonaws.com"},
                "Action": "s3:PutObject",
                "Resource": resources[1],
                "Condition": {
                    "ArnLike": {"aws:SourceArn": f"arn:aws:s3:::{scope.cell}-*"},
                    "StringEquals": {"aws:SourceAccount": scope.account_id},
                },
            },
        ]
    )


def _resources(bucket: str) -> tuple[str, str]:
    return f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"


def _deny_old_tls(resources: tuple[str, str]) -> Statement:
    return {
        "Sid": "DenyOldTls",
        "Effect": "Deny",
        "Principal": ANYONE,
        "Action": "s3:*",
        "Resource": list(resources),
        "Condition": {"NumericLessThan": {"s3:TlsVersion": "1.2"}},
    }

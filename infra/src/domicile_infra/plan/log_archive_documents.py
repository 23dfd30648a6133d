"""Who may write to an archive of audit logs, and who may not read or delete: IAM policy documents as values.

Sources: CloudTrail user guide, "Amazon S3 bucket policy for CloudTrail" (organization trails) and "Configure AWS KMS
key policies for CloudTrail".
"""

from typing import Any

from domicile_infra.plan.baseline import key_document

Document = dict[str, Any]
CLOUDTRAIL = "cloudtrail.amazonaws.com"


def trail_arn(region: str, management_account: str, name: str) -> str:
    """The ARN of an organisation trail, before it exists: its bucket and key name it."""
    return f"arn:aws:cloudtrail:{region}:{management_account}:trail/{name}"


def bucket_document(bucket: str, trail: str, key_arn: str, organization_id: str, management_account: str) -> Document:
    """The policy of an archive's bucket: one trail (ARN) of this organisation writes its logs, encrypted with the key.

    Logs are what is under AWSLogs/. Nobody deletes: expired objects go by the bucket's lifecycle.
    """
    arn = f"arn:aws:s3:::{bucket}"
    everything = [arn, f"{arn}/*"]
    logs = [f"{arn}/AWSLogs/{owner}/*" for owner in (management_account, organization_id)]
    header = "s3:x-amz-server-side-encryption-aws-kms-key-id"
    this_trail = {"aws:SourceArn": trail}
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "LetTheTrailCheck",
                "Effect": "Allow",
                "Principal": {"Service": CLOUDTRAIL},
                "Action": "s3:GetBucketAcl",
                "Resource": arn,
                "Condition": {"StringEquals": this_trail},
            },
            {
                "Sid": "LetTheTrailWrite",
                "Effect": "Allow",
                "Principal": {"Service": CLOUDTRAIL},
                "Action": "s3:PutObject",
                "Resource": logs,
                "Condition": {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"} | this_trail},
            },
            _deny("DenyLogsOfAnyoneElse", "s3:PutObject", [f"{arn}/AWSLogs/*"], {"StringNotEquals": this_trail}),
            _deny("DenyPlainText", "s3:*", everything, {"Bool": {"aws:SecureTransport": "false"}}),
            _deny(
                "DenyOutsideOrganization",
                "s3:*",
                everything,
                {
                    "StringNotEqualsIfExists": {"aws:PrincipalOrgID": organization_id},
                    "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
                },
            ),
            # Who names no key gets the bucket's own.
            _deny(
                "DenyOtherKeys",
                "s3:PutObject",
                [f"{arn}/*"],
                {"StringNotEquals": {header: key_arn}, "Null": {header: "false"}},
            ),
            _deny("DenyDeletion", ["s3:DeleteObject", "s3:DeleteObjectVersion"], [f"{arn}/*"], None),
        ],
    }


def archive_key_document(account_id: str, trail: str, management_account: str, organization_id: str) -> Document:
    """The policy of an archive's key: the trail encrypts with it; the account's IAM says who reads, by S3."""
    region = trail.split(":")[3]
    context = {"kms:EncryptionContext:aws:cloudtrail:arn": f"arn:aws:cloudtrail:*:{management_account}:trail/*"}
    service = {"Effect": "Allow", "Principal": {"Service": CLOUDTRAIL}, "Resource": "*"}
    return key_document(
        account_id,
        organization_id,
        service
        | {
            "Sid": "LetTheTrailEncrypt",
            "Action": "kms:GenerateDataKey*",
            "Condition": {"StringEquals": {"aws:SourceArn": trail}, "StringLike": context},
        },
        service
        | {
            "Sid": "LetTheTrailLookAtTheKey",
            "Action": "kms:DescribeKey",
            "Condition": {"StringEquals": {"aws:SourceArn": trail}},
        },
        {
            "Sid": "UseThroughS3",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{account_id}:root"},
            "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
            "Resource": "*",
            "Condition": {"StringEquals": {"kms:ViaService": f"s3.{region}.amazonaws.com"}},
        },
    )


def _deny(sid: str, actions: str | list[str], resources: list[str], condition: Document | None) -> Document:
    found: Document = {"Sid": sid, "Effect": "Deny", "Principal": "*", "Action": actions, "Resource": resources}
    return found | ({"Condition": condition} if condition else {})

"""Service control policy: data is handed to nobody outside the organisation, and only services in use may be used.

Pure. The role by which AWS Backup acts in a cell is let through where a bucket's backup needs it, and nobody else.
Sources: the AWS data perimeter's "resource perimeter"; the service authorization reference; AWS managed policy
reference, "AWSBackupServiceRolePolicyForS3Backup".
"""

from domicile_policies.documents import Document, Statement, policy
from domicile_policies.exemptions import BACKUPS
from domicile_policies.services import AUDITOR, usable

# Hands data, or access to it, to whoever is named: another account, an address, the public.
SHARING = (
    "backup:AssociateBackupVaultMpaApprovalTeam",
    "backup:CreateBackupAccessPoint",
    "backup:PutBackupVaultSharingPolicy",
    "ec2:CreateTrafficMirrorSession",
    "ec2:CreateVpcEndpointServiceConfiguration",
    "ec2:ModifyFpgaImageAttribute",
    "ec2:ModifyImageAttribute",
    "ec2:ModifySnapshotAttribute",
    "ec2:ModifyVpcEndpointServicePermissions",
    "events:*ApiDestination",
    "events:PutPermission",
    "logs:PutAccountPolicy",
    "logs:PutDeliveryDestination*",
    "logs:PutDestination*",
    "logs:PutSubscriptionFilter",
    "rds:ModifyDBClusterSnapshotAttribute",
    "rds:ModifyDBSnapshotAttribute",
    "s3:CreateAccessGrant*",
    "s3:PutAccelerateConfiguration",
    "secretsmanager:AssociateCrossAccountReplica",
    "ssm:ModifyDocumentPermission",
)

# Writes data, or key material, into a bucket or stream that is named and may be anybody's.
EXPORTS = (
    "acm:ExportCertificate",
    "cloudwatch:PutMetricStream",
    "ec2:CreateInstanceExportTask",
    "ec2:CreateStoreImageTask",
    "ec2:ExportImage",
    "elasticache:CopyServerlessCacheSnapshot",
    "elasticache:CopySnapshot",
    "elasticache:ExportServerlessCacheSnapshot",
    "guardduty:*PublishingDestination",
    "logs:AssociateSourceToS3TableIntegration",
    "logs:CreateExportTask",
    "logs:CreateScheduledQuery",
    "logs:PutIntegration",
    "rds:CreateIntegration",
    "rds:StartExportTask",
    "s3:PutAnalyticsConfiguration",
    "securityhub:StartExportJobV2",
)

# What puts data into a resource that may be somebody else's, or makes the caller somebody else.
OUTWARD = (
    "ecr:PutImage",
    "kms:Encrypt",
    "kms:GenerateDataKey*",
    "kms:ReEncryptTo",
    "s3:PutObject*",
    "s3:ReplicateObject",
    "sns:Publish",
    "sqs:SendMessage",
    "sts:AssumeRole",
)


def perimeter_policy(*, edge: bool = False) -> Document:
    """Deny services that are not in use, sharing, exports, writing to outsiders, and leaving the organisation."""
    return policy(
        {
            "Sid": "DenyServicesNotInUse",
            "Effect": "Deny",
            "NotAction": usable(edge=edge),
            "Resource": "*",
            "Condition": {"ArnNotLike": {"aws:PrincipalArn": AUDITOR}},
        },
        {"Sid": "DenySharing", "Effect": "Deny", "Action": sorted(SHARING), "Resource": "*"},
        {"Sid": "DenyExports", "Effect": "Deny", "Action": sorted(EXPORTS), "Resource": "*"},
        {
            # AWS Backup lists a bucket by an inventory that goes to itself, and can be taken by nobody else.
            "Sid": "DenyInventories",
            "Effect": "Deny",
            "Action": "s3:PutInventoryConfiguration",
            "Resource": "*",
            "Condition": {"ArnNotLike": {"aws:PrincipalArn": BACKUPS}},
        },
        {
            # An owner without an organisation has none to compare, and is an outsider too.
            "Sid": "DenyWritingToOutsiders",
            "Effect": "Deny",
            "Action": sorted(OUTWARD),
            "Resource": "*",
            "Condition": {"StringNotEquals": {"aws:ResourceOrgID": "${aws:PrincipalOrgID}"}},
        },
        {
            # An event bus, a topic or a log group of the caller's own account, in the region of the call. AWS Backup
            # hears of a bucket's changes by a rule that tells itself.
            "Sid": "DenyEventsElsewhere",
            "Effect": "Deny",
            "Action": "events:PutTargets",
            "Resource": "*",
            "Condition": {
                "ForAnyValue:ArnNotLike": {
                    "events:TargetArn": "arn:aws:*:${aws:RequestedRegion}:${aws:PrincipalAccount}:*"
                },
                "ArnNotLike": {"aws:PrincipalArn": BACKUPS},
            },
        },
        # An endpoint is a way into somebody's service, through which data goes where that one keeps it. The keys are
        # there for the endpoint itself, and not for the network and the subnets that the same call is judged for.
        _endpoints("DenyEndpointsOfOthers", "ec2:VpceServiceOwner", ["amazon", "self"]),
        _endpoints("DenyEndpointsElsewhere", "ec2:VpceServiceRegion", ["${aws:RequestedRegion}"]),
        {
            "Sid": "DenyPublicDatabases",
            "Effect": "Deny",
            "Action": ["rds:CreateDBInstance*", "rds:RestoreDBInstance*"],
            "Resource": "*",
            "Condition": {"Bool": {"rds:PubliclyAccessible": "true"}},
        },
        {
            # Outside the organisation none of these policies holds.
            "Sid": "DenyLeavingTheOrganization",
            "Effect": "Deny",
            "Action": ["account:CloseAccount", "organizations:LeaveOrganization"],
            "Resource": "*",
        },
    )


def _endpoints(sid: str, key: str, allowed: list[str]) -> Statement:
    return {
        "Sid": sid,
        "Effect": "Deny",
        "Action": "ec2:CreateVpcEndpoint",
        "Resource": "*",
        "Condition": {"StringNotEquals": {key: allowed}, "Null": {key: "false"}},
    }

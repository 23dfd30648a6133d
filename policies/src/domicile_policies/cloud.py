"""Service control and resource control policies of a residency zone: what the cloud itself refuses there.

Pure: IAM policy documents as values, for the organisational unit of the zone. They deny and never allow. Sources:
AWS Organizations user guide, "Service control policies" and "Resource control policies"; the AWS example "Deny access
to AWS based on the requested AWS Region".
"""

import json
from typing import Any

from domicile_policies.zones import EVERYWHERE, ResidencyZone

Document = dict[str, Any]
Statement = dict[str, Any]

MAXIMUM_CHARACTERS = 5120
"""Of one policy document, without white space (AWS Organizations quotas)."""

# Services without regions, or whose one endpoint stands in a region of the provider's choice; they hold no player data.
GLOBAL = (
    "a4b:*",
    "account:*",
    "aws-portal:*",
    "billing:*",
    "budgets:*",
    "ce:*",
    "consolidatedbilling:*",
    "cur:*",
    "freetier:*",
    "globalaccelerator:*",
    "health:*",
    "iam:*",
    "invoicing:*",
    "networkmanager:*",
    "organizations:*",
    "payments:*",
    "pricing:*",
    "s3:GetAccountPublicAccessBlock",
    "s3:ListAllMyBuckets",
    "route53:*",
    "route53domains:*",
    "shield:*",
    "sts:*",
    "support:*",
    "tag:GetResources",
    "tax:*",
    "trustedadvisor:*",
    "waf:*",
    "wafv2:Get*",
    "wafv2:List*",
)

# What carries data to another region by itself, in whose calls no condition tells which one.
REPLICATION = (
    "cassandra:CreateMultiRegionResource",
    "dynamodb:CreateGlobalTable",
    "dynamodb:CreateTableReplica",
    "dynamodb:UpdateGlobalTable",
    "ecr:PutReplicationConfiguration",
    "elasticache:CreateGlobalReplicationGroup",
    "elasticfilesystem:CreateReplicationConfiguration",
    "rds:CreateGlobalCluster",
    "memorydb:CreateMultiRegionCluster",
    "rds:StartDBInstanceAutomatedBackupsReplication",
    "redshift:EnableSnapshotCopy",
    "s3:PutReplicationConfiguration",
    "secretsmanager:ReplicateSecretToRegions",
)

# What hands data to whoever is named, in any account.
SHARING = (
    "ram:CreateResourceShare",
    "ec2:ModifyImageAttribute",
    "ec2:ModifySnapshotAttribute",
    "rds:ModifyDBClusterSnapshotAttribute",
    "rds:ModifyDBSnapshotAttribute",
    "redshift:AuthorizeDataShare",
    "redshift:AuthorizeSnapshotAccess",
)

# The services that resource control policies reach.
RESOURCES = ("dynamodb:*", "ecr:*", "kms:*", "logs:*", "s3:*", "secretsmanager:*", "sqs:*")


def service_control_policy(zone: ResidencyZone) -> Document:
    """What no principal of the zone's accounts may do: act outside its regions, or send data out of them."""
    places = list(zone.places)
    return _document(
        {
            "Sid": "DenyOutsideResidencyZone",
            "Effect": "Deny",
            # A content network caches everywhere: it is for zones whose data may be anywhere.
            "NotAction": sorted([*GLOBAL, *(["cloudfront:*"] if zone.name == EVERYWHERE else [])]),
            "Resource": "*",
            "Condition": {"StringNotEquals": {"aws:RequestedRegion": places}},
        },
        {
            # A bucket is made through one region's endpoint and may stand in another. Without a constraint it stands
            # in us-east-1, which the statement above judges.
            "Sid": "DenyBucketsElsewhere",
            "Effect": "Deny",
            "Action": "s3:CreateBucket",
            "Resource": "*",
            "Condition": {
                "StringNotEquals": {"s3:LocationConstraint": places},
                "Null": {"s3:LocationConstraint": "false"},
            },
        },
        {
            # Outside the organisation none of these policies holds.
            "Sid": "DenyLeavingTheOrganization",
            "Effect": "Deny",
            "Action": "organizations:LeaveOrganization",
            "Resource": "*",
        },
        {
            "Sid": "DenyMultiRegionKeys",
            "Effect": "Deny",
            "Action": "kms:CreateKey",
            "Resource": "*",
            "Condition": {"Bool": {"kms:MultiRegion": "true"}},
        },
        {"Sid": "DenyKeyReplicas", "Effect": "Deny", "Action": "kms:ReplicateKey", "Resource": "*"},
        {"Sid": "DenyReplication", "Effect": "Deny", "Action": list(REPLICATION), "Resource": "*"},
        {"Sid": "DenySharing", "Effect": "Deny", "Action": list(SHARING), "Resource": "*"},
        {
            "Sid": "DenyBackupsElsewhere",
            "Effect": "Deny",
            "Action": ["backup:CopyFromBackupVault", "backup:StartCopyJob"],
            "Resource": "*",
            "Condition": {
                "ForAnyValue:ArnNotLike": {"backup:CopyTargets": [f"arn:aws:backup:{place}:*:*" for place in places]}
            },
        },
    )


def resource_control_policy(zone: ResidencyZone) -> Document:
    """What may not be done to the data of the zone's accounts, whoever asks."""
    return _document(
        {
            "Sid": "DenyOutsideResidencyZone",
            "Effect": "Deny",
            "Principal": "*",
            "Action": list(RESOURCES),
            "Resource": "*",
            "Condition": {"StringNotEquals": {"aws:RequestedRegion": list(zone.places)}},
        },
        {
            "Sid": "DenyOutsideOrganization",
            "Effect": "Deny",
            "Principal": "*",
            "Action": [*RESOURCES, "sts:AssumeRole"],
            "Resource": "*",
            "Condition": {
                # A caller without an organisation has none to compare: the first of the two is for those.
                "StringNotEqualsIfExists": {"aws:PrincipalOrgID": "${aws:ResourceOrgID}"},
                "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
            },
        },
        {
            # A service may act for somebody else's account: only for ours, where it says for whom.
            "Sid": "DenyServicesForOthers",
            "Effect": "Deny",
            "Principal": "*",
            "Action": list(RESOURCES),
            "Resource": "*",
            "Condition": {
                "StringNotEqualsIfExists": {"aws:SourceOrgID": "${aws:ResourceOrgID}"},
                "Null": {"aws:SourceAccount": "false"},
                "Bool": {"aws:PrincipalIsAWSService": "true"},
            },
        },
        {
            "Sid": "DenyPlainText",
            "Effect": "Deny",
            "Principal": "*",
            "Action": list(RESOURCES),
            "Resource": "*",
            "Condition": {"BoolIfExists": {"aws:SecureTransport": "false"}},
        },
    )


def compact(document: Document) -> str:
    """The document as it is sent: without white space, which counts towards the quota."""
    return json.dumps(document, separators=(",", ":"))


def _document(*statements: Statement) -> Document:
    return {"Version": "2012-10-17", "Statement": list(statements)}

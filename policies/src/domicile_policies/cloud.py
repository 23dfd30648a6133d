"""Service control and resource control policies of a residency zone: what the cloud itself refuses there.

Pure: IAM policy documents as values, for the organisational unit of the zone. They deny and never allow. Sources:
AWS Organizations user guide, "Service control policies" and "Resource control policies"; the AWS example "Deny access
to AWS based on the requested AWS Region".
"""

import json
from typing import Any

from domicile_policies.zones import ResidencyZone

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
    "cloudfront:*",
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
    "dynamodb:CreateGlobalTable",
    "dynamodb:CreateTableReplica",
    "ecr:PutReplicationConfiguration",
    "elasticache:CreateGlobalReplicationGroup",
    "elasticfilesystem:CreateReplicationConfiguration",
    "rds:CreateGlobalCluster",
    "rds:StartDBInstanceAutomatedBackupsReplication",
    "s3:PutReplicationConfiguration",
    "secretsmanager:ReplicateSecretToRegions",
)

# What hands data to whoever is named, in any account.
SHARING = (
    "ec2:ModifyImageAttribute",
    "ec2:ModifySnapshotAttribute",
    "rds:ModifyDBClusterSnapshotAttribute",
    "rds:ModifyDBSnapshotAttribute",
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
            "NotAction": list(GLOBAL),
            "Resource": "*",
            "Condition": {"StringNotEquals": {"aws:RequestedRegion": places}},
        },
        {
            # A bucket is made through one region's endpoint and may stand in another.
            "Sid": "DenyBucketsElsewhere",
            "Effect": "Deny",
            "Action": "s3:CreateBucket",
            "Resource": "*",
            "Condition": {"StringNotEqualsIfExists": {"s3:LocationConstraint": places}},
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
            "Action": list(RESOURCES),
            "Resource": "*",
            "Condition": {
                # A caller without an organisation has none to compare: the first of the two is for those.
                "StringNotEqualsIfExists": {"aws:PrincipalOrgID": "${aws:ResourceOrgID}"},
                "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
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

"""Service control policy: no principal acts, or sends data, outside the places given.

Pure. The places are a residency zone's, a cell's own (with the place of its backups), or those of the organisation's
accounts: the same rule, other arguments. Nobody acts elsewhere; the audit's role may look there. Sources: AWS
Organizations user guide, "Deny access to AWS based on the requested AWS Region"; the service authorization reference
for each condition key.
"""

from collections.abc import Iterable

from domicile_policies.documents import Document, Statement, policy
from domicile_policies.services import AUDITOR, EDGE, GLOBAL, SECURITY

# Called where the data comes from, and without a condition key that says where it goes: denied everywhere. What is
# called where the data arrives (ec2:CopySnapshot, rds:CreateDBInstanceReadReplica, ...) the region of the call judges.
UNTOLD = (
    "ecr:PutReplicationConfiguration",
    "events:*Endpoint",
    "kms:CreateCustomKeyStore",
    "kms:ImportKeyMaterial",
    "route53:CreateQueryLoggingConfig",
    "s3:PutReplicationConfiguration",
    "ssm:CreateResourceDataSync",
)

# A Local Zone or a Wavelength Zone belongs to a region and stands in another territory; it must be opted into.
OTHER_GROUND = ("ec2:ModifyAvailabilityZoneGroup", "account:EnableRegion")

NETWORKS = (
    "ec2:AcceptTransitGateway*Attachment",
    "ec2:AcceptVpcPeeringConnection",
    "ec2:CreateTransitGateway*Attachment",
    "ec2:CreateVpcPeeringConnection",
)
"""What makes one network of two, past the inspected way out; none says where the other one is."""


def residency_policy(places: Iterable[str], *, edge: bool = False, security: Iterable[str] = ()) -> Document:
    """Deny everything outside `places` (AWS regions), and everything that carries data out of them by itself.

    With `edge`, a content network may be used. `security` are further regions for the services that watch them, and
    for nothing else.
    """
    allowed = sorted(set(places))
    watched = sorted({*allowed, *security})
    outside = {"StringNotEquals": {"aws:RequestedRegion": allowed}, "ArnNotLike": {"aws:PrincipalArn": AUDITOR}}
    anywhere = sorted([*GLOBAL, *([EDGE] if edge else []), *(SECURITY if watched != allowed else ())])
    statements: list[Statement] = [
        {
            "Sid": "DenyOutsideResidencyZone",
            "Effect": "Deny",
            "NotAction": anywhere,
            "Resource": "*",
            "Condition": outside,
        }
    ]
    if watched != allowed:
        statements.append(
            {
                "Sid": "DenyWatchingElsewhere",
                "Effect": "Deny",
                "Action": list(SECURITY),
                "Resource": "*",
                "Condition": {"StringNotEquals": {"aws:RequestedRegion": watched}},
            }
        )
    return policy(*statements, *_told(allowed), *_untold())


def _told(allowed: list[str]) -> list[Statement]:
    """What says where data goes, by a condition key."""
    return [
        {
            # A bucket is made through one region's endpoint and may stand in another. Without a constraint it stands
            # in us-east-1, which the first statement judges.
            "Sid": "DenyBucketsElsewhere",
            "Effect": "Deny",
            "Action": "s3:CreateBucket",
            "Resource": "*",
            "Condition": {
                "StringNotEquals": {"s3:LocationConstraint": allowed},
                "Null": {"s3:LocationConstraint": "false"},
            },
        },
        {
            "Sid": "DenySecretsElsewhere",
            "Effect": "Deny",
            "Action": ["secretsmanager:CreateSecret", "secretsmanager:ReplicateSecretToRegions"],
            "Resource": "*",
            "Condition": {"ForAnyValue:StringNotEquals": {"secretsmanager:AddReplicaRegions": allowed}},
        },
        {
            # backup:StartCopyJob has no condition key; the vault that the copy leaves is asked as well, and it has.
            "Sid": "DenyBackupsElsewhere",
            "Effect": "Deny",
            "Action": "backup:CopyFromBackupVault",
            "Resource": "*",
            "Condition": {
                "ForAnyValue:ArnNotLike": {"backup:CopyTargets": [f"arn:aws:backup:{place}:*:*" for place in allowed]}
            },
        },
    ]


def _untold() -> list[Statement]:
    """What does not say where data goes, or goes where no region is named."""
    return [
        {
            # The material of a multi-region key is in every region that it has a replica in, now or later.
            "Sid": "DenyMultiRegionKeys",
            "Effect": "Deny",
            "Action": "kms:CreateKey",
            "Resource": "*",
            "Condition": {"Bool": {"kms:MultiRegion": "true"}},
        },
        {"Sid": "DenyKeyReplicas", "Effect": "Deny", "Action": "kms:ReplicateKey", "Resource": "*"},
        {"Sid": "DenyReplication", "Effect": "Deny", "Action": sorted(UNTOLD), "Resource": "*"},
        {"Sid": "DenyOtherGround", "Effect": "Deny", "Action": sorted(OTHER_GROUND), "Resource": "*"},
        {"Sid": "DenyJoiningNetworks", "Effect": "Deny", "Action": sorted(NETWORKS), "Resource": "*"},
    ]

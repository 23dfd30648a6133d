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
    "ec2:AttachVpnGateway",
    "ec2:CreateCarrierGateway",
    "ec2:CreateClientVpn*",
    "ec2:CreateCustomerGateway",
    "ec2:CreateTransitGateway*",
    "ec2:CreateVpcPeeringConnection",
    "ec2:CreateVpn*",
    "ec2:EnableVgwRoutePropagation",
)
"""What makes one network of two, past the inspected way out; none says where the other one is. Direct Connect is a
service that is not in use."""


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


def issuers_statement(clusters: Iterable[str]) -> Statement:
    """Deny every identity provider but clusters' own, in the places `clusters`: no other's tokens can make a session.

    The names of EKS's issuers: EKS user guide, "IAM roles for service accounts". The region is written out, since a
    wildcard would match a path on somebody's own host.
    """
    own = [f"arn:aws:iam::*:oidc-provider/oidc.eks.{place}.amazonaws.com/id/*" for place in sorted(set(clusters))]
    statement = {"Sid": "DenyForeignIssuers", "Effect": "Deny", "Action": "iam:CreateOpenIDConnectProvider"}
    return statement | ({"NotResource": own} if own else {"Resource": "*"})


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

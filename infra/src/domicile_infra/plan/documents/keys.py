"""Key policies: a key opens data of one purpose, for this account, through services of its own region.

The statements that allow are those of the keys that AWS manages for its services, made narrower (AWS KMS developer
guide, "AWS managed keys"; condition keys `kms:CallerAccount`, `kms:ViaService`, `kms:GrantIsForAWSResource`). Nobody
may decrypt with such a key by hand, the account's administrators neither: only a service on their behalf.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from domicile_infra.plan.documents.statements import ANYONE, Document, Scope, Statement, deny_outside_organization
from domicile_infra.plan.documents.statements import document as of

# Enough to keep the key and its policy, and nothing that opens what it closes.
ADMINISTRATION = (
    "kms:CancelKeyDeletion",
    "kms:CreateAlias",
    "kms:DeleteAlias",
    "kms:Describe*",
    "kms:DisableKey*",
    "kms:EnableKey*",
    "kms:Get*",
    "kms:List*",
    "kms:PutKeyPolicy",
    "kms:RevokeGrant",
    "kms:RotateKeyOnDemand",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateAlias",
    "kms:UpdateKeyDescription",
)
USE = ("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*")


class KeyPurpose(StrEnum):
    """What a key is for. Each of them can be disabled alone, and its use stands alone in the trail."""

    DATA = "data"
    AUDIT = "audit"
    BACKUP = "backup"
    CLUSTER = "cluster"
    TELEMETRY = "telemetry"
    UNSEAL = "unseal"


@dataclass(frozen=True, slots=True)
class KeySpec:
    """Who may use a key: services on behalf of this account, services in their own name, and one role by hand.

    `given_by_deployer` is for EKS, whose CreateCluster makes a grant that is for no AWS resource.
    """

    description: str
    via: tuple[str, ...] = ()
    logs: bool = False
    publishers: tuple[str, ...] = ()
    given_by_deployer: bool = False


KEYS: Mapping[KeyPurpose, KeySpec] = {
    KeyPurpose.DATA: KeySpec(
        "Players' data: database, cache, documents", ("backup", "elasticache", "rds", "s3", "secretsmanager")
    ),
    KeyPurpose.AUDIT: KeySpec("Audit logs and the regulator's copies", ("backup", "s3"), logs=True),
    KeyPurpose.BACKUP: KeySpec("Backups", ("backup", "rds", "s3")),
    KeyPurpose.CLUSTER: KeySpec(
        "The cluster: secrets, nodes' disks, images", ("ec2", "ecr", "eks"), given_by_deployer=True
    ),
    KeyPurpose.TELEMETRY: KeySpec("Logs and alarms", ("sns",), logs=True, publishers=("backup", "cloudwatch")),
    KeyPurpose.UNSEAL: KeySpec("OpenBao's seal"),
}


def key_policy(
    scope: Scope, purpose: KeyPurpose, *, region: str | None = None, users: tuple[str, ...] = ()
) -> Document:
    """The policy of the key of that purpose, which stands in `region` (the cell's own, if none is named).

    `users` are names of roles of the account that may use it by hand.
    """
    spec, here = KEYS[purpose], region or scope.region
    statements = [
        {
            "Sid": "AdministerByThisAccount",
            "Effect": "Allow",
            "Principal": scope.root,
            "Action": list(ADMINISTRATION),
            "Resource": "*",
        }
    ]
    if spec.via:
        statements += _through_services(scope, tuple(f"{service}.{here}.amazonaws.com" for service in spec.via))
    if spec.given_by_deployer:
        statements.append(_grants_of_the_deployer(scope))
    if spec.logs:
        statements.append(_logs(scope, here))
    statements += [_publisher(scope, name) for name in spec.publishers]
    if users:
        statements.append(_by_hand(scope, users))
    return of([*statements, *_denials(scope, spec)])


def _through_services(scope: Scope, services: tuple[str, ...]) -> list[Statement]:
    condition = {"kms:CallerAccount": scope.account_id, "kms:ViaService": list(services)}
    return [
        {
            "Sid": "UseThroughServicesOfThisRegion",
            "Effect": "Allow",
            "Principal": ANYONE,
            "Action": list(USE),
            "Resource": "*",
            "Condition": {"StringEquals": condition},
        },
        {
            # A database or a disk holds its key by a grant of the service's own.
            "Sid": "GrantsOfServicesToTheirResources",
            "Effect": "Allow",
            "Principal": ANYONE,
            "Action": "kms:CreateGrant",
            "Resource": "*",
            "Condition": {"StringEquals": condition, "Bool": {"kms:GrantIsForAWSResource": "true"}},
        },
    ]


def _grants_of_the_deployer(scope: Scope) -> Statement:
    return {
        # EKS documents that kms:GrantIsForAWSResource is not there in the grant that CreateCluster makes.
        "Sid": "GrantsOfTheDeployerForTheCluster",
        "Effect": "Allow",
        "Principal": scope.root,
        "Action": "kms:CreateGrant",
        "Resource": "*",
        "Condition": {"ArnEquals": {"aws:PrincipalArn": scope.deployer_role_arn}},
    }


def _logs(scope: Scope, region: str) -> Statement:
    """CloudWatch Logs acts in its own name: the log group is in the encryption context."""
    return {
        "Sid": "UseByCloudWatchLogsOfThisAccount",
        "Effect": "Allow",
        "Principal": {"Service": f"logs.{region}.amazonaws.com"},
        "Action": list(USE),
        "Resource": "*",
        "Condition": {
            "ArnLike": {"kms:EncryptionContext:aws:logs:arn": scope.arn("logs", "log-group:*", region=region)}
        },
    }


def _publisher(scope: Scope, service: str) -> Statement:
    """A service that publishes to an encrypted topic in its own name, and tells KMS for whom (EventBridge does not)."""
    return {
        "Sid": f"PublishBy{service.title()}OfThisAccount",
        "Effect": "Allow",
        "Principal": {"Service": f"{service}.amazonaws.com"},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:SourceAccount": scope.account_id}},
    }


def _by_hand(scope: Scope, users: tuple[str, ...]) -> Statement:
    return {
        # By condition and not as principals: KMS refuses a principal that does not exist yet.
        "Sid": "UseByRolesOfThisAccount",
        "Effect": "Allow",
        "Principal": scope.root,
        "Action": ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt"],
        "Resource": "*",
        "Condition": {"ArnEquals": {"aws:PrincipalArn": [scope.role(name) for name in users]}},
    }


def _denials(scope: Scope, spec: KeySpec) -> list[Statement]:
    given = {"ArnNotLike": {"aws:PrincipalArn": scope.deployer_role_arn}} if spec.given_by_deployer else {}
    return [
        {
            "Sid": "DenyGrantsToOthers",
            "Effect": "Deny",
            "Principal": ANYONE,
            "Action": "kms:CreateGrant",
            "Resource": "*",
            # Without the key there is no resource of AWS's that the grant would be for.
            "Condition": {"BoolIfExists": {"kms:GrantIsForAWSResource": "false"}, **given},
        },
        {
            "Sid": "DenyServicesElsewhere",
            "Effect": "Deny",
            "Principal": ANYONE,
            "Action": ["kms:CreateGrant", *USE],
            "Resource": "*",
            "Condition": {
                "StringNotLike": {"kms:ViaService": [f"*.{region}.amazonaws.com" for region in scope.regions]},
                "Null": {"kms:ViaService": "false"},
            },
        },
        {
            "Sid": "DenyReplicas",
            "Effect": "Deny",
            "Principal": ANYONE,
            "Action": ["kms:ReplicateKey", "kms:UpdatePrimaryRegion"],
            "Resource": "*",
        },
        deny_outside_organization(scope, "kms:*", ["*"]),
    ]

"""What the personas may do: IAM policy documents as values. Who may be one is in `trust_document.py`.

Sources: AWS IAM user guide, "Permissions boundaries for IAM entities" (delegating to others with one), "Global
condition context keys"; the service authorization reference for what `iam:PermissionsBoundary` conditions.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from domicile_policies.names import (
    ACCESS_ROLE,
    AUDIT_ROLE,
    BOUNDARY,
    BREAK_GLASS_ROLE,
    CELL_ROLE,
    COMPLIANCE_ROLE,
    DEPLOYER_ROLE,
    PLATFORM,
    PLATFORM_ROLE,
    REGULATOR_ROLE,
)

Document = dict[str, Any]

POWER_USER = "arn:aws:iam::aws:policy/PowerUserAccess"
SECURITY_AUDIT = "arn:aws:iam::aws:policy/SecurityAudit"
VIEW_ONLY = "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess"
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"

_POLICIES = f"arn:aws:iam::*:policy/{PLATFORM}*"
_CELL_ROLES = f"arn:aws:iam::*:role/{CELL_ROLE}*"

PROTECTED = (
    *(f"arn:aws:iam::*:role/{name}" for name in (PLATFORM_ROLE, COMPLIANCE_ROLE, BREAK_GLASS_ROLE, DEPLOYER_ROLE)),
    *(f"arn:aws:iam::*:role/{name}" for name in (AUDIT_ROLE, f"{REGULATOR_ROLE}-*", ACCESS_ROLE)),
    _POLICIES,
)
"""What is the organisation's to change: its stack does it, as the management account."""

PLATFORMS = (f"arn:aws:iam::*:role/{PLATFORM}*", f"arn:aws:iam::*:role/{ACCESS_ROLE}", _POLICIES)
"""What is not people's to change: the organisation's, and a cell's roles, which are the deployer's."""

_OWN_BOUNDARY = f"arn:aws:iam::${{aws:PrincipalAccount}}:policy/{BOUNDARY}"

# What of IAM is written with a role or a policy, and so could lift a restriction.
_IDENTITY_WRITES = tuple(
    f"iam:{verb}*" for verb in ("Attach", "Create", "Delete", "Detach", "Put", "Set", "Tag", "Untag", "Update")
)

# People and programs come by roles: a key that does not expire is nobody's.
_LASTING_CREDENTIALS = (
    "iam:CreateAccessKey",
    "iam:CreateGroup",
    "iam:CreateLoginProfile",
    "iam:CreateServiceSpecificCredential",
    "iam:CreateUser",
    "iam:UploadSSHPublicKey",
)

# The roles that a cell's services have, and what they are handed to.
_SERVICES_OF_A_CELL = (
    "backup.amazonaws.com",
    "ec2.amazonaws.com",
    "eks.amazonaws.com",
    "monitoring.rds.amazonaws.com",
    "pods.eks.amazonaws.com",
    "rds.amazonaws.com",
    "vpc-flow-logs.amazonaws.com",
)


def compact(document: Mapping[str, Any]) -> str:
    """The document as it is sent: without white space, which counts towards the quotas."""
    return json.dumps(document, separators=(",", ":"))


def boundary_document() -> Document:
    """The most that a platform engineer, and any role made in an account after its first, can be allowed there."""
    return _document(
        {
            "Sid": "AllowTheAccount",
            "Effect": "Allow",
            "NotAction": ["account:*", "organizations:*", "sso:*", "sso-directory:*", "identitystore:*"],
            "Resource": "*",
        },
        *_denials(PLATFORMS),
    )


def platform_document() -> Document:
    """IAM for platform engineers, beside PowerUserAccess: roles with the boundary, and the account's other entities.

    The platform's own roles they neither change nor hand to anything, or they could be any of them; but AWS Backup
    takes its own, so that a backup can be made and restored by hand.
    """
    return _document(
        *_roles_within_the_boundary(["*"]),
        _allow("KeepRolesAndPolicies", [*_PROFILE_UPKEEP, *_POLICY_UPKEEP, *_READ_IDENTITIES]),
        {
            "Sid": "HandOutNoRoleOfThePlatform",
            "Effect": "Deny",
            "Action": "iam:PassRole",
            "Resource": list(PLATFORMS[:2]),
            "Condition": {"StringNotEqualsIfExists": {"iam:PassedToService": "backup.amazonaws.com"}},
        },
        *_denials(PLATFORMS),
    )


def _roles_within_the_boundary(roles: list[str]) -> list[Document]:
    """Making these roles and handing them to services, none of which can do more than the boundary allows."""
    return [
        _allow(
            "MakeRolesWithinTheBoundary",
            [
                "iam:AttachRolePolicy",
                "iam:CreateRole",
                "iam:DeleteRolePolicy",
                "iam:DetachRolePolicy",
                "iam:PutRolePermissionsBoundary",
                "iam:PutRolePolicy",
            ],
            roles,
            condition={"StringEquals": {"iam:PermissionsBoundary": _OWN_BOUNDARY}},
        ),
        _allow("KeepRoles", [*_ROLE_UPKEEP], roles),
        _allow("MakeRolesOfServices", ["iam:CreateServiceLinkedRole"]),
        _pass_role(roles),
        {
            "Sid": "KeepTheBoundary",
            "Effect": "Deny",
            "Action": ["iam:DeleteRolePermissionsBoundary"],
            "Resource": "*",
        },
    ]


_ROLE_UPKEEP = (
    "iam:DeleteRole",
    "iam:TagRole",
    "iam:UntagRole",
    "iam:UpdateAssumeRolePolicy",
    "iam:UpdateRole",
    "iam:UpdateRoleDescription",
)
_PROFILE_UPKEEP = (
    "iam:AddRoleToInstanceProfile",
    "iam:CreateInstanceProfile",
    "iam:DeleteInstanceProfile",
    "iam:RemoveRoleFromInstanceProfile",
)
_POLICY_UPKEEP = (
    "iam:CreatePolicy",
    "iam:CreatePolicyVersion",
    "iam:DeletePolicy",
    "iam:DeletePolicyVersion",
    "iam:TagPolicy",
    "iam:UntagPolicy",
)
_ISSUER_UPKEEP = (
    "iam:CreateOpenIDConnectProvider",
    "iam:DeleteOpenIDConnectProvider",
    "iam:TagOpenIDConnectProvider",
    "iam:UntagOpenIDConnectProvider",
    "iam:UpdateOpenIDConnectProviderThumbprint",
)
_READ_IDENTITIES = ("iam:Get*", "iam:List*", "iam:SimulatePrincipalPolicy")

_CELL_SERVICES = (
    "acm:*",
    "application-autoscaling:*",
    "autoscaling:*",
    "backup-storage:*",
    "backup:*",
    "cloudwatch:*",
    "ec2:*",
    "ecr:*",
    "eks:*",
    "elasticache:*",
    "elasticloadbalancing:*",
    "events:*",
    "kms:*",
    "logs:*",
    "network-firewall:*",
    "rds:*",
    "route53:*",
    "s3:*",
    "secretsmanager:*",
    "servicequotas:Get*",
    "servicequotas:List*",
    "sns:*",
    "sts:GetCallerIdentity",
    "tag:*",
    "wafv2:*",
)


def deployer_document() -> Document:
    """What building a cell takes: its services, the roles of those, and its cluster as an issuer of identities.

    Nothing of the organisation's. Without the boundary it could make itself an administrator's role, and take it.
    """
    return _document(
        _allow("BuildTheCell", list(_CELL_SERVICES)),
        *_roles_within_the_boundary([_CELL_ROLES]),
        _allow("KeepIssuersAndLook", [*_ISSUER_UPKEEP, *_READ_IDENTITIES]),
        *_denials(PROTECTED),
    )


def compliance_document(environment: str) -> Document:
    """Reading the audit logs, which the read-only policies of AWS leave out because they are contents."""
    bucket = f"arn:aws:s3:::{environment}-audit-*"
    return _document(
        _allow("ReadAuditLogs", ["s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket"], [bucket, f"{bucket}/*"]),
        _allow(
            "OpenAuditLogs",
            ["kms:Decrypt"],
            condition={
                "StringLike": {"kms:ViaService": "s3.*.amazonaws.com", "kms:EncryptionContext:aws:s3:arn": bucket}
            },
        ),
    )


def regulator_role(name: str) -> str:
    """The role's name of one regulator."""
    return f"{REGULATOR_ROLE}-{name}"


def evidence_prefix(jurisdiction: str) -> str:
    """Under which an archive keeps the evidence of a jurisdiction."""
    return f"evidence/{jurisdiction}/"


def logs_prefix(organization_id: str, account_id: str) -> str:
    """Under which an organisation trail writes the logs of an account (CloudTrail user guide)."""
    return f"AWSLogs/{organization_id}/{account_id}/"


def regulator_document(reads: Iterable[tuple[str, str, Iterable[str]]]) -> Document:
    """Reading the given prefixes of the given buckets: (bucket's name, ARN of its key, prefixes). Nothing else.

    The prefixes end in a slash. The list of a bucket shows those prefixes alone.
    """
    statements: list[Document] = []
    for at, (bucket, key_arn, prefixes) in enumerate(reads):
        each = sorted(prefixes)
        arn = f"arn:aws:s3:::{bucket}"
        statements += [
            _allow(
                f"ListItsOwn{at}",
                ["s3:ListBucket"],
                [arn],
                {"StringLike": {"s3:prefix": [f"{prefix}*" for prefix in each]}},
            ),
            _allow(f"ReadItsOwn{at}", ["s3:GetObject", "s3:GetObjectVersion"], [f"{arn}/{prefix}*" for prefix in each]),
            # The bucket has a bucket key, so the context of every object is the bucket.
            _allow(
                f"OpenItsOwn{at}",
                ["kms:Decrypt"],
                [key_arn],
                {"StringEquals": {"kms:EncryptionContext:aws:s3:arn": arn}},
            ),
        ]
    return _document(*statements)


def _denials(protected: tuple[str, ...]) -> list[Document]:
    """What no role below the organisation may do in an account, whatever else allows it."""
    return [
        {
            "Sid": "KeepTheOrganizationsRoles",
            "Effect": "Deny",
            "Action": sorted(_IDENTITY_WRITES),
            "Resource": list(protected),
        },
        {"Sid": "NoLastingCredentials", "Effect": "Deny", "Action": sorted(_LASTING_CREDENTIALS), "Resource": "*"},
    ]


def _pass_role(roles: list[str]) -> Document:
    services = {"StringEquals": {"iam:PassedToService": sorted(_SERVICES_OF_A_CELL)}}
    return _allow("HandRolesToServices", ["iam:PassRole"], roles, condition=services)


def _allow(
    sid: str, actions: list[str], resources: list[str] | None = None, condition: Document | None = None
) -> Document:
    found: Document = {"Sid": sid, "Effect": "Allow", "Action": sorted(set(actions)), "Resource": resources or "*"}
    return found | ({"Condition": condition} if condition else {})


def _document(*statements: Document) -> Document:
    return {"Version": "2012-10-17", "Statement": list(statements)}

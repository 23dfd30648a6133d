"""The cloud services that an account of the platform may use, as IAM's prefixes. What is not here is denied.

A list of what may be used, and none of what may not: there are some four hundred services, each with own ways to copy,
share and export, and new ones every month. A service is added here with the rows of its data-moving actions in
`tests/truth/actions.yaml`, or not at all.
"""

from domicile_policies.names import AUDIT_ROLE

GLOBAL = (
    # Without regions, or with one endpoint in a region of the provider's choice; none of them holds players' data.
    "account:*",
    "billing:*",
    "budgets:*",
    "ce:*",
    "health:*",
    "iam:*",
    "organizations:*",
    "pricing:*",
    "route53:*",
    "route53domains:*",
    "s3:GetAccountPublicAccessBlock",
    "s3:ListAllMyBuckets",
    "shield:*",
    "sts:*",
    "support:*",
    "tag:GetResources",
    "trustedadvisor:*",
    "wafv2:Get*",
    "wafv2:List*",
)

CELL = (
    # What a cell is built of, and what watches it.
    "access-analyzer",
    "acm",
    "application-autoscaling",
    "autoscaling",
    "backup",
    "backup-storage",
    "cloudtrail",
    "cloudwatch",
    "config",
    "ec2",
    "ec2messages",
    "ecr",
    "eks",
    "eks-auth",
    "elasticache",
    "elasticloadbalancing",
    "events",
    "guardduty",
    "inspector2",
    "kms",
    "logs",
    "network-firewall",
    "pi",
    "rds",
    "rds-db",
    "s3",
    "secretsmanager",
    "securityhub",
    "servicequotas",
    "sns",
    "sqs",
    "ssm",
    "ssmmessages",
    "tag",
    "wafv2",
)

SECURITY = ("access-analyzer:*", "config:*", "guardduty:*", "inspector2:*", "securityhub:*")
"""What looks at every region in use from the organisation's security account."""

EDGE = "cloudfront:*"
"""A content network: it caches everywhere, so it is for zones whose data may be anywhere."""

AUDITOR = f"arn:aws:iam::*:role/{AUDIT_ROLE}"
"""The role that reads back what exists, and may do nothing else. What closes places and services lets it look there:
a copy that somebody made where nobody may look would never be found."""

RESOURCES = ("dynamodb:*", "ecr:*", "kms:*", "logs:*", "s3:*", "secretsmanager:*", "sqs:*")
"""Services that resource control policies reach (their user guide lists them), and that keep data or keys."""


def usable(*, edge: bool = False) -> list[str]:
    """The action patterns of everything that an account may use at all, in order."""
    return sorted({*GLOBAL, *(f"{service}:*" for service in CELL), *([EDGE] if edge else [])} - _covered())


def _covered() -> set[str]:
    """Patterns that a service's own pattern says already."""
    return {pattern for pattern in GLOBAL if pattern.partition(":")[0] in CELL}

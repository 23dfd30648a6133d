"""Resource control policy: what may not be done to the data of an account, whoever asks.

Pure. Unlike a service control policy it binds callers from other accounts too, and reaches the services of
`services.RESOURCES` alone. Sources: AWS Organizations user guide, "Resource control policies"; the AWS data perimeter's
"identity perimeter".
"""

from collections.abc import Iterable

from domicile_policies.documents import Document, policy
from domicile_policies.exemptions import CELL_ROLES
from domicile_policies.services import AUDITOR, RESOURCES

GUESTS = ("arn:aws:iam::*:role/domicile-regulator-*",)
"""Roles that somebody of another organisation may assume: a regulator's auditor, whom the role's trust names, with the
secret and the second factor that it asks for. No principal of an account can make or change such a role (guardrails).
"""

_OUTSIDER = {
    # A caller without an organisation has none to compare: the first of the two is for those.
    "StringNotEqualsIfExists": {"aws:PrincipalOrgID": "${aws:ResourceOrgID}"},
    "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
}


def resource_policy(places: Iterable[str]) -> Document:
    """Deny what is asked in other places, by outsiders, by services on their behalf, without TLS, or with foreign keys.

    `places` are AWS regions.
    """
    return policy(
        {
            "Sid": "DenyOutsideResidencyZone",
            "Effect": "Deny",
            "Principal": "*",
            "Action": list(RESOURCES),
            "Resource": "*",
            "Condition": {
                "StringNotEquals": {"aws:RequestedRegion": sorted(set(places))},
                "ArnNotLike": {"aws:PrincipalArn": AUDITOR},
            },
        },
        {
            "Sid": "DenyOutsideOrganization",
            "Effect": "Deny",
            "Principal": "*",
            "Action": list(RESOURCES),
            "Resource": "*",
            "Condition": _OUTSIDER,
        },
        {
            "Sid": "DenyRolesToOutsiders",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sts:AssumeRole",
            "NotResource": list(GUESTS),
            "Condition": _OUTSIDER,
        },
        {
            # Whoever comes with a token of an identity provider has no organisation to compare, and the condition key
            # of its provider is named after the provider: so it is the role that tells. A cell's roles are made by the
            # deployer alone, and an account knows no provider but its clusters. Not AssumeRoleWithSAML: people come so.
            "Sid": "DenyWebIdentities",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sts:AssumeRoleWithWebIdentity",
            "NotResource": CELL_ROLES,
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
        {
            # A key that the caller brings is no key of ours: whoever holds it can lock us out of our own records.
            "Sid": "DenyForeignKeys",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:PutObject",
            "Resource": "*",
            "Condition": {"Null": {"s3:x-amz-server-side-encryption-customer-algorithm": "false"}},
        },
    )

"""Who may be a persona: the trust policy of a role as a value.

Sources: AWS IAM user guide, "AWS global condition context keys" (aws:MultiFactorAuthPresent and when it is there), "How
to use the external ID".
"""

from collections.abc import Iterable
from datetime import date
from typing import Any

Document = dict[str, Any]

IDENTITY_CENTERS = "role/aws-reserved/sso.amazonaws.com/"
"""Where IAM Identity Center's own roles are, which nobody else can make (its user guide, "Referencing permission sets
in resource policies"). Their sessions tell of no second factor: it is Identity Center that asks for it."""


def trust_document(
    principals: Iterable[str],
    organization_id: str | None,
    *,
    mfa: bool = False,
    external_id: str | None = None,
    until: date | None = None,
    regions: Iterable[str] = (),
) -> Document:
    """Who may assume a role: these principals (ARNs), under every condition given.

    `organization_id` has them be of the organisation. `mfa` asks for a second factor, but of those who come by IAM
    Identity Center: as a role of its that is named, or, inside the organisation, as any of an account that is named.
    `until` is the last day, in UTC. `regions` are those whose STS endpoints may be asked.
    """
    equal: dict[str, Any] = {}
    if organization_id is not None:
        equal["aws:PrincipalOrgID"] = organization_id
    if external_id is not None:
        equal["sts:ExternalId"] = external_id
    if endpoints := sorted(regions):
        equal["aws:RequestedRegion"] = endpoints
    condition: dict[str, dict[str, Any]] = {"StringEquals": equal} if equal else {}
    if until is not None:
        condition["DateLessThanEquals"] = {"aws:CurrentTime": f"{until.isoformat()}T23:59:59Z"}
    named = sorted(principals)
    if not mfa:
        return _document(_trust("TrustThesePrincipals", named, condition))
    by_center = [one for one in named if _may_come_by_identity_center(one, inside=organization_id is not None)]
    # IfExists would let in a key that lasts: its requests tell of no second factor either.
    statements = [_trust("TrustThesePrincipals", named, condition | {"Bool": {"aws:MultiFactorAuthPresent": "true"}})]
    if by_center:
        own = {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::*:{IDENTITY_CENTERS}*"}}
        statements.append(_trust("TrustThroughIdentityCenter", by_center, condition | own))
    return _document(*statements)


def _may_come_by_identity_center(principal: str, *, inside: bool) -> bool:
    return f":{IDENTITY_CENTERS}" in principal or (inside and principal.endswith(":root"))


def _trust(sid: str, principals: list[str], condition: Document) -> Document:
    statement: Document = {"Sid": sid, "Effect": "Allow", "Principal": {"AWS": principals}, "Action": "sts:AssumeRole"}
    return statement | ({"Condition": condition} if condition else {})


def _document(*statements: Document) -> Document:
    return {"Version": "2012-10-17", "Statement": list(statements)}

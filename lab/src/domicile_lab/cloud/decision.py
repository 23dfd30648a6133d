"""Whether the organisation's control policies let a call through.

Service control policies bind the caller's account, resource control policies the account that owns the resource; an
explicit denial at any level refuses, and at every level some attached policy has to allow. Neither reaches the
management account, nor a service-linked role. Source: AWS Organizations user guide, "SCP evaluation", "RCP evaluation".
"""

from __future__ import annotations

from dataclasses import dataclass

from domicile_policies.evaluator import Request, allowed_by, denied_by

from domicile_lab.cloud.organization import RESOURCE_CONTROL, SERVICE_CONTROL, Membership, Policy

RESOURCE_CONTROLLED = frozenset(
    ("aoss", "cognito-identity", "cognito-idp", "dynamodb", "ecr", "kms", "logs", "s3", "secretsmanager", "sqs", "sts")
)
"""The IAM prefixes that resource control policies reach (AWS Organizations user guide, "Resource control policies")."""

_WORDS = {SERVICE_CONTROL: "service control policy", RESOURCE_CONTROL: "resource control policy"}


@dataclass(frozen=True)
class Denial:
    """Why a call is refused: the kind of policy, and the policy and Sid, or the level at which none allows."""

    kind: str
    explicit: bool
    by: str

    @property
    def words(self) -> str:
        """AWS's own words for the message."""
        if self.explicit:
            return f"with an explicit deny in a {_WORDS[self.kind]}"
        return f"because no {_WORDS[self.kind]} allows the {{action}} action"


def decide(
    request: Request, caller: Membership | None, owner: Membership | None, service_linked: bool = False
) -> Denial | None:
    """The first reason to refuse the request, or None. Raises UnknownElementError where a policy cannot be judged."""
    if service_linked:
        return None
    if caller is not None and (denial := _judge(SERVICE_CONTROL, caller, request)):
        return denial
    if owner is not None and request.action.partition(":")[0] in RESOURCE_CONTROLLED:
        return _judge(RESOURCE_CONTROL, owner, request)
    return None


def _judge(kind: str, member: Membership, request: Request) -> Denial | None:
    if member.is_management or kind not in member.policies:
        return None
    levels = member.policies[kind]
    for policies in levels:
        if denial := _denial(kind, policies, request):
            return denial
    for level, policies in zip(member.levels, levels, strict=True):
        if allowed_by((policy.document for policy in policies), request) is None:
            return Denial(kind, False, f"{level} (nothing attached allows it)")
    return None


def _denial(kind: str, policies: tuple[Policy, ...], request: Request) -> Denial | None:
    for policy in policies:
        if sid := denied_by([policy.document], request):
            return Denial(kind, True, f"{policy.id}/{sid}")
    return None

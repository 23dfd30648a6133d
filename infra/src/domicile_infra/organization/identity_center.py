"""Permission sets of IAM Identity Center, and which group has them in which account."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from domicile_infra.organization.component import OrganizationComponent
from domicile_infra.plan.persona_documents import compact
from domicile_infra.plan.personas import PermissionSetPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityCenterArgs:
    """The instance's ARN, the permission sets, and the accounts' ids by name."""

    instance_arn: str
    permission_sets: tuple[PermissionSetPlan, ...]
    account_ids: Mapping[str, pulumi.Input[str]]
    tags: Mapping[str, str]


class IdentityCenter(OrganizationComponent):
    """The permission sets, each whole before it is assigned: an assignment copies the set into the account."""

    arns: dict[str, pulumi.Output[str]]

    def __init__(self, name: str, args: IdentityCenterArgs, provider: aws.Provider) -> None:
        super().__init__(name)
        self._args = args
        self.arns = {
            plan.persona: self._permission_set(f"{name}/{plan.name}", plan, provider) for plan in args.permission_sets
        }
        self.register_outputs({"arns": self.arns})

    def _permission_set(self, name: str, plan: PermissionSetPlan, provider: aws.Provider) -> pulumi.Output[str]:
        args = self._args
        made = aws.ssoadmin.PermissionSet(
            name,
            name=plan.name,
            description=plan.purpose,
            instance_arn=args.instance_arn,
            session_duration=plan.session_duration,
            tags=dict(args.tags),
            opts=self.child(provider),
        )
        parts: list[pulumi.Resource] = [
            aws.ssoadmin.ManagedPolicyAttachment(
                f"{name}/{arn.rpartition('/')[2]}",
                instance_arn=args.instance_arn,
                permission_set_arn=made.arn,
                managed_policy_arn=arn,
                opts=self.child(provider),
            )
            for arn in plan.managed
        ]
        if plan.document is not None:
            parts.append(
                aws.ssoadmin.PermissionSetInlinePolicy(
                    f"{name}/policy",
                    instance_arn=args.instance_arn,
                    permission_set_arn=made.arn,
                    inline_policy=compact(plan.document),
                    opts=self.child(provider),
                )
            )
        for account in plan.accounts:
            aws.ssoadmin.AccountAssignment(
                f"{name}/{account}",
                instance_arn=args.instance_arn,
                permission_set_arn=made.arn,
                principal_type="GROUP",
                principal_id=plan.group,
                target_type="AWS_ACCOUNT",
                target_id=args.account_ids[account],
                opts=self.child(provider, after=parts),
            )
        return made.arn

"""The personas' roles in one account, and the boundary of what its engineers can allow."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from domicile_policies.names import BOUNDARY

from domicile_infra.organization.component import OrganizationComponent
from domicile_infra.plan.persona_documents import (
    boundary_document,
    compact,
    evidence_prefix,
    logs_prefix,
    regulator_document,
)
from domicile_infra.plan.personas import RolePlan
from domicile_infra.plan.trust_document import trust_document


@dataclass(frozen=True, slots=True, kw_only=True)
class RolesArgs:
    """The roles, and what regulators' documents name: buckets and keys' ARNs by archive, accounts' ids by name."""

    roles: tuple[RolePlan, ...]
    organization_id: pulumi.Input[str]
    buckets: Mapping[str, pulumi.Input[str]]
    key_arns: Mapping[str, pulumi.Input[str]]
    account_ids: Mapping[str, pulumi.Input[str]]
    tags: Mapping[str, str]


class Roles(OrganizationComponent):
    """The roles. `arns` are by persona, a regulator's as `regulator/<role's name>`; `boundary` is the policy's ARN."""

    arns: dict[str, pulumi.Output[str]]
    roles: dict[str, aws.iam.Role]
    boundary: pulumi.Output[str]

    def __init__(self, name: str, args: RolesArgs, provider: aws.Provider) -> None:
        super().__init__(name)
        self._args = args
        boundary = aws.iam.Policy(
            f"{name}/boundary",
            name=BOUNDARY,
            description="The most that the account's engineers, and the roles that they make, can be allowed",
            policy=compact(boundary_document()),
            tags=dict(args.tags),
            opts=self.child(provider),
        )
        self.boundary = boundary.arn
        self.roles = {role.name: self._role(f"{name}/{role.name}", role, provider) for role in args.roles}
        self.arns = {persona_key(role): self.roles[role.name].arn for role in args.roles}
        self.register_outputs({"arns": self.arns, "boundary": self.boundary})

    def _role(self, name: str, plan: RolePlan, provider: aws.Provider) -> aws.iam.Role:
        args = self._args
        role = aws.iam.Role(
            name,
            name=plan.name,
            description=plan.purpose,
            assume_role_policy=pulumi.Output.from_input(args.organization_id).apply(
                lambda organization: compact(
                    trust_document(
                        plan.principals,
                        organization if plan.inside else None,
                        mfa=plan.mfa,
                        external_id=plan.external_id,
                        until=plan.until,
                        regions=plan.regions,
                    )
                )
            ),
            max_session_duration=plan.session_seconds,
            permissions_boundary=self.boundary if plan.bounded else None,
            tags=dict(args.tags),
            opts=self.child(provider),
        )
        for arn in plan.managed:
            short = arn.rpartition("/")[2]
            aws.iam.RolePolicyAttachment(f"{name}/{short}", role=role.name, policy_arn=arn, opts=self.child(provider))
        document = self._document(plan)
        if document is not None:
            aws.iam.RolePolicy(
                f"{name}/policy", name="domicile", role=role.name, policy=document, opts=self.child(provider)
            )
        return role

    def _document(self, plan: RolePlan) -> pulumi.Input[str] | None:
        if not plan.reads:
            return compact(plan.document) if plan.document is not None else None
        args = self._args
        # Everything that the document names, in the order of `reads`.
        known = [
            pulumi.Output.all(
                args.organization_id,
                args.buckets[read.archive],
                args.key_arns[read.archive],
                *(args.account_ids[account] for account in read.accounts),
            )
            for read in plan.reads
        ]

        def written(values: list[list[str]]) -> str:
            reads = []
            for read, (organization, bucket, key_arn, *accounts) in zip(plan.reads, values, strict=True):
                logs = [logs_prefix(organization, account) for account in accounts]
                reads.append((bucket, key_arn, [*logs, *map(evidence_prefix, read.jurisdictions)]))
            return compact(regulator_document(reads))

        return pulumi.Output.all(*known).apply(written)


def persona_key(role: RolePlan) -> str:
    """The role's key among the outputs: its persona, of which an account has one role, but of regulators many."""
    return f"{role.persona}/{role.name}" if role.reads else role.persona

"""Roles of a cell, each with its policies attached before anything takes it."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from domicile_policies.names import BOUNDARY

from domicile_infra.cell.component import CellComponent
from domicile_infra.plan.cell import CellPlan
from domicile_infra.plan.documents import render
from domicile_infra.plan.documents.roles import MANAGED, ROLES, RolePurpose, role_name, trust_policy


@dataclass(frozen=True)
class CellRole:
    """A role, and what must be there before it is of use: a service refuses a role whose policies come later."""

    arn: pulumi.Output[str]
    ready: tuple[pulumi.Resource, ...]


def make_role(
    parent: CellComponent, plan: CellPlan, purpose: RolePurpose, policy: pulumi.Input[str] | None = None
) -> CellRole:
    """The role of that purpose with AWS's policies that it needs, and one of its own where one is given."""
    spec = ROLES[purpose]
    role = aws.iam.Role(
        purpose,
        name=role_name(plan.scope, purpose),
        description=f"{spec.description} of {plan.name}",
        # The deployer may make no role without it.
        permissions_boundary=plan.scope.arn("iam", f"policy/{BOUNDARY}", region=""),
        assume_role_policy=render(trust_policy(plan.scope, purpose, plan.cluster_name)),
        tags=plan.tags.tags(),
        opts=parent.child(),
    )
    ready: list[pulumi.Resource] = [role]
    for managed in spec.managed:
        about = managed.rsplit("/", 1)[-1]
        ready.append(
            aws.iam.RolePolicyAttachment(
                f"{purpose}-{about}", role=role.name, policy_arn=f"{MANAGED}{managed}", opts=parent.child()
            )
        )
    if policy is not None:
        ready.append(aws.iam.RolePolicy(purpose, name=purpose, role=role.name, policy=policy, opts=parent.child()))
    return CellRole(role.arn, tuple(ready))

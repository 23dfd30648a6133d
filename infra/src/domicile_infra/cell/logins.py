"""Who may make logins to the cell's stores: the operator in the cache, and a Job of its own in the database."""

from dataclasses import dataclass

import pulumi

from domicile_infra.cell.cluster import associate
from domicile_infra.cell.component import CellComponent
from domicile_infra.cell.roles import make_role
from domicile_infra.plan.cell import CellPlan
from domicile_infra.plan.documents import render
from domicile_infra.plan.documents.roles import RolePurpose, logins_policy, operator_policy


@dataclass(frozen=True)
class LoginsArgs:
    """`secret_arn` is of the database administrator's password, which the key of `key_arn` closes."""

    plan: CellPlan
    cluster_name: pulumi.Input[str]
    secret_arn: pulumi.Input[str]
    key_arn: pulumi.Input[str]


class Logins(CellComponent):
    """`ready` are the associations: a pod that starts before its own has no credentials, and gets none later."""

    ready: tuple[pulumi.Resource, ...]

    def __init__(self, name: str, args: LoginsArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__(name, opts)
        plan = args.plan
        policies: dict[RolePurpose, pulumi.Input[str]] = {
            RolePurpose.OPERATOR: render(operator_policy(plan.scope, plan.cache_users)),
            RolePurpose.LOGINS: pulumi.Output.all(args.secret_arn, args.key_arn).apply(
                lambda found: render(logins_policy(plan.scope, found[0], found[1]))
            ),
        }
        self.ready = tuple(
            associate(self, plan, args.cluster_name, purpose, make_role(self, plan, purpose, policy))
            for purpose, policy in policies.items()
        )
        self.register_outputs({})

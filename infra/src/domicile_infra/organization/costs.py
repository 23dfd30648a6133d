"""What the accounts may cost, who hears of it, and by which tags a bill is read."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from domicile_catalog.environment import Budget

from domicile_infra.organization.component import OrganizationComponent

# Per cent of the budget, of what was spent and of what AWS foresees.
_NOTICES = (("ACTUAL", 80), ("ACTUAL", 100), ("FORECASTED", 100))


@dataclass(frozen=True, slots=True, kw_only=True)
class CostsArgs:
    """The budget of each account, the accounts' ids by the name of their budget, and the tags to activate.

    `tag_keys` is empty until AWS has met the tags in a bill: before, activating them fails.
    """

    budget: Budget | None
    account_ids: Mapping[str, pulumi.Input[str]]
    tag_keys: tuple[str, ...]
    tags: Mapping[str, str]


class Costs(OrganizationComponent):
    """A monthly budget for each account, and the cost allocation tags."""

    def __init__(self, name: str, args: CostsArgs, provider: aws.Provider) -> None:
        super().__init__(name)
        if args.budget is not None:
            notices = _notices(args.budget)
            for title, account_id in args.account_ids.items():
                aws.budgets.Budget(
                    f"{name}/{title}",
                    name=title,
                    budget_type="COST",
                    limit_amount=str(args.budget.monthly_usd),
                    limit_unit="USD",
                    time_unit="MONTHLY",
                    cost_filters=[aws.budgets.BudgetCostFilterArgs(name="LinkedAccount", values=[account_id])],
                    notifications=notices,
                    tags=dict(args.tags),
                    opts=self.child(provider),
                )
        for key in args.tag_keys:
            aws.costexplorer.CostAllocationTag(
                f"{name}/tag/{key}", tag_key=key, status="Active", opts=self.child(provider)
            )
        self.register_outputs({})


def _notices(budget: Budget) -> list[aws.budgets.BudgetNotificationArgs]:
    return [
        aws.budgets.BudgetNotificationArgs(
            comparison_operator="GREATER_THAN",
            notification_type=kind,
            threshold=per_cent,
            threshold_type="PERCENTAGE",
            subscriber_email_addresses=list(budget.notify),
        )
        for kind, per_cent in _NOTICES
    ]

"""AWS Budgets. https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_Operations_AWS_Budgets.html"""

from __future__ import annotations

import datetime
from typing import Any, Final

from domicile_lab.providers.aws.model import Call, Cloud, Custom, Facts, Read, Resource, Tags

SERVICE: Final = "budgets"
FORMAT: Final = "%Y-%m-%d_%H:%M"
ARN: Final = "arn:{partition}:budgets::{account}:budget/{name}"


def _budget(inputs: dict[str, Any]) -> dict[str, Any]:
    """A budget as the service takes it."""
    found: dict[str, Any] = {
        "BudgetName": inputs["name"],
        "BudgetType": inputs["budgetType"],
        "TimeUnit": inputs["timeUnit"],
    }
    if inputs.get("limitAmount"):
        found["BudgetLimit"] = {"Amount": inputs["limitAmount"], "Unit": inputs.get("limitUnit") or "USD"}
    period = {"Start": inputs.get("timePeriodStart"), "End": inputs.get("timePeriodEnd")}
    given = {
        key: datetime.datetime.strptime(value, FORMAT).replace(tzinfo=datetime.UTC)
        for key, value in period.items()
        if value
    }
    if given:
        found["TimePeriod"] = given
    if inputs.get("costFilters"):
        found["CostFilters"] = {each["name"]: each["values"] for each in inputs["costFilters"]}
    if inputs.get("costTypes"):
        found["CostTypes"] = {f"{key[0].upper()}{key[1:]}": value for key, value in inputs["costTypes"].items()}
    return found


def _notification(given: dict[str, Any]) -> dict[str, Any]:
    return {
        "NotificationType": given["notificationType"],
        "ComparisonOperator": given["comparisonOperator"],
        "Threshold": float(given["threshold"]),
        "ThresholdType": given["thresholdType"],
    }


def _subscribers(given: dict[str, Any]) -> list[dict[str, str]]:
    mails = [{"SubscriptionType": "EMAIL", "Address": each} for each in given.get("subscriberEmailAddresses") or ()]
    topics = [{"SubscriptionType": "SNS", "Address": each} for each in given.get("subscriberSnsTopicArns") or ()]
    return mails + topics


def _create(cloud: Cloud, facts: Facts) -> Any:
    request: dict[str, Any] = {
        "AccountId": facts.inputs.get("accountId") or cloud.account,
        "Budget": _budget(facts.inputs),
        "NotificationsWithSubscribers": [
            {"Notification": _notification(each), "Subscribers": _subscribers(each)}
            for each in facts.inputs.get("notifications") or ()
        ],
    }
    cloud.call(SERVICE, "CreateBudget", request)
    return {"id": f"{request['AccountId']}:{facts.inputs['name']}"}


def _update(cloud: Cloud, facts: Facts) -> None:
    account = facts.id.partition(":")[0]
    cloud.call(SERVICE, "UpdateBudget", {"AccountId": account, "NewBudget": _budget(facts.inputs)})


def _key(cloud: Cloud, facts: Facts) -> dict[str, str]:
    account, _, name = facts.id.partition(":")
    return {"AccountId": account or cloud.account, "BudgetName": name}


def _notify(cloud: Cloud, facts: Facts) -> None:
    """A notification is what it is: a changed one is another one."""
    key = _key(cloud, facts)
    for each in facts.old.get("notifications") or ():
        cloud.call(SERVICE, "DeleteNotification", {**key, "Notification": _notification(each)})
    for each in facts.inputs.get("notifications") or ():
        request = {**key, "Notification": _notification(each), "Subscribers": _subscribers(each)}
        cloud.call(SERVICE, "CreateNotification", request)


def _notifications(cloud: Cloud, facts: Facts) -> Any:
    key, found = _key(cloud, facts), []
    for each in cloud.call(SERVICE, "DescribeNotificationsForBudget", key).get("Notifications") or ():
        asked = {
            name: each[name]
            for name in ("NotificationType", "ComparisonOperator", "Threshold", "ThresholdType")
            if name in each
        }
        people = cloud.call(SERVICE, "DescribeSubscribersForNotification", {**key, "Notification": asked})
        addresses: dict[str, list[str]] = {"EMAIL": [], "SNS": []}
        for subscriber in people.get("Subscribers") or ():
            addresses[subscriber["SubscriptionType"]].append(subscriber["Address"])
        found.append({
            "comparisonOperator": each["ComparisonOperator"],
            "notificationType": each["NotificationType"],
            "threshold": each["Threshold"],
            "thresholdType": each.get("ThresholdType", "PERCENTAGE"),
            "subscriberEmailAddresses": addresses["EMAIL"],
            "subscriberSnsTopicArns": addresses["SNS"],
        })  # fmt: skip
    return {"notifications": found}


def _time(member: str) -> Any:
    def read(budget: Any) -> str | None:
        found = (budget.get("TimePeriod") or {}).get(member)
        return found.astimezone(datetime.UTC).strftime(FORMAT) if found else None

    return read


def _filters(budget: Any) -> list[dict[str, Any]] | None:
    found = budget.get("CostFilters") or {}
    return [{"name": name, "values": values} for name, values in found.items()] or None


RESOURCES: Final = (
    Resource(
        type="aws:budgets/budget:Budget",
        service=SERVICE,
        create=_create,
        id="=id",
        id_parts=("accountId", "name"),
        reads=(
            Read(
                "DescribeBudget",
                {"AccountId": lambda facts, cloud: _key(cloud, facts)["AccountId"], "BudgetName": "{name}"},
                at="Budget",
                fields={
                    "limitAmount": "BudgetLimit.Amount",
                    "limitUnit": "BudgetLimit.Unit",
                    "costFilters": _filters,
                    "timePeriodStart": _time("Start"),
                    "timePeriodEnd": _time("End"),
                },
            ),
            Read(_notifications, only=(), fields={"notifications": lambda found: found["notifications"] or None}),
            Read("ListTagsForResource", {"ResourceARN": ARN}, only=(), tags="ResourceTags"),
        ),
        updates=(
            Custom(
                (
                    "budgetType",
                    "costFilters",
                    "costTypes",
                    "limitAmount",
                    "limitUnit",
                    "timePeriodEnd",
                    "timePeriodStart",
                    "timeUnit",
                ),
                _update,
            ),
            Custom(("notifications",), _notify),
        ),
        delete=Call(
            "DeleteBudget", {"AccountId": lambda facts, cloud: _key(cloud, facts)["AccountId"], "BudgetName": "{name}"}
        ),
        tags=Tags(
            Call("TagResource", {"ResourceARN": ARN}),
            Call("UntagResource", {"ResourceARN": ARN}),
            tag_param="ResourceTags",
            untag_param="ResourceTagKeys",
        ),
        computed={"arn": ARN},
        numbers=("limitAmount",),
        autoname="name",
        autoname_length=100,
        replaces=("accountId",),
        quiet=("costTypes", "costFilters"),
        unsupported=("autoAdjustData", "billingViewArn", "filterExpression", "metrics", "namePrefix", "plannedLimits"),
    ),
)

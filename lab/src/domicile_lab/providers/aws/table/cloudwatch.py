"""CloudWatch, its logs, and EventBridge. https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/"""

from __future__ import annotations

from typing import Any, Final

from domicile_lab.providers.aws.model import Call, Cloud, Custom, Facts, Read, Resource, Tags, Update

ALARM_TAGS: Final = Tags(
    Call("TagResource", {"ResourceARN": "{arn}"}), Call("UntagResource", {"ResourceARN": "{arn}"}), create="Tags"
)


def _retain(cloud: Cloud, facts: Facts) -> None:
    days, group = facts.inputs.get("retentionInDays"), {"logGroupName": facts.id}
    if days:
        cloud.call("logs", "PutRetentionPolicy", {**group, "retentionInDays": int(days)})
    else:
        cloud.call("logs", "DeleteRetentionPolicy", group)


def _encrypt(cloud: Cloud, facts: Facts) -> None:
    key, group = facts.inputs.get("kmsKeyId"), {"logGroupName": facts.id}
    if key:
        cloud.call("logs", "AssociateKmsKey", {**group, "kmsKeyId": key})
    else:
        cloud.call("logs", "DisassociateKmsKey", group)


def _group(found: Any, facts: Facts) -> Any:
    return next((each for each in found or () if each["logGroupName"] == facts.id), None)


def _group_arn(group: Any) -> str:
    return str(group["arn"]).removesuffix(":*")


def _queries(given: Any) -> list[dict[str, Any]]:
    """Metrics of an alarm: an expression, or a metric with its statistic beside it."""
    found = []
    for each in given:
        query = {member: each[key] for key, member in (("id", "Id"), ("expression", "Expression"), ("label", "Label"),
                 ("accountId", "AccountId"), ("period", "Period")) if each.get(key) is not None}  # fmt: skip
        query["ReturnData"] = bool(each.get("returnData"))
        metric = each.get("metric")
        if metric:
            dimensions = [
                {"Name": name, "Value": str(value)} for name, value in (metric.get("dimensions") or {}).items()
            ]
            named = {"Namespace": metric.get("namespace"), "MetricName": metric["metricName"], "Dimensions": dimensions}
            query["MetricStat"] = {
                "Metric": {key: value for key, value in named.items() if value},
                "Period": int(metric["period"]),
                "Stat": metric["stat"],
                **({"Unit": metric["unit"]} if metric.get("unit") else {}),
            }
        found.append(query)
    return found


def _told_queries(alarm: Any) -> list[dict[str, Any]] | None:
    found = []
    for each in alarm.get("Metrics") or ():
        query = {key: each[member] for key, member in (("id", "Id"), ("expression", "Expression"), ("label", "Label"),
                 ("accountId", "AccountId"), ("period", "Period"), ("returnData", "ReturnData"))
                 if each.get(member) is not None}  # fmt: skip
        stat = each.get("MetricStat")
        if stat:
            metric = stat["Metric"]
            query["metric"] = {
                "metricName": metric["MetricName"],
                "namespace": metric.get("Namespace"),
                "dimensions": {item["Name"]: item["Value"] for item in metric.get("Dimensions") or ()},
                "period": stat["Period"],
                "stat": stat["Stat"],
                "unit": stat.get("Unit"),
            }
        found.append(query)
    return found or None


def _enabled(inputs: dict[str, Any]) -> list[tuple[str, str]]:
    """`isEnabled` is the older word for `state`."""
    enabled = inputs.pop("isEnabled", None)
    if enabled is not None:
        inputs.setdefault("state", "ENABLED" if enabled else "DISABLED")
    return []


def _put_target(cloud: Cloud, facts: Facts) -> Any:
    inputs = facts.inputs
    target: dict[str, Any] = {"Id": inputs["targetId"], "Arn": inputs["arn"]}
    for key, member in (("roleArn", "RoleArn"), ("input", "Input"), ("inputPath", "InputPath")):
        if inputs.get(key):
            target[member] = inputs[key]
    if inputs.get("inputTransformer"):
        given = inputs["inputTransformer"]
        target["InputTransformer"] = {"InputTemplate": given["inputTemplate"]}
        if given.get("inputPaths"):
            target["InputTransformer"]["InputPathsMap"] = given["inputPaths"]
    if inputs.get("deadLetterConfig"):
        target["DeadLetterConfig"] = {"Arn": inputs["deadLetterConfig"]["arn"]}
    if inputs.get("retryPolicy"):
        target["RetryPolicy"] = {f"{key[0].upper()}{key[1:]}": value for key, value in inputs["retryPolicy"].items()}
    request = {"Rule": inputs["rule"], "EventBusName": inputs.get("eventBusName"), "Targets": [target]}
    return cloud.call("events", "PutTargets", {key: value for key, value in request.items() if value})


def _transformer(target: Any) -> dict[str, Any] | None:
    found = target.get("InputTransformer")
    return (
        {"inputPaths": found.get("InputPathsMap") or {}, "inputTemplate": found.get("InputTemplate")} if found else None
    )


RULE: Final = {"Name": "{name}", "EventBusName": "{eventBusName}"}
BUS: Final = {"EventBusName": "{eventBusName}"}
TARGET: Final = {"Rule": "{rule}", **BUS}

RESOURCES: Final = (
    Resource(
        type="aws:cloudwatch/logGroup:LogGroup",
        service="logs",
        create=Call("CreateLogGroup"),
        id="{name}",
        id_parts=("name",),
        id_separator="\0",
        reads=(
            Read(
                "DescribeLogGroups",
                {"logGroupNamePrefix": "{id}"},
                at="logGroups",
                pick=_group,
                fields={"arn": _group_arn},
            ),
            Read("ListTagsForResource", {"resourceArn": "{arn}"}, only=(), tags="tags"),
        ),
        updates=(
            Custom(("retentionInDays",), _retain, on_create=True),
            Custom(("kmsKeyId",), _encrypt),
            Update(Call("PutLogGroupDeletionProtection", {"logGroupIdentifier": "{id}"})),
        ),
        delete=Call("DeleteLogGroup", {"logGroupName": "{id}"}),
        tags=Tags(
            Call("TagResource", {"resourceArn": "{arn}"}),
            Call("UntagResource", {"resourceArn": "{arn}"}),
            create="tags",
            form="map",
            tag_param="tags",
            untag_param="tagKeys",
        ),
        names={"name": "logGroupName"},
        defaults={"retentionInDays": 0},
        autoname="name",
        autoname_length=512,
        local=("skipDestroy",),
        quiet=("deletionProtectionEnabled", "logGroupClass"),
        unsupported=("namePrefix",),
    ),
    Resource(
        type="aws:cloudwatch/metricAlarm:MetricAlarm",
        service="cloudwatch",
        create=Call("PutMetricAlarm"),
        id="{name}",
        id_parts=("name",),
        id_separator="\0",
        reads=(
            Read(
                "DescribeAlarms",
                {"AlarmNames": ["{id}"]},
                at="MetricAlarms",
                fields={"arn": "AlarmArn", "metricQueries": _told_queries},
            ),
            Read("ListTagsForResource", {"ResourceARN": "{arn}"}, only=(), tags="Tags"),
        ),
        updates=(Update(Call("PutMetricAlarm", {"AlarmName": "{id}"}), whole=True),),
        delete=Call("DeleteAlarms", {"AlarmNames": ["{id}"]}),
        tags=ALARM_TAGS,
        names={
            "name": "AlarmName",
            "metricQueries": "Metrics",
            "evaluateLowSampleCountPercentiles": "EvaluateLowSampleCountPercentile",
        },
        write={"metricQueries": _queries},
        defaults={"actionsEnabled": True, "treatMissingData": "missing"},
        autoname="name",
        autoname_length=255,
        quiet=("treatMissingData", "evaluateLowSampleCountPercentiles", "datapointsToAlarm"),
        unsupported=("evaluationCriteria", "evaluationInterval"),
    ),
    Resource(
        type="aws:cloudwatch/dashboard:Dashboard",
        service="cloudwatch",
        create=Call("PutDashboard"),
        id="{dashboardName}",
        id_parts=("dashboardName",),
        reads=(Read("GetDashboard", {"DashboardName": "{id}"}),),
        updates=(Update(Call("PutDashboard", {"DashboardName": "{id}"}), whole=True),),
        delete=Call("DeleteDashboards", {"DashboardNames": ["{id}"]}),
        json=("dashboardBody",),
    ),
    Resource(
        type="aws:cloudwatch/eventRule:EventRule",
        service="events",
        create=Call("PutRule"),
        id="{name}",
        id_parts=("name",),
        reads=(
            Read(
                "DescribeRule",
                RULE,
            ),
            Read("ListTagsForResource", {"ResourceARN": "{arn}"}, only=(), tags="Tags"),
        ),
        updates=(
            Update(
                Call(
                    "PutRule",
                    {"Name": "{id}"},
                    takes=(
                        "description",
                        "eventBusName",
                        "eventPattern",
                        "roleArn",
                        "scheduleExpression",
                        "state",
                    ),
                ),
                whole=True,
            ),
        ),
        delete=Call("DeleteRule", {**RULE, "Force": "{forceDestroy}"}),
        tags=ALARM_TAGS,
        json=("eventPattern",),
        defaults={"eventBusName": "default", "state": "ENABLED"},
        check=_enabled,
        autoname="name",
        replaces=("eventBusName",),
        local=("forceDestroy", "isEnabled"),
        unsupported=("namePrefix",),
    ),
    Resource(
        type="aws:cloudwatch/eventTarget:EventTarget",
        service="events",
        create=_put_target,
        id="{rule}/{targetId}",
        id_parts=("rule", "targetId"),
        id_separator="/",
        reads=(
            Read(
                "ListTargetsByRule",
                TARGET,
                at="Targets",
                pick=lambda found, facts: next(
                    (each for each in found or () if each["Id"] == facts.get("targetId")), None
                ),
                fields={"inputTransformer": _transformer},
            ),
        ),
        updates=(
            Custom(
                ("arn", "deadLetterConfig", "input", "inputPath", "inputTransformer", "retryPolicy", "roleArn"),
                _put_target,
            ),
        ),
        delete=Call("RemoveTargets", {**TARGET, "Ids": ["{targetId}"]}),
        json=("input",),
        defaults={"eventBusName": "default"},
        quiet=("eventBusName",),
        autoname="targetId",
        local=("forceDestroy",),
        unsupported=(
            "appsyncTarget",
            "batchTarget",
            "ecsTarget",
            "httpTarget",
            "kinesisTarget",
            "redshiftTarget",
            "runCommandTargets",
            "sagemakerPipelineTarget",
            "sqsTarget",
        ),
    ),
)

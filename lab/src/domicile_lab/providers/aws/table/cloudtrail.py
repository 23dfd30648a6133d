"""AWS CloudTrail. https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/"""

from __future__ import annotations

from typing import Any, Final

from domicile_lab.providers.aws.model import Call, Cloud, Custom, Facts, Read, Resource, Tags, Update


def _switch(cloud: Cloud, facts: Facts) -> None:
    enabled = facts.inputs.get("enableLogging", True)
    cloud.call("cloudtrail", "StartLogging" if enabled else "StopLogging", {"Name": facts.id})


FIELD: Final = {
    "field": "Field",
    "equals": "Equals",
    "startsWiths": "StartsWith",
    "endsWiths": "EndsWith",
    "notEquals": "NotEquals",
    "notStartsWiths": "NotStartsWith",
    "notEndsWiths": "NotEndsWith",
}


def _field(given: dict[str, Any]) -> dict[str, Any]:
    return {FIELD[key]: value for key, value in given.items() if value}


def _logged(inputs: dict[str, Any]) -> list[tuple[str, str]]:
    """A trail is made without logging; a program that does not say wants it to log."""
    inputs.setdefault("enableLogging", True)
    return []


def _selectors(cloud: Cloud, facts: Facts) -> None:
    """What is logged, in one of the two forms."""
    request: dict[str, Any] = {"TrailName": facts.id}
    advanced = facts.inputs.get("advancedEventSelectors")
    if advanced:
        request["AdvancedEventSelectors"] = [
            {"Name": each.get("name", ""), "FieldSelectors": [_field(field) for field in each["fieldSelectors"]]}
            for each in advanced
        ]
    else:
        request["EventSelectors"] = [
            {
                "ReadWriteType": each.get("readWriteType") or "All",
                "IncludeManagementEvents": each.get("includeManagementEvents", True),
                "DataResources": [
                    {"Type": item["type"], "Values": item["values"]} for item in each.get("dataResources") or ()
                ],
                "ExcludeManagementEventSources": each.get("excludeManagementEventSources") or [],
            }
            for each in facts.inputs.get("eventSelectors") or [{}]
        ]
    cloud.call("cloudtrail", "PutEventSelectors", request)


def _insights(cloud: Cloud, facts: Facts) -> None:
    chosen = [{"InsightType": each["insightType"]} for each in facts.inputs.get("insightSelectors") or ()]
    cloud.call("cloudtrail", "PutInsightSelectors", {"TrailName": facts.id, "InsightSelectors": chosen})


RESOURCES: Final = (
    Resource(
        type="aws:cloudtrail/trail:Trail",
        service="cloudtrail",
        create=Call("CreateTrail"),
        id="=TrailARN",
        reads=(
            Read(
                "DescribeTrails",
                {"trailNameList": ["{id}"]},
                at="trailList",
                pick=lambda found, facts: next((each for each in found or () if each["TrailARN"] == facts.id), None),
                fields={"arn": "TrailARN", "enableLogFileValidation": "LogFileValidationEnabled"},
            ),
            Read("GetTrailStatus", {"Name": "{id}"}, only=(), fields={"enableLogging": "IsLogging"}),
            Read("GetEventSelectors", {"TrailName": "{id}"}, only=("eventSelectors", "advancedEventSelectors")),
            Read(
                "GetInsightSelectors",
                {"TrailName": "{id}"},
                gone=("InsightNotEnabledException",),
                only=("insightSelectors",),
            ),
            Read("ListTags", {"ResourceIdList": ["{id}"]}, only=(), tags="ResourceTagList[0].TagsList"),
        ),
        updates=(
            Update(Call("UpdateTrail", {"Name": "{id}"})),
            Custom(("eventSelectors", "advancedEventSelectors"), _selectors, on_create=True),
            Custom(("insightSelectors",), _insights, on_create=True),
            # Started last, when it knows what to log.
            Custom(("enableLogging",), _switch, on_create=True),
        ),
        delete=Call("DeleteTrail", {"Name": lambda facts, _: facts.id.rpartition("/")[2]}),
        tags=Tags(
            Call("AddTags", {"ResourceId": "{id}"}),
            Call("RemoveTags", {"ResourceId": "{id}"}),
            create="TagsList",
            tag_param="TagsList",
            untag_param="TagsList",
            untag_form="pairs",
        ),
        names={"cloudWatchLogsGroupArn": "CloudWatchLogsLogGroupArn"},
        check=_logged,
        defaults={
            "enableLogFileValidation": False,
            "enableLogging": True,
            "includeGlobalServiceEvents": True,
            "isMultiRegionTrail": False,
            "isOrganizationTrail": False,
        },
        replaces=("name",),
        autoname="name",
        autoname_length=128,
    ),
)

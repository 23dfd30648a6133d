"""Amazon GuardDuty. https://docs.aws.amazon.com/guardduty/latest/APIReference/"""

from __future__ import annotations

from typing import Any, Final

from domicile_lab.providers.aws.model import Call, Cloud, Custom, Facts, Read, Resource, Tags, Update

DETECTOR: Final = {"DetectorId": "{id}"}
ARN: Final = "arn:{partition}:guardduty:{region}:{account}:detector/{id}"


def _enabled(facts: Facts, _: Any) -> bool:
    return bool(facts.inputs.get("enable", True))


def _sources(given: Any) -> dict[str, Any]:
    """Data sources; whether each is on is told by another word in each direction."""
    found: dict[str, Any] = {}
    if given.get("s3Logs"):
        found["S3Logs"] = {"Enable": given["s3Logs"]["enable"]}
    if given.get("kubernetes"):
        found["Kubernetes"] = {"AuditLogs": {"Enable": given["kubernetes"]["auditLogs"]["enable"]}}
    if given.get("malwareProtection"):
        volumes = given["malwareProtection"]["scanEc2InstanceWithFindings"]["ebsVolumes"]["enable"]
        found["MalwareProtection"] = {"ScanEc2InstanceWithFindings": {"EbsVolumes": volumes}}
    return found


def _told_sources(detector: Any) -> dict[str, Any] | None:
    held = detector.get("DataSources") or {}
    found: dict[str, Any] = {}
    if "S3Logs" in held:
        found["s3Logs"] = {"enable": held["S3Logs"].get("Status") == "ENABLED"}
    if "Kubernetes" in held:
        found["kubernetes"] = {"auditLogs": {"enable": held["Kubernetes"]["AuditLogs"].get("Status") == "ENABLED"}}
    volumes = ((held.get("MalwareProtection") or {}).get("ScanEc2InstanceWithFindings") or {}).get("EbsVolumes")
    if volumes:
        ebs = {"enable": volumes.get("Status") == "ENABLED"}
        found["malwareProtection"] = {"scanEc2InstanceWithFindings": {"ebsVolumes": ebs}}
    return found or None


def _feature(cloud: Cloud, facts: Facts) -> dict[str, str]:
    """A feature is set beside whom the configuration enrols, which each call has to say again."""
    detector, name = facts.get("detectorId"), facts.get("name")
    held = cloud.call("guardduty", "DescribeOrganizationConfiguration", {"DetectorId": detector})
    feature = {"Name": name, "AutoEnable": facts.inputs["autoEnable"]}
    request = {"DetectorId": detector, "Features": [feature]}
    if enrols := held.get("AutoEnableOrganizationMembers"):
        request["AutoEnableOrganizationMembers"] = enrols
    cloud.call("guardduty", "UpdateOrganizationConfiguration", request)
    return {"id": f"{detector}/{name}"}


RESOURCES: Final = (
    Resource(
        type="aws:guardduty/detector:Detector",
        service="guardduty",
        create=Call("CreateDetector", {"Enable": _enabled}),
        id="=DetectorId",
        reads=(
            Read(
                "GetDetector",
                DETECTOR,
                gone=("BadRequestException",),
                fields={"enable": lambda found: found.get("Status") == "ENABLED", "datasources": _told_sources},
                tags="Tags",
            ),
        ),
        updates=(
            Update(
                Call(
                    "UpdateDetector",
                    {**DETECTOR, "Enable": _enabled},
                    takes=("enable", "findingPublishingFrequency", "datasources"),
                )
            ),
        ),
        delete=Call("DeleteDetector", DETECTOR),
        tags=Tags(
            Call("TagResource", {"ResourceArn": ARN}),
            Call("UntagResource", {"ResourceArn": ARN}),
            create="Tags",
            form="map",
        ),
        names={"datasources": "DataSources"},
        write={"datasources": _sources},
        computed={"arn": ARN, "accountId": "{account}"},
        defaults={"enable": True},
    ),
    Resource(
        type="aws:guardduty/organizationAdminAccount:OrganizationAdminAccount",
        service="guardduty",
        create=Call("EnableOrganizationAdminAccount"),
        id="{adminAccountId}",
        id_parts=("adminAccountId",),
        reads=(
            Read(
                "ListOrganizationAdminAccounts",
                at="AdminAccounts",
                pick=lambda found, facts: next(
                    (each for each in found or () if each["AdminAccountId"] == facts.id), None
                ),
            ),
        ),
        delete=Call("DisableOrganizationAdminAccount", {"AdminAccountId": "{id}"}),
    ),
    Resource(
        type="aws:guardduty/organizationConfiguration:OrganizationConfiguration",
        service="guardduty",
        create=Call("UpdateOrganizationConfiguration", {"DetectorId": "{detectorId}"}),
        id="{detectorId}",
        id_parts=("detectorId",),
        reads=(
            Read(
                "DescribeOrganizationConfiguration",
                DETECTOR,
                gone=("BadRequestException",),
                only=("autoEnableOrganizationMembers",),
            ),
        ),
        updates=(Update(Call("UpdateOrganizationConfiguration", DETECTOR), whole=True),),
        # There is always one: the service has no call that takes it away.
        delete=None,
        unsupported=("datasources",),
        replaces=("detectorId",),
    ),
    Resource(
        type="aws:guardduty/organizationConfigurationFeature:OrganizationConfigurationFeature",
        service="guardduty",
        create=_feature,
        id="=id",
        id_parts=("detectorId", "name"),
        id_separator="/",
        reads=(
            Read(
                "DescribeOrganizationConfiguration",
                {"DetectorId": "{detectorId}"},
                at="Features",
                gone=("BadRequestException",),
                pick=lambda found, facts: next(
                    (each for each in found or () if each["Name"] == facts.get("name")), None
                ),
                only=("autoEnable",),
                fields={"autoEnable": "AutoEnable"},
            ),
        ),
        updates=(Custom(("autoEnable",), _feature),),
        delete=None,
        unsupported=("additionalConfigurations",),
    ),
)

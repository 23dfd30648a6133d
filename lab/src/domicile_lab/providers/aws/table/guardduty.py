"""Amazon GuardDuty. https://docs.aws.amazon.com/guardduty/latest/APIReference/"""

from __future__ import annotations

from typing import Any, Final

from domicile_lab.providers.aws.model import Call, Facts, Read, Resource, Tags, Update

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
)

"""Amazon EC2: launch templates. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/"""

from __future__ import annotations

from typing import Any, Final

from domicile_lab.providers.aws.model import Call, Cloud, Custom, Facts, Read, Resource, Update
from domicile_lab.providers.aws.table._ec2 import ARN, tags


def _launched(version: Any) -> Any:
    """Tags of what is launched; moto puts the template's own among them."""
    return [
        {"resourceType": each["ResourceType"], "tags": {tag["Key"]: tag["Value"] for tag in each["Tags"]}}
        for each in version["LaunchTemplateData"].get("TagSpecifications") or ()
        if each["ResourceType"] != "launch-template"
    ]


def _promote(cloud: Cloud, facts: Facts) -> None:
    if facts.inputs.get("updateDefaultVersion"):
        newest = {"LaunchTemplateId": facts.id, "Versions": ["$Latest"]}
        version = cloud.call("ec2", "DescribeLaunchTemplateVersions", newest)["LaunchTemplateVersions"][0]
        wanted = str(version["VersionNumber"])
    elif facts.inputs.get("defaultVersion"):
        wanted = str(facts.inputs["defaultVersion"])
    else:
        return
    cloud.call("ec2", "ModifyLaunchTemplate", {"LaunchTemplateId": facts.id, "DefaultVersion": wanted})


TEMPLATE: Final = (  # noqa: SIM905
    "blockDeviceMappings capacityReservationSpecification cpuOptions creditSpecification disableApiStop "
    "disableApiTermination ebsOptimized enclaveOptions hibernationOptions iamInstanceProfile imageId "
    "instanceInitiatedShutdownBehavior instanceMarketOptions instanceType kernelId keyName licenseSpecifications "
    "maintenanceOptions metadataOptions monitoring networkInterfaces placement privateDnsNameOptions ramDiskId "
    "securityGroupNames tagSpecifications userData vpcSecurityGroupIds"
).split()


RESOURCES: Final = (
    Resource(
        type="aws:ec2/launchTemplate:LaunchTemplate",
        service="ec2",
        create=Call(
            "CreateLaunchTemplate",
            {"LaunchTemplateName": "{name}", "VersionDescription": "{description}"},
            takes=tuple(TEMPLATE),
            inside="LaunchTemplateData",
        ),
        id="=LaunchTemplate.LaunchTemplateId",
        reads=(
            Read(
                "DescribeLaunchTemplates",
                {"LaunchTemplateIds": ["{id}"]},
                at="LaunchTemplates",
                gone=("InvalidLaunchTemplateId.NotFound",),
                fields={
                    "name": "LaunchTemplateName",
                    "latestVersion": "LatestVersionNumber",
                    "defaultVersion": "DefaultVersionNumber",
                },
                only=(),
                tags="LaunchTemplates[0].Tags",
            ),
            Read(
                "DescribeLaunchTemplateVersions",
                {"LaunchTemplateId": "{id}", "Versions": ["$Latest"]},
                at="LaunchTemplateVersions",
                only=tuple(TEMPLATE),
                fields={
                    "description": "VersionDescription",
                    **{key: f"LaunchTemplateData.{key[0].upper()}{key[1:]}" for key in TEMPLATE},
                    "vpcSecurityGroupIds": "LaunchTemplateData.SecurityGroupIds",
                    "securityGroupNames": "LaunchTemplateData.SecurityGroups",
                    "tagSpecifications": _launched,
                },
            ),
        ),
        updates=(
            Update(
                Call(
                    "CreateLaunchTemplateVersion",
                    {"LaunchTemplateId": "{id}", "VersionDescription": "{description}"},
                    takes=(*TEMPLATE, "description"),
                    inside="LaunchTemplateData",
                ),
                whole=True,
            ),
            Custom(("updateDefaultVersion", "defaultVersion", "description", *TEMPLATE), _promote),
        ),
        delete=Call("DeleteLaunchTemplate", {"LaunchTemplateId": "{id}"}),
        tags=tags("launch-template"),
        names={
            "vpcSecurityGroupIds": "SecurityGroupIds",
            "securityGroupNames": "SecurityGroups",
            "networkInterfaces.ipv4AddressCount": "SecondaryPrivateIpAddressCount",
            "networkInterfaces.securityGroups": "Groups",
        },
        computed={"arn": ARN + "launch-template/{id}"},
        autoname="name",
        autoname_length=125,
        volatile=("latestVersion", "defaultVersion"),
        local=("updateDefaultVersion",),
        unsupported=(
            "instanceRequirements",
            "namePrefix",
            "networkPerformanceOptions",
            "secondaryInterfaces",
            "networkInterfaces.ipv4Addresses",
            "blockDeviceMappings.volumeInitializationRate",
        ),
    ),
)

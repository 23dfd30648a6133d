"""AWS Security Hub. https://docs.aws.amazon.com/securityhub/1.0/APIReference/"""

from __future__ import annotations

from typing import Final

from domicile_lab.providers.aws.model import Call, Cloud, Facts, Read, Resource, Update


def _leave(cloud: Cloud, facts: Facts) -> None:
    """A member is let go before it is forgotten."""
    for operation in ("DisassociateMembers", "DeleteMembers"):
        cloud.call("securityhub", operation, {"AccountIds": [facts.id]})


RESOURCES: Final = (
    Resource(
        type="aws:securityhub/account:Account",
        service="securityhub",
        create=Call("EnableSecurityHub", takes=("enableDefaultStandards", "controlFindingGenerator")),
        id="{account}",
        reads=(Read("DescribeHub", gone=("InvalidAccessException",), fields={"arn": "HubArn"}),),
        updates=(Update(Call("UpdateSecurityHubConfiguration"), on_create=True),),
        delete=Call("DisableSecurityHub"),
        defaults={"autoEnableControls": True},
        untold=("enableDefaultStandards",),
        replaces=("enableDefaultStandards",),
        quiet=("autoEnableControls", "controlFindingGenerator"),
    ),
    Resource(
        type="aws:securityhub/organizationAdminAccount:OrganizationAdminAccount",
        service="securityhub",
        create=Call("EnableOrganizationAdminAccount"),
        id="{adminAccountId}",
        id_parts=("adminAccountId",),
        reads=(
            Read(
                "ListOrganizationAdminAccounts",
                at="AdminAccounts",
                pick=lambda found, facts: next((each for each in found or () if each["AccountId"] == facts.id), None),
            ),
        ),
        delete=Call("DisableOrganizationAdminAccount", {"AdminAccountId": "{id}"}),
    ),
    Resource(
        type="aws:securityhub/organizationConfiguration:OrganizationConfiguration",
        service="securityhub",
        create=Call("UpdateOrganizationConfiguration"),
        id="{account}",
        reads=(Read("DescribeOrganizationConfiguration", only=("autoEnable", "autoEnableStandards")),),
        updates=(Update(Call("UpdateOrganizationConfiguration"), whole=True),),
        # There is always one: the service has no call that takes it away.
        delete=None,
        unsupported=("organizationConfiguration",),
    ),
    Resource(
        type="aws:securityhub/member:Member",
        service="securityhub",
        create=Call("CreateMembers", {"AccountDetails": [{"AccountId": "{accountId}", "Email": "{email}"}]}, takes=()),
        id="{accountId}",
        id_parts=("accountId",),
        reads=(Read("GetMembers", {"AccountIds": ["{id}"]}, at="Members[0]"),),
        delete=_leave,
        unsupported=("invite",),
    ),
)

"""AWS Security Hub. https://docs.aws.amazon.com/securityhub/1.0/APIReference/"""

from __future__ import annotations

from typing import Final

from domicile_lab.providers.aws.model import Call, Read, Resource, Update

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
)

"""What a record of a shelf belongs to, which must be there before it: the families' `requires`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from moto.backup.models import backup_backends
from moto.core.models import DEFAULT_ACCOUNT_ID

from domicile_lab.cloud.shelf_records import Place, Records

Lack = tuple[str, str]
"""The service's code of the error, and its message."""
Required = Callable[[Mapping[str, Any], Place, Records], Lack | None]


def _record(service: str, family: str, named_by: Mapping[str, str], code: str, message: str) -> Required:
    """A record of another family: its members by the parameters that name it; `message` is formatted with these."""

    def lack(members: Mapping[str, Any], place: Place, records: Records) -> Lack | None:
        wanted = {member: members.get(name) for name, member in named_by.items()}
        if any(
            all(one[member] == value for member, value in wanted.items()) for one in records(service, family, place)
        ):
            return None
        return code, message.format(**{name: members.get(name) for name in named_by})

    return lack


def _vault(members: Mapping[str, Any], place: Place, records: Records) -> Lack | None:
    """A vault is moto's."""
    name = members.get("BackupVaultName")
    if name in backup_backends[place.account][place.region].vaults:
        return None
    return "ResourceNotFoundException", f"Backup vault {name} does not exist."


def _administrator(service: str, code: str) -> Required:
    """Only whom the management account has made the service's administrator in that region may rule on members."""

    def lack(members: Mapping[str, Any], place: Place, records: Records) -> Lack | None:
        admins = records(service, "organization admin", Place(DEFAULT_ACCOUNT_ID, place.region))
        if any(one["AdminAccountId"] == place.account for one in admins):
            return None
        return code, f"The account {place.account} is not the delegated administrator of {service} in {place.region}."

    return lack


REQUIRED: Mapping[str, Required] = {
    "cluster": _record(
        "eks",
        "cluster",
        {"clusterName": "name"},
        "ResourceNotFoundException",
        "No cluster found for name: {clusterName}.",
    ),
    "access entry": _record(
        "eks",
        "access entry",
        {"clusterName": "clusterName", "principalArn": "principalArn"},
        "ResourceNotFoundException",
        "The specified principalArn could not be found: {principalArn}.",
    ),
    "vault": _vault,
    "plan": _record(
        "backup",
        "plan",
        {"BackupPlanId": "BackupPlanId"},
        "ResourceNotFoundException",
        "Cannot find Backup plan with ID {BackupPlanId}.",
    ),
    "budget": _record(
        "budgets",
        "budget",
        {"BudgetName": "BudgetName"},
        "NotFoundException",
        "Unable to get budget: {BudgetName} - the budget doesn't exist.",
    ),
    "firewall policy": _record(
        "network-firewall",
        "firewall policy",
        {"FirewallPolicyArn": "FirewallPolicyArn"},
        "InvalidRequestException",
        "The firewall policy {FirewallPolicyArn} does not exist.",
    ),
    "guardduty administrator": _administrator("guardduty", "BadRequestException"),
    "hub administrator": _administrator("securityhub", "InvalidAccessException"),
}

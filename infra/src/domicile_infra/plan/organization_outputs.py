"""What the stack `organization` tells the others: the form of its outputs, and the one way to read them.

A cell's stack gets them by a stack reference. What is missing or misformed is an error that names it; nothing is made
up in its place, for a cell built on a guess would be built in the wrong account.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from domicile_infra.plan.errors import PlanError

SCHEMA = 1
OUTPUT = "organization"
"""The name of the stack's one output."""

_ACCOUNT = re.compile(r"^[0-9]{12}$")
_ORGANIZATION = re.compile(r"^o-[a-z0-9]{10,32}$")
_ROLE = re.compile(r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$")
_POLICY = re.compile(r"^arn:aws[a-z-]*:iam::[0-9]{12}:policy/.+$")
_KEY = re.compile(r"^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/.+$")
_ANY = re.compile(r"^.+$")


class OutputsError(PlanError):
    """The outputs of the organisation's stack are not what this version of the program reads."""


@dataclass(frozen=True, slots=True)
class AccountOutputs:
    """An account: its id, what it is for, its unit, and its roles' ARNs by persona (`deployer`, `audit` among them).

    `boundary` is the ARN of the policy that bounds what its engineers can allow.
    """

    id: str
    role: str
    unit: str
    roles: Mapping[str, str]
    boundary: str


@dataclass(frozen=True, slots=True)
class ArchiveOutputs:
    """An archive of audit logs: its bucket's name, its key's ARN, the account that it is in, its lock in days."""

    bucket: str
    key_arn: str
    account_id: str
    retention_days: int


@dataclass(frozen=True, slots=True)
class CellOutputs:
    """What the stack of one cell needs to know of its organisation."""

    organization_id: str
    zone: str
    account: AccountOutputs
    deployer_role_arn: str
    archive: ArchiveOutputs


@dataclass(frozen=True, slots=True)
class OrganizationOutputs:
    """Everything: accounts by name (a cell's is the cell's name), the zone of each cell, archives by unit and region.

    `log_archives` holds them by the unit's name, then by the region's.
    """

    organization_id: str
    management_account_id: str
    accounts: Mapping[str, AccountOutputs]
    zone_of_cell: Mapping[str, str]
    log_archives: Mapping[str, Mapping[str, ArchiveOutputs]]

    def of_cell(self, cell: str, place: str) -> CellOutputs:
        """What the cell's stack needs. Raises OutputsError where the organisation has no such cell there."""
        zone = self.zone_of_cell.get(cell)
        account = self.accounts.get(cell)
        if zone is None or account is None:
            known = ", ".join(sorted(self.zone_of_cell)) or "none"
            raise OutputsError(
                f"The organisation has no account for the cell {cell}: it knows {known}. Run `pulumi up` on the "
                "organisation's stack first."
            )
        archive = self.log_archives.get(zone, {}).get(place)
        deployer = account.roles.get("deployer")
        if archive is None or deployer is None:
            lacking = f"log archive of {zone} in {place}" if archive is None else f"deployer role in {cell}"
            raise OutputsError(
                f"The organisation has no {lacking}. Run `pulumi up` on its stack with the environment as it is now."
            )
        return CellOutputs(self.organization_id, zone, account, deployer, archive)


def parse_outputs(value: object) -> OrganizationOutputs:
    """The outputs as a value. Raises OutputsError with every fault: what is missing, misformed or of another schema."""
    reader = _Reader()
    whole = reader.mapping(value, "")
    if isinstance(whole.get("schema"), bool) or whole.get("schema") != SCHEMA:
        raise OutputsError(
            f"The organisation's outputs have schema {whole.get('schema')!r}, and this program reads {SCHEMA}. Run "
            "`pulumi up` on the organisation's stack with the same version of the program."
        )
    accounts = {
        name: _account(reader, one, f"accounts.{name}")
        for name, one in reader.mapping(whole.get("accounts"), "accounts").items()
    }
    archives = {
        unit: {
            region: _archive(reader, one, f"logArchives.{unit}.{region}")
            for region, one in reader.mapping(regions, f"logArchives.{unit}").items()
        }
        for unit, regions in reader.mapping(whole.get("logArchives"), "logArchives").items()
    }
    zones = {
        cell: reader.text(zone, f"zoneOfCell.{cell}", _ANY)
        for cell, zone in reader.mapping(whole.get("zoneOfCell"), "zoneOfCell").items()
    }
    found = OrganizationOutputs(
        organization_id=reader.text(whole.get("organizationId"), "organizationId", _ORGANIZATION),
        management_account_id=reader.text(whole.get("managementAccountId"), "managementAccountId", _ACCOUNT),
        accounts=accounts,
        zone_of_cell=zones,
        log_archives=archives,
    )
    if reader.faults:
        raise OutputsError(
            f"The organisation's outputs cannot be read: {'; '.join(reader.faults)}. Run `pulumi up` on its stack."
        )
    return found


def _account(reader: "_Reader", value: object, path: str) -> AccountOutputs:
    one = reader.mapping(value, path)
    roles = reader.mapping(one.get("roles"), f"{path}.roles")
    return AccountOutputs(
        id=reader.text(one.get("id"), f"{path}.id", _ACCOUNT),
        role=reader.text(one.get("role"), f"{path}.role", _ANY),
        unit=reader.text(one.get("unit"), f"{path}.unit", _ANY),
        roles={name: reader.text(arn, f"{path}.roles.{name}", _ROLE) for name, arn in roles.items()},
        boundary=reader.text(one.get("boundary"), f"{path}.boundary", _POLICY),
    )


def _archive(reader: "_Reader", value: object, path: str) -> ArchiveOutputs:
    one = reader.mapping(value, path)
    return ArchiveOutputs(
        bucket=reader.text(one.get("bucket"), f"{path}.bucket", _ANY),
        key_arn=reader.text(one.get("keyArn"), f"{path}.keyArn", _KEY),
        account_id=reader.text(one.get("accountId"), f"{path}.accountId", _ACCOUNT),
        retention_days=reader.days(one.get("retentionDays"), f"{path}.retentionDays"),
    )


class _Reader:
    """Reads values of a form, and keeps every fault."""

    def __init__(self) -> None:
        self.faults: list[str] = []

    def mapping(self, value: object, path: str) -> Mapping[str, Any]:
        if isinstance(value, Mapping):
            return value
        self.faults.append(f"{path or 'the whole'} is {_shown(value)}, not a mapping")
        return {}

    def text(self, value: object, path: str, form: re.Pattern[str]) -> str:
        if isinstance(value, str) and form.fullmatch(value):
            return value
        self.faults.append(f"{path} is {_shown(value)}")
        return ""

    def days(self, value: object, path: str) -> int:
        # The engine keeps every number as a float.
        if isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 1 and value == int(value):
            return int(value)
        self.faults.append(f"{path} is {_shown(value)}, not a number of days")
        return 0


def _shown(value: object) -> str:
    return "missing" if value is None else repr(value)

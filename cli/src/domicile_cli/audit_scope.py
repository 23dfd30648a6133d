"""What an audit of an environment is held against: which account is for what, and whose law binds it. Pure.

The environment's file says which accounts there should be, the organisation which there are. Nothing is taken from a
plan or a stack's state: those say what was meant to be built.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from domicile_audit.cloud.client import Member
from domicile_audit.cloud.client import Organization as Found
from domicile_audit.holding import Unread
from domicile_audit.scope import AccountScope, AuditScope, laws_of
from domicile_catalog.environment import Cell, Environment, Organization
from domicile_infra.plan.accounts import plan_zones
from domicile_infra.plan.errors import PlanError
from domicile_infra.plan.retention import retention_years
from domicile_policies.names import LOG_ARCHIVE, SECURITY, SHARED_SERVICES, AccountRole

from domicile_cli.validation import Folder

_DAYS_IN_YEAR = 365


@dataclass(frozen=True, slots=True)
class Scoped:
    """The scope, and what of the environment cannot be read because it has no account yet."""

    scope: AuditScope
    missing: tuple[Unread, ...]


def scope_of(folder: Folder, found: Found | None, on: date, clusters: Iterable[str] = ()) -> Scoped:
    """The scope of an environment's audit on a day.

    `found` is the cloud's organisation, None where only clusters are read. `clusters` are the names of those; one that
    is no cell in the cloud is a site's, and holds what the environment's tenants keep.
    """
    environment = folder.environment
    cells = environment.cells if environment else ()
    tenants = {manifest.tenant.spec.jurisdiction for manifest in folder.tenants}
    jurisdictions = sorted({*tenants, *(code for cell in cells for code in cell.jurisdictions)})
    jurisdictions = [code for code in jurisdictions if code in folder.catalogue.jurisdictions]
    accounts: list[AccountScope] = []
    missing: list[Unread] = []
    if environment and environment.organization and found:
        accounts, missing = _accounts(folder, environment, environment.organization, found, on)
    known = {account.cell for account in accounts}
    accounts += [
        AccountScope(
            account_id=name, role=AccountRole.CELL, cell=name, jurisdictions=_of(cells, name) or tuple(jurisdictions)
        )
        for name in clusters
        if name not in known
    ]
    return Scoped(
        scope=AuditScope(
            environment=folder.name,
            production=folder.production,
            organization_id=found.id if found else "",
            organization_accounts=frozenset(one.id for one in found.accounts) if found else frozenset(),
            accounts=tuple(accounts),
            laws=laws_of(
                folder.catalogue,
                jurisdictions,
                on=on,
                production=folder.production,
                attestations=folder.attestations,
            ),
            catalogue_version=folder.catalogue.version,
            on=on,
        ),
        missing=tuple(missing),
    )


def _accounts(
    folder: Folder, environment: Environment, organization: Organization, found: Found, on: date
) -> tuple[list[AccountScope], list[Unread]]:
    """The management account, the organisation's own, and one for each cell."""
    every = tuple(sorted({code for cell in environment.cells for code in cell.jurisdictions}))
    accounts = [AccountScope(account_id=organization.account, role=AccountRole.MANAGEMENT)]
    missing: list[Unread] = []

    def add(name: str, role: AccountRole, codes: tuple[str, ...] = (), cell: Cell | None = None) -> None:
        member = _member(environment, organization, name, (cell.account if cell else None), found.accounts)
        if member is None:
            missing.append(_no_account(name))
            return
        accounts.append(
            AccountScope(
                account_id=member,
                role=role,
                cell=cell.name if cell else None,
                jurisdictions=codes,
                retention_days=_retention(folder, environment, codes, on),
            )
        )

    add(SECURITY, AccountRole.SECURITY)
    add(SHARED_SERVICES, AccountRole.SHARED_SERVICES)
    # A cell that is in no zone by today's law has its account all the same, and an archive of nobody knows which zone.
    zones, _faults = plan_zones(environment, folder.catalogue, on, folder.attestations)
    planned = {zone.log_archive: zone.jurisdictions for zone in zones}
    standing = {one.removeprefix(f"{environment.name}-") for one in _names(found) if LOG_ARCHIVE in one}
    for name in sorted({*planned, *(one for one in standing if one.startswith(LOG_ARCHIVE))}):
        add(name, AccountRole.LOG_ARCHIVE, planned.get(name, every))
    for cell in environment.cells:
        add(cell.name, AccountRole.CELL, tuple(sorted(cell.jurisdictions)), cell)
    return accounts, missing


def _names(found: Found) -> list[str]:
    return [one.name for one in found.accounts]


def _member(
    environment: Environment, organization: Organization, name: str, given: str | None, members: Iterable[Member]
) -> str | None:
    """The account's id: what the environment says, or that of the account with its address, which is AWS's key."""
    known = given or organization.accounts.get(name)
    address = organization.email.replace("{account}", f"{environment.name}-{name}").lower()
    return known or next((one.id for one in members if one.email.lower() == address), None)


def _of(cells: Iterable[Cell], name: str) -> tuple[str, ...]:
    return next((tuple(sorted(cell.jurisdictions)) for cell in cells if cell.name == name), ())


def _retention(folder: Folder, environment: Environment, codes: tuple[str, ...], on: date) -> int | None:
    """How long an audit log has to be locked, in days; a day elsewhere than in production; None where nobody knows."""
    if not environment.production:
        return 1
    try:
        return retention_years(folder.catalogue, codes, on, folder.attestations) * _DAYS_IN_YEAR if codes else None
    except PlanError:
        return None


def _no_account(name: str) -> Unread:
    return Unread(
        account=name,
        region="*",
        service="organizations",
        operation="list_accounts",
        resource=name,
        reason="environment.yaml has it, and the organisation has no account for it: it is not built, or was renamed",
    )

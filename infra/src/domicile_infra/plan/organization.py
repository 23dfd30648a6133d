"""An organisation as a value: everything that the stack `organization` builds, decided without asking a cloud."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date

from domicile_catalog import Attestation, Catalogue, Fault
from domicile_catalog.environment import Budget, Environment, IdentityCenter, Organization
from domicile_policies.documents import PolicyDocument, PolicyType, QuotaError, policy
from domicile_policies.names import CORE

from domicile_infra.plan.accounts import (
    SUSPENDED,
    AccountPlan,
    ZonePlan,
    check_accounts,
    opt_in_regions,
    plan_accounts,
    plan_zones,
    regions_in_use,
)
from domicile_infra.plan.attachments import documents_of
from domicile_infra.plan.choices import OrganizationChoices, choices_of
from domicile_infra.plan.log_archive import ArchivePlan, check_archives, plan_archives, years_of_each
from domicile_infra.plan.organization_faults import OrganizationPlanError, PlanFault
from domicile_infra.plan.organization_policies import Documents, check_documents
from domicile_infra.plan.personas import (
    PermissionSetPlan,
    RolePlan,
    check_personas,
    plan_permission_sets,
    plan_roles,
)
from domicile_infra.plan.tags import ORGANIZATION, TagScope


@dataclass(frozen=True, slots=True)
class OrganizationPlan:
    """Everything that the stack builds. Made by `plan_organization`; every name in it is of something that is in it.

    `units` are the organisational units below the root. `regions` are those in use, the home first. `opt_in` has the
    regions that an account must be opted into, by its name; under None the management account's. `roles` are by the
    account's name.
    """

    environment: str
    production: bool
    owner: str
    stack: str
    management_account: str
    home: str
    regions: tuple[str, ...]
    units: tuple[str, ...]
    zones: tuple[ZonePlan, ...]
    accounts: tuple[AccountPlan, ...]
    opt_in: Mapping[str | None, tuple[str, ...]]
    documents: Documents
    archives: tuple[ArchivePlan, ...]
    roles: Mapping[str, tuple[RolePlan, ...]]
    permission_sets: tuple[PermissionSetPlan, ...]
    identity_center: IdentityCenter | None
    budget: Budget | None
    choices: OrganizationChoices

    @property
    def tags(self) -> TagScope:
        """The tags of what belongs to the organisation: no cell's, no jurisdiction's."""
        return TagScope(self.environment, ORGANIZATION, (), self.owner)

    def account(self, name: str) -> AccountPlan:
        """The account of that name. Raises KeyError where none is planned."""
        for account in self.accounts:
            if account.name == name:
                return account
        raise KeyError(name)

    def public_access_is_blocked_above(self, account: AccountPlan) -> bool:
        """Whether a policy of the organisation blocks public buckets there already: S3 then refuses the account's own
        setting (S3 user guide, "Configuring block public access settings for your account").
        """
        return any(document.type is PolicyType.S3 for document in self.documents.of_account(account))

    def zone_of_cell(self, cell: str) -> ZonePlan:
        """The zone that a cell is in. Raises KeyError where no such cell is planned."""
        for zone in self.zones:
            if cell in zone.cells:
                return zone
        raise KeyError(cell)


def plan_organization(
    environment: Environment,
    catalogue: Catalogue,
    on: date,
    documents: Documents | None = None,
    *,
    attestations: Iterable[Attestation] = (),
    choices: OrganizationChoices | None = None,
) -> OrganizationPlan:
    """The organisation of an environment, under the law of a day. Pure and deterministic.

    `catalogue` has the environment's sites; `documents` are the policies of each target, the policies' own where left
    out; `choices` are what the environment chooses, where left out. Raises OrganizationPlanError with every fault:
    cells outside a zone, names and ids claimed twice, what AWS's quotas do not allow, roles that nobody could assume,
    retention that is not known.
    """
    chosen, known = choices or choices_of(environment), tuple(attestations)
    organization, owner = _asked_for(environment)
    zones, zone_faults = plan_zones(environment, catalogue, on, known)
    years, retention_faults = years_of_each(environment, catalogue, on, known)
    accounts = plan_accounts(environment, zones, chosen.facts)
    archives = plan_archives(environment, zones, years, chosen.facts, chosen.lock_days) if not retention_faults else ()
    roles = {
        account.name: plan_roles(environment, account, accounts, archives, chosen.regulators_until)
        for account in accounts
    }
    units = units_of(zones)
    regions = regions_in_use(organization, zones, chosen.facts)
    try:
        attached = _with_suspended(documents or documents_of(environment, zones, chosen.policy_quotas))
    except QuotaError as error:
        remedy = "Change the documents (domicile_policies), or have AWS raise the quota and write it there."
        fault = PlanFault(str(error), "quotas of AWS Organizations", remedy, "organization.quotas")
        raise OrganizationPlanError([fault]) from error
    faults = (
        *zone_faults,
        *retention_faults,
        *check_accounts(environment, zones, accounts, chosen.facts),
        *check_archives(environment, archives, chosen.facts, chosen.lock_days),
        *check_personas(environment, roles, chosen.facts),
        *check_documents(attached, units, tuple(one.name for one in accounts), chosen.policy_quotas),
    )
    if faults:
        raise OrganizationPlanError(faults)
    return OrganizationPlan(
        environment=environment.name,
        production=environment.production,
        owner=owner,
        stack=organization.stack,
        management_account=organization.account,
        home=organization.home,
        regions=regions,
        units=tuple(units),
        zones=zones,
        accounts=accounts,
        opt_in=opt_in_regions(catalogue, accounts, regions),
        documents=attached,
        archives=archives,
        roles=roles,
        permission_sets=plan_permission_sets(environment, accounts),
        identity_center=organization.identity_center,
        budget=organization.budget,
        choices=chosen,
    )


def organization_faults(
    environment: Environment, catalogue: Catalogue, on: date, attestations: Iterable[Attestation]
) -> tuple[Fault, ...]:
    """Whatever forbids the environment's organisation on a day, each with the field of environment.yaml it is of."""
    try:
        plan_organization(environment, catalogue, on, attestations=attestations)
    except OrganizationPlanError as error:
        return tuple(fault.in_file() for fault in error.faults)
    return ()


def units_of(zones: Iterable[ZonePlan]) -> dict[str, bool]:
    """The organisational units by name, and whether each is a residency zone's."""
    return {CORE: False, SUSPENDED: False} | {zone.name: True for zone in zones}


# An account on its way out does nothing any more, and keeps what it has until it is closed.
_NOTHING = PolicyDocument(
    f"{SUSPENDED}-nothing",
    PolicyType.SERVICE_CONTROL,
    policy({"Sid": "DenyEverything", "Effect": "Deny", "Action": "*", "Resource": "*"}),
)


def _with_suspended(documents: Documents) -> Documents:
    return replace(documents, units={SUSPENDED: (_NOTHING,), **documents.units})


def targets_of(account: AccountPlan) -> tuple[str, ...]:
    """What `pulumi preview` and `up` take as --target to plan this account alone, with all that is in it."""
    return (f"**::{account.name}", f"**::{account.name}/**")


def _asked_for(environment: Environment) -> tuple[Organization, str]:
    if environment.organization is None:
        raise OrganizationPlanError(
            [
                PlanFault(
                    f"{environment.name} has no organisation",
                    "environment.yaml",
                    "Write `organization` there.",
                    "organization",
                )
            ]
        )
    if environment.owner is None:
        problem = f"{environment.name} has no owner, whose address every resource is tagged with"
        raise OrganizationPlanError([PlanFault(problem, "environment.yaml", "Write `owner` there.", "owner")])
    return environment.organization, environment.owner


__all__ = [
    "AccountPlan",
    "Documents",
    "OrganizationChoices",
    "OrganizationPlan",
    "OrganizationPlanError",
    "choices_of",
    "organization_faults",
    "plan_organization",
    "targets_of",
    "units_of",
]

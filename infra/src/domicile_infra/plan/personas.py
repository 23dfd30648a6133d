"""Who may come to which account as what: the table of personas, for roles and for permission sets alike.

A role's name is the same in every account. What a person may do is a document of `persona_documents`; who the person
is stands in the environment: principals of roles, or groups of IAM Identity Center.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from domicile_catalog.environment import Environment, Organization, Persona
from domicile_policies import names
from domicile_policies.names import AccountRole

from domicile_infra.plan import persona_documents as documents
from domicile_infra.plan.accounts import AccountPlan
from domicile_infra.plan.audit_reads import audit_document
from domicile_infra.plan.aws_facts import AwsFacts
from domicile_infra.plan.log_archive import ArchivePlan
from domicile_infra.plan.organization_faults import PlanFault

DEPLOYER, AUDIT = "deployer", "audit"
"""Roles that are no person's: the program that builds a cell, and the one that reads everything back."""

HOUR = 3600


@dataclass(frozen=True, slots=True)
class ArchiveRead:
    """What a regulator reads of an archive: logs of accounts (by name), and the evidence of jurisdictions."""

    archive: str
    accounts: tuple[str, ...]
    jurisdictions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RolePlan:
    """A role in one account. `persona` is a Persona's value, or `deployer`, or `audit`.

    `principals` are who may assume it, under these conditions: `mfa`, the `external_id`, not after `until` (UTC),
    through the endpoints of `regions` alone, and from the organisation alone if `inside`. `managed` are ARNs of
    AWS's policies, `document` is one of ours; a regulator's is made of `reads` once the buckets have names.
    `bounded` roles have the boundary of the account. Sessions last `session_seconds` at most.
    """

    name: str
    persona: str
    purpose: str
    principals: tuple[str, ...]
    managed: tuple[str, ...] = ()
    document: Mapping[str, Any] | None = None
    reads: tuple[ArchiveRead, ...] = ()
    bounded: bool = False
    mfa: bool = False
    inside: bool = True
    external_id: str | None = None
    until: date | None = None
    regions: tuple[str, ...] = ()
    session_seconds: int = HOUR


@dataclass(frozen=True, slots=True)
class PermissionSetPlan:
    """A persona's permission set of IAM Identity Center, for the members of a group, in these accounts (by name)."""

    name: str
    persona: str
    purpose: str
    group: str
    accounts: tuple[str, ...]
    managed: tuple[str, ...]
    document: Mapping[str, Any] | None
    session_seconds: int

    @property
    def session_duration(self) -> str:
        """The length of a session as ISO 8601 writes it."""
        return f"PT{self.session_seconds // HOUR}H"


@dataclass(frozen=True, slots=True)
class _Persona:
    """What a persona may do, whoever it is and however it comes."""

    name: str
    purpose: str
    managed: tuple[str, ...] = ()
    document: Mapping[str, Any] | None = None
    bounded: bool = False
    hours: int = 1


def _persona(persona: Persona, environment: str) -> _Persona:
    if persona is Persona.PLATFORM:
        return _Persona(
            name=names.PLATFORM_ROLE,
            purpose="Platform engineers: administer what is built, within the boundary and the organisation's policies",
            managed=(documents.POWER_USER,),
            document=documents.platform_document(),
            bounded=True,
            hours=4,
        )
    if persona is Persona.COMPLIANCE:
        return _Persona(
            name=names.COMPLIANCE_ROLE,
            purpose="Compliance officers: see everything that is configured, read the audit logs, change nothing",
            managed=(documents.SECURITY_AUDIT, documents.VIEW_ONLY),
            document=documents.compliance_document(environment),
            hours=8,
        )
    if persona is Persona.BREAK_GLASS:
        return _Persona(
            name=names.BREAK_GLASS_ROLE,
            purpose="Emergencies alone: administers the account, with an alarm for every use",
            managed=(documents.ADMINISTRATOR,),
        )
    return _Persona(
        name=names.REGULATOR_ROLE,
        purpose="A regulator's auditor: reads the logs and the evidence of its own jurisdictions",
    )


# In which accounts a persona's role is. A regulator's is where its logs are: see `_regulators`.
_WHERE = {
    Persona.PLATFORM: (AccountRole.CELL, AccountRole.SHARED_SERVICES, AccountRole.SECURITY),
    Persona.COMPLIANCE: tuple(AccountRole),
    Persona.BREAK_GLASS: tuple(AccountRole),
}


def plan_roles(
    environment: Environment,
    account: AccountPlan,
    accounts: tuple[AccountPlan, ...],
    archives: tuple[ArchivePlan, ...],
    until: Mapping[str, date],
) -> tuple[RolePlan, ...]:
    """The roles of one account. A persona that the environment names nobody for has none.

    `until` is the last day of a regulator's access, by the regulator's name.
    """
    organization = environment.organization
    if organization is None:
        return ()
    found = [
        _role(environment, persona, account, principals)
        for persona, principals in organization.principals.items()
        if principals and account.role in _WHERE.get(persona, ())
    ]
    found += [_audit(organization), *_deployer(organization, account)]
    found += _regulators(organization, account, accounts, archives, until)
    return tuple(sorted(found, key=lambda role: role.name))


def _role(environment: Environment, persona: Persona, account: AccountPlan, principals: tuple[str, ...]) -> RolePlan:
    may = _persona(persona, environment.name)
    return RolePlan(
        name=may.name,
        persona=persona.value,
        purpose=may.purpose,
        principals=principals,
        managed=may.managed,
        document=may.document,
        bounded=may.bounded,
        mfa=True,
        # The alarm hears a region's own events: assumed through another region's endpoint, it would hear nothing.
        regions=account.regions if persona is Persona.BREAK_GLASS else (),
        session_seconds=may.hours * HOUR,
    )


def _audit(organization: Organization) -> RolePlan:
    readers = dict.fromkeys((*organization.deployers, *organization.principals.get(Persona.COMPLIANCE, ())))
    return RolePlan(
        name=names.AUDIT_ROLE,
        persona=AUDIT,
        purpose="domicile audit: the calls that read back what exists, and no other",
        principals=tuple(readers),
        document=audit_document(),
    )


def _deployer(organization: Organization, account: AccountPlan) -> Iterator[RolePlan]:
    if account.role is AccountRole.CELL:
        yield RolePlan(
            name=names.DEPLOYER_ROLE,
            persona=DEPLOYER,
            purpose="pulumi up of the cell: the services that a cell consists of",
            principals=organization.deployers,
            document=documents.deployer_document(),
            session_seconds=2 * HOUR,
        )


def _regulators(
    organization: Organization,
    account: AccountPlan,
    accounts: tuple[AccountPlan, ...],
    archives: tuple[ArchivePlan, ...],
    until: Mapping[str, date],
) -> Iterator[RolePlan]:
    """Of each regulator a role, in the accounts that keep the logs of cells of its jurisdictions."""
    if account.role is not AccountRole.LOG_ARCHIVE:
        return
    may = _persona(Persona.REGULATOR, "")
    for regulator in organization.regulators:
        reads = []
        for archive in archives:
            cells = [
                one
                for one in accounts
                if one.role is AccountRole.CELL
                and archive.account == account.name
                and one.unit == archive.unit
                and archive.region in one.regions
                and set(one.jurisdictions) & set(regulator.jurisdictions)
            ]
            codes = {code for one in cells for code in one.jurisdictions} & set(regulator.jurisdictions)
            if cells:
                names = tuple(one.name for one in cells)
                reads.append(ArchiveRead(archive.name, names, tuple(sorted(codes))))
        if reads:
            yield RolePlan(
                name=documents.regulator_role(regulator.name),
                persona=Persona.REGULATOR.value,
                purpose=may.purpose,
                principals=(regulator.principal,),
                reads=tuple(reads),
                mfa=True,
                inside=False,
                external_id=regulator.external_id,
                until=until.get(regulator.name),
            )


def plan_permission_sets(environment: Environment, accounts: tuple[AccountPlan, ...]) -> tuple[PermissionSetPlan, ...]:
    """The permission sets of the personas that are groups of IAM Identity Center."""
    center = environment.organization.identity_center if environment.organization else None
    found = []
    for persona, group in center.groups.items() if center else ():
        if persona not in THROUGH_IDENTITY_CENTER:
            continue
        may = _persona(persona, environment.name)
        found.append(
            PermissionSetPlan(
                name=may.name,
                persona=persona.value,
                purpose=may.purpose,
                group=group,
                accounts=tuple(one.name for one in accounts if one.role in _WHERE[persona]),
                managed=may.managed,
                document=may.document,
                session_seconds=may.hours * HOUR,
            )
        )
    return tuple(sorted(found, key=lambda one: one.name))


THROUGH_IDENTITY_CENTER = (Persona.PLATFORM, Persona.COMPLIANCE)
"""Who may be a group. One group could not tell regulators apart, and glass is broken when the center is down too."""


def check_personas(
    environment: Environment, roles: Mapping[str, tuple[RolePlan, ...]], facts: AwsFacts
) -> Iterator[PlanFault]:
    """Roles that nobody could assume, groups that cannot be what they are to be, documents that AWS would refuse.

    `roles` are those of each account, by its name.
    """
    organization = environment.organization
    if organization is None:
        return
    if not organization.deployers:
        problem = "nobody may deploy the cells: organization.deployers is empty"
        yield PlanFault(problem, "trust of the deployer role", "Name the role or user that runs `pulumi up` there.")
    if environment.production and not organization.principals.get(Persona.BREAK_GLASS):
        problem = "nobody may break the glass of a production environment"
        remedy = "Name who may, under organization.principals.breakGlass."
        yield PlanFault(problem, "trust of the break-glass role", remedy)
    groups = organization.identity_center.groups if organization.identity_center else {}
    for persona in sorted(set(groups) - set(THROUGH_IDENTITY_CENTER)):
        problem = f"{persona.value} cannot be a group of IAM Identity Center"
        remedy = (
            "Name each regulator under organization.regulators."
            if persona is Persona.REGULATOR
            else f"Name who it is under organization.principals.{persona.value}."
        )
        yield PlanFault(problem, "a persona that is no group", remedy)
    if organization.principals.get(Persona.REGULATOR):
        problem = "organization.principals.regulator does not say for which jurisdictions"
        yield PlanFault(problem, "a regulator reads its own", "Name each regulator under organization.regulators.")
    served = {code for cell in environment.cells for code in cell.jurisdictions}
    for regulator in organization.regulators:
        if not served & set(regulator.jurisdictions):
            problem = f"no cell serves a jurisdiction of the regulator {regulator.name}"
            remedy = f"Name jurisdictions among {', '.join(sorted(served)) or 'those of the cells'}, or leave it out."
            yield PlanFault(problem, "a regulator reads its own", remedy)
    most = facts.quotas.role_inline_characters
    for name, planned in sorted(roles.items()):
        for role in planned:
            length = len(documents.compact(role.document)) if role.document else 0
            if length > most:
                problem = f"the policy of {role.name} in {name} has {length} characters; AWS takes {most}"
                yield PlanFault(problem, "quota of inline policies", "Split it into managed policies.")
            if len(role.name) > facts.quotas.role_name_characters:
                problem = f"the role's name {role.name} has {len(role.name)} characters"
                yield PlanFault(problem, "length of a role's name", "Shorten the regulator's name.")

"""Which policies of the organisation are attached to what, and whether AWS would take them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from domicile_catalog.environment import Environment
from domicile_policies.cloud import account_documents, core_documents, root_documents, zone_documents
from domicile_policies.documents import QUOTAS, PolicyDocument, PolicyType, Quota, policy, quota_faults
from domicile_policies.zones import EVERYWHERE, ResidencyZone

from domicile_infra.plan.accounts import CORE, SUSPENDED, AccountPlan, AccountRole, ZonePlan
from domicile_infra.plan.organization_faults import PlanFault

ROOT = "root"
"""The target that is no unit and no account."""

BINDING = (PolicyType.SERVICE_CONTROL, PolicyType.RESOURCE_CONTROL)
"""The kinds of policy without which nothing would hold the accounts of a residency zone in its places."""


@dataclass(frozen=True, slots=True)
class Documents:
    """The policies of each target. `units` are by the unit's name, `accounts` by the account's.

    One document may stand at several targets: it is one policy, attached to each.
    """

    root: tuple[PolicyDocument, ...] = ()
    units: Mapping[str, tuple[PolicyDocument, ...]] = field(default_factory=dict)
    accounts: Mapping[str, tuple[PolicyDocument, ...]] = field(default_factory=dict)

    def by_target(self) -> Iterator[tuple[str, tuple[PolicyDocument, ...]]]:
        """Every target with its documents; a unit as `unit:<name>`, an account as `account:<name>`."""
        yield ROOT, self.root
        yield from ((f"unit:{name}", self.units[name]) for name in sorted(self.units))
        yield from ((f"account:{name}", self.accounts[name]) for name in sorted(self.accounts))

    def distinct(self) -> tuple[PolicyDocument, ...]:
        """Each policy once, by name."""
        found = {document.name: document for _, documents in self.by_target() for document in documents}
        return tuple(found[name] for name in sorted(found))

    def of_account(self, account: AccountPlan) -> tuple[PolicyDocument, ...]:
        """Every policy on the account's path: the root's, its unit's and its own."""
        return (*self.root, *self.units.get(account.unit, ()), *self.accounts.get(account.name, ()))

    def types(self) -> tuple[str, ...]:
        """The kinds of policy that the organisation must have enabled, by AWS's names."""
        return tuple(sorted({document.type.value for document in self.distinct()}))


# An account on its way out does nothing any more, and keeps what it has until it is closed.
_NOTHING = PolicyDocument(
    f"{SUSPENDED}-nothing",
    PolicyType.SERVICE_CONTROL,
    policy({"Sid": "DenyEverything", "Effect": "Deny", "Action": "*", "Resource": "*"}),
)


def standard_documents(
    environment: Environment,
    zones: Iterable[ZonePlan],
    accounts: Iterable[AccountPlan],
    regions: Iterable[str],
    quotas: Mapping[PolicyType, Quota] = QUOTAS,
) -> Documents:
    """The policies that `domicile_policies` has for these zones and accounts.

    An account of a zone is pinned to its own places beside the zone's: a cell's own and that of its backups. `regions`
    are those in use, which the organisation's own accounts may watch. Raises QuotaError.
    """
    home = environment.organization.home if environment.organization else ""
    planned = tuple(zones)
    open_to_all = {zone.name for zone in planned if zone.name == EVERYWHERE}
    backups = {cell.name: (cell.backup_place,) for cell in environment.cells if cell.backup_place}
    return Documents(
        root=root_documents(environment.name, {code for zone in planned for code in zone.jurisdictions}, quotas=quotas),
        units={
            CORE: core_documents(home, regions, quotas=quotas),
            SUSPENDED: (_NOTHING,),
            **{
                zone.name: zone_documents(
                    ResidencyZone(name=zone.name, places=zone.places, jurisdictions=zone.jurisdictions), quotas=quotas
                )
                for zone in planned
            },
        },
        accounts={
            account.name: account_documents(
                account.name,
                (*account.regions, *backups.get(account.name, ())),
                edge=account.unit in open_to_all,
                quotas=quotas,
            )
            for account in accounts
            if account.role in (AccountRole.CELL, AccountRole.LOG_ARCHIVE)
        },
    )


def check_documents(
    documents: Documents,
    units: Mapping[str, bool],
    accounts: tuple[str, ...],
    quotas: Mapping[PolicyType, Quota] = QUOTAS,
) -> Iterator[PlanFault]:
    """Whatever AWS would refuse, and units that would stand without a policy.

    `units` says of each planned unit whether it is a residency zone's, which must have a policy of each kind in
    `BINDING`. `accounts` are the names of those planned.
    """
    yield from _targets(documents, units, accounts)
    texts: dict[str, str] = {}
    for target, attached in documents.by_target():
        for fault in quota_faults(target, attached, quotas):
            remedy = "Change the documents (domicile_policies), or have AWS raise the quota and say so in the quotas."
            yield PlanFault(fault, "quotas of AWS Organizations", remedy)
        for document in attached:
            if texts.setdefault(document.name, document.text) != document.text:
                problem = f"the policy {document.name} at {target} is another document than the one of that name"
                yield PlanFault(problem, "one name a policy", "Give different documents different names.")


def _targets(documents: Documents, units: Mapping[str, bool], accounts: tuple[str, ...]) -> Iterator[PlanFault]:
    for kind, given, known in (("unit", documents.units, tuple(units)), ("account", documents.accounts, accounts)):
        for name in sorted(set(given) - set(known)):
            remedy = f"Attach them to one of: {', '.join(sorted(known)) or 'none is planned'}."
            yield PlanFault(f"policies are given for the {kind} {name}, which is not planned", "targets", remedy)
    for name in sorted(name for name, bound in units.items() if bound):
        types = {document.type for document in documents.units.get(name, ())}
        for needed in BINDING:
            if needed not in types:
                problem = f"the unit {name} has no {needed}: nothing would keep its accounts' data in its places"
                yield PlanFault(problem, "residency", "Give the unit the policies of its zone (domicile_policies).")

"""Which policies of the organisation are attached to what, and whether AWS would take them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from domicile_policies.documents import QUOTAS, PolicyDocument, PolicyType, Quota, quota_faults

from domicile_infra.plan.accounts import AccountPlan
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
            remedy = "Change the documents (domicile_policies), or have AWS raise the quota and write it there."
            yield PlanFault(fault, "quotas of AWS Organizations", remedy, "organization.quotas")
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

"""What an environment chooses of its organisation beside its cells, as the planner takes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from types import MappingProxyType

from domicile_catalog.environment import Contact, ContactKind, Environment, ExistingOrganization, OrganizationQuotas
from domicile_policies.documents import QUOTAS, PolicyType, Quota

from domicile_infra.plan.aws_facts import AwsFacts, aws_facts

DISPOSABLE_LOCK_DAYS = 1
"""For how long a disposable environment locks its logs: what is locked keeps it from being taken down."""


@dataclass(frozen=True, slots=True)
class OrganizationChoices:
    """What may be chosen; the defaults are those of an environment that chooses nothing.

    `existing` is an organisation to build in. `cost_tags` activates our tags for the bill. `lock_days` is how long a
    disposable environment locks its logs. `regulators_until` is the last day of a regulator's access, by its name.
    `facts` and `policy_quotas` are AWS's, with what it has raised for this organisation.
    """

    existing: ExistingOrganization | None = None
    cost_tags: bool = False
    lock_days: int | None = None
    regulators_until: Mapping[str, date] = field(default_factory=dict)
    contacts: Mapping[ContactKind, Contact] = field(default_factory=dict)
    facts: AwsFacts = field(default_factory=aws_facts)
    policy_quotas: Mapping[PolicyType, Quota] = field(default_factory=lambda: QUOTAS)


def choices_of(environment: Environment) -> OrganizationChoices:
    """What environment.yaml says; where it has no organisation, what one would have by default."""
    lock = DISPOSABLE_LOCK_DAYS if environment.disposable else None
    organization = environment.organization
    if organization is None:
        return OrganizationChoices(lock_days=lock)
    return OrganizationChoices(
        existing=organization.existing,
        cost_tags=organization.cost_allocation_tags,
        lock_days=lock,
        regulators_until={one.name: one.until for one in organization.regulators if one.until is not None},
        contacts=dict(organization.contacts),
        facts=_facts(organization.quotas),
        policy_quotas=_policy_quotas(organization.quotas),
    )


def _facts(quotas: OrganizationQuotas) -> AwsFacts:
    given = {"accounts": quotas.accounts, "organizational_units": quotas.organizational_units}
    return aws_facts().with_quotas(**{name: count for name, count in given.items() if count is not None})


def _policy_quotas(quotas: OrganizationQuotas) -> Mapping[PolicyType, Quota]:
    given = {
        PolicyType.SERVICE_CONTROL: quotas.service_control_policies,
        PolicyType.RESOURCE_CONTROL: quotas.resource_control_policies,
    }
    raised = {
        kind: replace(
            QUOTAS[kind],
            characters=one.characters or QUOTAS[kind].characters,
            per_target=one.per_target or QUOTAS[kind].per_target,
        )
        for kind, one in given.items()
    }
    return MappingProxyType({**QUOTAS, **raised})

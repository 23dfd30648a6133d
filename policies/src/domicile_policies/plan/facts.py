"""What the rules have to know of the environment: which places, whose approvals, which waivers.

Pure. `facts_of_stack` derives them from an environment's document and the catalogue.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from fnmatch import fnmatchcase

from domicile_catalog import Catalogue
from domicile_catalog.environment import Approval, Environment

from domicile_policies.cloud import GLOBAL_REGION
from domicile_policies.documents import QUOTAS, PolicyType, Quota
from domicile_policies.plan.types import KEEPS_BACKUPS


class UnknownStackError(LookupError):
    """A stack that the environment has not."""


@dataclass(frozen=True, slots=True)
class Waiver:
    """A finding that is let through: of a rule, on a resource (its name, or `type::name`), and why.

    In a name, `*` stands for any text. `stack` is None for a resource of that name in any stack.
    """

    rule: str
    resource: str
    reason: str
    stack: str | None = None


@dataclass(frozen=True, slots=True)
class PackFacts:
    """What is lawful for one stack on one day.

    `lawful_places` are the regions that anything of it may stand in, `backup_places` those that what keeps backups may
    stand in and backups may be copied to. `personal` are the data classes that tell of players.
    In a `disposable` environment nothing is kept.
    `standing` are the URNs of what held data when the stack was last updated; None where that is not known.
    """

    stack: str
    environment: str
    lawful_places: frozenset[str]
    backup_places: frozenset[str]
    today: date
    personal: frozenset[str]
    disposable: bool = False
    approvals: tuple[Approval, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    standing: frozenset[str] | None = None
    quotas: Mapping[PolicyType, Quota] = field(default_factory=lambda: QUOTAS)

    def places_of(self, kind: str) -> frozenset[str]:
        """Where something of a type may stand: what keeps backups has more places than the rest."""
        return self.lawful_places | self.backup_places if kind in KEEPS_BACKUPS else self.lawful_places

    def waived(self, rule: str, kind: str, name: str) -> str | None:
        """Why a finding is let through, or None."""
        for one in self.waivers:
            named = fnmatchcase(name, one.resource) or fnmatchcase(f"{kind}::{name}", one.resource)
            if one.rule == rule and named and one.stack in (None, self.stack):
                return one.reason
        return None


def facts_of_stack(
    environment: Environment,
    stack: str,
    catalogue: Catalogue,
    today: date,
    *,
    waivers: Iterable[Waiver] = (),
    standing: Iterable[str] | None = None,
) -> PackFacts:
    """The facts of a stack of the environment: a cell's, or the organisation's. Raises UnknownStackError.

    A cell stands in its place; its backups, and nothing else of it, may also stand in their own. The organisation's
    stack builds in the home region, where services without regions are, and in every place of a cell and its backups.
    """
    cell, organization = environment.cell(stack), environment.organization
    if cell is not None:
        places = frozenset({cell.place})
        backups = frozenset({cell.place, cell.backup_place or cell.place})
    elif organization is not None and organization.stack == stack:
        held = {place for one in environment.cells for place in (one.place, one.backup_place or one.place)}
        places = frozenset({organization.home, GLOBAL_REGION, *held})
        backups = places
    else:
        stacks = [one.name for one in environment.cells] + ([organization.stack] if organization else [])
        raise UnknownStackError(
            f"The environment {environment.name} has no stack {stack}, so nothing of it may be built. It has: "
            f"{', '.join(sorted(stacks)) or 'none'}. Name it in environment.yaml first."
        )
    return PackFacts(
        stack=stack,
        environment=environment.name,
        lawful_places=places,
        backup_places=backups,
        today=today,
        personal=frozenset(str(name) for name, traits in catalogue.data_classes.items() if traits.personal),
        disposable=environment.disposable,
        approvals=tuple(one for one in environment.approvals if one.stack == stack),
        waivers=tuple(waivers),
        standing=None if standing is None else frozenset(standing),
    )

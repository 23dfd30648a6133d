"""Which gaps of the catalogue stop which tenants of which environments."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from domicile_catalog import (
    Catalogue,
    Gap,
    Refusal,
    TenantRequest,
    place_tenant,
    rules_needed,
)
from domicile_catalog.environment import NOBODY, TrustAnchor

from domicile_cli.standing import request_of
from domicile_cli.validation import Folder, read_folder


@dataclass(frozen=True, slots=True)
class Blocked:
    """A gap and the tenants that it stops, each as (environment, tenant)."""

    gap: Gap
    tenants: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Blocking:
    """The gaps that stop tenants, those that stop most of them first, and the environments that were read for it."""

    environments: tuple[Folder, ...]
    blocked: tuple[Blocked, ...]

    @property
    def tenants(self) -> int:
        """How many tenants were looked at."""
        return sum(len(read.tenants) for read in self.environments)

    def names(self, gap: Gap) -> list[str]:
        """The tenants that a gap stops, as environment/tenant."""
        return [f"{where}/{who}" for one in self.blocked if one.gap == gap for where, who in one.tenants]


def blocking(
    folders: Sequence[Path], missing: Iterable[Gap], catalogue: Catalogue, on: date, anchor: TrustAnchor = NOBODY
) -> Blocking:
    """Holds every tenant of the environments against the gaps.

    A gap stops a tenant whose environment may not rely on the fact: one that is unknown, in production one that is
    recalled, and neither where an attestation answers it.
    """
    read = tuple(read_folder(folder, catalogue, anchor) for folder in folders)
    stopped: dict[tuple[str, str], dict[tuple[str, str], None]] = {}
    for folder in read:
        for manifest in folder.tenants:
            tenant = manifest.tenant
            request = request_of(tenant, folder, on=on)
            for fact in _needed(folder.catalogue, request):
                stopped.setdefault((request.jurisdiction, fact), {})[folder.name, tenant.metadata.name] = None
    found = [
        Blocked(gap, tuple(stopped[gap.jurisdiction, gap.fact]))
        for gap in missing
        if (gap.jurisdiction, gap.fact) in stopped
    ]
    found.sort(key=lambda one: (-len(one.tenants), one.gap.jurisdiction, one.gap.fact))
    return Blocking(read, tuple(found))


def _needed(catalogue: Catalogue, request: TenantRequest) -> list[str]:
    """The facts that must be sourced or attested before the tenant can be placed and has rules."""
    decision = place_tenant(catalogue, request)
    needs = decision.needs if isinstance(decision, Refusal) else ()
    return list(dict.fromkeys((*needs, *rules_needed(catalogue, request))))

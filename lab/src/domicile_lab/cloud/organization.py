"""Where an account stands in the organisation, and which control policies are in force above it: read from moto."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from moto.organizations.models import FakeOrganizationalUnit, OrganizationsBackend, organizations_backends

from domicile_lab.cloud.principals import PARTITION

SERVICE_CONTROL = "SERVICE_CONTROL_POLICY"
RESOURCE_CONTROL = "RESOURCE_CONTROL_POLICY"


@dataclass(frozen=True)
class Policy:
    id: str
    name: str
    document: Mapping[str, Any]


@dataclass(frozen=True)
class Membership:
    """An account in an organisation. `levels` are the ids of root, units and account, from the top.

    `policies` has, by type, the policies attached at each level; a type that the root has not enabled is left out,
    since its policies are not in force then.
    """

    organization: str
    levels: tuple[str, ...]
    is_management: bool
    policies: Mapping[str, tuple[tuple[Policy, ...], ...]]

    @property
    def path(self) -> str:
        """The condition key aws:PrincipalOrgPaths: the organisation and all levels but the account's."""
        return "/".join((self.organization, *self.levels[:-1])) + "/"


def accounts_beside(account: str) -> tuple[str, ...]:
    """The ids of the open accounts of the account's organisation, itself among them; none where it is in none."""
    backend = _backend_of(account)
    if backend is None or backend.org is None:
        return ()
    return tuple(one.id for one in backend.accounts if one.status == "ACTIVE")


def membership(account: str) -> Membership | None:
    """Where the account stands now; None where it is in no organisation."""
    backend = _backend_of(account)
    if backend is None or backend.org is None:
        return None
    target = next((one for one in backend.accounts if one.id == account), None)
    if target is None:
        return None
    chain: list[Any] = [target]
    parent: str | None = target.parent_id
    while parent is not None:
        unit = next((one for one in backend.ou if one.id == parent), None)
        if unit is None:
            break
        chain.append(unit)
        parent = None if unit.type == "ROOT" else unit.parent_id
    chain.reverse()
    return Membership(
        organization=backend.org.id,
        levels=tuple(one.id for one in chain),
        is_management=backend.org.master_account_id == account,
        policies={type_: tuple(_attached(one, type_) for one in chain) for type_ in _enabled(chain[0])},
    )


def _backend_of(account: str) -> OrganizationsBackend | None:
    members = organizations_backends.master_accounts
    manager, partition = members.get(account, (account, PARTITION))
    if manager not in organizations_backends:
        return None
    backend: OrganizationsBackend = organizations_backends[manager][partition]
    return backend


def _enabled(root: FakeOrganizationalUnit) -> list[str]:
    return [one["Type"] for one in getattr(root, "policy_types", []) if one["Status"] == "ENABLED"]


def _attached(target: Any, type_: str) -> tuple[Policy, ...]:
    return tuple(
        Policy(one.id, one.name, _document(one.content)) for one in target.attached_policies if one.type == type_
    )


@lru_cache(maxsize=1024)
def _document(content: str) -> Mapping[str, Any]:
    document: Mapping[str, Any] = json.loads(content)
    return document

"""What is to be done about certificates: a pure function of hosts wanted, certificates present, and the time."""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Why = Literal["missing", "hosts", "due"]


@dataclass(frozen=True)
class Certificate:
    """One that lies in the cluster. `superseded` are serial numbers that it took the place of and that still count."""

    hosts: frozenset[str]
    serial: str
    not_before: datetime
    not_after: datetime
    superseded: tuple[str, ...] = ()

    @property
    def due(self) -> datetime:
        """Two thirds of its life: a third is left for an OpenBao that is away."""
        return self.not_before + (self.not_after - self.not_before) * 2 / 3


@dataclass(frozen=True)
class Issue:
    """Have one signed. `superseded` are serial numbers to revoke once it serves."""

    tenant: str
    hosts: frozenset[str]
    why: Why
    superseded: tuple[str, ...] = ()


@dataclass(frozen=True)
class Revoke:
    """Revoke what the certificate in place has superseded."""

    tenant: str
    serials: tuple[str, ...]


@dataclass(frozen=True)
class Remove:
    """Revoke all that the tenant has, and take it away from the ingress controller."""

    tenant: str
    serials: tuple[str, ...]


Step = Issue | Revoke | Remove


def steps(
    wanted: Mapping[str, Set[str]], tenants: Set[str], present: Mapping[str, Certificate | None], now: datetime
) -> list[Step]:
    """At most one step for each tenant.

    `wanted` has the hosts of each tenant whose Ingress was seen, and `tenants` all that exist: one whose Ingress is
    missing for a moment keeps its certificate. A certificate of `present` that is None cannot be read, and is replaced.

    A renewed certificate's forerunner is not revoked: it may still serve, and ends by itself. One that names a host
    which is not the tenant's any more is, after its successor is in place.
    """
    found: list[Step] = []
    for tenant in sorted(wanted.keys() | present.keys()):
        certificate, hosts = present.get(tenant), frozenset(wanted.get(tenant, ()))
        gone = tenant not in tenants or (tenant in wanted and not hosts)
        if gone:
            if tenant in present:
                serials = (*certificate.superseded, certificate.serial) if certificate else ()
                found.append(Remove(tenant, serials))
        elif tenant in wanted:
            found.extend(_kept(tenant, hosts, certificate, now))
        elif certificate is not None and certificate.superseded:
            found.append(Revoke(tenant, certificate.superseded))
    return found


def _kept(tenant: str, hosts: frozenset[str], certificate: Certificate | None, now: datetime) -> list[Step]:
    if certificate is None:
        return [Issue(tenant, hosts, "missing")]
    if certificate.hosts != hosts:
        lost = certificate.hosts - hosts
        revoked = (*certificate.superseded, certificate.serial) if lost else certificate.superseded
        return [Issue(tenant, hosts, "hosts", revoked)]
    if now >= certificate.due:
        return [Issue(tenant, hosts, "due", certificate.superseded)]
    return [Revoke(tenant, certificate.superseded)] if certificate.superseded else []

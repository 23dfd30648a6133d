"""A plan: everything that the manifest builders need, decided and frozen."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domicile_catalog.images import image_version

from domicile_operator.cell import Cell, ExclusionRegister, PaymentProvider, Studio
from domicile_operator.games import GamesManifest
from domicile_operator.names import (
    FIELD_MANAGER,
    LABEL_JURISDICTION,
    LABEL_MANAGED_BY,
    LABEL_PLACE,
    LABEL_TENANT,
    Names,
)
from domicile_operator.operation import Record
from domicile_operator.releases.course import Release
from domicile_operator.spec import TenantSpec

Manifest = dict[str, Any]


@dataclass(frozen=True)
class Size:
    """How many pods there are at least and at most, and what one asks for. CPU in millicores, memory in MiB.

    Between the two an autoscaler decides (`manifests/autoscaling.py`); where they are the same there is none.
    """

    replicas: int
    most: int
    cpu_m: int
    cpu_limit_m: int
    memory_mi: int
    memory_limit_mi: int


SIZES = {
    "small": Size(replicas=1, most=1, cpu_m=100, cpu_limit_m=1000, memory_mi=128, memory_limit_mi=512),
    "medium": Size(replicas=2, most=4, cpu_m=500, cpu_limit_m=2000, memory_mi=256, memory_limit_mi=1024),
    "large": Size(replicas=4, most=8, cpu_m=1000, cpu_limit_m=4000, memory_mi=512, memory_limit_mi=2048),
}
"""The api's. Each process may have 20 connections of PostgreSQL: eight and the worker take 180 of a server's 200.
`small` is one process whatever comes, which is its price; a casino that outgrows it says `medium`."""


WORKER_SIZE = Size(replicas=1, most=1, cpu_m=50, cpu_limit_m=1000, memory_mi=128, memory_limit_mi=512)
"""The worker's, whatever the casino's: what it does by the thousand it does in batches."""


REALTIME_SIZES = {
    "small": Size(replicas=1, most=1, cpu_m=50, cpu_limit_m=1000, memory_mi=128, memory_limit_mi=512),
    "medium": Size(replicas=2, most=4, cpu_m=50, cpu_limit_m=1000, memory_mi=128, memory_limit_mi=512),
    "large": Size(replicas=2, most=6, cpu_m=200, cpu_limit_m=2000, memory_mi=256, memory_limit_mi=1024),
}
"""Real time's. Each process reads every message, so that more of them carry more players and no more messages."""


@dataclass(frozen=True)
class RulesInForce:
    """rules.json, its sha256, and the version of the catalogue that it was made from."""

    text: str
    digest: str
    catalogue: str


@dataclass(frozen=True)
class LawAhead:
    """A change of law that will make the tenant unlawful where it lives: from when, and what must happen by then."""

    deadline: datetime
    must: str


@dataclass(frozen=True)
class Plan:
    """One tenant in one cell, admitted and placed."""

    names: Names
    spec: TenantSpec
    cell: Cell
    place: str
    rules: RulesInForce
    release: Release
    providers: tuple[PaymentProvider, ...]
    studios: tuple[Studio, ...] = ()
    ahead: LawAhead | None = None
    games: GamesManifest | None = None
    register: ExclusionRegister | None = None
    operation: Record | None = None

    @property
    def image(self) -> str:
        """The casino's."""
        return self.release.image

    @property
    def size(self) -> Size:
        return SIZES[self.spec.size]

    @property
    def realtime_size(self) -> Size:
        return REALTIME_SIZES[self.spec.size]

    @property
    def asks_places(self) -> bool:
        """Whether the rules let nobody play whose place is not known."""
        return bool(json.loads(self.rules.text).get("geolocation_moments"))

    @property
    def version(self) -> str:
        """The image's tag, or its digest where it has none."""
        return image_version(self.image)

    @property
    def labels(self) -> dict[str, str]:
        """Carried by every object: the operator finds a tenant's children by the first."""
        return {
            LABEL_TENANT: self.names.tenant,
            LABEL_JURISDICTION: self.spec.jurisdiction,
            LABEL_PLACE: self.place,
            LABEL_MANAGED_BY: FIELD_MANAGER,
        }

    @property
    def hosts(self) -> tuple[str, ...]:
        """Host names that the tenant answers at: its own first."""
        return (f"{self.names.tenant}.{self.cell.base_domain}", *self.spec.domains)

    @property
    def origins(self) -> tuple[str, ...]:
        """What browsers call the pages of those hosts (RFC 6454)."""
        port = "" if self.cell.public_port == 443 else f":{self.cell.public_port}"
        return tuple(f"https://{host}{port}" for host in self.hosts)


def digest(value: Any, length: int = 10) -> str:
    """A short stable hash of a JSON value, for names and annotations."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:length]

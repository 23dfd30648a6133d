"""What lies outside one reconcile: clients, the catalogue, the cell, the clock."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from domicile_operator.cell import Cell, ElastiCache
from domicile_operator.clients.bao import Bao
from domicile_operator.clients.elasticache import CacheUsers
from domicile_operator.clients.kube import Kube
from domicile_operator.clients.pods import Ask
from domicile_operator.clients.postgres import Databases
from domicile_operator.decide import Rulebook
from domicile_operator.events import Budget
from domicile_operator.releases.fleet import Slots
from domicile_operator.rounds import Rounds


@dataclass(frozen=True)
class World:
    """Held by the edge, handed to the loop. Tests put fakes here.

    `cell` reads the mounted ConfigMap anew, so that a changed cell needs no restart; it raises Fault.
    `now` gives an aware time in UTC. `cache_users` are those of a cell whose cache is AWS's.
    `backup_image` is what backs casinos up; empty where the cell has none.
    `pod_metrics` gives the metrics of the pod at an address, or raises OSError or urllib3's HTTPError.
    """

    kube: Kube
    bao: Bao
    databases: Databases
    cache_users: Callable[[ElastiCache], CacheUsers]
    rulebook: Rulebook
    cell: Callable[[], Cell]
    image: str
    pod_metrics: Ask
    now: Callable[[], datetime]
    backup_image: str = ""
    budget: Budget = field(default_factory=Budget)
    rounds: Rounds = field(default_factory=Rounds)
    slots: Slots = field(default_factory=Slots)

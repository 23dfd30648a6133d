"""What one pass changed, or would change: kept while it runs, told in the status afterwards."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from domicile_operator.plan import digest

Action = Literal["create", "update", "delete"]


@dataclass(frozen=True)
class Change:
    """One object, inside the cluster or outside. `fields` are the paths that differ, never what is in them; of a
    database, the statements. `by` are the managers that had changed them. `drift`: somebody else's doing."""

    kind: str
    name: str
    namespace: str = ""
    action: Action = "update"
    fields: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    drift: bool = False

    @property
    def label(self) -> str:
        return f"{self.kind} {self.name}"


Key = tuple[str, str, str]
"""Kind, namespace and name of an object of the cluster."""


@dataclass
class Record:
    """Filled by the clients of a pass (`keeping.py`, `looking.py`).

    `known` are the children that status named before. `stated` are the objects of the cluster that the pass wants,
    `wanted` the digests of what it wants in the stores.
    """

    known: frozenset[Key] = frozenset()
    changes: list[Change] = field(default_factory=list)
    stated: set[Key] = field(default_factory=set)
    wanted: dict[str, str] = field(default_factory=dict)
    in_stores: list[Change] = field(default_factory=list)
    adopted: list[str] = field(default_factory=list)
    unchanged: int = 0

    def want(self, what: str, value: Any) -> None:
        """A store's document or statements."""
        self.wanted[what] = digest(value, 16)

    @property
    def stores(self) -> str:
        """The digest of all that is wanted in the stores."""
        return digest(self.wanted, 16)

    def judged(self, stores_before: str | None) -> list[Change]:
        """Every change. What a store had otherwise is drift if the last whole pass wanted the same of the stores."""
        same = self.stores == stores_before
        stores = [replace(change, drift=same and change.action != "delete") for change in self.in_stores]
        return [*self.changes, *stores]


def known_children(status: Mapping[str, Any] | None) -> frozenset[Key]:
    """Those that a status names, of the cluster or not."""
    children: Iterable[Mapping[str, Any]] = (status or {}).get("children", [])
    return frozenset((child["kind"], child.get("namespace", ""), child["name"]) for child in children)

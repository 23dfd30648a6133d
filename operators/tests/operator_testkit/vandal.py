"""Somebody else's hand on the operator's children: every field that the operator has, made to be something else.

What the operator has is read off the API server's `managedFields`, so no builder's field can be forgotten here.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import requests
from domicile_operator.clients.kube import PLURALS
from domicile_operator.names import FIELD_MANAGER

from operator_testkit.cell import Cell

NAME = "vandal"
SWAPS = {
    "TCP": ["UDP"], "Always": ["IfNotPresent"], "IfNotPresent": ["Always"], "Never": ["OnFailure"],
    "OnFailure": ["Never"], "RuntimeDefault": ["Unconfined"], "Prefix": ["Exact"], "Ingress": ["Egress"],
    "Egress": ["Ingress"], "restricted": ["baseline"], "ReadWriteOnce": ["ReadWriteMany"], "HTTP": ["HTTPS"],
}  # fmt: skip
"""Other values of what has few."""
PLAUSIBLE = ("{}x", "1{}", "x{}", "10.9.9.9/32", "other", "77m")

Step = str | int


@dataclass(frozen=True)
class Leaf:
    """One value at a JSON pointer."""

    path: tuple[Step, ...]
    value: Any

    @property
    def pointer(self) -> str:
        return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in self.path)

    def others(self) -> Iterator[dict[str, Any]]:
        """JSON Patch operations (RFC 6902) that make it something else, the likeliest to be admitted first."""
        replaced = {"op": "replace", "path": self.pointer}
        match self.value:
            case bool():
                yield replaced | {"value": not self.value}
            case int():
                yield from (replaced | {"value": value} for value in (self.value + 1, self.value - 1, 1, 2))
            case str():
                yield from (replaced | {"value": value} for value in SWAPS.get(self.value, []))
                yield from (replaced | {"value": form.format(self.value)} for form in PLAUSIBLE)
            case dict():
                yield replaced | {"value": {"matchLabels": {"of": NAME}}}
                yield replaced | {"value": {"medium": "Memory"}}
                yield replaced | {"value": {"name": NAME}}
            case list():
                yield replaced | {"value": [{}]}
        if isinstance(self.path[-1], str):
            yield {"op": "remove", "path": self.pointer}


@dataclass
class Victim:
    """One child: what it is when all is well, what was tried, and what the API server would not have."""

    api_version: str
    kind: str
    name: str
    namespace: str
    uid: str
    leaves: list[Leaf]
    rounds: list[list[dict[str, Any]]] = field(default_factory=list)
    refused: dict[str, list[str]] = field(default_factory=dict)

    @property
    def path(self) -> str:
        plural, namespaced = PLURALS[self.api_version, self.kind]
        root = f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"
        where = f"/namespaces/{self.namespace}" if namespaced else ""
        return f"{root}{where}/{plural}/{self.name}"

    def differs(self, found: dict[str, Any]) -> list[str]:
        """Leaves that are not as they were."""
        return [leaf.pointer for leaf in self.leaves if _at(found, leaf.path) != leaf.value]


class Vandal:
    """May do everything, as a cluster's administrator with a grudge."""

    def __init__(self, cell: Cell) -> None:
        self._cell = cell
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {cell.cluster.admin_token}"
        self._session.verify = str(cell.authority.certificate)

    def get(self, path: str) -> dict[str, Any]:
        """An object, or nothing where there is none."""
        answer = self._session.get(self._cell.cluster.url + path, timeout=30)
        if answer.status_code == 404:
            return {}
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def delete(self, victim: Victim) -> None:
        """Delete it, and let go of what would hold it."""
        url = self._cell.cluster.url + victim.path
        self._session.delete(url, json={"propagationPolicy": "Background"}, timeout=30).raise_for_status()
        if self.get(victim.path).get("metadata", {}).get("uid") == victim.uid:
            self.patch(victim, [{"op": "remove", "path": "/metadata/finalizers"}])

    def victim(self, api_version: str, kind: str, name: str, namespace: str) -> Victim:
        """A child as it is, with every leaf that the operator has of it."""
        made = Victim(api_version, kind, name, namespace, "", [])
        found = self.get(made.path)
        own = [entry for entry in found["metadata"]["managedFields"] if entry["manager"] == FIELD_MANAGER]
        assert [entry["operation"] for entry in own] == ["Apply"], f"{kind} {name}: {own}"
        made.uid, made.leaves = found["metadata"]["uid"], list(_leaves(own[0]["fieldsV1"], found, ()))
        return made

    def patch(self, victim: Victim, operations: Sequence[dict[str, Any]], *, dry_run: bool = False) -> str:
        """What the API server has against it; nothing where it was done."""
        answer = self._session.patch(
            self._cell.cluster.url + victim.path,
            data=json.dumps(list(operations)),
            params={"fieldManager": NAME} | ({"dryRun": "All"} if dry_run else {}),
            headers={"Content-Type": "application/json-patch+json"},
            timeout=30,
        )
        if answer.ok:
            return ""
        assert answer.status_code in (403, 422), answer.text
        return f"{answer.status_code} {answer.json()['message']}"

    def prepare(self, victim: Victim) -> None:
        """Find for each leaf what may be done to it, and put together what may be done at once."""
        chosen = []
        for leaf in victim.leaves:
            answers = []
            for operation in leaf.others():
                said = self.patch(victim, [operation], dry_run=True)
                if not said:
                    chosen.append(operation)
                    break
                answers.append(said)
            else:
                victim.refused[leaf.pointer] = answers
        victim.rounds = self._together(victim, chosen)

    def _together(self, victim: Victim, operations: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
        if len(operations) <= 1 or not self.patch(victim, operations, dry_run=True):
            return [operations] if operations else []
        middle = len(operations) // 2
        return self._together(victim, operations[:middle]) + self._together(victim, operations[middle:])


def _leaves(fields: dict[str, Any], node: Any, path: tuple[Step, ...]) -> Iterator[Leaf]:
    """The values that a set of fields (FieldsV1) names. What is owned as a whole is gone through to its values."""
    for key, below in fields.items():
        sort, _, rest = key.partition(":")
        if sort == "f":
            step: Step = rest
        elif sort == "k":
            wanted = json.loads(rest).items()
            step = next(at for at, item in enumerate(node) if wanted <= item.items())
        elif sort == "v":
            step = node.index(json.loads(rest))
        else:
            continue
        inner = node[step]
        if below.keys() - {"."}:
            yield from _leaves(below, inner, (*path, step))
        elif below == {}:
            yield from _values(inner, (*path, step))


def _values(node: Any, path: tuple[Step, ...]) -> Iterator[Leaf]:
    if isinstance(node, (dict, list)) and node:
        items = node.items() if isinstance(node, dict) else enumerate(node)
        for step, inner in items:
            yield from _values(inner, (*path, step))
    else:
        yield Leaf(path, node)


def _at(node: Any, path: tuple[Step, ...]) -> Any:
    for step in path:
        try:
            node = node[step]
        except (KeyError, IndexError, TypeError):
            return None
    return node

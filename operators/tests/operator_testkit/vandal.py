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
    "Pods": ["Percent"], "Percent": ["Pods"], "Max": ["Min"], "AverageValue": ["Utilization"],
    "Resource": ["ContainerResource"], "AlwaysAllow": ["IfHealthyBudget"], "ScheduleAnyway": ["DoNotSchedule"],
}  # fmt: skip
"""Other values of what has few."""
PLAUSIBLE = ("{}x", "1{}", "x{}", "10.9.9.9/32", "other", "77m")


@dataclass(frozen=True)
class Select:
    """An item of a list that is told by its keys: its place may change."""

    keys: tuple[tuple[str, Any], ...]

    def place(self, items: Sequence[dict[str, Any]]) -> int:
        return next(at for at, item in enumerate(items) if dict(self.keys).items() <= item.items())


Step = str | int | Select


@dataclass(frozen=True)
class Leaf:
    """One value, and whether it is what tells its item of a list: then that item has to go as a whole."""

    path: tuple[Step, ...]
    value: Any
    is_key: bool = False

    def is_in(self, found: dict[str, Any]) -> bool:
        """Whether an object has it as it was."""
        return bool(_at(found, self.path) == self.value)

    def deeds(self) -> Iterator["Deed"]:
        """What may be done to it, the likeliest to be admitted first."""
        if self.is_key:
            yield Deed(self, drop=True)
            return
        match self.value:
            case bool():
                values: list[Any] = [not self.value]
            case int():
                values = [self.value + 1, self.value - 1, 1, 2]
            case str():
                values = [*SWAPS.get(self.value, []), *(form.format(self.value) for form in PLAUSIBLE)]
            case dict():
                values = [{"matchLabels": {"of": NAME}}, {"medium": "Memory"}, {"name": NAME}]
            case _:
                values = [[{}]]
        yield from (Deed(self, value) for value in values)
        if self.value == "RollingUpdate":
            yield Deed(self, "Recreate")
        if isinstance(self.path[-1], str):
            yield Deed(self, drop=True)


@dataclass(frozen=True)
class Deed:
    """Another value for a leaf, or its end."""

    leaf: Leaf
    value: Any = None
    drop: bool = False

    def operations(self, found: dict[str, Any]) -> list[dict[str, Any]]:
        """JSON Patch (RFC 6902), where things lie now."""
        path = self.leaf.path[:-1] if self.leaf.is_key else self.leaf.path
        pointer = _pointer(found, path)
        if self.drop:
            return [{"op": "remove", "path": pointer}]
        changed = [{"op": "replace", "path": pointer, "value": self.value}]
        if self.value == "Recreate":
            changed.append({"op": "remove", "path": pointer.removesuffix("type") + "rollingUpdate"})
        return changed


@dataclass
class Victim:
    """One child: what it is when all is well, what is tried, and what the API server would not have."""

    api_version: str
    kind: str
    name: str
    namespace: str
    uid: str = ""
    leaves: list[Leaf] = field(default_factory=list)
    rounds: list[list[Deed]] = field(default_factory=list)
    refused: dict[str, list[str]] = field(default_factory=dict)

    @property
    def path(self) -> str:
        plural, namespaced = PLURALS[self.api_version, self.kind]
        root = f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"
        where = f"/namespaces/{self.namespace}" if namespaced else ""
        return f"{root}{where}/{plural}/{self.name}"

    def differs(self, found: dict[str, Any]) -> list[str]:
        """Leaves that are not as they were."""
        return [str(leaf.path) for leaf in self.leaves if not leaf.is_in(found)]


class Vandal:
    """May do everything, as a cluster's administrator with a grudge."""

    def __init__(self, cell: Cell) -> None:
        self._url = cell.cluster.url
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {cell.cluster.admin_token}"
        self._session.verify = str(cell.authority.certificate)
        self._session.trust_env = False  # whose certificates count is not for the environment to say

    def get(self, path: str) -> dict[str, Any]:
        """An object, or nothing where there is none."""
        answer = self._session.get(self._url + path, timeout=30)
        if answer.status_code == 404:
            return {}
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def delete(self, victim: Victim) -> None:
        """Delete it, and let go of what would hold it."""
        self._session.delete(
            self._url + victim.path, json={"propagationPolicy": "Background"}, timeout=30
        ).raise_for_status()
        if self.get(victim.path).get("metadata", {}).get("uid") == victim.uid:
            said, _ = self._patch(victim, [{"op": "remove", "path": "/metadata/finalizers"}])
            assert not said, said

    def victim(self, api_version: str, kind: str, name: str, namespace: str) -> Victim:
        """A child as it is, with every leaf that the operator has of it."""
        made = Victim(api_version, kind, name, namespace)
        found = self.get(made.path)
        # What the operator remembers on a namespace it patches (operating.py); it is no part of what a builder made.
        own = [
            entry
            for entry in found["metadata"]["managedFields"]
            if (entry["manager"], entry["operation"]) == (FIELD_MANAGER, "Apply")
        ]
        assert len(own) == 1, f"{kind} {name}: {own}"
        made.uid, made.leaves = found["metadata"]["uid"], list(leaves(own[0]["fieldsV1"], found, ()))
        return made

    def hit(self, victim: Victim, deeds: Sequence[Deed], *, dry_run: bool = False) -> tuple[str, dict[str, Any]]:
        """What the API server has against it, which is nothing where it was done, and the object then."""
        found = self.get(victim.path)
        operations = [one for deed in deeds for one in deed.operations(found)]
        if all(deed.leaf.is_key for deed in deeds):
            # From the end on: what was taken out moves nothing that is still to be.
            unique = {one["path"]: one for one in operations}
            operations = sorted(unique.values(), key=lambda one: _places(one["path"]), reverse=True)
        return self._patch(victim, operations, dry_run=dry_run)

    def prepare(self, victim: Victim) -> None:
        """Find for each leaf what may be done to it, and put together what may be done at once."""
        changed: list[Deed] = []
        dropped: list[Deed] = []
        for leaf in victim.leaves:
            answers = []
            for deed in leaf.deeds():
                said, found = self.hit(victim, [deed], dry_run=True)
                if not said and not leaf.is_in(found):
                    (dropped if leaf.is_key else changed).append(deed)
                    break
                answers.append(said or "changes nothing")
            else:
                victim.refused[str(leaf.path)] = answers
        victim.rounds = self._together(victim, changed) + self._together(victim, dropped)

    def _together(self, victim: Victim, deeds: list[Deed]) -> list[list[Deed]]:
        if len(deeds) <= 1 or not self.hit(victim, deeds, dry_run=True)[0]:
            return [deeds] if deeds else []
        middle = len(deeds) // 2
        return self._together(victim, deeds[:middle]) + self._together(victim, deeds[middle:])

    def _patch(
        self, victim: Victim, operations: Sequence[dict[str, Any]], *, dry_run: bool = False
    ) -> tuple[str, dict[str, Any]]:
        answer = self._session.patch(
            self._url + victim.path,
            data=json.dumps(list(operations)),
            params={"fieldManager": NAME} | ({"dryRun": "All"} if dry_run else {}),
            headers={"Content-Type": "application/json-patch+json"},
            timeout=30,
        )
        if answer.ok:
            return "", answer.json()
        assert answer.status_code in (400, 403, 422), answer.text
        return f"{answer.status_code} {answer.json()['message']}", {}


def leaves(
    fields: dict[str, Any], node: Any, path: tuple[Step, ...], keys: frozenset[str] = frozenset()
) -> Iterator[Leaf]:
    """The values that a set of fields (FieldsV1) names. What is owned as a whole is gone through to its values."""
    for key, below in fields.items():
        sort, _, rest = key.partition(":")
        told: frozenset[str] = frozenset()
        if sort == "f":
            step: Step = rest
            inner = node[rest]
        elif sort == "k":
            step = Select(tuple(json.loads(rest).items()))
            inner, told = node[step.place(node)], frozenset(json.loads(rest))
        elif sort == "v":
            step = node.index(json.loads(rest))
            inner = node[step]
        else:
            continue
        if below.keys() - {"."}:
            yield from leaves(below, inner, (*path, step), told)
        elif below == {}:
            yield from _values(inner, (*path, step), is_key=sort == "f" and rest in keys)


def _values(node: Any, path: tuple[Step, ...], *, is_key: bool = False) -> Iterator[Leaf]:
    if isinstance(node, (dict, list)) and node:
        items = node.items() if isinstance(node, dict) else enumerate(node)
        for step, inner in items:
            yield from _values(inner, (*path, step))
    else:
        yield Leaf(path, node, is_key)


def _at(node: Any, path: tuple[Step, ...]) -> Any:
    for step in path:
        try:
            node = node[step.place(node) if isinstance(step, Select) else step]
        except (KeyError, IndexError, TypeError, StopIteration):
            return None
    return node


def _pointer(found: Any, path: tuple[Step, ...]) -> str:
    """A JSON pointer (RFC 6901) to where a path leads in an object."""
    pointer, node = "", found
    for step in path:
        real = step.place(node) if isinstance(step, Select) else step
        pointer += "/" + str(real).replace("~", "~0").replace("/", "~1")
        node = node[real]
    return pointer


def _places(pointer: str) -> list[tuple[bool, int, str]]:
    """Sorts pointers as things lie: by number where it is one."""
    return [(step.isdigit(), int(step) if step.isdigit() else 0, step) for step in pointer.split("/")]

"""Drift: what an apply puts right that somebody else had changed. Pure functions of an object before and after it.

Two things tell drift from a change of our own. Each child carries the digest of the manifest that was applied last:
if the same is applied again and something differs, somebody was at it. And the API server knows whose a field is: one
that we state, that another manager has and we have not, was taken from us, whatever else changes.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from domicile_operator.annotations import APPLIED
from domicile_operator.clients.kube import Object
from domicile_operator.names import FIELD_MANAGER
from domicile_operator.plan import digest

KEYS = ("name", "port", "containerPort", "mountPath", "topologyKey", "key", "type")
"""By which of their fields the items of a list are told apart, where all have it and no two the same."""
SERVERS = frozenset({"managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink"})
"""What the API server writes into metadata by itself."""
PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Item:
    """One step of a path: an item of a list, as it was (or is, if it is new), called by its key or place."""

    label: str
    content: Any


Path = tuple[str | Item, ...]


@dataclass(frozen=True)
class Difference:
    """A field that an apply changed, and which other managers had it before."""

    path: str
    by: tuple[str, ...]
    drift: bool


def stamp(manifest: Object) -> Object:
    """The manifest with its own digest in it."""
    metadata = manifest["metadata"]
    annotations = (metadata.get("annotations") or {}) | {APPLIED: digest(manifest, 16)}
    return manifest | {"metadata": metadata | {"annotations": annotations}}


def compare(manifest: Object, live: Object, applied: Object) -> list[Difference]:
    """What applying a stamped manifest to a live object changed (or would, in a dry run) of what is ours.

    `applied` is the API server's answer. What others changed meanwhile in fields that are theirs is left out.
    """
    entries = live["metadata"].get("managedFields") or []
    own = [entry for entry in entries if entry.get("manager") == FIELD_MANAGER]
    others = [entry for entry in entries if entry.get("manager") != FIELD_MANAGER]
    settled = _stamp_of(live) == _stamp_of(manifest)
    found = []
    for path, removed in _walk(_stated_part(live), _stated_part(applied), ()):
        mine = owners(path, own)
        # Removed was what we had and no longer state, or what lay in something that we state as a whole.
        if removed or mine or _states(manifest, path):
            by = owners(path, others)
            found.append(Difference(spell(path), by, settled or bool(by and not mine)))
    return found


def taking_back(manifest: Object, live: Object | None) -> Object | None:
    """What to apply first where a manifest is refused for what others left beside it, or None.

    A Deployment that is to be recreated, and that somebody had roll, keeps `rollingUpdate`: an apply that does not
    state it cannot take it away, and is refused with it. Stated with other values than are there, all of it becomes
    ours alone; the next apply, which states it no more, then removes it.
    """
    strategy = manifest.get("spec", {}).get("strategy") if manifest["kind"] == "Deployment" else None
    left = (live or {}).get("spec", {}).get("strategy", {}).get("rollingUpdate")
    if strategy != {"type": "Recreate"} or not left:
        return None
    ours = {key: "31%" if left.get(key) != "31%" else "32%" for key in ("maxSurge", "maxUnavailable")}
    return manifest | {"spec": manifest["spec"] | {"strategy": {"type": "RollingUpdate", "rollingUpdate": ours}}}


def owners(path: Path, entries: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Which managers have a field, or something below it, by `metadata.managedFields`."""
    return tuple(
        sorted({str(entry.get("manager", "")) for entry in entries if _has(entry.get("fieldsV1") or {}, path)})
    )


def spell(path: Path) -> str:
    """A path as a person writes it: `spec.template.spec.containers[casino].image`."""
    text = ""
    for step in path:
        label = step.label if isinstance(step, Item) else step
        if isinstance(step, Item) or not PLAIN.fullmatch(label):
            text += f"[{label}]"
        else:
            text += f".{label}" if text else label
    return text


def _stamp_of(found: Object) -> Any:
    return (found["metadata"].get("annotations") or {}).get(APPLIED)


def _stated_part(found: Object) -> Object:
    """Without status, and without what the API server and the stamp say."""
    metadata = {key: value for key, value in found["metadata"].items() if key not in SERVERS}
    annotations = {key: value for key, value in (metadata.get("annotations") or {}).items() if key != APPLIED}
    return {key: value for key, value in found.items() if key != "status"} | {
        "metadata": metadata | {"annotations": annotations}
    }


def _walk(before: Any, after: Any, path: Path) -> Iterator[tuple[Path, bool]]:
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            yield from _walk(before.get(key), after.get(key), (*path, key))
        return
    pairs = _pairs(before, after) if isinstance(before, list) and isinstance(after, list) else None
    if pairs is None:
        yield path, after is None
        return
    for label, one, other in pairs:
        yield from _walk(one, other, (*path, Item(label, other if one is None else one)))


def _pairs(before: Sequence[Any], after: Sequence[Any]) -> list[tuple[str, Any, Any]] | None:
    """Items of two lists that are about the same thing; None where that cannot be told."""
    if not all(isinstance(item, dict) for item in (*before, *after)):
        return None
    for key in KEYS:
        one, other = _by(key, before), _by(key, after)
        if one is not None and other is not None:
            return [(label, one.get(label), other.get(label)) for label in {**one, **other}]
    if len(before) != len(after):
        return None
    return [(str(at), *both) for at, both in enumerate(zip(before, after, strict=True))]


def _by(key: str, items: Sequence[Any]) -> dict[str, Any] | None:
    found = {str(item[key]): item for item in items if key in item}
    return found if len(found) == len(items) else None


def _has(fields: Mapping[str, Any], path: Path) -> bool:
    """Whether a set of fields (FieldsV1) reaches a path: it names it, what is below it, or an atom that holds it."""
    node = fields
    for step in path:
        below = _item(node, step.content) if isinstance(step, Item) else node.get(f"f:{step}")
        if below is None:
            return node is not fields and not node
        node = below
    return True


def _item(node: Mapping[str, Any], content: Any) -> Mapping[str, Any] | None:
    if not isinstance(content, dict):
        return None
    for key, below in node.items():
        if key.startswith("k:") and json.loads(key[2:]).items() <= content.items():
            found: Mapping[str, Any] = below
            return found
    return None


def _states(manifest: Any, path: Path) -> bool:
    node = manifest
    for step in path:
        if isinstance(step, Item):
            items = node if isinstance(node, list) else []
            node = next((item for at, item in enumerate(items) if _is(item, at, step)), None)
        else:
            node = node.get(step) if isinstance(node, dict) else None
        if node is None:
            return False
    return True


def _is(item: Any, at: int, step: Item) -> bool:
    if not isinstance(item, dict):
        return False
    return any(str(item.get(key)) == step.label for key in KEYS if key in item) or str(at) == step.label

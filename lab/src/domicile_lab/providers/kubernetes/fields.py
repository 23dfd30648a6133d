"""Comparing what was asked for with what is there. Pure.

`managedFields` (fieldsV1, https://kubernetes.io/docs/reference/using-api/server-side-apply/) says which fields of a
live object we applied, which of its lists are matched by keys, and which are replaced whole.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from typing import Any

from domicile_lab.providers.interface import Kind as Change
from domicile_lab.providers.kubernetes.objects import Object, stable


def managed_by(live: Mapping[str, Any], manager: str) -> dict[str, Any]:
    """fieldsV1 of what `manager` applied to `live`; empty when it applied nothing."""
    for entry in live.get("metadata", {}).get("managedFields", []):
        if entry.get("manager") == manager and entry.get("operation") == "Apply" and not entry.get("subresource"):
            fields: dict[str, Any] = entry.get("fieldsV1", {})
            return fields
    return {}


def observed_inputs(inputs: Mapping[str, Any], live: Mapping[str, Any], fields: Mapping[str, Any]) -> Object:
    """`inputs` with the values that `live` has for them: where nothing drifted, `inputs` themselves.

    What others added is none of our inputs; what was taken away is gone from the result; a list that is matched by
    keys is followed by its keys, another one is taken whole once it differs in more than what the server filled in.
    `fields` is what `managed_by` gave.
    """
    asked = {k: v for k, v in inputs.items() if k not in ("apiVersion", "kind", "status", "stringData")}
    seen = _observe(asked, live, fields)
    kept = {k: v for k, v in inputs.items() if k in ("apiVersion", "kind")}
    written = inputs.get("stringData")
    if isinstance(written, dict):  # the server moves it into `data`
        data = live.get("data", {})
        kept["stringData"] = {k: _text(data[k]) for k in written if k in data}
    return {**kept, **seen}


def _observe(asked: Any, live: Any, fields: Mapping[str, Any]) -> Any:
    if covers(live, asked):
        return asked
    if isinstance(asked, dict) and isinstance(live, dict):
        return {k: _observe(v, live[k], fields.get(f"f:{k}", {})) for k, v in asked.items() if k in live}
    if isinstance(asked, list) and isinstance(live, list):
        keys = next((tuple(json.loads(name[2:])) for name in fields if name.startswith("k:")), ())
        if keys:
            return list(_observe_by_key(asked, live, fields, keys))
        if any(name.startswith("v:") for name in fields):
            return [value for value in asked if value in live]
    return live


def _observe_by_key(
    asked: list[Any], live: list[Any], fields: Mapping[str, Any], keys: tuple[str, ...]
) -> Iterator[Any]:
    for wanted in asked:
        # A key that was left out has a default (a port's protocol): it does not tell two elements apart.
        for found in live:
            if all(k not in wanted or wanted[k] == found.get(k) for k in keys):
                own = json.dumps({k: found.get(k) for k in sorted(keys)}, separators=(",", ":"), sort_keys=True)
                yield _observe(wanted, found, fields.get(f"k:{own}", {}))
                break


def covers(live: Any, asked: Any) -> bool:
    """Whether `live` is `asked` with nothing but additions to its objects (a server's defaults)."""
    if isinstance(asked, dict):
        return isinstance(live, dict) and all(v is None or (k in live and covers(live[k], v)) for k, v in asked.items())
    if isinstance(asked, list):
        return isinstance(live, list) and len(live) == len(asked) and all(map(covers, live, asked))
    return bool(live == asked)


def _text(encoded: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return encoded


def changes(old: Mapping[str, Any], new: Mapping[str, Any], path: str = "") -> dict[str, Change]:
    """Property paths that differ (`spec.template.spec.containers[0].image`) and how; a null is an absence."""
    found: dict[str, Change] = {}
    for key in [*new, *(k for k in old if k not in new)]:
        before, after = old.get(key), new.get(key)
        place = f"{path}.{_key(key)}" if path and not _key(key).startswith("[") else f"{path}{_key(key)}"
        found |= _change(before, after, place)
    return found


def _change(before: Any, after: Any, place: str) -> dict[str, Change]:
    if before == after:
        return {}
    if before is None:
        return {place: "add"}
    if after is None:
        return {place: "delete"}
    if isinstance(before, dict) and isinstance(after, dict):
        return changes(before, after, place)
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        found: dict[str, Change] = {}
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            found |= _change(one, other, f"{place}[{index}]")
        return found
    return {place: "update"}


def _key(key: str) -> str:
    """A key in the engine's syntax for paths: one with other characters than a name's is quoted."""
    return key if key.replace("_", "").replace("-", "").isalnum() else f'["{key}"]'


def same_effect(live: Mapping[str, Any], applied: Mapping[str, Any], manager: str) -> bool:
    """Whether applying changed nothing: neither the object nor what `manager` owns of it.

    A manager that owned nothing comes to own something by any apply (an imported object's first): no change to tell.
    """
    owned = managed_by(live, manager)
    return stable(live) == stable(applied) and owned in ({}, managed_by(applied, manager))

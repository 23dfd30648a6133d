"""What pulumi_aws declares about a resource type, as `generate.py` wrote it down, and when a value is of its kind."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from domicile_lab.providers.values import UNKNOWN, has_unknown

FOLDER: Final = Path(__file__).parent / "schema"

Kind = str
"""`s` text, `i` whole number, `f` number, `b` truth, `any`, `[kind` list, `{kind` map, `@Name` object."""


@dataclass(frozen=True)
class Schema:
    """One resource type. `computed` inputs are optional ones that the service fills in when they are not given."""

    token: str
    inputs: Mapping[str, Kind]
    outputs: Mapping[str, Kind]
    required: frozenset[str]
    computed: frozenset[str]
    types: Mapping[str, Mapping[str, Kind]]

    def properties(self, kind: Kind) -> Mapping[str, Kind]:
        """The properties of an object kind."""
        return self.types[kind[1:]]


@functools.cache
def _module(module: str) -> dict[str, Any]:
    path = FOLDER / f"{module}.json"
    content: dict[str, Any] = json.loads(path.read_text())
    return content


@functools.cache
def schema_of(token: str) -> Schema:
    """The schema of a token such as `aws:kms/key:Key`; KeyError where `generate.py` has not been run for it."""
    content = _module(token.split(":")[1].partition("/")[0])
    found = content["resources"][token]
    return Schema(
        token,
        found["inputs"],
        found["outputs"],
        frozenset(found["required"]),
        frozenset(found["computed"]),
        content["types"],
    )


def faults(schema: Schema, kind: Kind, value: Any, path: str) -> list[tuple[str, str]]:  # noqa: PLR0911
    """What is wrong with a value: (path, reason). Unknown values are taken on trust."""
    if value is None or value is UNKNOWN or kind == "any":
        return []
    if kind.startswith("["):
        if not isinstance(value, list):
            return [(path, f"must be a list, not {value!r}")]
        return [fault for i, each in enumerate(value) for fault in faults(schema, kind[1:], each, f"{path}[{i}]")]
    if kind.startswith("{"):
        if not isinstance(value, dict):
            return [(path, f"must be a map, not {value!r}")]
        return [fault for key, each in value.items() for fault in faults(schema, kind[1:], each, f"{path}.{key}")]
    if kind.startswith("@"):
        if not isinstance(value, dict):
            return [(path, f"must be an object, not {value!r}")]
        known = schema.properties(kind)
        unknown = [
            (f"{path}.{key}", f"is no property here; known are {', '.join(known)}") for key in value if key not in known
        ]
        inner = [
            fault
            for key, each in value.items()
            if key in known
            for fault in faults(schema, known[key], each, f"{path}.{key}")
        ]
        return unknown + inner
    good = {
        "s": lambda: isinstance(value, str | int | float | dict),  # a policy document may be given as an object
        "i": lambda: _number(value) and float(value).is_integer(),
        "f": lambda: _number(value),
        "b": lambda: isinstance(value, bool) or value in {"true", "false"},
    }
    names = {"s": "text", "i": "a whole number", "f": "a number", "b": "true or false"}
    return [] if good[kind]() else [(path, f"must be {names[kind]}, not {value!r}")]


def _number(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def coerced(schema: Schema, kind: Kind, value: Any) -> Any:  # noqa: PLR0911
    """The value in its declared kind: "5" becomes 5, "true" True, a policy document its JSON text."""
    if value is None or value is UNKNOWN:
        return value
    match kind[0]:
        case "[":
            return [coerced(schema, kind[1:], each) for each in value if each is not None]
        case "{":
            return {key: coerced(schema, kind[1:], each) for key, each in value.items() if each is not None}
        case "@":
            known = schema.properties(kind)
            return {key: coerced(schema, known[key], each) for key, each in value.items() if each is not None}
        case "i":
            return int(float(value))
        case "f":
            return float(value)
        case "b":
            return value if isinstance(value, bool) else value == "true"
        case "s" if isinstance(value, bool):
            return str(value).lower()
        case "s" if isinstance(value, dict):
            return UNKNOWN if has_unknown(value) else json.dumps(value)
        case "s":
            return str(value)
    return value

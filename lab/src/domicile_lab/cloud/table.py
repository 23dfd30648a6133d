"""The data of iam.yaml, read once: names of models and actions, and the expressions of condition keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

import jmespath  # type: ignore[import-untyped]
import yaml


@dataclass(frozen=True)
class Entry:
    """What iam.yaml says of one operation; expressions are compiled JMESPath over the parameters."""

    actions: tuple[str, ...] = ()
    also: Mapping[str, Any] = field(default_factory=dict)
    keys: Mapping[str, Any] = field(default_factory=dict)


_data: dict[str, Any] = yaml.safe_load(files(__package__).joinpath("iam.yaml").read_text())

MODELS: Mapping[str, tuple[str, ...]] = {name: tuple(models) for name, models in _data["models"].items()}
PREFIXES: Mapping[str, str] = _data["prefixes"]
GLOBAL_REGIONS: Mapping[str, str] = _data["global_regions"]


def _entry(raw: Mapping[str, Any]) -> Entry:
    return Entry(
        actions=tuple(raw.get("actions", ())),
        also={action: jmespath.compile(expression) for action, expression in raw.get("also", {}).items()},
        keys={key: jmespath.compile(expression) for key, expression in raw.get("keys", {}).items()},
    )


_entries = {
    (service, operation): _entry(raw)
    for service, operations in _data["operations"].items()
    for operation, raw in operations.items()
}

KEYS: frozenset[str] = frozenset(key.lower() for entry in _entries.values() for key in entry.keys)
"""Every condition key that some operation of the table fills, in lower case: for all others it is truly absent."""

_NOTHING = Entry()


def entry(service: str, operation: str) -> Entry:
    """What the table says of an operation, by botocore's names; an empty entry where it says nothing."""
    return _entries.get((service, operation)) or _entries.get((service, "*")) or _NOTHING

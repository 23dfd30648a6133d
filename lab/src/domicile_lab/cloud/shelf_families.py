"""The families of operations that shelves/ describes, read once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

import jmespath  # type: ignore[import-untyped]
import yaml


@dataclass(frozen=True)
class Task:
    """One operation of a family; expressions are JMESPath.

    `do` is create, put (in another's place), alter (another, or a new one), get, list, update, delete or answer;
    `rename` leads from names of parameters to those of the record; `record` makes the record's own members of the
    parameters; `answer` makes the answer of a record (or, with list, of records; with answer, of the parameters).
    """

    do: str
    answer: Any = None
    record: Any = None
    rename: Mapping[str, str] = field(default_factory=dict)
    hook: str | None = None
    then: Mapping[str, str] = field(default_factory=dict)
    otherwise: Any = None


@dataclass(frozen=True)
class Family:
    """Records of one kind: what names one, what the service adds to it, and its errors.

    No two records have the same values of all members in `unique`. `below` has the families whose records go with
    this one's, and `held` those that keep it, each with the members that are the same in both. `noted` makes records
    of what moto answered, by operation: JMESPath over {parameters, answer}.
    """

    service: str
    name: str
    key: tuple[str, ...]
    unique: str
    tasks: Mapping[str, Task]
    set: Mapping[str, Any]
    default: Mapping[str, Any]
    hook: str | None
    requires: str | None
    missing: str
    exists: str
    arn: str | None
    tags: str | None
    below: Mapping[str, str]
    held: Mapping[str, Mapping[str, str]]
    noted: Mapping[str, Any]


def _family(service: str, name: str, raw: Mapping[str, Any]) -> Family:
    return Family(
        service=service,
        name=name,
        key=tuple(raw.get("key", ())),
        unique=raw.get("unique", " ".join(raw.get("key", ()))),
        tasks={operation: _task(task) for operation, task in raw.get("operations", {}).items()},
        set=raw.get("set", {}),
        default=raw.get("default", {}),
        hook=raw.get("hook"),
        requires=raw.get("requires"),
        missing=raw.get("missing", "ResourceNotFoundException"),
        exists=raw.get("exists", "ResourceInUseException"),
        arn=raw.get("arn"),
        tags=raw.get("tags"),
        below=raw.get("below", {}),
        held=raw.get("held", {}),
        noted={operation: jmespath.compile(expression) for operation, expression in raw.get("noted", {}).items()},
    )


def _task(raw: Mapping[str, Any] | str) -> Task:
    task = {"do": raw} if isinstance(raw, str) else dict(raw)
    for expression in ("answer", "record"):
        if expression in task:
            task[expression] = jmespath.compile(task[expression])
    return Task(**task)


def load_families() -> tuple[Family, ...]:
    """The families of every file of shelves/, in the files' order."""
    shelves = sorted(one.name for one in files(__package__).joinpath("shelves").iterdir() if one.name.endswith(".yaml"))
    return tuple(family for name in shelves for family in _families(name))


def _families(file: str) -> Iterator[Family]:
    """The families of one service, whose file is named after it."""
    data = yaml.safe_load(files(__package__).joinpath("shelves", file).read_text())
    if list(data) != [file.removesuffix(".yaml")]:
        raise ValueError(f"shelves/{file} describes {', '.join(data)}: a file has the service that it is named after")
    for service, families in data.items():
        for name, raw in families.items():
            yield _family(service, name, raw)

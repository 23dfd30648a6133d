"""Reads YAML documents and keeps every fault, so that one run shows them all.

The YAML is 1.2's in what matters: `NO` is Norway, not false; a key may stand once.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing wrong in one file: where, what, and what would be right. `line` counts from 1; 0 is not known."""

    file: str
    path: str
    problem: str
    allowed: str = ""
    line: int = 0

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        where = f"{where}: {self.path}" if self.path else where
        return f"{where}: {self.problem}" + (f" (allowed: {self.allowed})" if self.allowed else "")


class DataError(Exception):
    """Files that do not say what they must. `faults` has every one of them, in order of file and path."""

    def __init__(self, what: str, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(set(faults)))
        count = len(self.faults)
        lines = "\n".join(f"  {fault}" for fault in self.faults)
        super().__init__(f"{what}: {count} {'fault' if count == 1 else 'faults'}\n{lines}")


class _DuplicateKeyError(yaml.YAMLError):
    """A mapping says one thing twice."""


_Base: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _StrictLoader(_Base):  # type: ignore[misc, valid-type]
    """Safe YAML in which a repeated key is an error and only true and false are booleans."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise _DuplicateKeyError(f"line {key.start_mark.line + 1}: {key.value!r} stands twice")
            seen.add(key.value)
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        return mapping


_BOOLEAN = "tag:yaml.org,2002:bool"
_StrictLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != _BOOLEAN]
    for first, resolvers in _Base.yaml_implicit_resolvers.items()
}
_StrictLoader.add_implicit_resolver(_BOOLEAN, re.compile(r"^(?:true|false)$"), list("tf"))


def read_bytes(path: Path, name: str, faults: list[Fault]) -> bytes:
    """The content of a file, or nothing and a fault."""
    try:
        return path.read_bytes()
    except OSError as error:
        faults.append(Fault(name, "", f"cannot be read: {error}"))
        return b""


def parse_documents(content: bytes, name: str, faults: list[Fault]) -> list[Any]:
    """Every non-empty YAML document in a file's content. What is none becomes a fault, and an empty list."""
    try:
        documents = list(yaml.load_all(content.decode(), Loader=_StrictLoader))
    except UnicodeDecodeError as error:
        faults.append(Fault(name, "", f"cannot be read: {error}"))
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        # PyYAML lets out a ValueError for the 30th of February, and a TypeError for a key that is a list.
        faults.append(Fault(name, "", f"is not YAML: {' '.join(str(error).split())}"))
    else:
        return [document for document in documents if document is not None]
    return []


def read_documents(path: Path, name: str, faults: list[Fault]) -> list[Any]:
    """Every non-empty YAML document of a file. What cannot be read becomes a fault, and an empty list."""
    return parse_documents(read_bytes(path, name, faults), name, faults)


def read_mapping(path: Path, name: str, faults: list[Fault]) -> dict[str, Any]:
    """The one mapping of a file, or an empty one and a fault."""
    return parse_mapping(read_bytes(path, name, faults), name, faults)


def parse_mapping(content: bytes, name: str, faults: list[Fault]) -> dict[str, Any]:
    """The one mapping in a file's content, or an empty one and a fault."""
    before = len(faults)
    documents = parse_documents(content, name, faults)
    if len(documents) == 1 and isinstance(documents[0], dict):
        return documents[0]
    if len(faults) == before:
        faults.append(Fault(name, "", "must hold exactly one mapping", "key: value"))
    return {}


def located(fault: Fault, folder: Path) -> Fault:
    """The fault with the line that it stands in, and a path of the names that are written there.

    A key that is missing is looked for where it should be: at the mapping that lacks it.
    """
    try:
        node = yaml.compose((folder / fault.file).read_text(encoding="utf-8"), Loader=_StrictLoader)
    except (OSError, ValueError, TypeError, RecursionError, yaml.YAMLError):
        return fault
    if node is None or fault.line:
        return fault
    line, names = node.start_mark.line + 1, []
    for step in filter(None, fault.path.split(".")):
        if isinstance(node, yaml.MappingNode):
            below = {key.value: (key, value) for key, value in node.value}
            if step in below:
                key, node = below[step]
                line = key.start_mark.line + 1
            elif step == "0":
                continue  # a single thing that stands without a list around it
        elif isinstance(node, yaml.SequenceNode) and step.isdigit() and int(step) < len(node.value):
            node = node.value[int(step)]
            line = node.start_mark.line + 1
        names.append(step)
    return replace(fault, line=line, path=".".join(names))


def parse(model: type[M], data: object, name: str, faults: list[Fault], prefix: str = "") -> M | None:
    """The data as the model, or None and one fault for each thing wrong with it."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        faults.extend(_fault(detail, model, name, prefix) for detail in error.errors(include_url=False))
        return None


def _fault(detail: ErrorDetails, model: type[BaseModel], name: str, prefix: str) -> Fault:
    path = ".".join([*([prefix] if prefix else []), *(str(step) for step in detail["loc"])])
    context = detail.get("ctx", {})
    written = "" if isinstance(detail["input"], dict | list) else f": {detail['input']!r}"
    match detail["type"]:
        case "extra_forbidden":
            return Fault(name, path, "unknown key", ", ".join(_keys(model, detail["loc"][:-1])))
        case "missing":
            return Fault(name, path, "is missing")
        case "enum":
            return Fault(name, path, f"unknown value{written}", str(context.get("expected", "")))
        case "string_pattern_mismatch":
            return Fault(name, path, f"is not a valid code{written}", str(context.get("pattern", "")))
        case "value_error":
            return Fault(name, path, f"{detail['msg'].removeprefix('Value error, ')}{written}")
        case _:
            return Fault(name, path, f"{detail['msg'][0].lower()}{detail['msg'][1:]}{written}")


def _keys(model: type[BaseModel], path: tuple[int | str, ...]) -> tuple[str, ...]:
    """The keys that the model has at a path, or none where the path leaves the models."""
    current: type[BaseModel] | None = model
    for step in path:
        if isinstance(step, str):  # a number is a step into the list that the last name led to
            known = _fields(current)
            current = _model_in(known[step]) if step in known else None
    return tuple(_fields(current))


def _fields(model: type[BaseModel] | None) -> dict[str, Any]:
    """What stands under each key of the model, by the name that is written in a file."""
    fields = model.model_fields if model else {}
    return {field.alias or name: field.annotation for name, field in fields.items()}


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model that an annotation is, or holds: in a tuple, or beside None."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)

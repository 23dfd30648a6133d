"""Between property values of a program and parameters of an API call. Pure.

Most names follow: `cidrBlock` is `CidrBlock`, `subnetIds` is `SubnetIds`, `rules` is `Rule`. So a table writes down
only what does not follow (`names`), by property or, where a word means two things, by `parent.property`.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from domicile_lab.providers.aws.schema import Kind, Schema

Names = Mapping[str, str]


class Unmapped(LookupError):
    """A property that the call has no parameter for."""


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def match(prop: str, members: Iterable[str], names: Names, parent: str = "") -> str | None:
    """The member that a property stands for, or None. Inside an object a plain entry of `names` only helps where no
    member has the property's own name, so that a top-level `name` does not rename every other `name`."""
    known = list(members)
    special = names.get(f"{parent}.{prop}" if parent else prop)
    if special is not None and special.split(".")[0] in known:
        return special
    by_plain = {_plain(each): each for each in known}
    word = _plain(prop)
    forms = [word, word + "s", word + "es", word[:-1] + "ies" if word.endswith("y") else word]
    forms += [word[:-1]] if word.endswith("s") else []
    forms += [word[:-3] + "y"] if word.endswith("ies") else []
    for form in forms:
        if form in by_plain:
            return by_plain[form]
    fallback = names.get(prop) if parent else None
    return fallback if fallback in known else None


_PAIRS: Final = (("key", "value"), ("name", "value"), ("parametername", "parametervalue"))


def _pair(members: Iterable[str]) -> tuple[str, str] | None:
    """The key's and the value's member in a list that stands for a map ([{Key, Value}, ...])."""
    by_plain = {_plain(each): each for each in members}
    for key, value in _PAIRS:
        if key in by_plain and value in by_plain:
            return by_plain[key], by_plain[value]
    return None


def to_wire(  # noqa: PLR0911, PLR0912, PLR0917
    schema: Schema, kind: Kind, value: Any, shape: Any, names: Names, parent: str = ""
) -> Any:
    """A property value as a parameter of botocore shape `shape`. Raises `Unmapped` naming what the shape lacks."""
    family = shape.type_name
    if kind.startswith("@"):
        if family == "list":  # the program has one object where the API has a list of them
            return [to_wire(schema, kind, value, shape.member, names, parent)]
        if family != "structure":
            raise Unmapped(f"{parent or kind} is an object, and {shape.name} is a {family}")
        known = schema.properties(kind)
        result: dict[str, Any] = {}
        for key, each in value.items():
            member = match(key, shape.members, names, parent)
            if member is None:
                raise Unmapped(f"{parent}.{key} has no counterpart in {shape.name}")
            put(result, member, to_wire(schema, known[key], each, at(shape, member), names, key))
        return result
    if kind.startswith("["):
        if family == "structure":  # the program has a list of at most one
            if len(value) > 1:
                raise Unmapped(f"{parent} takes one element only, since {shape.name} is a structure")
            return to_wire(schema, kind[1:], value[0], shape, names, parent) if value else None
        if family == "map" and keyed(schema, kind):
            return {each["key"]: _keyed_value(schema, kind, each, shape.value, names) for each in value}
        if family != "list":
            raise Unmapped(f"{parent} is a list, and {shape.name} is a {family}")
        return [to_wire(schema, kind[1:], each, shape.member, names, parent) for each in value]
    if kind.startswith("{"):
        if family == "map":
            return {key: to_wire(schema, kind[1:], each, shape.value, names, parent) for key, each in value.items()}
        pair = _pair(shape.member.members) if family == "list" and shape.member.type_name == "structure" else None
        if pair is None:
            raise Unmapped(f"{parent} is a map, and {shape.name} is a {family}")
        return [{pair[0]: key, pair[1]: str(each)} for key, each in value.items()]
    return _scalar(value, family, shape, parent)


def keyed(schema: Schema, kind: Kind) -> bool:
    """Whether a list is of objects with a `key`, which an API has as a map."""
    return kind.startswith("[@") and "key" in schema.properties(kind[1:])


def _inner(schema: Schema, kind: Kind) -> str | None:
    """The one object beside the key, if that is all: {key, ipSet: {definitions}} is a map of sets."""
    rest = {key: each for key, each in schema.properties(kind[1:]).items() if key != "key"}
    only = next(iter(rest.items()))
    return only[0] if len(rest) == 1 and only[1].startswith("@") else None


def _keyed_value(schema: Schema, kind: Kind, value: dict[str, Any], shape: Any, names: Names) -> Any:
    inner = _inner(schema, kind)
    if inner:
        return to_wire(schema, schema.properties(kind[1:])[inner], value.get(inner) or {}, shape, names, inner)
    return to_wire(schema, kind[1:], {key: each for key, each in value.items() if key != "key"}, shape, names)


def _keyed_properties(schema: Schema, kind: Kind, data: Any, names: Names) -> dict[str, Any]:
    inner = _inner(schema, kind)
    if inner:
        return {inner: from_wire(schema, schema.properties(kind[1:])[inner], data, names, inner)}
    found: dict[str, Any] = from_wire(schema, kind[1:], data, names) or {}
    return {key: each for key, each in found.items() if key != "key"}


def _scalar(value: Any, family: str, shape: Any, parent: str) -> Any:
    match family:
        case "string" | "timestamp":
            return str(value).lower() if isinstance(value, bool) else str(value)
        case "integer" | "long":
            return int(value)
        case "float" | "double":
            return float(value)
        case "boolean":
            return value if isinstance(value, bool) else value == "true"
        case "blob":
            return str(value).encode()
        case "list" if shape.member.type_name == "string":
            return [str(value)]
        case _:
            raise Unmapped(f"{parent} is a scalar, and {shape.name} is a {family}")


def at(shape: Any, path: str) -> Any:
    """The shape at a dotted path of members; lists on the way are entered."""
    for word in path.split("."):
        while shape.type_name == "list":
            shape = shape.member
        shape = shape.members[word]
    return shape


def put(target: dict[str, Any], path: str, value: Any) -> None:
    """Set a value at a dotted path, making the objects on the way."""
    *heads, last = path.split(".")
    for word in heads:
        target = target.setdefault(word, {})
    target[last] = value


def from_wire(schema: Schema, kind: Kind, data: Any, names: Names, parent: str = "") -> Any:  # noqa: PLR0911
    """What an answer says about a property, in the program's names. None where it says nothing."""
    if data is None:
        return None
    if kind.startswith("@"):
        if isinstance(data, list):
            data = data[0] if data else None
        if not isinstance(data, dict):
            return None
        found = {
            key: from_wire(schema, each, fetch(data, match(key, data, names, parent)), names, key)
            for key, each in schema.properties(kind).items()
        }
        return {key: each for key, each in found.items() if each is not None}
    if kind.startswith("["):
        if isinstance(data, dict) and keyed(schema, kind) and match("key", data, {}) is None:
            return [{"key": key, **_keyed_properties(schema, kind, each, names)} for key, each in data.items()]
        items = data if isinstance(data, list) else [data]
        return [from_wire(schema, kind[1:], each, names, parent) for each in items]
    if kind.startswith("{"):
        if isinstance(data, list):
            pair = _pair(data[0]) if data else None
            return {each[pair[0]]: _text(each.get(pair[1], "")) for each in data} if pair else {}
        return {str(key): from_wire(schema, kind[1:], each, names, parent) for key, each in data.items()}
    return _value(kind, data)


def fetch(data: Any, path: str | None) -> Any:
    """The value at a dotted path, or None."""
    for word in path.split(".") if path else ["\0"]:
        data = data.get(word) if isinstance(data, dict) else None
    return data


def _text(data: Any) -> str:
    if isinstance(data, bool):
        return str(data).lower()
    if isinstance(data, datetime.datetime):
        return data.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return data.decode() if isinstance(data, bytes) else str(data)


def _value(kind: Kind, data: Any) -> Any:
    match kind:
        case "s":
            return _text(data) if not isinstance(data, list | dict) else None
        case "i":
            return int(float(data))
        case "f":
            return float(data)
        case "b":
            return data if isinstance(data, bool) else str(data).lower() in {"true", "enabled", "yes", "1"}
        case _:
            return data

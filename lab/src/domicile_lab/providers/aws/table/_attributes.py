"""Properties that an API has as attributes, in a list of {Key, Value} or a map of texts. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from domicile_lab.providers.aws.model import Cloud, Custom, Facts, Read


def text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def setter(service: str, operation: str, key: str, names: Mapping[str, str]) -> Custom:
    """One call that sets every attribute whose property has changed. Members of an object are named
    `property.member`; a property that is given no more is set to the empty text where it was one."""

    def run(cloud: Cloud, facts: Facts) -> None:
        before, after = flat(facts.old, names), flat(facts.inputs, names)
        changed = [{"Key": name, "Value": value} for name, value in after.items() if before.get(name) != value]
        if changed:
            cloud.call(service, operation, {key: facts.id, "Attributes": changed})

    return Custom(tuple(dict.fromkeys(name.partition(".")[0] for name in names)), run, on_create=True)


def reader(operation: str, key: str, names: Mapping[str, str]) -> Read:
    """The call that tells all attributes of what is named by `key`."""
    return Read(operation, {key: "{id}"}, at="Attributes", pick=lambda found, _: found, only=(), fields=told(names))


def flat(values: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, str]:
    """Attributes of the given properties."""
    found: dict[str, str] = {}
    for path, name in names.items():
        prop, _, member = path.partition(".")
        value = values.get(prop)
        value = value.get(member) if member and isinstance(value, dict) else None if member else value
        if value is not None:
            found[name] = text(value)
    return found


def told(names: Mapping[str, str]) -> dict[str, Callable[[Any], Any]]:
    """Readers of the properties in an answer with a list of attributes."""

    def of(prop: str) -> Callable[[Any], Any]:
        def read(data: Any) -> Any:
            held = {each["Key"]: each.get("Value", "") for each in data}
            members = {path.partition(".")[2]: name for path, name in names.items() if path.partition(".")[0] == prop}
            if "" in members:
                return typed(held.get(members[""]))
            found = {member: typed(held[name]) for member, name in members.items() if held.get(name)}
            return found or None

        return read

    return {prop: of(prop) for prop in dict.fromkeys(path.partition(".")[0] for path in names)}


def typed(value: Any) -> Any:
    """The texts of an attribute as what they mean."""
    if value in ("true", "false"):
        return value == "true"
    if isinstance(value, str) and value.isdigit():
        return int(value)
    return value or None

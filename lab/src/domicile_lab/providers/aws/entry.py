"""A table entry at work: requests from inputs, properties from answers, what a change needs. Pure, but for the models
of the services that it is given."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any, Final

import jmespath  # type: ignore[import-untyped]

from domicile_lab.providers.aws.compare import Meaning, covers, drifted, equal
from domicile_lab.providers.aws.model import Call, Cloud, Custom, Facts, Read, Resource, Update
from domicile_lab.providers.aws.schema import Schema, schema_of
from domicile_lab.providers.aws.shapes import at, fetch, from_wire, match, put, to_wire
from domicile_lab.providers.interface import Values
from domicile_lab.providers.values import UNKNOWN

ABSENT: Final = object()
GENERAL: Final = frozenset({"tags", "tagsAll", "region"})
"""Properties that every type has and that are not handed to its calls like others."""
_BLANKS: Final[Mapping[str, Any]] = {"s": "", "[": [], "b": False}
_GONE: Final = re.compile(
    r"(NotFound(Exception|Fault|_?\w*Fault)?|NoSuch\w+|DoesNotExist\w*|Nonexistent\w*|\w*NotFound\w*)$"
)


def is_gone(code: str, extra: Iterable[str] = ()) -> bool:
    """Whether an error code says that the thing asked about does not exist."""
    return code in tuple(extra) or bool(_GONE.search(code))


class Entry:
    """A resource type with its schema, and `shape`: (service, operation) -> (input shape, output shape)."""

    def __init__(self, resource: Resource, shape: Callable[[str, str], tuple[Any, Any]]) -> None:
        self.resource = resource
        self.schema: Schema = schema_of(resource.type)
        self._shape = shape
        self._takes: dict[int, tuple[str, ...]] = {}

    # Comparing

    @cached_property
    def meaning(self) -> Meaning:
        resource = self.resource
        return Meaning(
            frozenset(resource.json),
            frozenset(resource.ordered),
            frozenset(resource.folded),
            frozenset(resource.numbers),
            frozenset(_maps(self.schema)),
            resource.same or (lambda _path, _given, _found: False),
        )

    def changed(self, old: Values, new: Values) -> dict[str, str]:
        """Changed inputs -> add, delete or update. One that the service fills in and that is no longer given stays."""
        changes: dict[str, str] = {}
        for key in self.schema.inputs:
            one, other = old.get(key), new.get(key)
            if one is None and other is None:
                continue
            if other is None and key in self.schema.computed and key not in self.resource.defaults:
                continue
            default = self.resource.defaults.get(key)
            if equal(default if one is None else one, default if other is None else other, self.meaning, key):
                continue
            changes[key] = "add" if one is None else "delete" if other is None else "update"
        return changes

    def needs_new(self, changes: Iterable[str]) -> frozenset[str]:
        """Those changes that no call can make in place."""
        return frozenset(
            key for key in changes if key in self.resource.replaces or key == "region" or key not in self.mutable
        )

    @cached_property
    def mutable(self) -> frozenset[str]:
        found = {key for key in self.resource.local if key not in self.schema.required}
        if self.resource.tags:
            found.add("tags")
        for update in self.resource.updates:
            found.update(self.takes_of(update))
        return frozenset(found)

    # Requests

    def shape(self, call: Call | Read, *, answer: bool = False) -> Any:
        pair = self._shape(call.service or self.resource.service, str(call.operation))
        return pair[1] if answer else pair[0]

    def takes_of(self, update: Update | Custom) -> tuple[str, ...]:
        return update.takes if isinstance(update, Custom) else self.takes(update.call)

    def takes(self, call: Call) -> tuple[str, ...]:
        """The inputs that a call is handed."""
        if call.takes is not None:
            return call.takes
        if id(call) not in self._takes:
            shape = self.shape(call)
            if shape is None:
                return ()
            shape = at(shape, call.inside) if call.inside else shape
            bound = {str(key) for key in call.params}
            skip = GENERAL | set(self.resource.local) | set(self.resource.unsupported)
            found = []
            for key in self.schema.inputs:
                member = match(key, shape.members, self.resource.names)
                if key not in skip and member is not None and member not in bound:
                    found.append(key)
            self._takes[id(call)] = tuple(found)
        return self._takes[id(call)]

    def request(self, call: Call, facts: Facts, cloud: Cloud, props: Iterable[str] | None = None) -> Values:
        """The parameters of a call: those that it binds, and the inputs that it takes (only `props`, if given)."""
        request: Values = render(call.params, facts, cloud)
        shape = self.shape(call)
        if shape is None:  # an operation without parameters
            return request
        shape = at(shape, call.inside) if call.inside else shape
        wanted = self.takes(call) if props is None else [key for key in self.takes(call) if key in set(props)]
        for key in wanted:
            value = facts.inputs.get(key)
            if value is None:
                value = self._blank(key) if key in facts.old else None
            if value is None:
                continue
            member = match(key, shape.members, self.resource.names)
            if member is None and _bound(call.params, key):
                continue
            if member is None:
                raise LookupError(f"{call.operation} has no parameter for {key}: name it in `names` of the table")
            if key in self.resource.write:
                wired = self.resource.write[key](value)
            else:
                wired = to_wire(
                    self.schema, self.schema.inputs[key], value, at(shape, member), self.resource.names, key
                )
            if wired is not None:
                put(request, f"{call.inside}.{member}" if call.inside else member, wired)
        return request

    def _blank(self, key: str) -> Any:
        if key in self.resource.defaults:
            return self.resource.defaults[key]
        return _BLANKS.get(self.schema.inputs[key][0])

    # Answers

    def found(self, read: Read, answer: Any, facts: Facts) -> Any:
        """The resource's object in an answer; None if it is not there."""
        data = jmespath.search(read.at, answer) if read.at else answer
        if read.pick is not None:
            return read.pick(data, facts)
        if isinstance(data, list) and read.at:
            return data[0] if data else None
        return data

    def properties(self, read: Read, data: Any) -> Values:
        """The properties that an object tells, in the program's names."""
        state: Values = {}
        for key, kind in {**self.schema.inputs, **self.schema.outputs}.items():
            if key in GENERAL or (read.only is not None and key not in read.only and key not in read.fields):
                continue
            special = read.fields.get(key)
            if callable(special):
                value = special(data)
            else:
                raw = jmespath.search(special, data) if special else _fetch(data, key, self.resource.names)
                value = from_wire(self.schema, kind, raw, self.resource.names, key)
            if value is not None:
                state[key] = value
        return state

    def inputs_of(self, state: Values, old: Values | None) -> Values:
        """The inputs as the world has them: of those that were given, or, without any (an import), of all."""
        resource = self.resource
        if not old:
            return {
                key: _without(pruned(self.schema, kind, state[key]), key, resource.told)
                for key, kind in self.schema.inputs.items()
                if key in state and key not in resource.unsupported and state[key] not in ("", [], {}, None)
                if key not in resource.untold
            }
        inputs: Values = {}
        for key, given in old.items():
            if key in resource.local or key in resource.untold or key == "region" or key not in self.schema.inputs:
                inputs[key] = given
                continue
            if key in resource.quiet and state.get(key) in (None, [], ""):
                inputs[key] = given
                continue
            inputs[key] = drifted(given, _pruned_or_none(self.schema, key, state), self.meaning, key)
        for key, default in resource.defaults.items():
            if old.get(key) is None and key in state and not covers(default, state[key], self.meaning, key):
                inputs[key] = pruned(self.schema, self.schema.inputs[key], state[key])
        if "tags" in self.schema.inputs and "tags" not in old and state.get("tags"):
            inputs["tags"] = state["tags"]
        return {key: value for key, value in inputs.items() if value is not None}

    def preview(self, inputs: Values) -> Values:
        """Outputs of a resource that is still to be made."""
        outputs: Values = dict(inputs)
        for key, kind in self.schema.outputs.items():
            if key not in self.schema.inputs or (key in self.schema.computed and key not in inputs):
                outputs.setdefault(key, UNKNOWN)
            elif kind.startswith("@") and isinstance(inputs.get(key), dict):
                given = self.schema.properties(self.schema.inputs[key])
                told = {each.partition(".")[2] for each in self.resource.told if each.startswith(f"{key}.")}
                more = {each: UNKNOWN for each in self.schema.properties(kind) if each not in given or each in told}
                outputs[key] = {**inputs[key], **more}
        return outputs


def _pruned_or_none(schema: Schema, key: str, state: Values) -> Any:
    return pruned(schema, schema.inputs[key], state[key]) if state.get(key) is not None else None


def pruned(schema: Schema, kind: str, value: Any) -> Any:
    """A value without what is no input of its kind."""
    if kind.startswith("@") and isinstance(value, dict):
        known = schema.properties(kind)
        return {key: pruned(schema, known[key], each) for key, each in value.items() if key in known}
    if kind.startswith("[") and isinstance(value, list):
        return [pruned(schema, kind[1:], each) for each in value]
    return value


def _without(value: Any, parent: str, told: Iterable[str]) -> Any:
    """A value without the nested properties that only the service sets."""
    if isinstance(value, dict):
        return {key: each for key, each in value.items() if f"{parent}.{key}" not in set(told)}
    return value


def overlay(given: Any, state: Any) -> Any:
    """Outputs: what was given in the form in which it was given, and beside it what the service added."""
    if isinstance(given, dict) and isinstance(state, dict):
        return {**state, **{key: overlay(each, state.get(key)) for key, each in given.items()}}
    return state if given is None else given


def render(template: Any, facts: Facts, cloud: Cloud) -> Any:  # noqa: PLR0911
    """A parameter of a table entry with its names filled in; what names something absent is left out."""
    if isinstance(template, Mapping):
        pairs = {key: render(each, facts, cloud) for key, each in template.items()}
        return {key: each for key, each in pairs.items() if each is not ABSENT}
    if isinstance(template, list | tuple):
        items = [render(each, facts, cloud) for each in template]
        kept = [each for each in items if each is not ABSENT]
        return kept if kept or not items else ABSENT
    if callable(template):
        value = template(facts, cloud)
        return ABSENT if value is None else value
    if not isinstance(template, str):
        return template
    words = re.findall(r"{(\w+)}", template)
    if not words:
        return template
    values = {word: _lookup(word, facts, cloud) for word in words}
    if any(value is None for value in values.values()):
        return ABSENT
    if template == f"{{{words[0]}}}":
        return values[words[0]]
    return re.sub(r"{(\w+)}", lambda found: str(values[found[1]]), template)


def _bound(template: Any, key: str) -> bool:
    """Whether a parameter of the entry carries the input already, or computes something that may."""
    if isinstance(template, Mapping):
        return any(_bound(each, key) for each in template.values())
    if isinstance(template, list | tuple):
        return any(_bound(each, key) for each in template)
    return callable(template) or (isinstance(template, str) and f"{{{key}}}" in template)


def _lookup(word: str, facts: Facts, cloud: Cloud) -> Any:
    match word:
        case "id":
            return facts.id or None
        case "account":
            return cloud.account
        case "region":
            return cloud.region
        case "partition":
            return cloud.partition
        case _:
            return facts.get(word)


def _fetch(data: Any, key: str, names: Mapping[str, str]) -> Any:
    return fetch(data, match(key, data, names)) if isinstance(data, dict) else None


def _maps(schema: Schema) -> set[str]:
    """Paths of the maps among the inputs."""
    found: set[str] = set()

    def walk(kind: str, path: str, seen: frozenset[str]) -> None:
        inner = kind.lstrip("[")
        if inner.startswith("{"):
            found.add(path)
        elif inner.startswith("@") and inner not in seen:
            for key, each in schema.properties(inner).items():
                walk(each, f"{path}.{key}", seen | {inner})

    for key, kind in schema.inputs.items():
        walk(kind, key, frozenset())
    return found

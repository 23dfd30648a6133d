"""What Pulumi is about to build, as values: the same whether it comes from a preview's JSON or from the engine itself.

Pure. Property names are the provider's own, in camel case, as they stand in a stack's state.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Any, Final

AWS, KUBERNETES = "aws:", "kubernetes:"


class Unknown(Enum):
    """A value that is not known before the update: the output of something that the same plan makes."""

    UNTIL_UP = "unknown until up"


UNKNOWN: Final = Unknown.UNTIL_UP


class Operation(StrEnum):
    """What is going to happen to a resource."""

    SAME = "same"
    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    READ = "read"


@dataclass(frozen=True, slots=True)
class Provider:
    """The provider of a resource. `properties` are None where the source of the plan does not tell them."""

    name: str
    urn: str
    properties: Mapping[str, Any] | None = None

    @property
    def is_default(self) -> bool:
        """Whether Pulumi made it up because the program named none."""
        return self.name == "default" or self.name.startswith("default_")


@dataclass(frozen=True, slots=True)
class Options:
    """A resource's options. None stands for what the source of the plan does not tell."""

    protect: bool = False
    retain_on_delete: bool | None = None
    parent: str | None = None
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlannedResource:
    """A resource of a plan. `dependencies` are the URNs that each of its properties comes from.

    `operation` is None where the source of the plan does not tell. `properties` may hold UNKNOWN at any depth,
    and are UNKNOWN themselves where nothing of them is known yet.
    """

    urn: str
    type: str
    name: str
    properties: Mapping[str, Any] | Unknown = field(default_factory=dict)
    options: Options = Options()
    provider: Provider | None = None
    operation: Operation | None = None
    dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def at(self, *path: str) -> Any:
        """The value at a path, None where it is missing, UNKNOWN where it or what holds it is not known."""
        return at(self.properties, *path)

    def tag(self, key: str) -> Any:
        """A tag's value, None where there is none."""
        return self.at("tags", key)


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that a stack is going to be.

    `changes_only` says that what stays as it is may be missing, `without_inputs` that no resource has its properties.
    """

    stack: str
    resources: tuple[PlannedResource, ...]
    changes_only: bool = False
    without_inputs: bool = False

    @property
    def remaining(self) -> tuple[PlannedResource, ...]:
        """What will be there after the update."""
        return tuple(one for one in self.resources if one.operation is not Operation.DELETE)

    def of(self, *types: str) -> tuple[PlannedResource, ...]:
        """What will be there of some types."""
        return tuple(one for one in self.remaining if one.type in types)

    def about(self, target: PlannedResource, kind: str, key: str) -> tuple[PlannedResource, ...]:
        """The resources of a type whose property `key` names another resource, by its output or by its value."""
        own = {target.at(key), target.at("id")} - {None, UNKNOWN}
        return tuple(one for one in self.of(kind) if target.urn in one.dependencies.get(key, ()) or one.at(key) in own)


def at(value: Any, *path: str) -> Any:
    """The value at a path inside mappings and one-element lists; see PlannedResource.at."""
    for step in path:
        if isinstance(value, list | tuple) and len(value) == 1:
            # What is a block in the provider's schema is an object or a list of one, by its version.
            value = value[0]
        if value is UNKNOWN:
            return UNKNOWN
        if not isinstance(value, Mapping):
            return None
        value = value.get(step)
    return value


def leaves(value: Any, *path: str) -> Iterator[Any]:
    """Every value at a path, through the lists on its way: UNKNOWN for one that is not known, none if it is missing."""
    if value is UNKNOWN:
        yield UNKNOWN
    elif isinstance(value, list | tuple):
        for one in value:
            yield from leaves(one, *path)
    elif not path:
        if value is not None:
            yield value
    elif isinstance(value, Mapping):
        yield from leaves(value.get(path[0]), *path[1:])


def each(value: Any) -> tuple[Any, ...]:
    """The elements of a list; one UNKNOWN where the list is not known, nothing where it is missing."""
    if value is None:
        return ()
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def strings(value: Any) -> Iterator[str]:
    """Every string inside a value, keys left out."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from strings(inner)
    elif isinstance(value, Iterable):
        for inner in value:
            yield from strings(inner)


def name_of(urn: str) -> str:
    """The logical name at the end of a URN."""
    return urn.rpartition("::")[2]

"""A declared resource, wherever it was read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Resource:
    """One resource of a stack.

    `type` is Pulumi's token (`aws:kms/key:Key`), `inputs` have the names that the engine is told (camelCase).
    `references` has, for each input, the URNs of what it was made from. `component` is the type of the component that
    it is in, such as `domicile:cell:Keys`; empty where it is in none.
    """

    urn: str
    type: str
    name: str
    component: str
    inputs: Mapping[str, Any] = field(repr=False)
    references: Mapping[str, Sequence[str]] = field(default_factory=dict, repr=False)

    @property
    def title(self) -> str:
        """How findings and waivers name it."""
        return f"{self.type}::{self.name}"

    @property
    def package(self) -> str:
        """The provider that makes it: aws, kubernetes."""
        return self.type.partition(":")[0]


@dataclass(frozen=True)
class Stack:
    """What one stack declares, without its providers."""

    name: str
    resources: tuple[Resource, ...] = field(repr=False)

    def of(self, package: str) -> list[Resource]:
        return [one for one in self.resources if one.package == package]


def stack_of(name: str, found: Sequence[tuple[Resource, str, bool]]) -> Stack:
    """A stack of (resource, parent's URN, whether it is a custom one), with each resource's component filled in."""
    types = {one.urn: one.type for one, _, _ in found}
    return Stack(
        name,
        tuple(
            Resource(one.urn, one.type, one.name, types.get(parent, ""), one.inputs, one.references)
            for one, parent, custom in found
            if custom and not one.type.startswith("pulumi:")
        ),
    )

"""What the tests share: the program's resources and the scan of them, each made once."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from tests.scan.declared import program
from tests.scan.resource import Stack


@cache
def _program() -> tuple[Stack, ...]:
    return tuple(program())


@pytest.fixture(scope="session")
def stacks() -> tuple[Stack, ...]:
    """What the program declares."""
    return _program()


@pytest.fixture(scope="session")
def cell(stacks: tuple[Stack, ...]) -> Stack:
    return next(one for one in stacks if one.name == "cell")


def changed(stack: Stack, title: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Stack:
    """The stack with other inputs of the one resource of that title. A changed input is made from nothing else."""
    (old,) = (one for one in stack.resources if one.title == title)
    inputs = change(dict(old.inputs))
    made_from = {key: urns for key, urns in old.references.items() if inputs.get(key) == old.inputs.get(key)}
    new = replace(old, inputs=inputs, references=made_from)
    assert new != old, "the change changes nothing"
    return replace(stack, resources=tuple(new if one is old else one for one in stack.resources))

"""A pytest plugin that takes one piece of code away, to see which tests miss it.

    DOMICILE_WITHOUT=module:object pytest -p domicile_audit.without ...

The object is replaced wherever it was imported to by one that does nothing: it refuses nothing, changes nothing and
answers None. A test that only calls the code passes with that, and shows nothing.
"""

import importlib
import inspect
import os
import sys
from typing import Any

import pytest

VARIABLE = "DOMICILE_WITHOUT"


def resolve(reference: str) -> tuple[Any, str, Any]:
    """The owner of what `module:object` names, the last part of its name, and the object itself.

    Raises ImportError or AttributeError where there is no such thing.
    """
    module, _, path = reference.partition(":")
    owner: Any = importlib.import_module(module)
    *outer, name = path.split(".")
    for part in outer:
        owner = getattr(owner, part)
    return owner, name, getattr(owner, name)


def remove(reference: str) -> None:
    """Put what does nothing in the place of the object, in its module and wherever else it was imported to."""
    owner, name, found = resolve(reference)

    def nothing(*_: object, **__: object) -> None:
        return None

    async def nothing_awaited(*_: object, **__: object) -> None:
        return None

    instead = nothing_awaited if inspect.iscoroutinefunction(found) else nothing
    setattr(owner, name, instead)
    for module in list(sys.modules.values()):
        for alias, value in list(getattr(module, "__dict__", {}).items()):
            if value is found:
                setattr(module, alias, instead)


def pytest_configure(config: pytest.Config) -> None:
    """Before any test module is imported."""
    del config
    if reference := os.environ.get(VARIABLE):
        remove(reference)

"""The types that the provider knows: a module for each module of pulumi_aws, loaded when one of its types is used."""

from __future__ import annotations

import functools
import importlib
from pathlib import Path

from domicile_lab.providers.aws.model import Resource
from domicile_lab.providers.aws.schema import Schema, schema_of


def module(token: str) -> str:
    """`aws:kms/key:Key` -> `kms`."""
    return token.split(":")[1].partition("/")[0]


@functools.cache
def modules() -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py")))


@functools.cache
def _resources(name: str) -> dict[str, Resource]:
    loaded = importlib.import_module(f"{__name__}.{name}")
    return {each.type: each for each in loaded.RESOURCES}


def find(token: str) -> Resource | None:
    """The entry of a type, or None."""
    name = module(token)
    return _resources(name).get(token) if name in modules() else None


def tokens() -> list[str]:
    """Every type of the table."""
    return sorted(token for name in modules() for token in _resources(name))


def schema(token: str) -> Schema:
    return schema_of(token)

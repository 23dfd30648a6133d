"""What each type of resource holds, and so whether it may go without a person's word.

The table is `holding.yaml`. A type that is not in it holds nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

import yaml

from domicile_policies.plan.tokens import aws, kubernetes

FILE = "holding.yaml"


@dataclass(frozen=True, slots=True)
class Holding:
    """A class of the table. `kept` says that nothing brings back what such a resource holds; `means` says why."""

    name: str
    kept: bool
    means: str


@cache
def holdings() -> Mapping[str, Holding]:
    """The class of each type's token; a type that is in two classes of the file is an error."""
    found: dict[str, Holding] = {}
    for name, told in yaml.safe_load((files(__package__) / FILE).read_text()).items():
        one = Holding(name, told["kept"], told["means"])
        tokens = [aws(module, each) for module, names in told.get("aws", {}).items() for each in names.split()]
        tokens += [
            kubernetes(group, each) for group, names in told.get("kubernetes", {}).items() for each in names.split()
        ]
        for token in tokens:
            if token in found:
                raise ValueError(f"{FILE}: {token} is in the classes {found[token].name} and {name}; it is in one.")
            found[token] = one
    return MappingProxyType(found)


def is_kept(token: str) -> bool:
    """Whether a type holds what does not come back by building it again."""
    held = holdings().get(token)
    return held is not None and held.kept

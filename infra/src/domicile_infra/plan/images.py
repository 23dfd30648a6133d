"""The images that a cell's cluster pulls from the cell's own registry: data (images.yaml), read once."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml

OWN = "domicile/"
"""What the names of our own images begin with."""


@dataclass(frozen=True, slots=True)
class Image:
    """An image: its repository's name, what it is for, and where it is copied from; ours is pushed by the release."""

    name: str
    purpose: str
    source: str | None = None

    @property
    def ours(self) -> bool:
        """Whether it is of this project, and so decides outcomes of games."""
        return self.name.startswith(OWN)


@cache
def needed() -> tuple[Image, ...]:
    """The images that every cell has a repository for."""
    document: list[dict[str, Any]] = yaml.safe_load(
        resources.files(__package__).joinpath("images.yaml").read_text(encoding="utf-8")
    )
    return tuple(Image(one["name"], one["for"], one.get("source")) for one in document)


def images_of(more: Iterable[str]) -> tuple[Image, ...]:
    """What a cell's registry holds: what every cell needs, and what its environment adds. Each once, in order."""
    known = {one.name for one in needed()}
    added = [name for name in dict.fromkeys(more) if name not in known]
    return (*needed(), *(Image(name, "named by the environment") for name in added))

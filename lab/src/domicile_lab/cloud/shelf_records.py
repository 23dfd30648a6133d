"""What a shelf keeps: records by account and region, and what is wrong where one cannot be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Place:
    """An account and a region, which for services without regions is the one of their endpoint."""

    account: str
    region: str


class ShelfError(Exception):
    """An error of the service, by its own code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


Record = dict[str, Any]
Records = Callable[[str, str, Place], list[Record]]
"""Gives the records of a service's family in a place."""

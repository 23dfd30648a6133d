"""Replacing methods of moto's classes."""

from __future__ import annotations

from typing import Any


def lay(over: type, **methods: Any) -> None:
    """Give a class these methods, in place of its own of the same names."""
    for name, method in methods.items():
        setattr(over, name, method)

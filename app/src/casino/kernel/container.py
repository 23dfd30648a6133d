"""What is built once at start and asked for by type: no module reaches into another for its parts."""

from __future__ import annotations

from typing import Any, TypeVar, cast

T = TypeVar("T")


class Container:
    """Objects by their type (or protocol)."""

    def __init__(self) -> None:
        self._objects: dict[Any, object] = {}

    def put(self, kind: type[T], value: T) -> T:
        self._objects[kind] = value
        return value

    def get(self, kind: type[T]) -> T:
        """The one object of that kind. Raises LookupError when bootstrap did not build one."""
        try:
            return cast(T, self._objects[kind])
        except KeyError:
            raise LookupError(f"nothing of kind {kind.__name__} was built at start") from None

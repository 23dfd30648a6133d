"""Waits for an answer of the engine while the program runs."""

from collections.abc import Awaitable
from typing import Any

from pulumi.runtime.sync_await import _sync_await


def wait_for(answer: Awaitable[Any]) -> Any:
    """The answer. A plan needs plain values, what is declared inside `apply` would be left out of previews, and a
    refusal there would come after other things were built.

    The SDK waits for its own calls the same way and has no public name for it.
    """
    return _sync_await(answer)

"""How background tasks are ended."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

AGAIN_S = 5.0


async def end(tasks: Iterable[asyncio.Task[Any]], *, again_s: float = AGAIN_S) -> None:
    """Cancel tasks and wait until all of them are over, however they end.

    A cancellation can be lost: before Python 3.12 `asyncio.wait_for`, which database drivers use, swallows one that
    comes in the moment in which what it waits for ends (python/cpython#86296). A task that loops for ever then goes on,
    and whoever waits for it waits for ever; so it is told again after `again_s` seconds.
    """
    told = list(tasks)
    pending = {task for task in told if not task.done()}
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=again_s)
    await asyncio.gather(*told, return_exceptions=True)

"""Background tasks end when they are told to, also those that lose a cancellation."""

from __future__ import annotations

import asyncio

from casino.kernel.tasks import end


async def test_a_task_that_loses_a_cancellation_is_told_again() -> None:
    """A casino once stayed for ever: its watch of the games' switches had a query under way when it was cancelled."""
    lost = 0

    async def watch() -> None:
        nonlocal lost
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                lost += 1
                if lost == 3:
                    raise

    task = asyncio.create_task(watch())
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await end([task], again_s=0.01)
    assert lost == 3 and task.cancelled()


async def test_how_a_task_ended_is_nobodys_trouble() -> None:
    async def fails() -> None:
        raise RuntimeError("gone wrong")

    async def is_over() -> int:
        return 1

    tasks = [asyncio.create_task(fails()), asyncio.create_task(is_over()), asyncio.create_task(asyncio.sleep(3600))]
    await asyncio.sleep(0)
    await end(tasks)
    assert [task.done() for task in tasks] == [True] * 3


async def test_nothing_is_ended_at_once() -> None:
    await end([])

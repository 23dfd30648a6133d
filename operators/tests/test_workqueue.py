"""Which tenant is worked on when."""

import asyncio

import pytest
from domicile_operator.workqueue import BACKOFF_MOST, WorkQueue


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def nothing_due(queue: WorkQueue) -> bool:
    try:
        await asyncio.wait_for(queue.take(), 0.02)
    except TimeoutError:
        return True
    return False


async def test_many_events_are_one_pass(clock: Clock) -> None:
    queue = WorkQueue(clock)
    for _ in range(10):
        queue.add("a")
    assert await queue.take() == "a"
    queue.done("a")
    assert await nothing_due(queue)


async def test_the_earlier_wish_stands(clock: Clock) -> None:
    queue = WorkQueue(clock)
    queue.add("a", 10)
    queue.add("a", 1)
    queue.add("a", 25)
    clock.now = 1
    assert await queue.take() == "a"


async def test_no_tenant_is_in_two_passes_at_once(clock: Clock) -> None:
    queue = WorkQueue(clock)
    queue.add("a")
    assert await queue.take() == "a"
    queue.add("a")
    assert await nothing_due(queue)
    queue.done("a")
    assert await queue.take() == "a"


async def test_a_wish_wakes_a_waiting_worker(clock: Clock) -> None:
    queue = WorkQueue(clock)
    worker = asyncio.create_task(queue.take())
    await asyncio.sleep(0)
    queue.add("a")
    assert await asyncio.wait_for(worker, 1) == "a"


async def test_pauses_double_up_to_a_bound_and_begin_anew(clock: Clock) -> None:
    queue, pauses = WorkQueue(clock), []
    for _ in range(8):
        queue.add_after_failure("a")
        pauses.append(queue._due["a"] - clock.now)
        clock.now = queue._due["a"]
        assert await queue.take() == "a"
        queue.done("a")
    assert pauses[:5] == [1, 2, 4, 8, 16]
    assert pauses[-1] == BACKOFF_MOST
    queue.succeed("a")
    queue.add_after_failure("a")
    assert queue._due["a"] - clock.now == 1


async def test_a_forgotten_tenant_is_not_worked_on(clock: Clock) -> None:
    queue = WorkQueue(clock)
    queue.add("a")
    queue.forget("a")
    assert "a" not in queue
    assert await nothing_due(queue)


async def test_its_depth_is_what_is_due_and_not_yet_worked_on(clock: Clock) -> None:
    queue = WorkQueue(clock)
    queue.add("a")
    queue.add("b", 10)
    assert queue.depth == 1
    await queue.take()
    assert queue.depth == 0


async def test_who_undoes_each_pass_at_once_hurries_nobody(clock: Clock) -> None:
    queue = WorkQueue(clock)
    queue.add("a")
    queue.rest("a", 5)
    queue.add("a")
    queue.add("b")
    assert await queue.take() == "b"
    queue.done("b")
    assert await nothing_due(queue)
    clock.now = 5
    assert await queue.take() == "a"
    queue.succeed("a")
    queue.done("a")
    queue.add("a")
    assert await queue.take() == "a"

"""Group commit: what is asked while a batch is under way goes out together in the next one.

Nobody waits for company. A lone question goes out at once; under load batches grow by themselves, and what a round
trip or a commit costs is shared by all who ride in it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, TypeVar

Question = TypeVar("Question")
Answer = TypeVar("Answer")


class Batcher(Generic[Question, Answer]):
    """Asks `run` in batches of at most `size`, at most `lanes` of them at once.

    `run` answers its questions in their order; an answer that is an exception is raised to the one who asked. What
    `run` itself raises is raised to everybody in that batch. Two questions of one `key` never share a batch.
    """

    def __init__(
        self,
        run: Callable[[list[Question]], Awaitable[Sequence[Answer | BaseException]]],
        *,
        key: Callable[[Question], Hashable] = id,
        size: int = 64,
        lanes: int = 2,
    ) -> None:
        self._run = run
        self._key = key
        self._size = size
        self._lanes = lanes
        self._waiting: deque[tuple[Question, asyncio.Future[Answer]]] = deque()
        self._running = 0
        self._tasks: set[asyncio.Task[None]] = set()  # the event loop itself holds them weakly

    async def ask(self, question: Question) -> Answer:
        """The answer. Whoever stops waiting for it has asked all the same."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, future))
        if self._running < self._lanes:
            self._running += 1
            task = asyncio.create_task(self._drain())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await future

    async def _drain(self) -> None:
        try:
            await self._drain_all()
        finally:
            # At once, and not when the loop gets to the task's callbacks: a question that comes in between would
            # count on a lane that is not there any more, and wait for ever.
            self._running -= 1

    async def _drain_all(self) -> None:
        while self._waiting:
            batch = self._next_batch()
            try:
                answers: Sequence[Answer | BaseException] = await self._run([question for question, _ in batch])
                if len(answers) != len(batch):
                    raise RuntimeError(f"{len(batch)} questions have {len(answers)} answers")
            except BaseException as error:
                answers = [error] * len(batch)
                if not isinstance(error, Exception):
                    _settle(batch, answers)
                    raise
            _settle(batch, answers)

    def _next_batch(self) -> list[tuple[Question, asyncio.Future[Answer]]]:
        batch: list[tuple[Question, asyncio.Future[Answer]]] = []
        taken: set[Hashable] = set()
        later: list[tuple[Question, asyncio.Future[Answer]]] = []
        while self._waiting and len(batch) < self._size:
            one = self._waiting.popleft()
            key = self._key(one[0])
            if key in taken:
                later.append(one)
            else:
                taken.add(key)
                batch.append(one)
        self._waiting.extendleft(reversed(later))
        return batch


def _settle(batch: list[tuple[Question, asyncio.Future[Answer]]], answers: Sequence[Answer | BaseException]) -> None:
    for (_, future), answer in zip(batch, answers, strict=True):
        if future.done():  # nobody waits any more
            continue
        if isinstance(answer, BaseException):
            future.set_exception(answer)
        else:
            future.set_result(answer)

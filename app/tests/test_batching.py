"""Group commit: company without waiting, and each question's own answer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from casino.kernel.batching import Batcher


class Recorder:
    """Answers a question with its tenfold, after `gate` opens; negative ones with an exception of their own."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.gate = asyncio.Event()
        self.running = self.most = 0

    async def run(self, questions: list[int]) -> Sequence[int | BaseException]:
        self.batches.append(questions)
        self.running += 1
        self.most = max(self.most, self.running)
        await self.gate.wait()
        self.running -= 1
        return [ValueError(str(q)) if q < 0 else q * 10 for q in questions]


async def _ask(batcher: Batcher[int, int], *questions: int) -> list[int | BaseException]:
    return await asyncio.gather(*(batcher.ask(q) for q in questions), return_exceptions=True)


async def test_a_lone_question_goes_out_at_once() -> None:
    recorder = Recorder()
    recorder.gate.set()
    assert await Batcher(recorder.run).ask(4) == 40
    assert recorder.batches == [[4]]


async def test_what_comes_meanwhile_shares_the_next_batch() -> None:
    recorder = Recorder()
    batcher = Batcher(recorder.run, lanes=1)
    first = asyncio.create_task(batcher.ask(1))
    await asyncio.sleep(0.01)
    rest = asyncio.create_task(_ask(batcher, 2, 3, 4))
    await asyncio.sleep(0.01)
    recorder.gate.set()
    assert (await first, await rest) == (10, [20, 30, 40])
    assert recorder.batches == [[1], [2, 3, 4]]


async def test_a_batch_is_never_larger_than_its_size_and_lanes_bound_how_many_run() -> None:
    recorder = Recorder()
    batcher = Batcher(recorder.run, size=3, lanes=2)
    asked = asyncio.create_task(_ask(batcher, *range(20)))
    await asyncio.sleep(0.01)
    recorder.gate.set()
    assert await asked == [q * 10 for q in range(20)]
    assert max(map(len, recorder.batches)) == 3
    assert recorder.most == 2


async def test_two_questions_of_one_key_never_share_a_batch_and_keep_their_order() -> None:
    recorder = Recorder()
    recorder.gate.set()
    batcher = Batcher(recorder.run, key=lambda q: q % 10, lanes=1)
    assert await _ask(batcher, 1, 11, 2, 21, 3) == [10, 110, 20, 210, 30]
    assert recorder.batches == [[1, 2, 3], [11], [21]]


async def test_an_exception_for_one_is_raised_to_that_one() -> None:
    recorder = Recorder()
    recorder.gate.set()
    good, bad = await _ask(Batcher(recorder.run), 5, -5)
    assert good == 50
    assert isinstance(bad, ValueError)


async def test_what_the_batch_raises_everybody_in_it_gets_and_the_next_goes_on() -> None:
    calls = 0

    async def run(questions: list[int]) -> list[int]:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise ConnectionError("gone")
        return questions

    batcher: Batcher[int, int] = Batcher(run)
    assert all(isinstance(answer, ConnectionError) for answer in await _ask(batcher, 1, 2))
    assert await batcher.ask(3) == 3


async def test_a_missing_answer_is_a_fault_and_not_a_wait_without_end() -> None:
    async def run(questions: list[int]) -> list[int]:
        return questions[1:]

    batcher: Batcher[int, int] = Batcher(run)
    with pytest.raises(RuntimeError, match="1 questions have 0 answers"):
        await asyncio.wait_for(batcher.ask(1), 1)


async def test_who_stops_waiting_disturbs_nobody() -> None:
    recorder = Recorder()
    batcher = Batcher(recorder.run, lanes=1)
    leaver = asyncio.create_task(batcher.ask(1))
    stayer = asyncio.create_task(batcher.ask(2))
    await asyncio.sleep(0.01)
    leaver.cancel()
    await asyncio.sleep(0)
    recorder.gate.set()
    assert await stayer == 20


async def test_a_question_that_comes_as_the_last_lane_ends_is_answered() -> None:
    """Regression: it was counted as carried by a task that had ended, and waited for ever."""
    recorder = Recorder()
    recorder.gate.set()
    batcher = Batcher(recorder.run, lanes=1)
    async with asyncio.timeout(1):
        for question in range(50):  # each asked by the very step that the answer before woke
            assert await batcher.ask(question) == question * 10


async def test_a_run_that_is_cancelled_frees_its_lane() -> None:
    async def run(questions: list[int]) -> list[int]:
        if questions == [1]:
            raise asyncio.CancelledError
        return questions

    batcher: Batcher[int, int] = Batcher(run, lanes=1)
    with pytest.raises(asyncio.CancelledError):
        await batcher.ask(1)
    assert await asyncio.wait_for(batcher.ask(2), 1) == 2

"""Ticks of a provider, as the simulator gives them: through faults of the stream, to who is subscribed."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from contextlib import suppress
from typing import Any

import pytest
from casino.dev.run import Child, checkout, free_port
from casino.realtime.prices import PriceReader


class Collected:
    def __init__(self) -> None:
        self.ticks: list[tuple[str, str]] = []

    def tick(self, name: str, price: str) -> None:
        self.ticks.append((name, price))


async def read(*faults: str, until: int) -> tuple[PriceReader, Collected]:
    """A reader that has run against the simulator until it had so many ticks."""
    port = free_port()
    script = checkout() / "lab" / "simulators" / "prices" / "price_simulator.py"
    command = [sys.executable, str(script), "--listen", f"127.0.0.1:{port}", "--ticks-per-s", "200", *faults]
    collected: Any = Collected()
    reader = PriceReader(f"http://127.0.0.1:{port}/ticks", collected)
    with Child(command, "prices", port=port):
        running = asyncio.create_task(reader.run())
        async with asyncio.timeout(20):
            while reader.ticks < until:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
    return reader, collected


async def test_prices_go_up_and_down_and_are_decimal_text() -> None:
    reader, collected = await read(until=40)
    assert {name for name, _ in collected.ticks} == {"gold", "silver"}
    assert all(re.fullmatch(r"\d+\.\d{4}", price) for _, price in collected.ticks)
    assert len({price for name, price in collected.ticks if name == "gold"}) > 5
    assert not reader.faulty


async def test_a_stream_that_breaks_off_is_read_anew_and_what_is_no_tick_is_passed_over() -> None:
    reader, collected = await read("--break-after", "20", "--garbage-every", "3", until=30)
    assert reader.faulty >= 10 and len(collected.ticks) == reader.ticks
    assert collected.ticks[0] in collected.ticks[13:]  # the seed begins anew with the stream


@pytest.mark.parametrize(
    "line",
    [
        b"", b"{", b"[]", b'{"name":"gold"}', b'{"name":"Gold","price":"1"}', b'{"name":"gold","price":1.5}',
        b'{"name":"gold","price":"-1"}', b'{"name":"gold","price":"1e9"}', b'{"name":"gold","price":"NaN"}',
        b'{"name":"a:b","price":"1"}', json.dumps({"name": "g", "price": "1", "x": "y" * 2000}).encode(),
    ],
)  # fmt: skip
def test_a_line_that_is_no_tick_is_counted(line: bytes) -> None:
    collected: Any = Collected()
    reader = PriceReader("http://nowhere", collected)
    reader._line(line)
    assert (reader.faulty, collected.ticks) == (1, [])

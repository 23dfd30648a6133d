"""A casino with two studios, each by its dialect, and the studios' side of both."""

import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))

from staff_testkit import hire as hire
from studio_bench import STUDIO_SETTINGS, StudioBench, open_bench

OpenBench = Callable[..., Awaitable[StudioBench]]


@pytest.fixture
def open_studios(open_casino: Any) -> OpenBench:
    """A bench on a casino under rules changed as told, speaking the given dialect."""

    async def open_(dialect: str, settings: dict[str, str] | None = None, **rules: Any) -> StudioBench:
        casino = await open_casino(STUDIO_SETTINGS | (settings or {}), **rules)
        return await open_bench(casino, dialect)

    return open_


@pytest.fixture(params=["rsa_status", "hmac_actions"])
async def bench(open_studios: OpenBench, request: pytest.FixtureRequest) -> AsyncIterator[StudioBench]:
    """A casino without limits, and a studio of each dialect in turn with a player who has 10.00."""
    yield await open_studios(request.param)


@pytest.fixture
async def studio(open_studios: OpenBench) -> StudioBench:
    """The same in one dialect, for rules that no dialect has a say in: test_conformance.py tries them in both."""
    return await open_studios("hmac_actions")

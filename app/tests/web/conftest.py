"""A browser at a casino of this process: the page as a player has it, at the width of a desk or of a telephone."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from casino.dev.run import free_port
from playwright.async_api import Browser, Page, async_playwright

sys.path.insert(0, str(Path(__file__).parent))  # --import-mode=importlib leaves the folder out

from page_testkit import log_in

CHROMIUM = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # they are pytest's


@asynccontextmanager
async def _served(casino: Any) -> AsyncIterator[str]:
    """The casino on a port of loopback; its life is its fixture's."""
    port = free_port()
    server = _Server(uvicorn.Config(casino.app, host="127.0.0.1", port=port, lifespan="off", log_config=None))
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(10):
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await serving


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.fail("the page is tested in Chromium: install the Debian package chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=CHROMIUM)
        yield browser
        await browser.close()


Visit = Callable[..., Awaitable[Page]]


@pytest.fixture
async def visit(browser: Browser) -> AsyncIterator[Visit]:
    """Opens the page of a casino for a player, logged in."""
    async with AsyncExitStack() as stack:

        async def open_(casino: Any, player: Any, width: int = 1100) -> Page:
            url = await stack.enter_async_context(_served(casino))
            page = await browser.new_page(viewport={"width": width, "height": 900}, locale="en-GB")
            page.set_default_timeout(10_000)
            stack.push_async_callback(page.close)
            await page.goto(url)
            await log_in(page, player)
            return page

        yield open_

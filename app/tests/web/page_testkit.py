"""The door of the page, in a browser."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Page

PASSWORD = "correct horse battery"


async def log_in(page: Page, player: Any) -> None:
    """Log in at the door that the page shows."""
    form = page.get_by_test_id("login-form")
    await form.get_by_test_id("email").fill(player.email)
    await form.get_by_test_id("password").fill(PASSWORD)
    await form.get_by_test_id("submit-login").click()
    await page.get_by_test_id("balance").wait_for()


async def come_back(page: Page, player: Any) -> None:
    """Load the page anew, and log in if the session has ended meanwhile."""
    await page.reload()
    if await page.get_by_test_id("login-form").is_visible():
        await log_in(page, player)

"""Limits, breaks, exclusion, reality checks and the statement as a player has them, in a browser, by keyboard too."""

from __future__ import annotations

import re
from typing import Any

import pytest
from casino.responsible_gaming.module import ResponsibleGaming
from page_testkit import come_back
from playwright.async_api import Page, expect


async def limit(page: Page, kind: str, period: str, value: str) -> None:
    await page.get_by_test_id("limit-kind").select_option(kind)
    await page.get_by_test_id("limit-period").select_option(period)
    await page.get_by_test_id("limit-value").fill(value)
    await page.get_by_test_id("submit-limit").click()


async def test_a_limit_tightens_at_once_and_a_looser_one_waits_in_sight(open_casino: Any, visit: Any) -> None:
    casino = await open_casino(
        limits=[{"kind": "deposit", "period": "month", "maximum": 90_000, "required": True}],
        limit_loosening_confirmed=True,
    )
    player = await casino.player()
    page = await visit(casino, player)
    required, status, error = (page.get_by_test_id(one) for one in ("limits-required", "limit-status", "limit-error"))
    await expect(required).to_contain_text("Deposits a month")
    await page.get_by_test_id("deposit-amount").fill("20")
    await page.get_by_test_id("submit-deposit").click()
    await expect(page.get_by_test_id("error")).to_contain_text("Set it under Limits on this page")
    await limit(page, "deposit", "month", "901")
    await expect(error).to_contain_text("above 900.00 GBP here")
    await limit(page, "deposit", "month", "50")
    await expect(status).to_have_text("Deposits a month: 50.00 GBP, in force now.")
    await expect(error).to_be_hidden()
    await expect(required).to_be_hidden()
    entry = page.get_by_test_id("limit-deposit-month")
    await page.get_by_test_id("submit-deposit").click()
    await expect(page.get_by_test_id("balance")).to_have_text("20.00 GBP")
    await page.reload()
    await expect(entry).to_contain_text("20.00 GBP used, counted until")

    await limit(page, "deposit", "month", "80")
    await expect(status).to_contain_text("The looser limit of 80.00 GBP waits until")
    await expect(entry).to_contain_text("50.00 GBP")
    await page.get_by_test_id("keep-limit").click()
    await expect(entry).not_to_contain_text("80.00")
    await page.get_by_test_id("remove-limit").click()
    await expect(status).to_contain_text("To be without a limit waits until")
    await limit(page, "deposit", "month", "80")
    await expect(entry).to_contain_text("80.00 GBP waits until")

    casino.clock.forward(hours=25)
    await page.clock.set_system_time(casino.clock.now())
    await come_back(page, player)
    await page.get_by_test_id("confirm-limit").click()
    await expect(status).to_have_text("Deposits a month: 80.00 GBP, in force now.")
    await page.get_by_test_id("limit-changes").click()
    changes = page.locator("#limit-changes tbody tr")
    await expect(changes).to_have_count(6)
    await expect(changes.first).to_contain_text("Loosened")


async def test_session_time_is_a_limit_in_minutes_with_what_is_used_of_it(casino: Any, visit: Any) -> None:
    player = await casino.player()
    page = await visit(casino, player)
    await page.get_by_test_id("limit-kind").select_option("session")
    await expect(page.get_by_label("Minutes")).to_be_visible()
    await limit(page, "session", "day", "1.5")
    await expect(page.get_by_test_id("limit-error")).to_contain_text("whole minutes")
    await limit(page, "session", "day", "90")
    await expect(page.get_by_test_id("limit-status")).to_have_text("Session time a day: 90 minutes, in force now.")
    casino.clock.forward(minutes=7)
    await casino.part(ResponsibleGaming).presence.look()
    await page.reload()
    used = page.get_by_test_id("limit-session-day")
    await expect(used).to_contain_text(re.compile(r"\d minutes? used"))


async def test_an_exclusion_is_asked_about_first_and_ends_the_session(open_casino: Any, visit: Any) -> None:
    casino = await open_casino(self_exclusion_minimum_days=30)
    player = await casino.player(deposit=1_000)
    page = await visit(casino, player)
    dialog, submit = page.get_by_test_id("confirm"), page.get_by_test_id("submit-exclusion")
    await submit.focus()
    await page.keyboard.press("Enter")
    await expect(dialog).to_contain_text("Exclude yourself for 30 days?")
    await expect(dialog).to_contain_text("Nobody can shorten this")
    await expect(page.get_by_test_id("confirm-no")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    await submit.click()
    await page.keyboard.press("Enter")  # the answer that has the focus is the safe one
    await expect(dialog).to_be_hidden()
    assert (await player.call("GET", "/players/me/protection")).json()["excluded"] is False

    await page.get_by_test_id("exclusion-length").select_option("endless")
    await expect(page.get_by_test_id("exclusion-days")).to_be_hidden()
    await submit.click()
    await expect(dialog).to_contain_text("For at least 180 days")
    await page.get_by_test_id("confirm-yes").click()
    await expect(page.get_by_test_id("notice")).to_contain_text("You have excluded yourself")
    await expect(page.get_by_test_id("login-form")).to_be_visible()
    assert (await casino.login(player.email)).json()["code"] == "ACCOUNT_NOT_AVAILABLE"


async def test_a_break_is_shown_and_a_refused_deposit_says_where_to_look(casino: Any, visit: Any) -> None:
    page = await visit(casino, await casino.player(deposit=1_000))
    await page.get_by_test_id("break-days").fill("3")
    await page.get_by_test_id("submit-break").click()
    await page.get_by_test_id("confirm-yes").click()
    await expect(page.get_by_test_id("break-status")).to_contain_text("Your break lasts until")
    await expect(page.get_by_test_id("exclusions")).to_contain_text("You take a break until")
    await page.get_by_test_id("deposit-amount").fill("20")
    await page.get_by_test_id("submit-deposit").click()
    await expect(page.get_by_test_id("error")).to_contain_text("Under Limits on this page you see why")
    await page.reload()
    await expect(page.get_by_test_id("exclusions")).to_contain_text("no play and no deposits")


async def test_who_is_excluded_and_may_log_in_asks_to_come_back(open_casino: Any, visit: Any) -> None:
    casino = await open_casino(
        self_exclusion_minimum_days=1, self_excluded_may_log_in=True, session_idle_timeout_s=10**6
    )
    player = await casino.player()
    assert (await player.call("POST", "/players/me/self-exclusion", {"days": 1})).status_code == 201
    page = await visit(casino, player)
    shown, ask = page.get_by_test_id("exclusions"), page.get_by_test_id("ask-to-return")
    await expect(shown).to_contain_text("You have excluded yourself until")
    await ask.click()
    await expect(page.get_by_test_id("break-error")).to_contain_text("The exclusion's time is not over.")
    casino.clock.forward(hours=24)
    await come_back(page, player)
    await ask.click()
    await expect(shown).to_contain_text("You may play again from")
    await expect(ask).to_have_count(0)


async def test_a_reality_check_stands_before_the_next_spin_until_it_is_acknowledged(
    open_casino: Any, visit: Any
) -> None:
    casino = await open_casino(reality_check_minutes=30, reality_check_acknowledged=True)
    player = await casino.player(deposit=5_000)
    page = await visit(casino, player)
    dialog = page.get_by_test_id("reality-check")
    await expect(dialog).to_be_hidden()
    for _ in range(6):
        casino.clock.forward(minutes=5)
        await casino.part(ResponsibleGaming).presence.look()
    await page.get_by_test_id("submit-spin").click()
    await expect(dialog).to_contain_text("In 30 minutes, since")
    await expect(dialog).to_contain_text("You have neither won nor lost.")
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_visible()
    await page.reload()
    await expect(page.get_by_test_id("check-go-on")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(dialog).to_be_hidden()
    await page.get_by_test_id("submit-spin").click()
    await expect(page.get_by_test_id("spin-result")).to_have_text(re.compile("win|comes back", re.IGNORECASE))


async def test_the_statement_and_the_history_add_up_to_what_was_played(open_casino: Any, visit: Any) -> None:
    casino = await open_casino(kind="all")
    player = await casino.player(deposit=1_000)
    won = sum([(await player.spin(20)).json()["win_minor"] for _ in range(12)])
    page = await visit(casino, player)
    rows = page.locator("#history tbody tr")
    await expect(rows).to_have_count(10)
    await page.get_by_test_id("history-older").click()
    await expect(rows).to_have_count(13)
    await expect(page.get_by_test_id("history-older")).to_be_hidden()
    statement = page.get_by_test_id("statement")

    async def shown() -> str:
        await page.get_by_test_id("submit-statement").click()
        await expect(page.get_by_test_id("statement-status")).to_contain_text("Time with a session")
        return await statement.inner_text()

    for _ in range(100):  # sums follow the wallet's events
        if "2.40 GBP" in (text := await shown()):
            break
        await page.wait_for_timeout(100)
    result = f"{(won - 240) / 100:.2f} GBP"
    assert "2.40 GBP" in text and f"{won / 100:.2f} GBP" in text and result in text and "10.00 GBP" in text
    await page.get_by_test_id("history-kind").select_option("deposits")
    await expect(rows).to_have_count(1)
    await expect(rows).to_contain_text("10.00 GBP")
    await page.get_by_test_id("statement-since").fill("2020-01-01")
    await page.get_by_test_id("submit-statement").click()
    await expect(page.get_by_test_id("statement-error")).to_contain_text("at most 366 days")


@pytest.mark.parametrize("width", [360, 1100])
async def test_everything_has_a_name_and_nothing_is_wider_than_the_screen(
    open_casino: Any, visit: Any, width: int
) -> None:
    casino = await open_casino(limits=[{"kind": "loss", "period": "day", "maximum": 90_000}])
    player = await casino.player(deposit=123_456)
    await player.call("PUT", "/players/me/limits/deposit/week", {"value": 200_000})
    await player.call("PUT", "/players/me/limits/deposit/week", {"value": 300_000})
    page = await visit(casino, player, width)
    await expect(page.get_by_test_id("keep-limit")).to_be_visible()
    await page.get_by_test_id("limit-changes").click()
    await page.get_by_test_id("submit-statement").click()
    await expect(page.get_by_test_id("statement-status")).to_contain_text("Time with a session")
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    nameless = await page.evaluate(
        """[...document.querySelectorAll("input, select, button, progress, dialog, [role=region]")].filter((one) =>
            one.type !== "hidden" && !one.closest("dialog:not([open])") && !(one.labels && one.labels.length)
            && !one.ariaLabel && !one.textContent.trim() && !one.getAttribute("aria-labelledby")
        ).map((one) => one.outerHTML)"""
    )
    assert nameless == []

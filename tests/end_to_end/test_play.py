"""A player's way through the casino, in a browser and over the interface, and the money right afterwards."""

from __future__ import annotations

import re
import secrets

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.end_to_end import lab

CHROMIUM = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


def test_a_player_registers_deposits_spins_and_sees_the_history_in_a_browser(gb: str) -> None:
    email = f"{secrets.token_hex(6)}@example.test"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            # Chromium trusts this one key, as it would the site's authority; any other certificate is refused.
            args=[*CHROMIUM, f"--ignore-certificate-errors-spki-list={lab.ingress_key_pin()}"],
        )
        page = browser.new_page(viewport={"width": 1100, "height": 900})
        page.goto(gb)
        form = page.get_by_test_id("register-form")
        form.get_by_test_id("email").fill(email)
        form.get_by_test_id("password").fill(lab.PASSWORD)
        form.get_by_test_id("date-of-birth").fill("1980-02-29")
        for field, value in lab.DETAILS.items():
            form.get_by_test_id(field).fill(value)
        form.get_by_test_id("submit-register").click()
        login = page.get_by_test_id("login-form")
        balance = page.get_by_test_id("balance")
        expect(login.or_(balance).first).to_be_visible()
        if login.is_visible():
            login.get_by_test_id("email").fill(email)
            login.get_by_test_id("password").fill(lab.PASSWORD)
            login.get_by_test_id("submit-login").click()
        expect(balance).to_contain_text("0.00")
        again = lab.Player(gb)
        again.email = email
        lab.let_play(again.log_in())
        page.get_by_test_id("deposit-amount").fill("50")
        page.get_by_test_id("submit-deposit").click()
        expect(balance).to_contain_text("50.00")
        page.get_by_test_id("submit-spin").click()
        expect(page.get_by_test_id("spin-result")).not_to_be_empty()
        expect(page.get_by_test_id("history")).to_contain_text(re.compile("round", re.IGNORECASE))
        page.screenshot(path=str(lab.screenshot_folder() / "play.png"), full_page=True)
        shown = balance.inner_text()
        browser.close()
    assert f"{again.balance() / 100:.2f}" in shown
    assert lab.verify_ledger("acme-gb")["ok"] is True


def test_a_certificate_of_another_authority_is_refused(gb: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
        with pytest.raises(Exception, match="ERR_CERT_AUTHORITY_INVALID"):
            browser.new_page().goto(gb)
        browser.close()


def test_money_adds_up_over_many_spins(gb: str) -> None:
    player = lab.new_player(gb, deposit_minor=5_000)
    expected = 5_000
    for _ in range(4):
        answer = lab.wait_for(
            lambda: (a := player.spin(100)).status_code != 429 and a, 10, "a spin after the game cycle"
        ).json()
        expected += answer["win_minor"] - answer["stake_minor"]
        assert answer["balance_minor"] == expected
    assert player.balance() == expected
    assert lab.verify_ledger("acme-gb")["ok"] is True


def test_the_same_bet_twice_gives_one_answer_and_moves_money_once(gb: str) -> None:
    player = lab.new_player(gb, deposit_minor=1_000)
    first, second = player.spin(100, key="bet-1"), player.spin(100, key="bet-1")
    assert first.status_code == second.status_code == 200
    assert first.json() == second.json()
    assert player.balance() == first.json()["balance_minor"]
    other = player.spin(200, key="bet-1")
    assert other.status_code == 409 and other.json()["code"] == "IDEMPOTENCY_KEY_REUSED"


@pytest.mark.parametrize("amount", [-1, 0, 1.5, "1", True, None, 2**63, 10**30])
def test_an_amount_that_is_no_amount_is_refused(gb: str, amount: object) -> None:
    player = lab.new_player(gb, deposit_minor=1_000)
    for answer in (player.spin(amount), player.deposit(amount)):
        assert answer.status_code == 422, answer.text
        assert answer.json()["detail"]
    assert player.balance() == 1_000


def test_a_minor_is_refused_by_the_jurisdictions_age(gb: str) -> None:
    answer = lab.Player(gb, date_of_birth="2015-01-01").register()
    assert answer.status_code == 403
    assert answer.json()["code"] == "UNDER_AGE"


def test_a_stake_above_the_limit_of_the_tenant_is_refused(gb: str) -> None:
    player = lab.new_player(gb, deposit_minor=5_000)
    stakes = [s for game in player.games() for s in game["stakes_minor"]]
    answer = player.spin(1_000)
    assert answer.status_code in (403, 422), (answer.text, stakes)
    assert player.balance() == 5_000


@pytest.mark.parametrize(("card", "status"), [("tok_declined", "declined"), ("tok_lost_answer", "captured")])
def test_a_deposit_follows_what_the_payment_provider_did(gb: str, card: str, status: str) -> None:
    player = lab.new_player(gb)
    key = secrets.token_hex(8)
    assert player.deposit(700, card, key=key).status_code in (201, 202)
    settled = lab.wait_for(
        lambda: (a := player.deposit(700, card, key=key).json()).get("status") == status and a,
        40, f"the deposit {status}",
    )  # fmt: skip
    assert settled["status"] == status
    assert player.balance() == (700 if status == "captured" else 0)

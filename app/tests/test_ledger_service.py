"""The ledger's calls from Python: what they answer, and what runs out by itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from casino.wallet.ledger import Ledger, Movement, NotReversible, Request


@pytest.fixture
def calls(ledger: Any) -> Ledger:
    return Ledger(SimpleNamespace(pool=ledger.pool))  # type: ignore[arg-type]


def request(account: int, key: str, body: bytes = b"") -> Request:
    return Request(account, key, body.ljust(32, b"\0"))


SOON = datetime.now(UTC) + timedelta(hours=1)
PAST = datetime.now(UTC) - timedelta(hours=1)


async def test_a_movement_is_posted_once_and_its_repeat_answers_the_same(ledger: Any, calls: Ledger) -> None:
    account = await ledger.player(100)
    fee = [Movement("player_cash", None, "fees", "dormancy", "GBP", 30)]
    first = await calls.post("fee", request(account, "k"), fee, {"month": "2026-11"})
    assert (first.outcome, first.balance_minor, first.stands) == ("posted", 70, True)
    again = await calls.post("fee", request(account, "k"), fee, {"month": "another"})
    assert (again.outcome, again.balance_minor, again.details) == ("replayed", 70, {"month": "2026-11"})
    assert again.transaction_id == first.transaction_id
    other = await calls.post("fee", request(account, "k", b"other"), fee, {})
    assert (other.outcome, other.stands) == ("key_reused", False)


async def test_a_round_of_several_bets_is_settled_as_one(ledger: Any, calls: Ledger) -> None:
    account = await ledger.player(1_000)
    for key, amount in (("deal", 100), ("double", 100)):
        opened = await calls.open_hold(
            "open_bet", request(account, key), amount, part_of="hand", expires_at=SOON, details={"act": key}
        )
        assert opened.outcome == "opened"
    assert [(hold.reference, hold.status) for hold in await calls.holds(account, "hand")] == [
        ("deal", "open"),
        ("double", "open"),
    ]
    settled = await calls.resolve_holds(
        "open_bet", request(account, "over"), "captured", part_of="hand", win_minor=400, details={}
    )
    assert (settled.outcome, settled.amount_minor, settled.balance_minor) == ("resolved", 200, 1_200)
    assert {hold.status for hold in await calls.holds(account, "hand")} == {"captured"}


async def test_what_is_held_beyond_its_time_is_given_back_once(ledger: Any, calls: Ledger) -> None:
    account = await ledger.player(1_000)
    for key, until in (("late", PAST), ("later", PAST), ("in time", SOON)):
        await calls.open_hold("withdrawal", request(account, key), 100, part_of="all", expires_at=until, details={})
    assert (await calls.expire_holds(), await calls.expire_holds()) == (2, 0)
    assert await ledger.balance(account) == 900
    assert [hold.status for hold in await calls.holds(account, "all")] == ["expired", "expired", "open"]


async def test_a_bar_without_end_is_lifted_by_loosening_alone(ledger: Any, calls: Ledger) -> None:
    account = await ledger.player(100)
    await calls.restrict(account, datetime.max.replace(tzinfo=UTC), None)
    await calls.restrict(account, SOON, 5)
    assert (await ledger.bet(account, 1))["outcome"] == "barred"
    await calls.loosen(account, None, 5)
    assert (await ledger.bet(account, 6))["outcome"] == "stake_above_limit"
    assert (await ledger.bet(account, 5))["outcome"] == "placed"


async def test_a_jackpot_is_seeded_once_for_a_key_and_won_whole(ledger: Any, calls: Ledger) -> None:
    account = await ledger.player(0)
    assert (await calls.pay_jackpot("mini", request(account, "w"), seed_minor=0, details={})).outcome == "jackpot_empty"
    for _ in range(2):
        await calls.seed_jackpot("mini", "GBP", 700, "first")
    won = await calls.pay_jackpot("mini", request(account, "w"), seed_minor=300, details={"round": "r"})
    assert (won.outcome, won.amount_minor, won.balance_minor) == ("posted", 700, 700)
    assert await calls.jackpot("mini", "GBP") == 300
    with pytest.raises(NotReversible) as refused:
        await calls.reverse(won.transaction_id, {"reason": "malfunction"})  # type: ignore[arg-type]
    assert refused.value.code == "TRANSACTION_NOT_REVERSIBLE" and "adjustment" in refused.value.message


async def test_a_booking_is_reversed_and_its_reversal_is_not(ledger: Any, calls: Ledger) -> None:
    account = await ledger.player(100)
    fee = await ledger.post("fee", account, [("player_cash", None, "fees", "dormancy", "GBP", 40)])
    undone = await calls.reverse(fee["transaction_id"], {"reason": "charged twice"})
    assert (undone.outcome, undone.balance_minor) == ("posted", 100)
    with pytest.raises(NotReversible):
        await calls.reverse(undone.transaction_id, {})  # type: ignore[arg-type]

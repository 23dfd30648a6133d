"""What a window has seen where a bet of an earlier one comes back, and where two accounts of a person become one."""

from __future__ import annotations

import uuid
from typing import Any

import asyncpg
import pytest

VOID = "SELECT * FROM wallet.void_bet($1, $2, wallet.uuid7(), '{}')"
MERGE = "SELECT * FROM wallet.merge_players($1, $2, $3)"
PROTECT = "SELECT wallet.protect($1, $2, NULL, 'Europe/London', $3, $4, $5)"


async def protect(ledger: Any, account: int, limits: dict[tuple[str, str], int], revision: int = 1) -> None:
    places = list(limits)
    await ledger.pool.execute(
        PROTECT, account, revision, [kind for kind, _ in places], [period for _, period in places],
        list(limits.values()),
    )  # fmt: skip


async def used(ledger: Any, account: int) -> dict[tuple[str, str], int]:
    rows = await ledger.pool.fetch(
        "SELECT kind, period, used FROM wallet.player_limits WHERE account_id = $1 AND kind <> 'stake_cap'", account
    )
    return {(row["kind"], row["period"]): row["used"] for row in rows}


async def player_of(ledger: Any, account: int) -> uuid.UUID:
    found: uuid.UUID = await ledger.pool.fetchval(
        "SELECT player_id FROM wallet.accounts WHERE account_id = $1", account
    )
    return found


async def merge(ledger: Any, kept: int, gone: int, reference: str = "merge:it") -> str:
    row = await ledger.pool.fetchrow(MERGE, await player_of(ledger, kept), await player_of(ledger, gone), reference)
    return str(row["outcome"])


async def make_older(ledger: Any, account: int) -> None:
    """The account's bets were made on a day before this one, and in this month; its windows are today's."""
    async with ledger.pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute(
            "UPDATE wallet.player_limits SET starts_at = now() - interval '1 hour', used = 0,"
            " ends_at = now() + interval '1 hour' WHERE account_id = $1 AND period = 'day'",
            account,
        )
        await connection.execute(
            "UPDATE wallet.player_limits SET starts_at = now() - interval '9 days',"
            " ends_at = now() + interval '9 days' WHERE account_id = $1 AND period = 'month'",
            account,
        )
        await connection.execute(
            "UPDATE wallet.holds SET opened_at = now() - interval '2 days' WHERE account_id = $1", account
        )


async def test_a_bet_of_yesterday_that_comes_back_leaves_no_more_to_lose_today(ledger: Any) -> None:
    account = await ledger.player(1_000)
    await protect(ledger, account, {(kind, period): 100 for kind in ("loss", "stake") for period in ("day", "month")})
    await ledger.hold(account, 80, "yesterday")
    await ledger.settle(account, "yesterday", 0)
    await make_older(ledger, account)
    await ledger.bet(account, 10)
    assert (await ledger.pool.fetchrow(VOID, account, "yesterday"))["outcome"] == "posted"
    # The month has seen the stake and its return; today has seen neither.
    expected = {(kind, period): 10 for kind in ("loss", "stake") for period in ("day", "month")}
    assert await used(ledger, account) == expected
    assert (await ledger.bet(account, 91))["outcome"] == "stake_above_limit"
    assert (await ledger.bet(account, 90))["outcome"] == "placed"


async def test_a_bet_of_the_same_window_that_comes_back_gives_its_allowance_back_once(ledger: Any) -> None:
    account = await ledger.player(1_000)
    await protect(ledger, account, {("loss", "day"): 100, ("stake", "day"): 100})
    await ledger.hold(account, 80, "b")
    await ledger.settle(account, "b", 0)
    assert (await ledger.bet(account, 21))["outcome"] == "stake_above_limit"
    for outcome in ("posted", "replayed", "replayed"):
        assert (await ledger.pool.fetchrow(VOID, account, "b"))["outcome"] == outcome
    assert set((await used(ledger, account)).values()) == {0}
    assert (await ledger.bet(account, 100))["outcome"] == "placed"


async def test_a_new_limit_counts_no_return_of_a_bet_from_before_its_window(ledger: Any) -> None:
    account = await ledger.player(1_000)
    await ledger.hold(account, 80, "old")
    await ledger.settle(account, "old", 0)
    await make_older(ledger, account)
    await ledger.hold(account, 30, "new")
    await ledger.settle(account, "new", 0)
    for reference in ("old", "new"):
        await ledger.pool.fetchrow(VOID, account, reference)
    await ledger.bet(account, 25)
    await protect(ledger, account, {("loss", "day"): 100, ("stake", "day"): 100})
    assert set((await used(ledger, account)).values()) == {25}


@pytest.mark.parametrize("limits_first", [True, False])
async def test_what_both_accounts_have_used_counts_for_the_one_that_they_became(
    ledger: Any, limits_first: bool
) -> None:
    kept, middle, gone = await ledger.player(500), await ledger.player(700), await ledger.player(900)
    for account, stake in ((kept, 10), (middle, 20), (gone, 40)):
        await ledger.bet(account, stake)
    await ledger.bet(gone, 5, 3)
    limits = {("loss", "day"): 100, ("stake", "week"): 200, ("deposit", "month"): 2_500}
    if limits_first:
        await protect(ledger, kept, limits)
        await protect(ledger, gone, {("stake", "day"): 150})
    assert await merge(ledger, middle, gone, "merge:first") == "merged"
    assert await merge(ledger, kept, middle, "merge:second") == "merged"
    for _ in range(2):  # a repeat adds nothing
        assert await merge(ledger, kept, middle, "merge:second") == "nothing_to_move"
    if not limits_first:
        await protect(ledger, kept, limits)
    # Stakes of 10, 20, 40 and 5, a win of 3, and three deposits.
    assert await used(ledger, kept) == {("loss", "day"): 72, ("stake", "week"): 75, ("deposit", "month"): 2_100}
    assert (await ledger.bet(kept, 29))["outcome"] == "stake_above_limit"
    assert (await ledger.bet(kept, 28))["outcome"] == "placed"
    await ledger.verify()


async def test_the_smaller_cap_of_two_accounts_and_the_later_bar_bind_the_one_that_they_became(ledger: Any) -> None:
    kept, gone = await ledger.player(500), await ledger.player(700)
    restrict = "SELECT wallet.restrict($1, $2::text::timestamptz, $3)"
    await ledger.pool.execute(restrict, kept, None, 80)
    await ledger.pool.execute(restrict, gone, "infinity", 50)
    assert await merge(ledger, kept, gone) == "merged"
    assert (await ledger.bet(kept, 1))["outcome"] == "barred"
    await ledger.pool.execute("SELECT wallet.loosen($1, NULL, 50)", kept)
    assert (await ledger.bet(kept, 51))["outcome"] == "stake_above_limit"


PLAY = ["round", "bet", "bet_settled", "win", "bet_return", "bet_void", "win_reversal", "jackpot_win", "deposit"]


async def test_no_kind_of_play_is_reversible_and_what_is_has_no_part_in_play(ledger: Any) -> None:
    rows = await ledger.pool.fetch("SELECT kind FROM wallet.movement_kinds WHERE reversible")
    kinds = {row["kind"] for row in rows}
    assert kinds and not kinds & {*PLAY, "reversal", "account_merge"}
    staked = await ledger.pool.fetch(
        "SELECT DISTINCT kind FROM wallet.movements WHERE 'player_stakes' IN (debit, credit)"
        " OR (debit, credit) IN (('house', 'player_cash'), ('player_cash', 'house'))"
    )
    assert not kinds & {row["kind"] for row in staked}


async def test_a_round_a_bet_and_a_win_are_not_undone_by_a_reversal(ledger: Any) -> None:
    account = await ledger.player(1_000)
    await ledger.bet(account, 10, 30)
    await ledger.hold(account, 20, "b")
    await ledger.settle(account, "b", 50)
    await ledger.post("win", account, [("house", None, "player_cash", None, "GBP", 5)])
    await ledger.pool.fetchrow(VOID, account, "b")
    balance = await ledger.balance(account)
    rows: list[asyncpg.Record] = await ledger.pool.fetch(
        "SELECT transaction_id, kind FROM wallet.transactions WHERE account_id = $1", account
    )
    assert {row["kind"] for row in rows} == {"deposit", "round", "bet", "bet_settled", "win", "bet_return"}
    for row in rows:
        tried = await ledger.pool.fetchrow("SELECT * FROM wallet.reverse($1, wallet.uuid7(), '{}')", row[0])
        assert tried["outcome"] == "not_reversible", row["kind"]
    assert await ledger.balance(account) == balance

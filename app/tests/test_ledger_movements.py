"""What is no round: movements by their table, holds, reversals, jackpots, restrictions, months."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, date, datetime
from typing import Any

import asyncpg
import pytest


async def balances(ledger: Any, kind: str, currency: str = "GBP") -> int:
    found: int = await ledger.pool.fetchval(
        "SELECT coalesce(sum(balance), 0)::bigint FROM wallet.accounts WHERE kind = $1 AND currency = $2",
        kind, currency,
    )  # fmt: skip
    return found


async def test_a_movement_goes_where_its_kind_goes_and_nowhere_else(ledger: Any) -> None:
    account = await ledger.player(1_000)
    assert (await ledger.post("fee", account, [("player_cash", None, "fees", "dormancy", "GBP", 40)]))[
        "outcome"
    ] == "posted"
    assert (await ledger.balance(account), await balances(ledger, "fees")) == (960, 40)
    for movements in (
        [("player_cash", None, "house", None, "GBP", 40)],
        [("fees", "dormancy", "player_cash", None, "GBP", 40)],
        [],
    ):
        with pytest.raises(asyncpg.CheckViolationError):
            await ledger.post("fee", account, movements)
    with pytest.raises(asyncpg.CheckViolationError):
        await ledger.post("gift", account, [("house", None, "player_cash", None, "GBP", 40)])


@pytest.mark.parametrize("amount", [0, -1])
async def test_a_movement_has_an_amount(ledger: Any, amount: int) -> None:
    account = await ledger.player(100)
    with pytest.raises(asyncpg.CheckViolationError):
        await ledger.post("fee", account, [("player_cash", None, "fees", "dormancy", "GBP", amount)])


async def test_of_several_legs_all_stand_or_none(ledger: Any) -> None:
    account = await ledger.player(100)
    legs = [("player_cash", None, "fees", "a", "GBP", 60), ("player_cash", None, "fees", "b", "GBP", 60)]
    assert (await ledger.post("fee", account, legs, "k"))["outcome"] == "insufficient_funds"
    assert (await ledger.balance(account), await balances(ledger, "fees")) == (100, 0)
    await ledger.deposit(account, 20)
    assert (await ledger.post("fee", account, legs, "k"))["outcome"] == "posted"
    assert (await ledger.balance(account), await balances(ledger, "fees")) == (0, 120)


async def test_a_leg_does_not_spend_what_a_later_one_brings(ledger: Any) -> None:
    account = await ledger.player(0)
    legs = [
        ("player_bonus", None, "player_cash", None, "GBP", 10),
        ("bonus_cost", None, "player_bonus", None, "GBP", 10),
    ]
    with pytest.raises(asyncpg.CheckViolationError):  # a release grants nothing
        await ledger.post("bonus_release", account, legs)
    assert (await ledger.post("bonus_release", account, legs[:1]))["outcome"] == "insufficient_funds"


async def test_money_is_exchanged_through_the_position_of_each_currency(ledger: Any) -> None:
    await ledger.pool.execute("SELECT wallet.add_currency('BTC', 8::smallint)")
    account = await ledger.player(50_000)
    row = await ledger.post(
        "exchange",
        account,
        [("player_cash", None, "fx", None, "GBP", 40_000), ("fx", None, "player_cash", None, "BTC", 517_000)],
    )
    assert (row["outcome"], row["balance"]) == ("posted", 10_000)
    assert await balances(ledger, "player_cash", "BTC") == 517_000
    assert (await balances(ledger, "fx"), await balances(ledger, "fx", "BTC")) == (40_000, -517_000)


async def test_a_currency_keeps_its_exponent(ledger: Any) -> None:
    await ledger.pool.execute("SELECT wallet.add_currency('GBP', 2::smallint)")
    with pytest.raises(asyncpg.CheckViolationError, match="another exponent"):
        await ledger.pool.execute("SELECT wallet.add_currency('GBP', 3::smallint)")


async def test_money_that_is_the_players_moves_though_the_account_is_not_open(ledger: Any) -> None:
    account = await ledger.player(1_000)
    await ledger.hold(account, 300, "bet")
    await ledger.hold(account, 200, "out", kind="withdrawal")
    await ledger.pool.execute("UPDATE wallet.accounts SET status = 'frozen' WHERE account_id = $1", account)
    assert (await ledger.hold(account, 1, "more"))["outcome"] == "account_not_open"
    assert (await ledger.hold(account, 1, "out2", kind="withdrawal"))["outcome"] == "account_not_open"
    assert (await ledger.settle(account, "bet", 900))["outcome"] == "resolved"
    assert (await ledger.resolve(account, "out", "released", kind="withdrawal"))["outcome"] == "resolved"
    win = await ledger.post("win", account, [("house", None, "player_cash", None, "GBP", 5)])
    assert (win["outcome"], win["balance"]) == ("posted", 1_605)


async def test_who_is_barred_stakes_nothing_and_may_ask_for_money_back(ledger: Any) -> None:
    account = await ledger.player(1_000)
    await ledger.hold(account, 100, "before")
    await ledger.pool.execute("SELECT wallet.restrict($1, now() + interval '1 day', NULL)", account)
    assert (await ledger.bet(account, 1))["outcome"] == "barred"
    assert (await ledger.hold(account, 1, "after"))["outcome"] == "barred"
    assert (await ledger.settle(account, "before", 40))["balance"] == 940
    assert (await ledger.hold(account, 940, "all", kind="withdrawal"))["outcome"] == "opened"
    assert (await ledger.resolve(account, "all", "captured", kind="withdrawal", provider="psp"))[
        "outcome"
    ] == "resolved"


async def test_a_restriction_only_tightens(ledger: Any) -> None:
    account = await ledger.player(1_000)

    async def standing() -> tuple[Any, ...]:
        row = await ledger.pool.fetchrow(
            "SELECT barred_until::text, stake_cap FROM wallet.accounts WHERE account_id = $1", account
        )
        return tuple(row)

    restrict = "SELECT wallet.restrict($1, $2::text::timestamptz, $3)"
    await ledger.pool.execute(restrict, account, None, 50)
    assert (await ledger.bet(account, 51))["outcome"] == "stake_above_limit"
    assert (await ledger.bet(account, 51, cap=1_000))["stake"] == 50
    assert (await ledger.hold(account, 51, "held"))["outcome"] == "stake_above_limit"
    await ledger.pool.execute(restrict, account, "infinity", 80)
    await ledger.pool.execute(restrict, account, "2030-01-01", None)
    assert await standing() == ("infinity", 50)
    await ledger.pool.execute("SELECT wallet.loosen($1, NULL, 80)", account)
    assert await standing() == (None, 80)
    with pytest.raises(asyncpg.NoDataFoundError):
        await ledger.pool.execute(restrict, 10**9, None, 1)


async def test_raced_settlements_of_one_round_pay_once(ledger: Any) -> None:
    account = await ledger.player(1_000)
    await ledger.hold(account, 100, "one", part_of="round")
    await ledger.hold(account, 200, "two", part_of="round")
    rows = await asyncio.gather(*(ledger.settle(account, "round", 450) for _ in range(20)))
    assert sorted(row["outcome"] for row in rows) == ["nothing_open"] * 19 + ["resolved"]
    assert await ledger.balance(account) == 1_150
    again = await asyncio.gather(*(ledger.settle(account, "round", 450, key="same") for _ in range(3)))
    assert {row["outcome"] for row in again} == {"nothing_open"}


async def test_one_bet_of_a_round_is_given_back_alone(ledger: Any) -> None:
    account = await ledger.player(1_000)
    await ledger.hold(account, 100, "one", part_of="round")
    await ledger.hold(account, 200, "two", part_of="round")
    assert (await ledger.resolve(account, "round", "released", reference="two"))["amount"] == 200
    assert (await ledger.settle(account, "round", 0))["amount"] == 100
    assert await ledger.balance(account) == 900


@pytest.mark.parametrize(
    ("kind", "status", "win"), [("withdrawal", "captured", 1), ("open_bet", "released", 1), ("open_bet", "lost", 0)]
)
async def test_a_hold_that_cannot_end_so_raises(ledger: Any, kind: str, status: str, win: int) -> None:
    with pytest.raises(asyncpg.InvalidParameterValueError):
        await ledger.resolve(await ledger.player(), "x", status, win=win, kind=kind)


async def test_what_a_bank_holds_is_noted_and_moves_nothing(ledger: Any) -> None:
    account = await ledger.player(100)
    assert (await ledger.hold(account, 5_000, "auth", kind="psp_authorisation"))["outcome"] == "opened"
    assert (await ledger.hold(account, 5_000, "auth", kind="psp_authorisation"))["outcome"] == "replayed"
    assert (await ledger.resolve(account, "auth", "expired", kind="psp_authorisation"))["outcome"] == "resolved"
    assert (await ledger.resolve(account, "auth", "expired", kind="psp_authorisation"))["outcome"] == "nothing_open"
    assert await ledger.balance(account) == 100


async def test_a_resolved_hold_stays_as_it_is(ledger: Any) -> None:
    account = await ledger.player(100)
    await ledger.hold(account, 50, "one")
    await ledger.settle(account, "one", 0)
    for statement in ("UPDATE wallet.holds SET status = 'open', resolved_at = NULL", "DELETE FROM wallet.holds"):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await ledger.pool.execute(statement)


async def reverse(ledger: Any, transaction: Any) -> Any:
    return await ledger.pool.fetchrow("SELECT * FROM wallet.reverse($1, wallet.uuid7(), '{}')", transaction)


async def test_a_movement_is_reversed_once_by_its_mirror_image(ledger: Any) -> None:
    account = await ledger.player(1_000)
    fee = await ledger.post("fee", account, [("player_cash", None, "fees", "dormancy", "GBP", 40)])
    rows = await asyncio.gather(*(reverse(ledger, fee["transaction_id"]) for _ in range(8)))
    assert sorted(row["outcome"] for row in rows) == ["posted"] + ["replayed"] * 7
    assert len({row["transaction_id"] for row in rows}) == 1
    assert (await ledger.balance(account), await balances(ledger, "fees")) == (1_000, 0)
    assert (await reverse(ledger, rows[0]["transaction_id"]))["outcome"] == "not_reversible"
    assert (await reverse(ledger, uuid.uuid4()))["outcome"] == "not_reversible"


async def test_a_reversal_takes_no_player_below_zero(ledger: Any) -> None:
    account = await ledger.player(0)
    grant = await ledger.post("adjustment", account, [("adjustment", None, "player_cash", None, "GBP", 40)])
    await ledger.bet(account, 10)
    assert (await reverse(ledger, grant["transaction_id"]))["outcome"] == "insufficient_funds"
    assert await ledger.balance(account) == 30


async def test_what_a_hold_moved_is_resolved_and_not_reversed(ledger: Any) -> None:
    account = await ledger.player(100)
    held = await ledger.hold(account, 50, "one")
    assert (await reverse(ledger, held["transaction_id"]))["outcome"] == "not_reversible"


async def bets_for_a_jackpot(ledger: Any, accounts: list[int], stake: int, millionths: int, key: str) -> Any:
    await ledger.pool.execute("SELECT wallet.open_jackpot('grand', 'GBP')")
    return await bets_that_feed("grand", ledger, accounts, stake, millionths, key)


async def bets_that_feed(name: str, ledger: Any, accounts: list[int], stake: int, millionths: int, key: str) -> Any:
    count = len(accounts)
    return await ledger.pool.fetch(
        "SELECT * FROM wallet.place_rounds($1, $2, $3, (SELECT array_agg(wallet.uuid7()) FROM generate_series(1, $4)),"
        " $5, $6, $7, $8, $9, $10, $11)",
        accounts, [key] * count, [bytes(32)] * count, count, [stake] * count, [0] * count, [None] * count,
        [None] * count, ["{}"] * count, [name] * count, [millionths] * count,
    )  # fmt: skip


async def test_a_jackpot_gets_every_millionth_and_no_more(ledger: Any) -> None:
    accounts = [await ledger.player(1_000) for _ in range(7)]
    for turn in range(9):
        await bets_for_a_jackpot(ledger, accounts, 10, 150_001, f"k{turn}")  # 1.50001 % of 10
    carried = await ledger.pool.fetchval("SELECT sum(carry) FROM wallet.accounts WHERE kind = 'jackpot'")
    assert (await balances(ledger, "jackpot"), carried) == (0, 7 * 9 * 150_001)
    assert await ledger.pool.fetchval("SELECT wallet.post_contributions('grand', 'GBP')") == 9
    assert await ledger.pool.fetchval("SELECT wallet.post_contributions('grand', 'GBP')") == 0
    carried = await ledger.pool.fetchval("SELECT sum(carry) FROM wallet.accounts WHERE kind = 'jackpot'")
    assert await balances(ledger, "jackpot") * 1_000_000 + carried == 7 * 9 * 150_001
    assert await balances(ledger, "house") == 7 * 9 * 10 - await balances(ledger, "jackpot")


async def test_a_bet_that_is_refused_or_repeated_feeds_no_jackpot(ledger: Any) -> None:
    rich, poor = await ledger.player(1_000), await ledger.player(0)
    for _ in range(3):
        await bets_for_a_jackpot(ledger, [rich, poor], 100, 2_000_000, "k")
    await ledger.pool.execute("SELECT wallet.post_contributions('grand', 'GBP')")
    assert await balances(ledger, "jackpot") == 2


async def test_a_jackpot_that_nobody_has_opened_gets_no_bet(ledger: Any) -> None:
    account = await ledger.player(100)
    with pytest.raises(asyncpg.NoDataFoundError, match="nobody has opened"):
        await bets_that_feed("grand", ledger, [account], 10, 1, "k")
    assert await balances(ledger, "player_cash") == 100


async def test_batches_that_feed_a_jackpot_and_a_winner_do_not_deadlock(ledger: Any) -> None:
    accounts = [await ledger.player(10_000) for _ in range(6)]

    await ledger.pool.execute("SELECT wallet.open_jackpot('grand', 'GBP')")

    async def post() -> None:
        await ledger.pool.execute("SELECT wallet.post_contributions('grand', 'GBP')")

    async def play(turn: int) -> None:
        await bets_that_feed("grand", ledger, accounts, 100, 3_000_000, f"k{turn}")

    async def win(turn: int) -> None:
        await ledger.pool.fetchrow("SELECT * FROM wallet.pay_jackpot('grand', $1, $2, $3, wallet.uuid7(), 500, '{}')",
                                   accounts[turn % 6], f"w{turn}", bytes(32))  # fmt: skip

    await asyncio.gather(*(play(turn) for turn in range(30)), *(win(turn) for turn in range(10)),
                         *(post() for _ in range(10)))  # fmt: skip
    paid = await ledger.pool.fetch("SELECT details FROM wallet.transactions WHERE kind = 'jackpot_win'")
    assert len(paid) == 10


async def test_a_jackpot_is_paid_whole_once_and_begins_again_with_its_seed(ledger: Any) -> None:
    account = await ledger.player(10_000)
    await bets_for_a_jackpot(ledger, [account], 100, 50_000_000, "k")
    pay = "SELECT * FROM wallet.pay_jackpot('grand', $1, 'w', $2, wallet.uuid7(), 500, '{}')"
    row = await ledger.pool.fetchrow(pay, account, bytes(32))
    assert (row["outcome"], row["amount"], row["balance"]) == ("posted", 50, 9_950)
    assert await balances(ledger, "jackpot") == 500
    again = await ledger.pool.fetchrow(pay, account, bytes(32))
    assert (again["outcome"], again["amount"], again["transaction_id"]) == ("replayed", 50, row["transaction_id"])
    assert await balances(ledger, "jackpot") == 500


async def test_each_month_has_its_tables_and_is_made_once(ledger: Any) -> None:
    months = await ledger.pool.fetchval(
        "SELECT count(*) FROM pg_inherits WHERE inhparent = 'wallet.transactions'::regclass"
    )
    assert months >= 12
    assert await ledger.pool.fetchval("SELECT wallet.make_months((now() + interval '1 year')::date)") == 0
    later = date(datetime.now(UTC).year + 2, 1, 15)
    assert await ledger.pool.fetchval("SELECT wallet.make_months($1)", later) > 0
    account = await ledger.player(100)
    await ledger.pool.execute(
        "SELECT wallet.place_rounds(ARRAY[$1::bigint], '{k}', ARRAY[$2::bytea], ARRAY[wallet.uuid7($3)], '{7}', '{0}',"
        " '{NULL}', '{NULL}', ARRAY['{}'::jsonb])",
        account, bytes(32), datetime(later.year, 1, 15, tzinfo=UTC),
    )  # fmt: skip
    for table in ("transactions", "postings"):
        name = f"wallet.{table}_{later:y%Ym%m}"
        assert await ledger.pool.fetchval(f"SELECT count(*) FROM {name}") == 1
        with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="append-only"):
            await ledger.pool.execute(f"DELETE FROM {name}")

"""The ledger's SQL: exactly once, never negative, append-only, and what it costs to cheat."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from typing import Any

import asyncpg
import pytest
from casino.wallet.verify import INVARIANTS, verify_ledger


async def test_a_round_moves_stake_and_win_between_player_and_house(ledger: Any) -> None:
    account = await ledger.player(1_000)
    row = await ledger.bet(account, 100, 250)
    assert (row["outcome"], row["balance"]) == ("placed", 1_150)
    entries = await ledger.pool.fetch(
        "SELECT amount, balance_before, balance_after, version FROM wallet.entries"
        " WHERE account_id = $1 ORDER BY version", account,
    )  # fmt: skip
    assert [tuple(e) for e in entries] == [(1_000, 0, 1_000, 1), (-100, 1_000, 900, 2), (250, 900, 1_150, 3)]
    house = await ledger.pool.fetchval("SELECT sum(balance) FROM wallet.accounts WHERE kind = 'house'")
    clearing = await ledger.pool.fetchval("SELECT sum(balance) FROM wallet.accounts WHERE kind = 'psp_clearing'")
    assert (house, clearing) == (-150, -1_000)


async def test_the_same_key_answers_the_same_and_moves_money_once(ledger: Any) -> None:
    account = await ledger.player(1_000)
    first = await ledger.bet(account, 100, 30, key="k")
    await ledger.bet(account, 50)
    again = await ledger.bet(account, 100, 999, key="k")  # another draw, which is thrown away
    assert again["outcome"] == "replayed"
    for column in ("transaction_id", "stake", "win", "balance", "created_at"):
        assert again[column] == first[column]
    assert again["details"] == "{}"
    assert first["details"] in ("{}", None)  # of a new round the caller has them
    assert await ledger.balance(account) == 880


async def test_the_same_key_with_another_body_is_refused(ledger: Any) -> None:
    account = await ledger.player(1_000)
    await ledger.bet(account, 100, key="k", body=b"one")
    assert (await ledger.bet(account, 100, key="k", body=b"two"))["outcome"] == "key_reused"
    assert await ledger.balance(account) == 900


async def test_a_key_belongs_to_one_player(ledger: Any) -> None:
    one, two = await ledger.player(100), await ledger.player(100)
    assert (await ledger.bet(one, 100, key="k"))["outcome"] == "placed"
    assert (await ledger.bet(two, 100, key="k"))["outcome"] == "placed"


async def test_a_refused_bet_leaves_its_key_free(ledger: Any) -> None:
    account = await ledger.player()
    assert (await ledger.bet(account, 100, key="k"))["outcome"] == "insufficient_funds"
    await ledger.deposit(account, 100)
    assert (await ledger.bet(account, 100, key="k"))["outcome"] == "placed"


@pytest.mark.parametrize(
    ("limits", "outcome"),
    [({"cap": 99}, "stake_above_limit"), ({"cap": 100}, "placed"), ({"cap": None}, "placed")],
)
async def test_the_stake_cap_binds_to_the_unit(ledger: Any, limits: dict[str, Any], outcome: str) -> None:
    assert (await ledger.bet(await ledger.player(1_000), 100, **limits))["outcome"] == outcome


async def test_a_bet_within_the_game_cycle_is_refused_and_told_how_long_to_wait(ledger: Any) -> None:
    account = await ledger.player(1_000)
    await ledger.bet(account, 100, cycle_ms=60_000)
    row = await ledger.bet(account, 100, cycle_ms=60_000)
    assert row["outcome"] == "cycle_too_short"
    assert 50_000 < row["wait_ms"] <= 60_000
    assert (await ledger.bet(account, 100, cycle_ms=0))["outcome"] == "placed"


async def test_a_player_who_comes_back_after_years_may_bet(ledger: Any) -> None:
    account = await ledger.player(1_000)
    await ledger.pool.execute(
        "UPDATE wallet.accounts SET last_bet_at = now() - interval '9 years' WHERE account_id = $1", account
    )
    assert (await ledger.bet(account, 100, cycle_ms=2_500))["outcome"] == "placed"


async def test_the_cycle_is_each_players_own(ledger: Any) -> None:
    for _ in range(2):
        assert (await ledger.bet(await ledger.player(100), 100, cycle_ms=60_000))["outcome"] == "placed"


async def test_an_account_that_is_not_open_cannot_bet(ledger: Any) -> None:
    account = await ledger.player(1_000)
    await ledger.pool.execute("UPDATE wallet.accounts SET status = 'frozen' WHERE account_id = $1", account)
    assert (await ledger.bet(account, 100))["outcome"] == "account_not_open"
    assert (await ledger.bet(10**9, 100))["outcome"] == "account_unknown"


@pytest.mark.parametrize(("stake", "win"), [(0, 0), (-1, 0), (1, -1)])
async def test_a_round_that_is_none_raises(ledger: Any, stake: int, win: int) -> None:
    with pytest.raises(asyncpg.InvalidParameterValueError):
        await ledger.bet(await ledger.player(100), stake, win)


async def test_a_batch_answers_each_of_its_rounds_by_itself(ledger: Any) -> None:
    rich, poor, frozen, repeated = [await ledger.player(balance) for balance in (1_000, 10, 1_000, 1_000)]
    await ledger.pool.execute("UPDATE wallet.accounts SET status = 'frozen' WHERE account_id = $1", frozen)
    await ledger.bet(repeated, 70, 20, key="k")
    rows = await ledger.bets(
        [(rich, 100, 0, "k"), (poor, 100, 0, "k"), (10**9, 5, 0, "k"), (frozen, 5, 0, "k"), (repeated, 70, 99, "k")]
    )
    assert [row["outcome"] for row in rows] == [
        "placed", "insufficient_funds", "account_unknown", "account_not_open", "replayed",
    ]  # fmt: skip
    assert [row["balance"] for row in rows] == [900, 10, None, 1_000, 950]


async def test_a_batch_chains_the_houses_entries_in_its_order(ledger: Any) -> None:
    players = [await ledger.player(1_000) for _ in range(5)]
    wins = [0, 250, 100, 0, 400]
    async with ledger.pool.acquire() as connection:
        one = replace(ledger, pool=connection)
        for turn in range(3):
            rows = await one.bets([(p, 100, win, f"k{turn}") for p, win in zip(players, wins, strict=True)])
            assert {row["outcome"] for row in rows} == {"placed"}
    house = await ledger.pool.fetch(
        "SELECT e.amount, e.balance_after FROM wallet.entries e JOIN wallet.accounts a USING (account_id)"
        " WHERE a.kind = 'house' ORDER BY e.version"
    )
    moves = [amount for win in wins for amount in (100, -win) if amount] * 3
    assert [row["amount"] for row in house] == moves
    assert house[-1]["balance_after"] == sum(moves)


async def test_an_account_stands_in_a_batch_once(ledger: Any) -> None:
    account = await ledger.player(1_000)
    with pytest.raises(asyncpg.UniqueViolationError):
        await ledger.bets([(account, 100, 0, "one"), (account, 100, 0, "two")])
    assert await ledger.balance(account) == 1_000


async def test_a_batch_without_a_house_to_post_to_moves_nothing(ledger: Any) -> None:
    # As no function makes one: a currency that has no house.
    await ledger.pool.execute("INSERT INTO wallet.currencies VALUES ('SEK', 2)")
    account = await ledger.pool.fetchval("SELECT wallet.open_player_account(gen_random_uuid(), 'SEK')")
    async with ledger.pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        # Money from nowhere, which only the owner can write; taken back with the transaction.
        await connection.execute("UPDATE wallet.accounts SET balance = 100 WHERE account_id = $1", account)
        with pytest.raises(asyncpg.NotNullViolationError):
            await replace(ledger, pool=connection).bets([(account, 100, 0, "k")])
        await transaction.rollback()


@pytest.mark.drill
async def test_batches_that_share_players_neither_deadlock_nor_lose_money(ledger: Any, drill: Any) -> None:
    rng = random.Random(drill.seed)
    accounts = [await ledger.player(2_000) for _ in range(12)]
    batches = drill.count(60, 3_000)

    async def batch(number: int) -> dict[int, int]:
        chosen = rng.sample(accounts, rng.randint(1, len(accounts)))
        rounds = [(a, rng.randint(1, 300), rng.choice([0, 0, 350]), f"k{rng.randint(0, number)}") for a in chosen]
        rows = await ledger.bets(rounds)
        return {
            asked[0]: row["win"] - row["stake"]
            for asked, row in zip(rounds, rows, strict=True)
            if row["outcome"] == "placed"
        }

    moved = await asyncio.gather(*(batch(number) for number in range(batches)))
    for account in accounts:
        assert await ledger.balance(account) == 2_000 + sum(each.get(account, 0) for each in moved)
    drill.injected(batches)


async def test_a_raced_key_is_placed_once(ledger: Any) -> None:
    account = await ledger.player(1_000)
    rows = await asyncio.gather(*(ledger.bet(account, 100, 7, key="raced") for _ in range(40)))
    assert sorted(row["outcome"] for row in rows) == ["placed"] + ["replayed"] * 39
    assert len({(row["transaction_id"], row["balance"]) for row in rows}) == 1
    assert await ledger.balance(account) == 907


async def test_many_players_at_once_keep_every_invariant(ledger: Any) -> None:
    rng = random.Random(7)
    accounts = [await ledger.player(2_000) for _ in range(8)]
    keys = [f"k{n}" for n in range(40)]

    async def one() -> tuple[int, int]:
        account, key = rng.choice(accounts), rng.choice(keys)
        row = await ledger.bet(account, 100, rng.choice([0, 0, 50, 300]), key=key)
        return account, (row["win"] - row["stake"]) if row["outcome"] == "placed" else 0

    moved = await asyncio.gather(*(one() for _ in range(800)))
    for account in accounts:
        assert await ledger.balance(account) == 2_000 + sum(amount for who, amount in moved if who == account)


async def test_a_raced_last_coin_is_spent_once(ledger: Any) -> None:
    account = await ledger.player(100)
    rows = await asyncio.gather(*(ledger.bet(account, 100) for _ in range(20)))
    assert sorted(row["outcome"] for row in rows) == ["insufficient_funds"] * 19 + ["placed"]
    assert await ledger.balance(account) == 0


async def test_a_raced_deposit_posts_once(ledger: Any) -> None:
    account = await ledger.player()
    rows = await asyncio.gather(*(ledger.deposit(account, 500, "k") for _ in range(20)))
    assert sorted(row["outcome"] for row in rows) == ["posted"] + ["replayed"] * 19
    assert {row["balance"] for row in rows} == {500}
    assert await ledger.balance(account) == 500


@pytest.mark.parametrize("table", ["transactions", "postings"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET currency = 'EUR'", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
async def test_history_cannot_be_rewritten_even_by_the_owner(ledger: Any, table: str, statement: str) -> None:
    await ledger.bet(await ledger.player(100), 100)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="append-only"):
        await ledger.pool.execute(statement.format(f"wallet.{table}"))


async def test_an_unbalanced_posting_cannot_be_written_down(ledger: Any) -> None:
    one, two = await ledger.player(100), await ledger.player()
    with pytest.raises(asyncpg.CheckViolationError):
        await ledger.pool.execute(
            "INSERT INTO wallet.postings VALUES (wallet.uuid7(), 1, 'GBP', 10, $1, 2, 100, 90, $2, 1, 0, 11)",
            one, two,
        )  # fmt: skip


async def test_a_player_balance_cannot_go_below_zero(ledger: Any) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match="no_negative_player_balance"):
        await ledger.pool.execute(
            "UPDATE wallet.accounts SET balance = -1 WHERE account_id = $1", await ledger.player()
        )


@pytest.mark.parametrize(
    "owner",
    [
        "kind = 'player_cash', player_id = NULL",
        "kind = 'house'",
        "kind = 'psp_clearing', player_id = NULL, name = 'p'",
        "kind = 'mattress'",
        "shard = 1",
        "name = 'p'",
        "currency = 'XXX'",
    ],
)
async def test_an_account_has_the_owner_of_its_kind(ledger: Any, owner: str) -> None:
    account = await ledger.player()
    with pytest.raises(asyncpg.CheckViolationError):
        await ledger.pool.execute(f"UPDATE wallet.accounts SET {owner} WHERE account_id = $1", account)
    with pytest.raises(asyncpg.CheckViolationError):
        await ledger.pool.execute("INSERT INTO wallet.accounts (kind, currency) VALUES ('house', 'GBP')")


BREAKS = {
    "zero_sum": "UPDATE wallet.accounts SET balance = balance + 1 WHERE kind = 'player_cash'",
    "balance_is_sum_of_entries": "UPDATE wallet.accounts SET balance = balance + 1 WHERE kind = 'player_cash'",
    "versions_gapless": "UPDATE wallet.accounts SET version = version + 1 WHERE kind = 'player_cash'",
    "snapshots_chain": "UPDATE wallet.postings SET debit_before = debit_before + 1, debit_after = debit_after + 1",
    "no_negative_player_balance": "UPDATE wallet.postings SET debit_before = -50, debit_after = -50 - amount",
    "entries_have_account_and_transaction": "DELETE FROM wallet.transactions WHERE kind = 'round'",
    "transactions_match_their_entries": "UPDATE wallet.transactions SET given = given + 1 WHERE kind = 'round'",
    "movements_are_of_their_kind": "UPDATE wallet.transactions SET kind = 'fee' WHERE kind = 'deposit'",
    "accounts_have_their_owner": "UPDATE wallet.accounts SET kind = 'house' WHERE kind = 'player_cash'",
    "request_keys_stand_for_transactions": "DELETE FROM wallet.request_keys WHERE kind = 'round'",
    "chains_intact": """UPDATE wallet.transactions SET details = '{"reels": "others"}' WHERE kind = 'round'""",
    "holds_are_covered": "UPDATE wallet.holds SET amount = amount + 1 WHERE status = 'open'",
    "holds_resolved_once": "UPDATE wallet.holds SET resolved_by = opened_by WHERE status = 'captured'",
    "deposit_postings_have_a_payment": "DELETE FROM wallet.payments",
    "open_rounds_hold_their_stakes": "UPDATE wallet.holds SET part_of = 'game round 1' WHERE status = 'open'",
    "rounds_end_as_played": "UPDATE wallet.request_keys SET key = 'game round 1' WHERE kind = 'round'",
    "round_steps_gapless": """INSERT INTO wallet.game_rounds SELECT gen_random_uuid(), account_id, 'g', '1', 'open', 1,
        50, 0, 0, 0, '{}', NULL, now(), now(), now() FROM wallet.accounts WHERE kind = 'player_cash'""",
    "payments_match_their_postings": """INSERT INTO wallet.payments (payment_id, kind, player_id, account_id, method,
        currency, amount, state, received, captured, idempotency_key, request_hash, created_at, updated_at)
        SELECT gen_random_uuid(), 'deposit', player_id, account_id, 'card', 'GBP', 5, 'captured', 5, 5, 'k', sha256(''),
            now(), now() FROM wallet.accounts WHERE kind = 'player_cash'""",
}  # fmt: skip


@pytest.mark.parametrize("invariant", INVARIANTS)
async def test_verify_notices_what_breaks(ledger: Any, invariant: str) -> None:
    account = await ledger.player(1_000)
    await ledger.bet(account, 100, 30)
    for reference in ("one", "two"):
        await ledger.hold(account, 50, reference)
    await ledger.settle(account, "one", 70)
    async with ledger.pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("SET LOCAL session_replication_role = replica")  # as no role of ours may
        await connection.execute(BREAKS[invariant])
        rows = await connection.fetch(INVARIANTS[invariant])
        assert rows, f"{invariant} did not notice"
        await transaction.rollback()
        assert (await verify_ledger(connection)).ok

"""Play that spans calls, at the wallet: stakes held, wins early and late, voids before and after, each once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from casino.kernel.errors import IdempotencyKeyReused
from casino.wallet.api import (
    AccountNotOpen,
    BetUnknown,
    InsufficientFunds,
    Play,
    PlayBarred,
    PlayMove,
    StakeAboveLimit,
    build_play,
)

LATER = datetime.now(UTC) + timedelta(days=90)


class Pool:
    """A database as the wallet's services take it."""

    def __init__(self, pool: Any) -> None:
        self.pool = pool


@pytest.fixture
async def play(ledger: Any) -> AsyncIterator[Play]:
    yield build_play(Pool(ledger.pool), "GBP", 2)  # type: ignore[arg-type]


def move(account: int, key: str, amount: int, *, round_: str = "r", closes: bool = False) -> PlayMove:
    return PlayMove(
        account, key, f"{key} {amount}".encode().ljust(32, b"\0"), round_, amount, closes, {"round": round_}
    )


async def bet(play: Play, account: int, key: str, amount: int, cap: int | None = None, **more: Any) -> int:
    played = await play.open_bet(move(account, key, amount, **more), stake_cap_minor=cap, expires_at=LATER)
    return played.balance_minor


async def win(play: Play, account: int, key: str, amount: int, closes: bool = True, **more: Any) -> int:
    return (await play.win(move(account, key, amount, closes=closes, **more))).balance_minor


async def test_a_stake_is_held_until_the_round_is_over_and_then_the_houses(ledger: Any, play: Play) -> None:
    account = await ledger.player(1_000)
    assert await bet(play, account, "b", 300) == 700
    held = "SELECT balance FROM wallet.accounts WHERE kind = 'player_stakes'"
    assert await ledger.pool.fetchval(held) == 300
    assert await win(play, account, "w", 500) == 1_200
    assert await ledger.pool.fetchval(held) == 0
    house = await ledger.pool.fetchval("SELECT sum(balance) FROM wallet.accounts WHERE kind = 'house'")
    assert house == -200


async def test_a_win_that_leaves_the_round_open_leaves_its_stake_held(ledger: Any, play: Play) -> None:
    account = await ledger.player(1_000)
    await bet(play, account, "b", 300)
    assert await win(play, account, "w1", 50, closes=False) == 750
    assert (await play.void_bet(account, "b", {})).balance_minor == 1_050
    assert await ledger.pool.fetchval("SELECT status FROM wallet.holds WHERE reference = 'b'") == "released"


async def test_a_late_win_is_paid_and_a_zero_one_moves_nothing(ledger: Any, play: Play) -> None:
    account = await ledger.player(1_000)
    await bet(play, account, "b", 300)
    assert await win(play, account, "w1", 0) == 700
    assert await win(play, account, "w2", 40) == 740
    nothing = await play.win(move(account, "w3", 0, closes=True))
    assert (nothing.transaction_id, nothing.balance_minor) == (None, 740)


async def test_a_bet_may_close_its_round_itself(ledger: Any, play: Play) -> None:
    account = await ledger.player(1_000)
    for _ in range(2):
        assert await bet(play, account, "b", 300, closes=True) == 700
    assert await ledger.pool.fetchval("SELECT status FROM wallet.holds WHERE reference = 'b'") == "captured"


async def test_everything_is_once_by_its_key_also_when_it_comes_at_one_moment(ledger: Any, play: Play) -> None:
    account = await ledger.player(1_000)
    assert set(await asyncio.gather(*(bet(play, account, "b", 300) for _ in range(5)))) == {700}
    assert set(await asyncio.gather(*(win(play, account, "w", 100) for _ in range(5)))) == {800}
    # A bet that came in between does not make a second win of the repeat.
    await bet(play, account, "b2", 50)
    assert await win(play, account, "w", 100) == 800
    assert await ledger.balance(account) == 750
    with pytest.raises(IdempotencyKeyReused):
        await bet(play, account, "b", 301)
    with pytest.raises(IdempotencyKeyReused):
        await win(play, account, "w", 101)


async def test_a_late_wins_repeat_settles_no_bet_that_came_since(ledger: Any, play: Play) -> None:
    account = await ledger.player(1_000)
    assert await win(play, account, "late", 100) == 1_100
    await bet(play, account, "b", 50)
    assert await win(play, account, "late", 100) == 1_100
    assert await ledger.pool.fetchval("SELECT status FROM wallet.holds WHERE reference = 'b'") == "open"


@pytest.mark.parametrize("settled", [False, True])
async def test_a_void_gives_back_once_before_the_end_and_after(ledger: Any, play: Play, settled: bool) -> None:
    account = await ledger.player(1_000)
    await bet(play, account, "b", 300)
    await bet(play, account, "other", 100)
    if settled:
        await win(play, account, "w", 0)
    for _ in range(3):
        assert (await play.void_bet(account, "b", {})).balance_minor == 900
    kinds = {row["kind"] for row in await ledger.pool.fetch("SELECT kind FROM wallet.transactions")}
    assert ("bet_return" in kinds) is settled and ("bet_void" in kinds) is not settled


async def test_a_win_is_taken_back_once_and_not_from_who_has_spent_it(ledger: Any, play: Play) -> None:
    account = await ledger.player(100)
    await bet(play, account, "b", 100)
    await win(play, account, "w", 500)
    await bet(play, account, "spent", 450, round_="r2")
    with pytest.raises(InsufficientFunds):
        await play.void_win(account, "w", {})
    await play.void_bet(account, "spent", {})
    for _ in range(2):
        assert (await play.void_win(account, "w", {})).balance_minor == 0
    await win(play, account, "nothing", 0)
    for unknown in (play.void_win, play.void_bet):
        with pytest.raises(BetUnknown):
            await unknown(account, "never", {})


async def test_who_may_not_stake_is_refused_and_yet_paid(ledger: Any, play: Play) -> None:
    account = await ledger.player(1_000)
    await bet(play, account, "b", 100)
    with pytest.raises(StakeAboveLimit):
        await bet(play, account, "high", 201, cap=200)
    with pytest.raises(InsufficientFunds):
        await bet(play, account, "poor", 901)
    await ledger.pool.execute("SELECT wallet.restrict($1, 'infinity', NULL)", account)
    for amount in (0, 10):
        with pytest.raises(PlayBarred):
            await bet(play, account, "barred", amount)
    await ledger.pool.execute("UPDATE wallet.accounts SET status = 'frozen' WHERE account_id = $1", account)
    with pytest.raises(AccountNotOpen):
        await bet(play, account, "frozen", 10)
    assert await win(play, account, "w", 25) == 925
    assert (await play.void_bet(account, "b", {})).balance_minor == 1_025
    assert not (await play.standing(account)).may_stake
    assert await play.took_bet(account, "b") and not await play.took_bet(account, "frozen")

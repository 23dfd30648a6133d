"""What a crash between writing down, moving and answering leaves, and who heals it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from casino.gal import repository_transactions
from casino.gal.conformance.wire import Ask
from casino.gal.studio_model import Fault


class Crash(Exception):
    """The process died here."""


@pytest.fixture
async def bench(open_studios: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """One dialect does: what crashes knows of none. A claim runs out at once, as if its time had passed."""
    monkeypatch.setattr(repository_transactions, "LEASE_S", 0.0)
    return await open_studios("hmac_actions")


async def dies(bench: Any, monkeypatch: pytest.MonkeyPatch, ask: Ask, step: str) -> None:
    """Send a call whose process dies at a step: nothing tidies up, and the studio hears nothing of use."""

    async def die(*_: Any, **__: Any) -> Any:
        raise Crash

    play = bench.studios.play
    owner = play if step == "_move" else play._transactions
    with monkeypatch.context() as patch:
        patch.setattr(owner, step, die)
        patch.setattr(play._transactions, "release", die)
        await bench.refused(Fault.TECHNICAL, ask)


@pytest.mark.parametrize("step", ["begin", "_move", "finish"])
async def test_the_studios_repeat_heals_it(bench: Any, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    bet = bench.bet(100)
    await dies(bench, monkeypatch, bet, step)
    assert await bench.ok(bet) == 900
    win = bench.win(bet, 250)
    await dies(bench, monkeypatch, win, step)
    assert await bench.ok(win) == 1_150
    rollback = bench.rollback(bet)
    await dies(bench, monkeypatch, rollback, step)
    assert await bench.ok(rollback) == 1_250
    assert await bench.studios.play.finish_pending(older_than_s=0) == 0


async def test_the_worker_finishes_what_moved_and_takes_no_stake_that_was_not(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken, untaken = bench.bet(100), bench.bet(200)
    await dies(bench, monkeypatch, taken, "finish")
    await dies(bench, monkeypatch, untaken, "_move")
    assert await bench.studios.play.finish_pending(older_than_s=60) == 0  # too young: the studio may come back
    assert await bench.studios.play.finish_pending(older_than_s=0) == 2
    assert await bench.balance() == 900
    assert await bench.ok(taken) == 900
    await bench.refused(Fault.TRANSACTION_ROLLED_BACK, untaken)
    win = bench.win(taken, 50)
    await dies(bench, monkeypatch, win, "_move")
    assert await bench.studios.play.finish_pending(older_than_s=0) == 1
    assert await bench.balance() == 950 == await bench.ok(win)


async def test_a_win_finishes_the_bet_that_a_crash_left(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    bet = bench.bet(100)
    await dies(bench, monkeypatch, bet, "_move")
    assert await bench.ok(bench.win(bet, 30)) == 930


async def test_a_rollback_takes_no_stake_that_a_crash_left_untaken(
    bench: Any, monkeypatch: pytest.MonkeyPatch, servers: Any, database: str
) -> None:
    bet = bench.bet(100)
    await dies(bench, monkeypatch, bet, "_move")
    assert await bench.ok(bench.rollback(bet)) == 1_000
    await bench.refused(Fault.TRANSACTION_ROLLED_BACK, bet)
    kinds = await bench.sql(servers, database, "SELECT kind FROM wallet.transactions")
    assert {row["kind"] for row in kinds} == {"deposit"}


async def test_a_win_that_comes_while_its_bet_is_rolled_back_is_refused(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bet = bench.bet(100)
    await bench.ok(bet)
    await dies(bench, monkeypatch, rollback := bench.rollback(bet), "_move")
    await bench.refused(Fault.TRANSACTION_UNKNOWN, bench.win(bet, 50))
    assert await bench.ok(rollback) == 1_000


async def test_wins_and_rollbacks_at_one_moment_are_heard_in_one_order(bench: Any) -> None:
    bets = [bench.bet(10) for _ in range(10)]
    for bet in bets:
        await bench.ok(bet)
    wins = [bench.win(bet, 3) for bet in bets]
    heard = await asyncio.gather(
        *(bench.send(one) for bet, win in zip(bets, wins, strict=True) for one in (win, bench.rollback(bet)))
    )
    paid = sum(one.code == "success" for one in heard[::2])
    assert all(one.code == "success" for one in heard[1::2])
    assert await bench.balance() == 1_000 + 3 * paid


async def test_a_stake_taken_after_others_said_that_it_was_not_goes_back(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    play, bet = bench.studios.play, bench.bet(100)
    real = play._play.open_bet

    async def slow(*arguments: Any, **named: Any) -> Any:
        # We stood still for longer than our claim held, and a worker has decided.
        assert await play.finish_pending(older_than_s=0) == 1
        return await real(*arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(play._play, "open_bet", slow)
        await bench.refused(Fault.TRANSACTION_ROLLED_BACK, bet)
    assert await bench.balance() == 1_000


async def test_a_repeat_while_the_first_call_runs_is_told_to_come_again(
    open_studios: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from casino.gal import studio_play

    monkeypatch.setattr(repository_transactions, "LEASE_S", 60.0)
    monkeypatch.setattr(studio_play, "WAIT_S", 0.05)
    bench = await open_studios("hmac_actions")
    bet = bench.bet(100)
    await dies(bench, monkeypatch, bet, "finish")
    await bench.refused(Fault.TECHNICAL, bet)
    assert await bench.balance() == 900

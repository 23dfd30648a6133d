"""What a process does with the operator's file: brings it to the ledger, shows what binds, and closes where it must."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import asyncpg
import pytest
from casino.compliance.api import ACTS, PlayClosed, RegistrationClosed
from casino.kernel.clock import SystemClock
from casino.kernel.metrics import REGISTRY
from casino.wallet.operation import OperationInForce
from casino.wallet.repository_operation import OperationRepository
from operation_records import Mounted, moment, operate, record


def metric(name: str) -> float | None:
    return REGISTRY.get_sample_value(name)


@pytest.fixture
def mounted(tmp_path: Path) -> Mounted:
    return Mounted(tmp_path / "casino-operation")


@pytest.fixture
async def pool(servers: Any, database: str) -> AsyncIterator[Any]:
    made = await asyncpg.create_pool(servers.uri(database), min_size=1, max_size=6)
    yield made
    await made.close()


def process(pool: Any, path: Path | None) -> OperationInForce:
    repository = OperationRepository(SimpleNamespace(pool=pool))  # type: ignore[arg-type]
    return OperationInForce(repository, path, SystemClock())


async def left(one: OperationInForce) -> list[str]:
    return [act for act in ACTS if await one.leaves(act)]


async def test_the_first_process_that_sees_the_file_binds_all_of_them(pool: Any, mounted: Mounted) -> None:
    here, elsewhere = process(pool, mounted.path), process(pool, None)
    mounted.put(record(1))
    await here.look()
    await elsewhere.look()
    assert here.fault is None and await left(elsewhere) == list(ACTS)
    mounted.put(record(2, ("withdraw",)))
    await here.look()
    assert await left(elsewhere) == ["withdraw"], "asked of the ledger, though what is known there lags"
    assert elsewhere.may("stake")
    await elsewhere.look()
    assert not elsewhere.may("stake") and elsewhere.may("withdraw")
    assert metric("casino_operation_revision") == 2
    history = await elsewhere.repository.history()
    assert [one.operation.revision for one in history] == [2, 1]
    assert history[0].recorded_at > history[1].recorded_at


async def test_a_file_that_was_not_brought_up_to_date_yet_opens_nothing(
    pool: Any, mounted: Mounted, caplog: pytest.LogCaptureFixture
) -> None:
    mounted.put(record(1))
    here = process(pool, mounted.path)
    await here.look()
    await operate(pool, record(2, ("withdraw",)))
    await here.look()
    assert await left(here) == ["withdraw"] and not here.may("stake")
    assert here.fault is not None and "the ledger has 2" in here.fault
    assert metric("casino_operation_refused") == 0, "it is late, and not wrong"
    late = process(pool, mounted.path)
    await late.look()
    assert late.recorded is not None and late.recorded.operation.revision == 2
    mounted.put(record(2, ("withdraw",)))
    await here.look()
    assert here.fault is None


async def test_the_same_revision_with_other_content_is_refused_loudly_and_once(
    pool: Any, mounted: Mounted, caplog: pytest.LogCaptureFixture
) -> None:
    await operate(pool, record(5, ("withdraw",)))
    mounted.put(record(5))
    here = process(pool, mounted.path)
    for _ in range(3):
        await here.look()
    assert await left(here) == ["withdraw"]
    assert here.fault is not None and metric("casino_operation_refused") == 1
    assert len([one for one in caplog.records if one.levelno == logging.ERROR]) == 1
    mounted.put(record(6))
    await here.look()
    assert here.fault is None and await left(here) == list(ACTS) and metric("casino_operation_refused") == 0


UNUSABLE = [b"", b"{", b"x" * 5000]


@pytest.mark.parametrize("content", UNUSABLE)
async def test_a_process_that_never_read_a_file_that_is_there_is_closed(
    pool: Any, mounted: Mounted, content: bytes
) -> None:
    await operate(pool, record(1))
    mounted.put(content)
    here, elsewhere = process(pool, mounted.path), process(pool, None)
    await here.look()
    assert here.closed_here and await left(here) == ["withdraw"]
    assert not here.may("register") and here.may("withdraw")
    with pytest.raises(RegistrationClosed):
        await here.require("register")
    assert here.fault is not None and metric("casino_operation_refused") == 1
    await elsewhere.look()
    assert await left(elsewhere) == list(ACTS), "another process that can read is not closed by it"
    mounted.put(record(2))
    await here.look()
    assert not here.closed_here and await left(here) == list(ACTS)


async def test_a_file_that_was_read_once_and_is_broken_or_gone_leaves_what_binds(pool: Any, mounted: Mounted) -> None:
    mounted.put(record(1))
    here = process(pool, mounted.path)
    await here.look()
    mounted.put(b"{")
    await here.look()
    assert not here.closed_here and await left(here) == list(ACTS)
    assert here.fault is not None and "is left as it is" in here.fault
    mounted.remove()
    await here.look()
    assert await left(here) == list(ACTS) and here.fault is not None and "is not there" in here.fault
    await operate(pool, record(2, ("withdraw",)))
    await here.look()
    assert await left(here) == ["withdraw"]


async def test_without_a_file_and_without_a_record_the_casino_is_open_and_warned_of(
    pool: Any, mounted: Mounted
) -> None:
    unset, set_ = process(pool, None), process(pool, mounted.path)
    for one in (unset, set_):
        await one.look()
        assert await left(one) == list(ACTS) and one.recorded is None and all(one.may(act) for act in ACTS)
    assert unset.fault is None and set_.fault is not None
    assert (metric("casino_operation_revision"), metric("casino_operation_barrier_passed")) == (0, 0)


async def test_a_database_that_went_back_is_told_again_and_waited_for_again(pool: Any, mounted: Mounted) -> None:
    mounted.put(record(3, ("withdraw",)))
    here = process(pool, mounted.path)
    await here.look()
    await here.look()
    assert here.barrier_passed == 3
    # As a restore of an older backup leaves it.
    await pool.execute("SET session_replication_role = replica; DELETE FROM wallet.operations;"
                       " UPDATE wallet.operation_in_force SET revision = 0, stake_until = 'infinity'")  # fmt: skip
    older = await pool.acquire()
    transaction = older.transaction()
    await transaction.start()
    await older.fetchval("SELECT pg_current_xact_id()")
    await here.look()
    assert await left(here) == ["withdraw"] and here.recorded is not None
    assert here.barrier_passed < 3
    await transaction.rollback()
    await pool.release(older)
    await here.look()
    assert here.barrier_passed == 3


async def test_the_barrier_waits_for_who_judged_by_the_older_record(pool: Any, ledger: Any) -> None:
    """Also for a transaction that began after the one that writes the record, and so has a higher number than it."""
    account = await ledger.player(1_000)
    here = process(pool, None)
    await operate(pool, record(1))
    await here.look()
    await here.look()
    assert (here.barrier_passed, metric("casino_operation_barrier_passed")) == (1, 1)

    teller, player = await pool.acquire(), await pool.acquire()
    telling, playing = teller.transaction(), player.transaction()
    await telling.start()
    await teller.fetchval("SELECT pg_current_xact_id()")
    await playing.start()
    bet = await player.fetchval(
        "SELECT outcome FROM wallet.open_hold('open_bet', gen_random_uuid(), $1, 'b', $2, 'b', wallet.uuid7(), 10,"
        " 'infinity', NULL, '{}')",
        account,
        bytes(32),
    )
    assert bet == "opened"
    await operate(teller, record(2, ("withdraw",)))
    await telling.commit()
    for _ in range(3):
        await here.look()
        assert (metric("casino_operation_revision"), metric("casino_operation_barrier_passed")) == (2, 1)
    await playing.commit()
    await here.look()
    assert metric("casino_operation_barrier_passed") == 2
    assert (await ledger.bet(account, 10))["outcome"] == "casino_closed"
    await pool.release(teller)
    await pool.release(player)


@pytest.mark.parametrize("seed", range(3))
async def test_after_the_barrier_no_stake_comes_to_the_journal(pool: Any, ledger: Any, seed: int) -> None:
    import random
    import secrets

    rng = random.Random(seed)
    accounts = [await ledger.player(10_000) for _ in range(4)]
    here, stop = process(pool, None), asyncio.Event()

    async def play(account: int) -> None:
        while not stop.is_set():
            if rng.random() < 0.5:
                await ledger.bet(account, 1)
            else:
                await ledger.hold(account, 1, secrets.token_hex(6))

    players = [asyncio.create_task(play(account)) for account in accounts * 3]  # who wait for each other
    await asyncio.sleep(0.1)
    await operate(pool, record(1, ("withdraw",)))
    async with asyncio.timeout(10):
        while here.barrier_passed < 1:
            await here.look()
    count = "SELECT count(*) FROM wallet.transactions WHERE kind IN ('round', 'bet')"
    before = await ledger.pool.fetchval(count)
    await asyncio.sleep(0.2)
    stop.set()
    await asyncio.gather(*players)
    assert before > 0 and await ledger.pool.fetchval(count) == before


async def test_it_is_watched_and_an_outage_changes_nothing(pool: Any, mounted: Mounted) -> None:
    mounted.put(record(1))
    here = process(pool, mounted.path)
    await here.look()
    seen, fails = here.repository.seen, True

    async def failing() -> Any:
        if fails:
            raise ConnectionError
        return await seen()

    here.repository.seen = failing  # type: ignore[method-assign]
    watching = asyncio.create_task(here.watch(0.02))
    mounted.put(record(2, ("withdraw",)))
    await asyncio.sleep(0.1)
    assert here.may("stake")
    fails = False
    async with asyncio.timeout(5):
        while here.barrier_passed < 2:  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.02)
    watching.cancel()
    assert not here.may("stake")
    with pytest.raises(PlayClosed):
        await here.require("stake")


async def test_what_is_shown_ends_with_the_licence_too(pool: Any, mounted: Mounted) -> None:
    mounted.put(record(1, play_until=moment(hours=-1)))
    here = process(pool, mounted.path)
    await here.look()
    assert [act for act in ACTS if here.may(act)] == ["withdraw"] == await left(here)

"""Events between modules: none lost, none twice, in order, whatever fails."""

from __future__ import annotations

import asyncio
import random
import re
import secrets
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
from casino.kernel.events import relay as relay_module
from casino.kernel.events.model import ATTEMPTS, Consumer, Event, NotUnderstood, pause_s
from casino.kernel.events.outbox import Outbox, event
from casino.kernel.events.producer import Producer, Producers
from casino.kernel.events.relay import LeaseLost, Relay
from casino.kernel.events.repository import Cursors

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


@pytest.fixture
async def pool(servers: Any, database: str) -> AsyncIterator[Any]:
    made = await asyncpg.create_pool(servers.uri(database), min_size=1, max_size=20)
    await made.execute(
        "CREATE TABLE ops.seen (position bigint PRIMARY KEY, aggregate uuid, number integer, nth bigserial)"
    )
    yield made
    await made.close()


async def note(connection: Any, event_: Event) -> None:
    """A handler whose effect cannot happen twice unseen: the table's key forbids it."""
    await connection.execute(
        "INSERT INTO ops.seen VALUES ($1, $2, $3)", event_.position, event_.aggregate, event_.payload["number"]
    )


def consumer(handler: Any = note, **changes: Any) -> Consumer:
    async def reset(connection: Any) -> None:
        await connection.execute("DELETE FROM ops.seen")

    usual = {"name": "test", "module": "ops", "producer": "pam", "handlers": {("pam.it", 1): handler}, "reset": reset}
    return Consumer(**(usual | changes))


def reader(pool: Any, one: Consumer | None = None, **changes: Any) -> Relay:
    return Relay(one or consumer(), lambda module: pool, **changes)


async def tell(pool: Any, number: int, aggregate: uuid.UUID | None = None, type_: str = "pam.it") -> None:
    async with pool.acquire() as connection, connection.transaction():
        await Outbox("pam").append(connection, event(type_, aggregate or uuid.uuid4(), NOW, {"number": number}))


async def seen(pool: Any) -> list[int]:
    return [row["number"] for row in await pool.fetch("SELECT number FROM ops.seen ORDER BY position")]


async def until(pool: Any, numbers: list[int]) -> None:
    async with asyncio.timeout(10):
        while await seen(pool) != numbers:  # noqa: ASYNC110 - what is waited for is in the database
            await asyncio.sleep(0.01)


async def drain(relay: Relay) -> None:
    while await relay.step():
        pass


async def test_what_was_told_is_handled_once_and_in_order(pool: Any) -> None:
    relay = reader(pool, batch=3)
    for number in range(10):
        await tell(pool, number)
    await drain(relay)
    await drain(reader(pool))  # another process, while the lease of the first stands
    assert await seen(pool) == list(range(10))


async def test_what_is_taken_back_is_not_told(pool: Any) -> None:
    with pytest.raises(ZeroDivisionError):
        async with pool.acquire() as connection, connection.transaction():
            await Outbox("pam").append(connection, event("pam.it", uuid.uuid4(), NOW, {"number": 1}))
            raise ZeroDivisionError
    await drain(reader(pool))
    assert await seen(pool) == []


async def test_what_commits_late_is_not_jumped_over(pool: Any) -> None:
    """The gap of a cursor by position: drawn first, committed last."""
    relay = reader(pool)
    async with pool.acquire() as slow:
        transaction = slow.transaction()
        await transaction.start()
        await Outbox("pam").append(slow, event("pam.it", uuid.uuid4(), NOW, {"number": 0}))
        await tell(pool, 1)
        await drain(relay)
        await transaction.commit()
    await tell(pool, 2)
    await drain(relay)
    assert sorted(await seen(pool)) == [0, 1, 2]


@pytest.mark.drill
async def test_nothing_is_lost_or_doubled_while_writers_and_readers_come_and_go(pool: Any, drill: Any) -> None:
    rng = random.Random(drill.seed)
    writers, each = 8, drill.count(25, 600)
    aggregates = [uuid.uuid4() for _ in range(5)]
    locks = [asyncio.Lock() for _ in aggregates]
    failing = consumer(name="flaky", handlers={("pam.it", 1): _flaky(rng)})
    await pool.execute("CREATE TABLE ops.seen_too (LIKE ops.seen INCLUDING ALL)")
    beside = consumer(name="beside", handlers={("pam.it", 1): _note_too})
    over = asyncio.Event()

    async def write(writer: int) -> None:
        for turn in range(each):
            at = rng.randrange(len(aggregates))
            async with locks[at], pool.acquire() as connection:  # as the lock of the aggregate's row
                transaction = connection.transaction()
                await transaction.start()
                number = writer * each + turn
                await Outbox("pam").append(connection, event("pam.it", aggregates[at], NOW, {"number": number}))
                await asyncio.sleep(rng.random() / 500)
                await (transaction.rollback() if rng.random() < 0.1 else transaction.commit())

    async def read() -> None:
        while not over.is_set():
            producers, batch = Producers(lambda _: pool), rng.randint(1, 20)
            relays = [reader(pool, one, producers=producers, batch=batch, lease_s=0.3) for one in (failing, beside)]
            for _ in range(rng.randint(1, 60)):
                await rng.choice(relays).step()
                await asyncio.sleep(0.002)
            for relay in relays:
                if rng.random() < 0.5:
                    await relay.close()  # the others die with their lease

    readers = [asyncio.create_task(read()) for _ in range(3)]
    await asyncio.gather(*(write(writer) for writer in range(writers)))
    cursors = Cursors(pool, failing)
    written = await pool.fetchval("SELECT count(*) FROM pam.outbox")
    # Five aggregates, each of which stands still at every tenth event until the replay.
    async with asyncio.timeout(60 + written / 5):
        while await cursors.parked() or 2 * written > await pool.fetchval(
            "SELECT (SELECT count(*) FROM ops.seen) + (SELECT count(*) FROM ops.seen_too)"
        ):
            await cursors.replay(None)
            await asyncio.sleep(0.05)
    over.set()
    await asyncio.gather(*readers)
    for aggregate in aggregates:
        told = await pool.fetch("SELECT position FROM pam.outbox WHERE aggregate = $1 ORDER BY position", aggregate)
        for table in ("ops.seen", "ops.seen_too"):
            found = await pool.fetch(f"SELECT position FROM {table} WHERE aggregate = $1 ORDER BY nth", aggregate)
            assert [row["position"] for row in found] == [row["position"] for row in told]
    drill.injected(writers * each)


async def _note_too(connection: Any, event_: Event) -> None:
    told = (event_.position, event_.aggregate, event_.payload["number"])
    await connection.execute("INSERT INTO ops.seen_too (position, aggregate, number) VALUES ($1, $2, $3)", *told)


def _flaky(rng: random.Random) -> Any:
    async def handle(connection: Any, event_: Event) -> None:
        await note(connection, event_)
        if rng.random() < 0.1:
            raise ValueError("a fault of the handler's")

    return handle


async def test_a_fault_parks_an_event_and_what_follows_for_its_aggregate_alone(pool: Any) -> None:
    broken = {3}

    async def handle(connection: Any, event_: Event) -> None:
        await note(connection, event_)
        if event_.payload["number"] in broken:
            raise ValueError("with what it holds in the message")

    one = consumer(handle)
    relay, mine, other = reader(pool, one), uuid.uuid4(), uuid.uuid4()
    for number in range(6):
        await tell(pool, number, mine if number % 2 else other)
    await drain(relay)
    assert await seen(pool) == [0, 1, 2, 4]
    parked = await Cursors(pool, one).parked()
    assert [(p.event.payload["number"], p.error, p.attempts) for p in parked] == [
        (3, "ValueError", 1),
        (5, "follows an event of the same aggregate that is parked", 0),
    ]
    broken.clear()
    await Cursors(pool, one).replay(parked[0].position)
    relay._retry_at = 0  # at once
    await relay.step()
    assert await seen(pool) == list(range(6)) and not await Cursors(pool, one).parked()


async def test_a_parked_event_is_tried_again_with_growing_pauses_and_then_waits(pool: Any) -> None:
    async def handle(connection: Any, event_: Event) -> None:
        raise ValueError

    one = consumer(handle)
    relay, cursors = reader(pool, one), Cursors(pool, one)
    await tell(pool, 1)
    await relay.step()
    for attempt in range(2, ATTEMPTS + 3):
        await pool.execute("UPDATE ops.parked SET next_at = clock_timestamp() WHERE next_at IS NOT NULL")
        relay._retry_at = 0
        await relay.step()
        (parked,) = await cursors.parked()
        assert parked.attempts == min(attempt, ATTEMPTS)
    assert parked.waits_for_a_person
    assert await cursors.replay(None) == 1
    async with pool.acquire() as connection:
        assert await cursors.unpark(connection, parked.position)
        assert not await cursors.unpark(connection, parked.position)


def test_pauses_grow_and_have_an_end() -> None:
    pauses = [pause_s(attempt) for attempt in range(1, ATTEMPTS)]
    assert pauses == sorted(pauses, key=lambda one: one or 0) and pauses[0] == 1 and max(p or 0 for p in pauses) <= 300
    assert pause_s(ATTEMPTS) is None


async def test_an_outage_counts_as_nothing(pool: Any) -> None:
    outages = [ConnectionResetError(), asyncpg.DeadlockDetectedError(), TimeoutError()]

    async def handle(connection: Any, event_: Event) -> None:
        await note(connection, event_)
        if outages:
            raise outages.pop()

    one = consumer(handle)
    relay = reader(pool, one)
    await tell(pool, 1)
    for error in (TimeoutError, asyncpg.DeadlockDetectedError, ConnectionResetError):
        with pytest.raises(error):
            await relay.step()
    assert await relay.step() == 1
    assert await seen(pool) == [1] and not await Cursors(pool, one).parked()


@pytest.mark.parametrize(("type_", "changes", "numbers"), [
    ("pam.other", {}, [1]),
    ("pam.other", {"ignores": frozenset({"pam.other"})}, [1, 3]),
    ("pam.other", {"ignores_others": True}, [1, 3]),
])  # fmt: skip
async def test_what_is_not_understood_stops_the_consumer_unless_it_says_that_it_does_not_care(
    pool: Any, type_: str, changes: dict[str, Any], numbers: list[int]
) -> None:
    one = consumer(**changes)
    relay = reader(pool, one)
    await tell(pool, 1)
    await tell(pool, 2, type_=type_)
    await tell(pool, 3)
    await drain(relay)
    assert await seen(pool) == numbers
    found = await Cursors(pool, one).find()
    assert found is not None and bool(found.stopped) == (numbers == [1])
    if found.stopped:
        assert "pam.other" in found.stopped
        # The version that knows it reads on from there.
        later = consumer(ignores_others=True)
        await Cursors(pool, later).go_on()
        await relay.close()
        await drain(reader(pool, later))
        assert await seen(pool) == [1, 3]


async def test_a_new_version_of_a_type_is_never_skipped(pool: Any) -> None:
    one = consumer(ignores_others=True)
    with pytest.raises(NotUnderstood):
        one.handler_of(Event(uuid.uuid4(), "pam.it", 2, uuid.uuid4(), NOW, {}))


async def test_a_lease_goes_to_one_and_a_late_holder_changes_nothing(pool: Any) -> None:
    first, second = reader(pool, lease_s=0.2), reader(pool)
    await tell(pool, 1)
    cursor = await first._held()
    assert cursor is not None
    events, cursor = await first._read(cursor)
    assert await second.step() == 0
    await asyncio.sleep(0.3)
    assert await second.step() == 1
    with pytest.raises(LeaseLost):
        await first._handle(cursor, events)
    assert await seen(pool) == [1]
    await second.close()
    assert await first.step() == 0  # nothing is left, and the lease was free at once
    await tell(pool, 2)
    assert await first.step() == 1


async def test_what_was_built_is_built_anew(pool: Any) -> None:
    relay = reader(pool)
    for number in range(4):
        await tell(pool, number)
    await drain(relay)
    await pool.execute("UPDATE ops.seen SET number = 77")
    await relay.rebuild()
    await drain(relay)
    assert await seen(pool) == [0, 1, 2, 3]
    with pytest.raises(NotUnderstood):
        await reader(pool, consumer(reset=None)).rebuild()


async def test_on_another_server_a_consumer_stops_until_it_is_rebased(pool: Any, monkeypatch: Any) -> None:
    relay = reader(pool)
    await tell(pool, 1)
    await drain(relay)
    await tell(pool, 2)  # told before the move, not read
    # As after a dump and its restore: the rows are there with their old transaction ids, and ids begin anew.
    await pool.execute("UPDATE pam.outbox SET xact = '9000000000'")
    await pool.execute("UPDATE ops.cursors SET server = 4, window_from = '9000000000', window_to = '9000000000'")
    await relay.close()
    moved = reader(pool)
    await tell(pool, 3)
    assert await moved.step() == 0
    found = await Cursors(pool, consumer()).find()
    assert found is not None and "rebase" in (found.stopped or "")
    await moved.close()
    await pool.execute("UPDATE pam.outbox SET xact = '9000000000' WHERE position <= 3")
    await pool.execute("UPDATE ops.cursors SET position = 1, window_to = '9000000001'")
    assert await reader(pool).rebase() == 2
    assert await seen(pool) == [1, 2, 3]
    await tell(pool, 4)
    await drain(reader(pool))
    assert await seen(pool) == [1, 2, 3, 4]


async def test_the_ledgers_transactions_are_events_of_the_wallet(ledger: Any) -> None:
    told: list[tuple[str, int]] = []

    async def handle(_: Any, event_: Event) -> None:
        told.append((event_.type, event_.payload["balance_minor"]))

    kinds = ("deposit", "round", "bet", "bet_settled")
    one = Consumer("reader", "ops", "wallet", {(f"wallet.{kind}", 1): handle for kind in kinds})
    account = await ledger.player(1_000)
    await ledger.bet(account, 100, 30)
    await ledger.hold(account, 50, "hand")
    await ledger.settle(account, "hand", 70)
    assert await Relay(one, lambda _: ledger.pool).step() == 4
    assert told == [("wallet.deposit", 1_000), ("wallet.round", 930), ("wallet.bet", 880), ("wallet.bet_settled", 950)]


async def test_a_chunk_of_a_long_backlog_costs_what_it_holds(ledger: Any) -> None:
    """However long the window is: the read goes by the positions' index, and sorts nothing."""
    accounts = [await ledger.player(1_000) for _ in range(10)]
    for _ in range(60):
        await ledger.bets([(account, 1, 0, secrets.token_hex(6)) for account in accounts])
    async with ledger.pool.acquire() as connection:
        await connection.execute("ANALYZE wallet.transactions")
        await connection.execute("SET plan_cache_mode = force_generic_plan")
        await connection.execute(f"PREPARE read(text, text, bigint, bigint) AS {Producer(None, 'wallet').statement}")
        plan = await connection.fetch("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) EXECUTE read('0', '99999999', 0, 50)")
    told = "\n".join(row[0] for row in plan)
    read = re.findall(r"Index Scan using transactions_\w+_position on \S+ t\S* \(actual rows=(\d+)", told)
    assert sum(map(int, read)) == 50, told
    assert "Seq Scan on transactions" not in told, told


async def test_what_was_read_is_not_looked_through_again(pool: Any) -> None:
    relay = reader(pool)
    for number in range(6):
        await tell(pool, number)
        await drain(relay)
    first, last = await pool.fetchrow("SELECT min(position), max(position) FROM pam.outbox")
    assert first < await pool.fetchval("SELECT floor FROM ops.cursors") < last
    assert await seen(pool) == list(range(6))


async def test_readers_of_one_process_fetch_an_event_once(pool: Any, monkeypatch: Any) -> None:
    for number in range(25):
        await tell(pool, number)
    await pool.execute("CREATE TABLE ops.seen_too (LIKE ops.seen INCLUDING ALL)")
    producers, fetched = Producers(lambda _: pool), []
    monkeypatch.setattr(Producer, "read", _counted(Producer.read, fetched))
    one = reader(pool, producers=producers, batch=10)
    two = reader(pool, consumer(name="two", handlers={("pam.it", 1): _note_too}), producers=producers, batch=10)
    await drain(one)
    while await two.step() or two.has_more:
        pass
    assert await pool.fetchval("SELECT count(*) FROM ops.seen_too") == len(await seen(pool)) == 25
    assert [events for events in fetched if events] == [10, 10, 5]


def _counted(read: Any, fetched: list[int]) -> Any:
    async def counting(self: Any, *arguments: Any) -> Any:
        found = await read(self, *arguments)
        fetched.append(len(found))
        return found

    return counting


async def test_a_reader_is_woken_by_who_writes(pool: Any) -> None:
    woken: asyncio.Queue[str] = asyncio.Queue()
    async with pool.acquire() as connection:
        await connection.add_listener("casino_events", listener := lambda *told: woken.put_nowait(told[-1]))
        await tell(pool, 1)
        assert await asyncio.wait_for(woken.get(), 5) == "pam"
        await connection.remove_listener("casino_events", listener)
    one, event_ = reader(pool), asyncio.Event()
    task = asyncio.create_task(relay_module.run(one, event_, poll_s=60))
    try:
        await until(pool, [1])
        await tell(pool, 2)
        event_.set()
        await until(pool, [1, 2])
    finally:
        task.cancel()


async def test_a_replay_asks_for_the_rows_in_the_order_in_which_readers_take_them(pool: Any) -> None:
    """It once took them as they lay in the table, and a reader and a replay waited for each other."""
    cursors = Cursors(pool, consumer())
    events = [replace(event("pam.it", uuid.uuid4(), NOW, {"number": n}), position=n) for n in (1, 2)]
    async with pool.acquire() as connection:
        for one in (*events, events[0]):  # parked again, the first one lies behind the second
            await cursors.park(connection, one, "a fault", 1, None)
        await pool.execute("ANALYZE ops.parked")  # of a page, which is then read from front to back
        transaction = connection.transaction()
        await transaction.start()
        await cursors.park(connection, events[0], "a fault", 2, None)
        replaying = asyncio.create_task(cursors.replay(None))
        await asyncio.sleep(0.2)
        await cursors.park(connection, events[1], "a fault", 2, None)
        await transaction.commit()
    assert await replaying == 2

"""Live tables with the database and the wallet: bets in time and too late, settlement, faults, and what is told."""

from __future__ import annotations

import asyncio
import secrets
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from casino.gal.api import LiveRepository, LiveTable, LiveTables
from casino.gal.live.models import BetRequest
from casino.gal.live.round import NotAllowed
from casino.gal.live.service import Attempt, BetsClosed, reference
from casino.kernel.clock import SystemClock
from casino.kernel.db import Database
from casino.kernel.errors import AmountInvalid, IdempotencyKeyReused, RequestInvalid
from casino.wallet.api import InsufficientFunds, Ledger, PlayBarred

TABLE = LiveTable(table_id="t1", name="Harbour wheel", bets_s=20, result_s=5)


class MovedClock:
    """The machine's clock, moved on. The database's is not moved: only what asks this one sees it."""

    def __init__(self) -> None:
        self.by = timedelta()

    def now(self) -> Any:
        return SystemClock().now() + self.by


class Floor:
    """A table with its parts."""

    def __init__(self, gal: Database, wallet: Database, books: Any) -> None:
        self.clock = MovedClock()
        self.books = books
        self.pocket = 1
        self.repository = LiveRepository(gal)
        self.ledger = Ledger(wallet)
        self.tables = LiveTables([TABLE], self.repository, self.ledger, lambda bound: self.pocket % bound, self.clock)

    async def forward(self, seconds: float) -> Any:
        self.clock.by += timedelta(seconds=seconds)
        return await self.tables.advance("t1")

    async def open(self) -> Any:
        return await self.tables.advance("t1")

    async def bet(self, account: int, round_: Any, selection: str, stake: int, key: str = "", body: int = 0) -> Any:
        asked = BetRequest(round_id=round_.round_id, selection=selection, stake_minor=stake)
        attempt = Attempt(account, key or secrets.token_hex(8), bytes([body]) * 32, asked, self.clock.now())
        return await self.tables.bet("t1", attempt)

    async def told(self) -> list[Any]:
        rows = await self.books.pool.fetch("SELECT type FROM gal.outbox ORDER BY position")
        return [row["type"].removeprefix("gal.live_") for row in rows]


@pytest.fixture
async def floor(servers: Any, database: str, ledger: Any) -> AsyncIterator[Floor]:
    settings = servers.settings(database)
    pools = [Database(settings, None, module, size=8) for module in ("gal", "wallet")]
    for pool in pools:
        await pool.open()
    yield Floor(*pools, ledger)
    for pool in pools:
        await pool.close()


async def test_a_round_from_its_first_bet_to_its_settlement(floor: Floor) -> None:
    one, two, three = [await floor.books.player(1000) for _ in range(3)]
    round_ = await floor.open()
    first = await floor.bet(one, round_, "red", 100, key="k")
    assert (first.status, first.balance_minor) == ("accepted", 900)
    again = await floor.bet(one, round_, "red", 100, key="k")
    assert (again.bet_id, again.status, again.balance_minor) == (first.bet_id, "accepted", None)
    await floor.bet(one, round_, "straight:1", 10)
    await floor.bet(two, round_, "black", 300)
    with pytest.raises(IdempotencyKeyReused):
        await floor.bet(one, round_, "black", 100, key="k", body=1)
    assert await floor.books.balance(three) == 1000
    assert (await floor.forward(19)).state == "open"
    assert (await floor.forward(1)).state == "closed"
    assert (await floor.forward(4)).state == "closed"
    resulted = await floor.forward(1)
    assert (resulted.state, resulted.result) == ("resulted", 1)
    assert (await floor.tables.advance("t1")).state == "settled"
    assert [await floor.books.balance(account) for account in (one, two, three)] == [1450, 700, 1000]
    assert await floor.told() == ["opened", "closed", "resulted", "settled"]
    payload = await floor.books.pool.fetchval("SELECT payload FROM gal.outbox ORDER BY position DESC LIMIT 1")
    assert '"bets": 3' in payload and '"staked_minor": 410' in payload and '"won_minor": 560' in payload
    settled = await floor.bet(one, round_, "red", 100, key="k")  # a repeat is answered for as long as it is known
    assert (settled.status, settled.win_minor) == ("settled", 200)
    assert (await floor.open()).round_id != round_.round_id


async def test_a_bet_is_too_late_by_the_servers_clock_and_again_by_the_databases(floor: Floor) -> None:
    account = await floor.books.player(1000)
    round_ = await floor.open()
    floor.clock.by += timedelta(seconds=20)
    with pytest.raises(BetsClosed):
        await floor.bet(account, round_, "red", 100)
    floor.clock.by = timedelta()
    # This clock says that there is time; the database's, which is asked when it is written, says that there is none.
    await floor.books.pool.execute(
        "UPDATE gal.live_rounds SET opened_at = opened_at - interval '1 minute', closes_at = clock_timestamp()"
    )
    attempt = Attempt(account, "k", bytes(32), BetRequest(
        round_id=round_.round_id, selection="red", stake_minor=100), round_.opened_at - timedelta(seconds=1)
    )  # fmt: skip
    with pytest.raises(BetsClosed):
        await floor.tables.bet("t1", attempt)
    assert await floor.books.balance(account) == 1000
    assert not await floor.repository.bets(round_.round_id, "pending", "accepted", "settled", "voided")


async def test_a_bet_that_arrives_after_the_result_gets_its_stake_back(floor: Floor) -> None:
    account = await floor.books.player(1000)
    round_ = await floor.open()
    held = floor.ledger.open_hold

    async def slow(*given: Any, **named: Any) -> Any:
        answer = await held(*given, **named)
        await floor.forward(20)
        assert (await floor.forward(5)).state == "resulted"
        return answer

    floor.ledger.open_hold = slow  # type: ignore[method-assign]
    with pytest.raises(BetsClosed):
        await floor.bet(account, round_, "red", 100, key="k")
    floor.ledger.open_hold = held  # type: ignore[method-assign]
    assert await floor.books.balance(account) == 1000
    with pytest.raises(BetsClosed):
        await floor.bet(account, round_, "red", 100, key="k")
    assert (await floor.tables.advance("t1")).state == "settled"
    assert await floor.books.balance(account) == 1000


async def test_a_stake_that_is_held_for_no_accepted_bet_goes_back_before_the_round_is_settled(floor: Floor) -> None:
    """A process died between the wallet and the acceptance."""
    account, other = await floor.books.player(1000), await floor.books.player(1000)
    round_ = await floor.open()
    await floor.bet(account, round_, "red", 100)
    await floor.bet(other, round_, "red", 100)
    await floor.books.hold(account, 50, reference(uuid.uuid4()), part_of=str(round_.round_id))
    await floor.forward(20)
    await floor.forward(5)
    assert (await floor.tables.advance("t1")).state == "settled"
    assert [await floor.books.balance(one) for one in (account, other)] == [1100, 1100]


async def test_a_bet_whose_stake_has_gone_back_does_not_count(floor: Floor) -> None:
    account = await floor.books.player(1000)
    round_ = await floor.open()
    lost, kept = await floor.bet(account, round_, "red", 100), await floor.bet(account, round_, "odd", 10)
    await floor.books.resolve(account, str(round_.round_id), "expired", reference=reference(lost.bet_id))
    await floor.forward(20)
    await floor.forward(5)
    assert (await floor.tables.advance("t1")).state == "settled"
    assert await floor.books.balance(account) == 1010
    bets = {bet.bet_id: (bet.status, bet.win) for bet in await floor.repository.bets(
        round_.round_id, "settled", "voided")}  # fmt: skip
    assert bets == {lost.bet_id: ("voided", None), kept.bet_id: ("settled", 20)}


async def test_a_settlement_that_died_half_way_is_done_once(floor: Floor) -> None:
    accounts = [await floor.books.player(1000) for _ in range(5)]
    round_ = await floor.open()
    for account in accounts:
        await floor.bet(account, round_, "red", 100)
    await floor.forward(20)
    await floor.forward(5)
    move = floor.repository.move

    async def dies(*_: Any) -> bool:
        raise ConnectionError("the process died here")

    floor.repository.move = dies  # type: ignore[method-assign]
    with pytest.raises(ConnectionError):
        await floor.tables.advance("t1")
    floor.repository.move = move  # type: ignore[method-assign]
    done = await asyncio.gather(*(floor.tables.advance("t1") for _ in range(4)), return_exceptions=True)
    assert not [one for one in done if isinstance(one, Exception)]
    assert [await floor.books.balance(account) for account in accounts] == [1100] * 5
    assert (await floor.told()).count("settled") == 1


async def test_several_processes_play_one_table_and_each_step_happens_once(floor: Floor) -> None:
    others = [LiveTables([TABLE], floor.repository, floor.ledger, lambda _, n=n: n, floor.clock) for n in range(4)]
    for wait in (0, 20, 5, 0):
        floor.clock.by += timedelta(seconds=wait)
        await asyncio.gather(*(one.advance("t1") for one in others))
    told = await floor.told()
    assert told[:4] == ["opened", "closed", "resulted", "settled"] and len(told) <= 5
    rounds = await floor.books.pool.fetch("SELECT result FROM gal.live_rounds WHERE state = 'settled'")
    assert len(rounds) == 1 and rounds[0]["result"] in range(4)


async def test_a_voided_round_gives_every_stake_back_and_one_with_a_result_cannot_be_voided(floor: Floor) -> None:
    accounts = [await floor.books.player(1000) for _ in range(3)]
    round_ = await floor.open()
    for account in accounts:
        await floor.bet(account, round_, "red", 100)
    assert (await floor.tables.void(round_.round_id, "the wheel stuck")).state == "voided"
    await floor.tables.void(round_.round_id, "the wheel stuck")
    assert [await floor.books.balance(account) for account in accounts] == [1000] * 3
    assert await floor.told() == ["opened", "voided"]
    after = await floor.open()
    await floor.forward(20)
    await floor.forward(5)
    with pytest.raises(NotAllowed):
        await floor.tables.void(after.round_id, "regret")


@pytest.mark.parametrize(
    ("selection", "stake", "error"),
    [("red", 5000, InsufficientFunds), ("red", 1, AmountInvalid), ("red", 10_001, AmountInvalid),
     ("straight:37", 100, RequestInvalid)],
)  # fmt: skip
async def test_a_refused_bet_takes_nothing_and_leaves_its_key_free(
    floor: Floor, selection: str, stake: int, error: type[Exception]
) -> None:
    account = await floor.books.player(1000)
    round_ = await floor.open()
    with pytest.raises(error):
        await floor.bet(account, round_, selection, stake, key="k")
    assert await floor.books.balance(account) == 1000
    assert (await floor.bet(account, round_, "red", 100, key="k", body=1)).status == "accepted"


async def test_who_is_excluded_may_not_bet(floor: Floor) -> None:
    account = await floor.books.player(1000)
    round_ = await floor.open()
    await floor.ledger.restrict(account, SystemClock().now() + timedelta(days=1), None)
    with pytest.raises(PlayBarred):
        await floor.bet(account, round_, "red", 100)


async def test_bets_over_http(open_casino: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASINO_LIVE_TABLES", '[{"table_id": "t1", "name": "Harbour wheel", "bets_s": 600}]')
    casino = await open_casino(kind="all")
    player = await casino.player(deposit=1000)
    async with asyncio.timeout(10):
        while (table := (await player.call("GET", "/live/t1")).json())["state"] != "open":  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    body = {"round_id": table["round_id"], "selection": "straight:7", "stake_minor": 100}
    taken = await player.call("POST", "/live/t1/bets", body, "k")
    assert (taken.status_code, taken.json()["balance_minor"]) == (201, 900)
    assert (await player.call("POST", "/live/t1/bets", body, "k")).json()["bet_id"] == taken.json()["bet_id"]
    for wrong, code in [
        ({"selection": "straight:99"}, "REQUEST_INVALID"), ({"round_id": str(uuid.uuid4())}, "ROUND_UNKNOWN"),
        ({"stake_minor": 1}, "AMOUNT_INVALID"), ({"extra": 1}, "REQUEST_INVALID"),
    ]:  # fmt: skip
        assert (await player.call("POST", "/live/t1/bets", body | wrong, "other")).json()["code"] == code
    casino.clock.forward(seconds=601)
    late = await player.call("POST", "/live/t1/bets", body, "late")
    assert (late.status_code, late.json()["code"]) == (409, "BETS_CLOSED")
    assert (await player.call("GET", "/live/t2")).json()["code"] == "TABLE_UNKNOWN"

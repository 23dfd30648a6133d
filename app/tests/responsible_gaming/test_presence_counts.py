"""Time with a session under any interleaving of log-ins and looks, and what a look at very many players costs."""

from __future__ import annotations

import asyncio
import random
import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from casino.kernel.identity import new_id
from casino.pam.module import PlayerModule
from casino.responsible_gaming.module import ResponsibleGaming
from casino.responsible_gaming.windows import by_day
from hypothesis import given
from hypothesis import strategies as st
from protection_bench import id_of

BORN = date(1980, 1, 1)


class Visits:
    """Players who only come and go, without accounts: what presence knows of them is a session and a row."""

    def __init__(self, casino: Any) -> None:
        self.casino = casino
        self.presence = casino.part(ResponsibleGaming).presence
        self.sessions = casino.part(PlayerModule).sessions
        # At noon, so that no midnight comes in between.
        casino.clock.time = (casino.clock.now() + timedelta(days=1)).replace(hour=12, minute=0, second=0, microsecond=0)

    async def come(self, player_id: uuid.UUID, account_id: int = 1) -> None:
        """What a log-in does, in its order."""
        await self.presence.count_up(player_id)
        await self.sessions.open(player_id, account_id, BORN)
        await self.presence.begin(player_id, account_id)

    async def seconds(self, player_id: uuid.UUID) -> int:
        found: int = await self.presence.repository.pool.fetchval(
            "SELECT coalesce(sum(seconds), 0)::bigint FROM responsible_gaming.session_time WHERE player_id = $1",
            player_id,
        )
        return found

    async def limit(self, player_id: uuid.UUID, minutes: int) -> None:
        await self.presence.repository.pool.execute(
            "INSERT INTO responsible_gaming.players (player_id) VALUES ($1)", player_id
        )
        await self.presence.repository.pool.execute(
            "INSERT INTO responsible_gaming.limits (player_id, kind, period, origin, value)"
            " VALUES ($1, 'session', 'day', 'player', $2)",
            player_id,
            minutes,
        )


async def test_a_second_log_in_keeps_the_time_since_the_last_look(casino: Any) -> None:
    visits = Visits(casino)
    player = await casino.player(deposit=500)
    await player.call("PUT", "/players/me/limits/session/day", {"value": 45})
    id_ = await id_of(player)
    casino.clock.forward(minutes=40)  # and no worker looks
    second = (await casino.login(player.email)).json()["token"]
    assert await visits.seconds(id_) == 40 * 60
    casino.clock.forward(minutes=5)
    refused = (await casino.login(player.email)).json()
    assert refused["code"] == "SESSION_TIME_OVER", refused
    await visits.presence.look()
    player.token = second
    assert (await player.call("GET", "/wallet")).status_code == 401


async def test_where_one_session_ends_the_other_its_time_is_kept_as_well(open_casino: Any) -> None:
    casino = await open_casino(one_session_per_player=True)
    visits, id_ = Visits(casino), new_id()
    await visits.limit(id_, 600)
    for _ in range(3):
        await visits.come(id_)
        casino.clock.forward(minutes=20)
    await visits.presence.look()
    assert await visits.seconds(id_) == 60 * 60


@pytest.mark.parametrize("seed", range(4))
async def test_time_is_neither_lost_nor_doubled_by_log_ins_and_looks_at_once(casino: Any, seed: int) -> None:
    visits, id_, chance = Visits(casino), new_id(), random.Random(seed)
    await visits.limit(id_, 24 * 60)
    await visits.come(id_)
    begun = casino.clock.now()
    for _ in range(8):
        casino.clock.forward(seconds=chance.choice([0.3, 1, 9.9, 61, 300]))
        calls = [visits.presence.look, visits.presence.look, lambda: visits.come(id_), lambda: visits.come(id_)]
        chance.shuffle(calls)
        await asyncio.gather(*(call() for call in calls[: chance.randint(1, 4)]))
    casino.clock.forward(seconds=1)
    await visits.presence.look()
    assert await visits.seconds(id_) == int((casino.clock.now() - begun).total_seconds())


async def test_who_logs_in_while_a_look_finds_them_gone_is_looked_after(
    casino: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    visits, id_ = Visits(casino), new_id()
    await visits.limit(id_, 600)
    await visits.come(id_)
    await visits.sessions.revoke_all(id_)
    told = visits.sessions.present

    async def overtaken(player_ids: Any) -> Any:
        found = await told(player_ids)
        monkeypatch.setattr(visits.sessions, "present", told)
        await visits.come(id_)
        return found

    monkeypatch.setattr(visits.sessions, "present", overtaken)
    await visits.presence.look()
    casino.clock.forward(minutes=3)
    await visits.presence.look()
    assert await visits.seconds(id_) == 3 * 60


async def test_time_without_a_session_is_nobodys(casino: Any) -> None:
    visits, id_ = Visits(casino), new_id()
    await visits.limit(id_, 600)
    await visits.come(id_)
    await visits.sessions.revoke_all(id_)
    casino.clock.forward(hours=2)  # and no worker looks
    await visits.come(id_)
    casino.clock.forward(minutes=1)
    await visits.presence.look()
    assert await visits.seconds(id_) == 60


class Counted:
    """A pool, and how often it was asked."""

    def __init__(self, pool: Any) -> None:
        self.pool, self.asked = pool, 0

    def __getattr__(self, name: str) -> Any:
        self.asked += name in ("execute", "fetch", "fetchrow", "fetchval", "acquire")
        return getattr(self.pool, name)


async def test_a_look_at_many_of_whom_nobody_is_due_anything_takes_few_statements(
    casino: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    visits = Visits(casino)
    for _ in range(60):
        id_ = new_id()
        await visits.limit(id_, 600)
        await visits.come(id_)
    casino.clock.forward(seconds=10)
    repository = visits.presence.repository
    counted = Counted(repository.pool)
    monkeypatch.setattr(type(repository), "pool", property(lambda _: counted))
    assert await visits.presence.look() == 60
    assert counted.asked <= 5
    assert await counted.pool.fetchval("SELECT min(seconds) FROM responsible_gaming.session_time") == 10


async def test_one_players_fault_does_not_stop_the_others(casino: Any) -> None:
    visits = Visits(casino)
    players = sorted(new_id() for _ in range(4))
    nowhere, overflowing = players[0], players[1]
    for id_ in players:
        await visits.limit(id_, 1)
    account = await casino.player()
    account_id = (await casino.part(ResponsibleGaming).wallet.account_of(await id_of(account))) or 0
    for id_ in players:
        await visits.come(id_, 10**9 if id_ == nowhere else account_id)
    today = casino.clock.now().date()
    await visits.presence.repository.pool.execute(
        "INSERT INTO responsible_gaming.session_time VALUES ($1, $2, 9223372036854775807)", overflowing, today
    )
    casino.clock.forward(minutes=2)
    assert await visits.presence.look() == 4
    there = await visits.sessions.present(players)
    # The wallet knows no account of the first, and the second's time cannot be added to.
    assert there == {nowhere: True, overflowing: True, players[2]: False, players[3]: False}


FIRST = datetime(2026, 1, 1, tzinfo=UTC)
ZONES = st.sampled_from(["UTC", "Europe/London", "America/Havana", "Atlantic/Azores", "Asia/Kathmandu"])


@given(
    since=st.integers(0, 2 * 366 * 86_400_000).map(lambda ms: FIRST + timedelta(milliseconds=ms)),
    lasted=st.timedeltas(timedelta(0), timedelta(days=4)),
    timezone=ZONES,
)
def test_every_whole_second_is_of_one_day(since: datetime, lasted: timedelta, timezone: str) -> None:
    days = by_day(since, since + lasted, timezone)
    assert sum(seconds for _, seconds in days) == int(lasted.total_seconds())
    told = [day for day, _ in days]
    assert told == sorted(set(told)) and all(0 < seconds <= 25 * 3600 for _, seconds in days)


def test_time_over_midnight_is_of_both_days() -> None:
    since = datetime(2026, 7, 1, 22, 59, 30, tzinfo=UTC)  # 23:59:30 in London
    assert by_day(since, since + timedelta(seconds=45), "Europe/London") == [
        (date(2026, 7, 1), 30),
        (date(2026, 7, 2), 15),
    ]

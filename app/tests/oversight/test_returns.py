"""What the games return in play: the counters are the journal's sums in whatever order it is read, and who leaves the
bounds is told of."""

from __future__ import annotations

import asyncio
import json
import random
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from casino.compliance.api import RulesInForce
from casino.game_control.api import DriftWatch, OversightRepository, Play, PlayCounters, Verdict, judge_game
from casino.game_control.catalogue import load_catalogue
from casino.game_control.service import GameControl
from casino.kernel.db import Databases
from casino.kernel.events.model import Event
from casino.kernel.events.relay import Relay
from casino.kernel.identity import new_id
from casino.pam.api import Role
from hypothesis import given
from hypothesis import strategies as st

GAMES = load_catalogue()
NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


class Kept:
    """A connection that keeps sums as the table does."""

    def __init__(self) -> None:
        self.rows: Counter[tuple[Any, ...]] = Counter()

    async def execute(self, _: str, *columns: list[Any]) -> None:
        for game, version, currency, day, *sums in zip(*columns, strict=True):
            for place, amount in enumerate(sums):
                self.rows[game, version, currency, day, place] += amount


events = st.builds(
    lambda kind, game, taken, given, first, hours: Event(
        uuid.uuid4(), f"wallet.{kind}", 1, uuid.uuid4(), NOON + timedelta(hours=hours),
        {"currency": "GBP", "taken_minor": taken, "given_minor": given,
         "details": {"version": "1.0.0"} | ({"game_id": game} if game else {}) | ({"stake_minor": first})},
    ),
    st.sampled_from(["round", "bet_settled", "win", "win_reversal", "bet_return"]),
    st.sampled_from(["squall", "tidewater-poker", None]), st.integers(1, 10**6), st.integers(0, 10**6),
    st.one_of(st.none(), st.integers(1, 10**6), st.just("7")), st.integers(0, 30),
)  # fmt: skip


@given(st.lists(events, max_size=30), st.randoms(use_true_random=False))
def test_any_order_and_any_batches_come_to_the_same_sums(told: list[Event], rng: random.Random) -> None:
    consumer = PlayCounters("Europe/London").consumer()
    assert consumer.together is not None
    one_by_one, batched = Kept(), Kept()

    async def read() -> None:
        for event in told:
            await consumer.handlers[event.type, 1](one_by_one, event)
        left = list(told)
        rng.shuffle(left)
        while left:
            size = rng.randint(1, len(left))
            await consumer.together(batched, left[:size])  # type: ignore[misc]
            left = left[size:]

    asyncio.run(read())
    assert +one_by_one.rows == +batched.rows and -one_by_one.rows == -batched.rows
    named = [event for event in told if event.payload["details"].get("game_id")]
    rounds = sum(event.type in ("wallet.round", "wallet.bet_settled") for event in named)
    assert sum(n for key, n in batched.rows.items() if key[-1] == 0) == rounds


async def place(ledger: Any, account: int, game: str, stake: int, win: int, version: str = "1.0.0") -> None:
    await ledger.pool.fetch(
        "SELECT * FROM wallet.place_rounds($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        [account], [uuid.uuid4().hex], [bytes(32)], [new_id()], [stake], [win], [None], [None],
        [json.dumps({"game_id": game, "version": version})],
    )  # fmt: skip


async def test_the_counters_are_the_journals_sums_and_are_built_anew(ledger: Any) -> None:
    rng, account = random.Random(5), await ledger.player(10_000_000)
    for _ in range(60):
        game = rng.choice(["squall", "harbour-lights"])
        await place(ledger, account, game, rng.randint(1, 500), rng.choice([0, 0, 700]), rng.choice(["1.0.0", "1.1.0"]))
    await ledger.bet(account, 100, 40)  # of no game that is named
    await ledger.hold(account, 300, "hand")
    await ledger.settle(account, "hand", 500)
    wanted = await ledger.pool.fetch(
        "SELECT details ->> 'game_id' AS game_id, details ->> 'version' AS version, count(*)::bigint AS rounds,"
        " sum(taken)::bigint AS staked, sum(given)::bigint AS won, sum(taken * taken)::bigint AS squares"
        " FROM wallet.transactions WHERE details ? 'game_id' GROUP BY 1, 2 ORDER BY 1, 2"
    )
    found = (
        "SELECT game_id, version, sum(rounds)::bigint AS rounds, sum(staked)::bigint AS staked,"
        " sum(won)::bigint AS won, sum(stake_squares)::bigint AS squares FROM game_control.play_by_day"
        " GROUP BY 1, 2 ORDER BY 1, 2"
    )
    relay = Relay(PlayCounters("Europe/London").consumer(), lambda _: ledger.pool, batch=7)
    while await relay.step():
        pass
    assert await ledger.pool.fetch(found) == wanted and len(wanted) == 4
    await ledger.pool.execute("UPDATE game_control.play_by_day SET won = 1")
    await relay.rebuild()
    while await relay.step():
        pass
    assert await ledger.pool.fetch(found) == wanted


def play(rounds: int, rtp: float, stake: int = 100) -> Play:
    return Play(rounds, rounds * stake, round(rounds * stake * rtp), rounds * stake**2)


@pytest.mark.parametrize(
    ("game", "rounds", "rtp", "verdict"),
    [
        ("harbour-lights", 100_000, 0.9512, Verdict.WITHIN),
        ("harbour-lights", 100_000, 0.85, Verdict.BELOW),
        ("harbour-lights", 100_000, 1.05, Verdict.ABOVE),
        ("harbour-lights", 1_000, 0.2, Verdict.TOO_FEW),
        # Between the worst of its wagers (a tie) and the best (the banker) any mixture may lie.
        ("quayside-baccarat", 1_000_000, 0.90, Verdict.WITHIN),
        ("quayside-baccarat", 1_000_000, 0.80, Verdict.BELOW),
        ("quayside-baccarat", 1_000_000, 1.05, Verdict.ABOVE),
        # A bet on one number pays seldom: so many rounds say nothing of it yet.
        ("harbour-roulette", 20_000, 0.5, Verdict.TOO_FEW),
        ("harbour-roulette", 1_000_000, 0.94, Verdict.BELOW),
    ],
)
def test_a_game_is_out_of_bounds_where_no_mixture_of_its_wagers_explains_it(
    game: str, rounds: int, rtp: float, verdict: Verdict
) -> None:
    drift = judge_game(GAMES[game].figures, play(rounds, rtp))
    assert drift.verdict == verdict, drift
    assert drift.low < drift.high
    assert verdict is Verdict.TOO_FEW or (drift.low <= rtp <= drift.high) == (verdict is Verdict.WITHIN)


@given(st.sampled_from(sorted(GAMES)), st.data())
def test_every_single_wager_within_its_bounds_is_within_the_games(game: str, data: Any) -> None:
    figures = GAMES[game].figures
    wager = figures[data.draw(st.sampled_from(sorted(figures)))]
    rounds = 10_000_000
    share = data.draw(st.fractions(-3, 3))
    error = float(wager.volatility) / rounds**0.5
    drift = judge_game(figures, play(rounds, float(wager.rtp + Fraction(share) * Fraction(error))))
    assert drift.verdict in (Verdict.WITHIN, Verdict.TOO_FEW), drift


async def test_a_game_that_leaves_its_bounds_and_comes_back_is_told_of_once(
    casino: Any, hire: Any, servers: Any, database: str
) -> None:
    databases = Databases(servers.settings(database), None, ("game_control",), {})
    await databases.open()
    repository = OversightRepository(databases.of("game_control"))
    watch = DriftWatch(repository, casino.part(GameControl), RulesInForce(casino.rules), casino.clock)
    assert await watch.judge() == {"judged": 0, "out_of_bounds": []}
    today = casino.clock.now().date()

    async def played(rtp: float, day: Any = today, version: str = "1.0.0") -> None:
        await repository.pool.execute(
            "INSERT INTO game_control.play_by_day VALUES ('harbour-lights', $3, 'GBP', $2, 100000, 10000000, $1,"
            " 1000000000) ON CONFLICT (game_id, version, currency, day) DO UPDATE SET won = excluded.won",
            round(10_000_000 * rtp), day, version,
        )  # fmt: skip

    await played(0.95, today - timedelta(days=200))
    await played(0.95, version="0.9.0")  # whose figures this release has not
    assert (await watch.judge())["judged"] == 1
    await played(0.70)
    first = await watch.judge()
    assert first["out_of_bounds"] == [f"harbour-lights 1.0.0 {span}: below" for span in ("7 days", "30 days", "ever")]
    assert await watch.judge() == first
    kim = await hire(casino, Role.FINANCE)
    (shown,) = [one for one in (await kim.call("GET", "/games")).json()["games"] if one["game_id"] == "harbour-lights"]
    assert [(one["span"], one["verdict"], one["rtp"]) for one in shown["out_of_bounds"]] == [
        ("30 days", "below", 0.7), ("7 days", "below", 0.7), ("ever", "below", 0.825),
    ]  # fmt: skip
    windows = (await kim.call("GET", "/games/harbour-lights/drift")).json()["windows"]
    assert len(windows) == 3 and all(one["low"] < 0.9512 < one["high"] for one in windows)
    metric = 'casino_rtp_out_of_bounds{game="harbour-lights",span="7 days",version="1.0.0"} '
    assert metric + "1.0" in (await casino.http.get("/metrics")).text
    await played(0.95)
    assert (await watch.judge())["out_of_bounds"] == []
    assert metric + "0.0" in (await casino.http.get("/metrics")).text
    told = await repository.pool.fetch("SELECT type FROM game_control.outbox ORDER BY position")
    assert [row["type"] for row in told] == (
        ["game_control.rtp_out_of_bounds"] * 3 + ["game_control.rtp_within_bounds"] * 3
    )
    await databases.close()

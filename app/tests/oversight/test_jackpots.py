"""Jackpots: exact terms, a meter that is the model's to the millionth, and a hit that is paid once whatever happens."""

from __future__ import annotations

import asyncio
import json
import random
import secrets
import uuid
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pytest
from casino.__main__ import main
from casino.gal.api import JackpotPlay
from casino.game_control.api import MICROS, GameControl, Jackpot
from casino.game_control.service import Game, GameRefused, load_par_sheet, require_one_jackpot
from casino.kernel.identity import new_id
from casino.wallet.api import JackpotLedger, Request, reconcile_jackpots
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

GAME, NAME = "lamplighter", "night-watch"


def terms(**changes: Any) -> Jackpot:
    """A must-hit-by, its part of the return worked out unless `changes` say it."""
    given_ = {
        "name": NAME, "kind": "must_hit_by", "seed_minor": 100, "contribution_ppm": 10_000, "must_hit_by_minor": 300,
        "reserve_minor": 20,
    } | changes  # fmt: skip
    given_ = {key: value for key, value in given_.items() if value is not None}
    if "rtp_low" not in given_:
        loose = Jackpot.model_construct(
            **{"one_in_minor": None, "must_hit_by_minor": None, "reserve_minor": 0} | given_
        )
        given_ |= dict(zip(("rtp_low", "rtp_high"), loose.exact_rtp(), strict=True))
    return Jackpot(**given_)


PROGRESSIVE = {"kind": "progressive", "must_hit_by_minor": None, "reserve_minor": None, "one_in_minor": 10_000}


@pytest.mark.parametrize(("changes", "low", "high"), [
    (PROGRESSIVE, Fraction(2, 100), Fraction(2, 100)),
    (PROGRESSIVE | {"kind": "fixed", "contribution_ppm": 0}, Fraction(1, 100), Fraction(1, 100)),
    # 1 %, and a seed of 100 each 200 (at its limit) or each 90 (half-way to 280) that were paid in.
    ({}, Fraction(1, 100) + Fraction(1, 200), Fraction(1, 100) + Fraction(1, 90)),
])  # fmt: skip
def test_its_part_of_the_return_is_exact(changes: dict[str, Any], low: Fraction, high: Fraction) -> None:
    assert terms(**changes).exact_rtp() == (low, high)


@pytest.mark.parametrize(("changes", "fault"), [
    ({"rtp_low": Fraction(1, 100), "rtp_high": Fraction(1, 90)}, "certify what is played"),
    ({"one_in_minor": 500}, "must_hit_by"),
    (PROGRESSIVE | {"one_in_minor": None, "rtp_low": Fraction(0), "rtp_high": Fraction(0)}, "one_in_minor"),
    (PROGRESSIVE | {"contribution_ppm": 0}, "fixed"),
    (PROGRESSIVE | {"kind": "fixed"}, "fixed"),
    (PROGRESSIVE | {"reserve_minor": 5}, "reserve"),
    ({"reserve_minor": 200, "rtp_low": Fraction(0), "rtp_high": Fraction(0)}, "room"),
    ({"seed_minor": 0, "rtp_low": Fraction(0), "rtp_high": Fraction(0)}, "seed_minor"),
])  # fmt: skip
def test_terms_that_do_not_fit_are_refused(changes: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        terms(**changes)


@given(st.integers(1, 50), st.integers(51, 400), st.integers(1, 200_000), st.integers(1, 500))
def test_every_millionth_of_a_must_hit_by_is_as_likely_and_it_is_hit_in_the_end(
    seed: int, limit: int, ppm: int, stake: int
) -> None:
    one = terms(seed_minor=seed, must_hit_by_minor=limit, reserve_minor=0, contribution_ppm=ppm)
    meter, left, hits = seed * MICROS, Fraction(1), Fraction(0)
    whole, pays_in = (limit - seed) * MICROS, one.contribution_micros(stake)
    assume(whole // pays_in < 2_000)
    staked = 0
    mean_staked = Fraction(0)
    while left:
        chance, of = one.chance(stake, meter)
        hits += left * Fraction(chance, of)
        staked += stake
        mean_staked += left * stake
        left *= 1 - Fraction(chance, of)
        meter += pays_in
        # Not hit yet: exactly the share of the way that is still ahead.
        assert left == max(Fraction(0), Fraction(limit * MICROS - meter, whole))
    assert hits == 1 and meter - pays_in < limit * MICROS
    # The seed's part of the return lies within what is declared, whatever the stake.
    part = Fraction(ppm, MICROS) + Fraction(seed) / mean_staked
    assert part <= one.rtp_high
    assert part >= one.rtp_low or pays_in > whole


@given(st.integers(1, 10_000))
def test_a_progressive_is_hit_by_each_unit_staked_with_the_same_chance(stake: int) -> None:
    one = terms(**PROGRESSIVE)
    assert Fraction(*one.chance(stake, 0)) == Fraction(stake, 10_000) == Fraction(*one.chance(stake, 10**15))


def test_a_jackpot_has_one_set_of_terms_in_all_its_games() -> None:
    from importlib import resources

    text = (resources.files("casino.game_control.games") / "lamplighter.json").read_text()
    one = Game(load_par_sheet(text, "one"), Fraction(9, 10))
    same = Game(load_par_sheet(text.replace('"lamplighter"', '"other-lamp"'), "same"), Fraction(9, 10))
    require_one_jackpot(same.par, [one.par])
    other = text.replace('"contribution_ppm": 15000', '"contribution_ppm": 10000').replace("1/40", "1/50")
    with pytest.raises(GameRefused, match="other terms"):
        require_one_jackpot(load_par_sheet(other, "other"), [one.par])
    with pytest.raises(GameRefused, match="more than certain"):
        load_par_sheet(text.replace('"one_in_minor": 5000000', '"one_in_minor": 500').replace("1/40", "20003/200"), "x")


class One:
    """The database of a pool."""

    def __init__(self, pool: Any) -> None:
        self.pool = pool


async def feed(ledger: Any, account: int, micros: int, name: str = NAME) -> uuid.UUID:
    """A round that pays in, as Games.spin writes it."""
    rows = await ledger.pool.fetch(
        "SELECT * FROM wallet.place_rounds($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        [account], [uuid.uuid4().hex], [bytes(32)], [new_id()], [100], [0], [None], [None],
        [json.dumps({"game_id": GAME, "jackpot": {"name": name, "micros": micros}})], [name], [micros],
    )  # fmt: skip
    assert rows[0]["outcome"] == "placed"
    found: uuid.UUID = rows[0]["transaction_id"]
    return found


@pytest.mark.parametrize("seed", range(3))
async def test_the_meter_is_the_models_and_the_books_balance_to_the_millionth(ledger: Any, seed: int) -> None:
    rng, jackpots = random.Random(seed), JackpotLedger(One(ledger.pool))  # type: ignore[arg-type]
    accounts = [await ledger.player(100_000) for _ in range(3)]
    await asyncio.gather(*(jackpots.begin(NAME, "GBP", 500) for _ in range(5)))
    model, seeds, owed, won, carried = Fraction(500), 1, Fraction(0), 0, Fraction(0)
    for _ in range(60):
        if rng.random() < 0.1:
            account, key = rng.choice(accounts), uuid.uuid4().hex
            cycle = rng.choice([None, seeds, seeds, seeds - 1])
            for _ in range(2):  # repeated: the same answer, and nothing moves
                before = await ledger.balance(account)
                paid = await jackpots.pay(NAME, cycle, Request(account, key, bytes(32)), seed_minor=500, details={})
                if cycle == seeds - 1 and not paid.stands:
                    assert paid.outcome == "jackpot_gone" and await ledger.balance(account) == before
                    continue
                if paid.outcome == "posted":
                    whole = (await reconciled(ledger)).balance
                    assert whole == 500 and paid.amount_minor is not None
                    won, seeds = won + paid.amount_minor, seeds + 1
                    model += 500 - paid.amount_minor
                    assert 0 <= model - 500 < 64, "what is no whole unit yet is carried, a fraction for each shard"
        else:
            micros = rng.choice([1, 150_001, 999_999, 1_000_000, 7_654_321])
            await asyncio.gather(*(feed(ledger, account, micros) for account in accounts))
            owed += 3 * Fraction(micros, MICROS)
            model += 3 * Fraction(micros, MICROS)
        assert (await jackpots.meter(NAME, "GBP")) == (model * MICROS, seeds)
    found = await reconciled(ledger)
    assert found.ok and found.difference_micros == 0
    assert Fraction(found.owed_micros, MICROS) == owed and found.wins == won and found.seeds == 500 * seeds
    carried = Fraction(found.carry_micros, MICROS)
    assert found.balance + carried == model == owed - won + 500 * seeds


async def reconciled(ledger: Any) -> Any:
    async with ledger.pool.acquire() as connection:
        (found,) = await reconcile_jackpots(connection)
    return found


async def test_what_does_not_balance_is_found_to_the_millionth(ledger: Any) -> None:
    jackpots, account = JackpotLedger(One(ledger.pool)), await ledger.player(1_000)  # type: ignore[arg-type]
    await jackpots.begin(NAME, "GBP", 500)
    await feed(ledger, account, 150_001)
    assert (await reconciled(ledger)).ok
    await ledger.pool.execute("UPDATE wallet.accounts SET carry = carry - 1 WHERE kind = 'jackpot' AND carry > 0")
    found = await reconciled(ledger)
    assert (found.ok, found.difference_micros) == (False, 1)
    await ledger.pool.execute("UPDATE wallet.accounts SET carry = carry + 1 WHERE kind = 'jackpot' AND carry > 0")


async def test_of_two_who_hit_one_cycle_at_a_moment_one_is_paid(ledger: Any) -> None:
    jackpots = JackpotLedger(One(ledger.pool))  # type: ignore[arg-type]
    accounts = [await ledger.player(1_000) for _ in range(8)]
    await jackpots.begin(NAME, "GBP", 500)
    cycle = (await jackpots.meter(NAME, "GBP")).cycle

    async def pay(account: int) -> str:
        return (await jackpots.pay(NAME, cycle, Request(account, "hit", bytes(32)), seed_minor=500, details={})).outcome

    outcomes = await asyncio.gather(*(pay(account) for account in accounts), *(feed(ledger, a, 1) for a in accounts))
    assert sorted(str(one) for one in outcomes if isinstance(one, str)) == ["jackpot_gone"] * 7 + ["posted"]
    assert (await jackpots.meter(NAME, "GBP")).cycle == cycle + 1


@pytest.fixture
def certain(casino: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Says what the next draws of a jackpot come to."""
    drawn = {"hits": False}
    monkeypatch.setattr(casino.part(GameControl), "hits", lambda *_: drawn["hits"])
    yield lambda hits: drawn.update(hits=hits)


async def spin(player: Any, stake: int = 100, key: str | None = None) -> Any:
    return await player.call("POST", f"/games/{GAME}/spins", {"stake_minor": stake}, key or secrets.token_hex(8))


async def meter(casino: Any) -> int:
    (one,) = (await casino.http.get("/api/v1/jackpots")).json()["jackpots"]
    assert one | {"meter_minor": 0} == {
        "name": NAME, "kind": "progressive", "meter_minor": 0, "currency": "GBP", "must_hit_by_minor": None,
        "games": [GAME],
    }  # fmt: skip
    found: int = one["meter_minor"]
    return found


async def test_a_stake_pays_in_and_a_hit_is_paid_once_with_its_round(casino: Any, certain: Any, ledger: Any) -> None:
    player, jackpots = await casino.player(10_000), casino.part(JackpotPlay)
    assert await meter(casino) == 50_000
    for _ in range(10):
        assert (await spin(player)).json()["jackpot"] is None
    jackpots._shown = (0.0, [])
    assert await meter(casino) == 50_015  # 1.5 % of 1000
    certain(True)
    before, key = await player.balance(), secrets.token_hex(8)
    answer = (await spin(player, key=key)).json()
    assert answer["jackpot"] == {"name": NAME, "win_minor": 50_016}
    assert answer["balance_minor"] == before - 100 + answer["win_minor"] + 50_016 == await player.balance()
    again = (await spin(player, key=key)).json()
    assert again == answer and await player.balance() == answer["balance_minor"]
    jackpots._shown = (0.0, [])
    assert await meter(casino) == 50_000
    assert (await reconciled(ledger)).ok
    casino.clock.forward(minutes=2)
    assert await jackpots.look_after() == 1  # the repeat's draw was thrown away with its outcome
    rows = await ledger.pool.fetch("SELECT outcome, amount FROM gal.jackpot_hits ORDER BY noted_at")
    assert [tuple(row) for row in rows] == [("paid", 50_016), ("no_round", None)]
    kinds = [one["kind"] for one in (await player.call("GET", "/history?limit=2")).json()["entries"]]
    assert kinds == ["jackpot_win", "round"]


async def test_what_a_crash_left_unpaid_is_paid_by_who_looks_after_it(
    casino: Any, certain: Any, ledger: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    player, jackpots = await casino.player(10_000), casino.part(JackpotPlay)
    certain(True)
    pay = jackpots._ledger.pay

    async def dies(*_: Any, **__: Any) -> Any:
        raise ConnectionResetError

    monkeypatch.setattr(jackpots._ledger, "pay", dies)
    key = secrets.token_hex(8)
    assert (await spin(player, key=key)).status_code == 503
    poor = await casino.player()
    assert (await spin(poor)).json()["code"] == "INSUFFICIENT_FUNDS"  # it hit, and no round stands
    monkeypatch.setattr(jackpots._ledger, "pay", pay)
    before = await player.balance()
    assert await jackpots.look_after() == 0, "a round may still be under way"
    casino.clock.forward(minutes=2)
    assert await jackpots.look_after() == 2
    assert await player.balance() == before + 50_001 and await poor.balance() == 0
    assert await jackpots.look_after() == 0
    assert (await spin(player, key=key)).json()["jackpot"] == {"name": NAME, "win_minor": 50_001}
    assert await player.balance() == before + 50_001 and (await reconciled(ledger)).ok


async def test_a_must_hit_by_is_won_before_its_limit_and_by_one(casino: Any, ledger: Any) -> None:
    """Thirty-two players at one moment, by the generator's own draws; the reserve is what they carry in beyond."""
    jackpots = casino.part(JackpotPlay)
    one = terms(
        name="harbour-bell", seed_minor=1_000, must_hit_by_minor=1_400, reserve_minor=200, contribution_ppm=50_000
    )
    await jackpots._ledger.begin(one.name, "GBP", one.seed_minor)
    accounts = [await ledger.player(1_000_000) for _ in range(32)]
    rounds = 0
    for _ in range(8):
        drawn = [await jackpots.draw(one, account, uuid.uuid4().hex, 100) for account in accounts]
        for account, round_ in zip(accounts, drawn, strict=True):
            stake_ = await place(ledger, account, round_)
            await jackpots.settle(account, stake_, round_.details)
            rounds += 1
    paid = await ledger.pool.fetch(
        "SELECT (details ->> 'jackpot_minor')::bigint AS amount FROM wallet.transactions WHERE kind = 'jackpot_win'"
    )
    assert paid and all(1_000 <= row["amount"] <= one.must_hit_by_minor for row in paid)
    found = [row for row in await reconciled_all(ledger) if row.name == one.name]
    assert found[0].ok and found[0].rounds == rounds and found[0].seeds == 1_000 * (1 + len(paid))


async def place(ledger: Any, account: int, drawn: Any) -> uuid.UUID:
    rows = await ledger.pool.fetch(
        "SELECT * FROM wallet.place_rounds($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        [account], [uuid.uuid4().hex], [bytes(32)], [new_id()], [100], [0], [None], [None],
        [json.dumps({"game_id": "bell"} | drawn.details)], [drawn.jackpot], [drawn.micros],
    )  # fmt: skip
    found: uuid.UUID = rows[0]["transaction_id"]
    return found


async def reconciled_all(ledger: Any) -> Any:
    async with ledger.pool.acquire() as connection:
        return await reconcile_jackpots(connection)


async def test_an_offered_game_states_what_its_jackpot_returns(casino: Any) -> None:
    games = {one["game_id"]: one for one in (await casino.http.get("/api/v1/games")).json()["games"]}
    assert games[GAME]["jackpot"] == {"name": NAME, "rtp_low": "2.50", "rtp_high": "2.50"}
    assert games["harbour-lights"]["jackpot"] is None


def test_the_console_reconciles(
    casino_process_environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: Any,
    servers: Any,
    database: str,
) -> None:
    for name, value in casino_process_environment.items():
        monkeypatch.setenv(name, value)
    assert main(["jackpots", "reconcile"]) == 0
    assert capsys.readouterr().out == "there is no jackpot\n"
    asyncio.run(servers.sql("SELECT wallet.add_currency('GBP', 2::smallint)", database))
    asyncio.run(servers.sql("SELECT wallet.begin_jackpot('night-watch', 'GBP', 500)", database))
    assert main(["jackpots", "reconcile", "--json"]) == 0
    (one,) = json.loads(capsys.readouterr().out)
    assert (one["name"], one["seeds"], one["balance"], one["ok"]) == (NAME, 500, 500, True)
    asyncio.run(servers.sql("UPDATE wallet.accounts SET carry = 7 WHERE kind = 'jackpot' AND shard = 7", database))
    assert main(["jackpots", "reconcile"]) == 1
    assert "DOES NOT BALANCE by -7 millionths" in capsys.readouterr().out

"""Rounds of several steps feed jackpots: with what closes them, once, and not at all when they are voided."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest
from casino.gal.api import JackpotPlay, Rounds
from casino.game_control.api import GameControl, Jackpot
from casino.game_control.service import GameRefused, require_one_jackpot
from casino.wallet.api import JackpotLedger, reconcile_jackpots
from pydantic import ValidationError
from round_starts import GAMES, act, begin, finish, open_round

PPM, SEED = 12_345, 50_000
FEEDERS = ("lantern-blackjack", "signal-dice", "tidewater-poker")


def terms(**changes: Any) -> Jackpot:
    """A progressive, its part of the return worked out."""
    told = {"name": "harbour-pot", "kind": "progressive", "seed_minor": SEED, "contribution_ppm": PPM,
            "one_in_minor": 5_000_000} | changes  # fmt: skip
    part = Fraction(told["contribution_ppm"], 10**6) + Fraction(told["seed_minor"], told["one_in_minor"])
    return Jackpot(**told, rtp_low=part, rtp_high=part)


@pytest.fixture
def fed(casino: Any) -> Iterator[Any]:
    """The casino with games of several steps that name a jackpot, and what says whether its next draws hit."""
    control = casino.part(GameControl)
    before, told = dict(control._definitions), SimpleNamespace(hits=False)
    control._definitions |= {name: before[name].model_copy(update={"jackpot": terms()}) for name in FEEDERS}
    control._offer()
    control.hits = lambda *_: told.hits
    yield told
    del control.hits
    control._definitions = before
    control._offer()


async def books(ledger: Any) -> Any:
    """The one jackpot held against the journal; it balances."""
    async with ledger.pool.acquire() as connection:
        (found,) = await reconcile_jackpots(connection)
    assert found.ok, found
    return found


async def test_a_round_pays_in_for_all_that_it_staked_when_it_is_closed_and_not_before(
    casino: Any, fed: Any, ledger: Any
) -> None:
    player, staked, closed = await casino.player(1_000_000), 0, 0
    for game in FEEDERS * 3:
        answer = (await begin(player, game)).json()
        if closed and answer["status"] == "open":
            assert (await books(ledger)).owed_micros == staked * PPM
        if "double" in answer["actions"]:
            answer = (await act(player, answer, "double")).json()
        answer = await finish(player, answer)
        assert answer["jackpot"] is None
        staked, closed = staked + answer["staked_minor"], closed + 1
        found = await books(ledger)
        assert (found.owed_micros, found.rounds) == (staked * PPM, closed)
    await player.spin(100)  # of a game without a jackpot
    assert await books(ledger) == found
    (shown,) = [
        one for one in (await casino.http.get("/api/v1/jackpots")).json()["jackpots"] if one["games"] != ["lamplighter"]
    ]
    assert shown["games"] == list(FEEDERS) and shown["meter_minor"] == SEED + staked * PPM // 10**6
    games = {one["game_id"]: one for one in (await casino.http.get("/api/v1/games")).json()["round_games"]}
    assert games["signal-dice"]["jackpot"] == {"name": "harbour-pot", "rtp_low": "2.23", "rtp_high": "2.23"}
    assert games["squall"]["jackpot"] is None


async def test_a_voided_round_has_paid_nothing_in(casino: Any, fed: Any, ledger: Any) -> None:
    player = await casino.player(10_000)
    await begin(player, "signal-dice")  # so that the jackpot is begun
    before = await books(ledger)
    told = await open_round(player)
    await casino.part(Rounds).void(uuid.UUID(told["round_id"]), "a test", uuid.uuid4())
    assert await books(ledger) == before


async def test_a_hit_is_paid_once_with_the_step_that_closes_its_round(casino: Any, fed: Any, ledger: Any) -> None:
    player = await casino.player(10_000)
    told = await open_round(player)
    fed.hits = True
    before = await player.balance()
    won = {"name": "harbour-pot", "win_minor": SEED + told["staked_minor"] * PPM // 10**6}
    drawn = (await act(player, told, "draw", "draw", hold=[0])).json()
    assert drawn["jackpot"] == won
    assert drawn["balance_minor"] == before + drawn["win_minor"] + won["win_minor"] == await player.balance()
    assert (await act(player, told, "draw", "draw", hold=[0])).json() == drawn
    dice = (await begin(player, "signal-dice", "dice")).json()
    assert dice["jackpot"]["win_minor"] >= SEED
    assert (await begin(player, "signal-dice", "dice")).json() == dice  # the repeat's draw is thrown away
    assert await player.balance() == dice["balance_minor"]
    assert (await books(ledger)).rounds == 2
    casino.clock.forward(minutes=2)
    await casino.part(JackpotPlay).look_after()
    assert await player.balance() == dice["balance_minor"]
    assert await ledger.pool.fetchval("SELECT count(*) FROM gal.jackpot_hits WHERE outcome IS NULL") == 0
    assert await ledger.pool.fetchval("SELECT count(*) FROM gal.jackpot_hits WHERE outcome = 'paid'") == 2


async def test_of_steps_at_one_moment_one_feeds_and_one_is_paid(casino: Any, fed: Any, ledger: Any) -> None:
    player = await casino.player(10_000)
    told = await open_round(player)
    fed.hits = True
    answers = await asyncio.gather(*(act(player, told, "draw", hold=[place]) for place in range(5)))
    assert [one.status_code for one in answers].count(200) == 1
    found = await books(ledger)
    assert found.rounds == 1 and found.owed_micros == told["staked_minor"] * PPM and found.seeds == 2 * SEED
    casino.clock.forward(minutes=2)
    await casino.part(JackpotPlay).look_after()
    outcomes = await ledger.pool.fetch("SELECT outcome, count(*) FROM gal.jackpot_hits GROUP BY 1")
    assert dict(outcomes)["paid"] == 1 and None not in dict(outcomes)
    assert (await books(ledger)).seeds == 2 * SEED


async def test_what_a_crash_left_unpaid_is_paid_also_for_a_round_that_was_ended_by_rule(
    casino: Any, fed: Any, ledger: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    player, jackpots = await casino.player(10_000), casino.part(JackpotPlay)
    told = await open_round(player)
    fed.hits = True
    pay = JackpotLedger.pay

    async def dies(*_: Any, **__: Any) -> Any:
        raise ConnectionResetError

    monkeypatch.setattr(JackpotLedger, "pay", dies)
    casino.clock.forward(hours=25)
    await casino.part(Rounds).complete_due()  # says so in the log
    picture = await casino.part(Rounds).show(uuid.UUID(told["round_id"]))
    assert picture.status == "closed"
    monkeypatch.setattr(JackpotLedger, "pay", pay)
    casino.clock.forward(minutes=2)
    assert await jackpots.look_after() == 1 and await jackpots.look_after() == 0
    found = await books(ledger)
    assert found.wins == SEED + told["staked_minor"] * PPM // 10**6
    balance = await ledger.pool.fetchval("SELECT sum(balance) FROM wallet.accounts WHERE kind = 'player_cash'")
    assert balance == picture.balance_after_minor + found.wins


def test_the_chance_of_no_round_is_more_than_certain_and_the_figures_are_without_the_jackpot() -> None:
    blackjack = GAMES["lantern-blackjack"]
    most = max(blackjack.stakes_minor) * 9
    named = blackjack.model_copy(update={"jackpot": terms(one_in_minor=most)})
    assert type(named).model_validate_json(named.model_dump_json()).jackpot == named.jackpot
    assert named.digest_without_figures() == blackjack.digest_without_figures()
    document = blackjack.model_copy(update={"jackpot": terms(one_in_minor=most - 1)}).model_dump_json()
    with pytest.raises(ValidationError, match="more than certain"):
        type(blackjack).model_validate_json(document)


def test_games_of_any_kind_name_one_jackpot_by_one_set_of_terms() -> None:
    dice = GAMES["signal-dice"].model_copy(update={"jackpot": terms()})
    poker = GAMES["tidewater-poker"].model_copy(update={"jackpot": terms(seed_minor=1)})
    require_one_jackpot(dice, [GAMES["squall"], dice])
    with pytest.raises(GameRefused, match="other terms"):
        require_one_jackpot(poker, [dice])

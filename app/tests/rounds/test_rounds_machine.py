"""Rounds against two models: the game as a pure function of its draws, and a ledger of plain numbers.

Any sequence of starts, actions, repeats, races, restarts, deaths in the middle of a step and voids: the states are
those that the game gives for the draws that were made, and the balances those that stakes and wins come to.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from types import SimpleNamespace
from typing import Any

import asyncpg
import pytest
from casino.compliance.api import RulesInForce, parse_rules
from casino.gal.rounds.models import ActionRequest, RoundAnswer, StartRequest
from casino.gal.rounds.service import Rounds
from casino.game_control.api import GameControl, RoundState, whole
from casino.game_control.catalogue import load_catalogue
from casino.game_control.definition import act, start
from casino.game_control.rounds import Drawing
from casino.kernel.errors import CasinoError
from casino.kernel.identity import Principal, new_id
from casino.pam.crypto import new_key
from casino.pam.hidden_state import HiddenState
from casino.wallet.api import Ledger, build_rounds, verify_ledger
from casino.wallet.ledger import Movement, Request
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

DEFINITIONS = load_catalogue()
SEAL = HiddenState(new_key())  # of every process
KEYS = st.integers(0, 40).map(str)
PICKS = st.integers(0, 1_000)
HOW = ["well", "well", "well", "known", "late", "raced", "died"]
OPEN = ("lantern-blackjack", "squall", "tidewater-poker")
PLAYED: dict[str, dict[str, Any]] = {
    "lantern-blackjack": {},
    "polar-drift": {},
    "signal-dice": {"side": "under", "faces": 5000},
    "squall": {"cash_out_at": None},
    "tidewater-poker": {},
}


class Clock:
    """Tests move it."""

    def __init__(self) -> None:
        self.time = datetime.now(UTC)

    def now(self) -> datetime:
        return self.time


class NotedDraw(Drawing):
    """Draws of a seeded source, written down."""

    def __init__(self, source: random.Random) -> None:
        self.drawn: list[int] = []
        self._source = source

    def below(self, bound: int) -> int:
        self.drawn.append(self._source.randrange(bound))
        return self.drawn[-1]


class SameDraw(Drawing):
    """The draws that were noted, again."""

    def __init__(self, drawn: list[int]) -> None:
        self._left = list(drawn)

    def below(self, bound: int) -> int:
        return self._left.pop(0)


class NotedControl(GameControl):
    """Plays as the casino does, and keeps for each state that it gave the draws that led there."""

    def __init__(self, source: random.Random) -> None:
        self.noted = NotedDraw(source)
        super().__init__([], self.noted, DEFINITIONS)  # type: ignore[arg-type]
        self.made: dict[str, list[int]] = {}

    def start(self, game_id: str, stake_minor: int, choices: Mapping[str, Any], draw: Any = None) -> RoundState:
        self.noted.drawn = []
        return self._kept(super().start(game_id, stake_minor, choices, draw))

    def act(self, state: RoundState, action: Mapping[str, Any], draw: Any = None) -> RoundState:
        self.noted.drawn = []
        return self._kept(super().act(state, action, draw))

    def _kept(self, state: RoundState) -> RoundState:
        self.made[state.dumps()] = list(self.noted.drawn)
        return state


@dataclass
class Game:
    """The model of a round."""

    account: int
    state: RoundState
    step: int = 1
    status: str = "open"


class RoundMachine(RuleBasedStateMachine):
    """`world` has the database; examples share it and use new players."""

    world: Any = None

    def __init__(self) -> None:
        super().__init__()
        self.players: list[Principal] = []
        self.balances: dict[int, int] = {}
        self.games: dict[uuid.UUID, Game] = {}
        self.known: dict[tuple[int, str], tuple[bytes, RoundAnswer]] = {}
        self.calls: list[tuple[tuple[int, str], Callable[[], Any]]] = []
        self.clock = Clock()

    # The casino.

    def ask(self, call: Any) -> Any:
        """What a call answers, or the code of its refusal."""
        try:
            return self.world.run(call)
        except CasinoError as refused:
            return refused.code

    @rule(source=st.integers(0, 2**32))
    def restart(self, source: int) -> None:
        """Another process: nothing but the database is left."""
        self.control = NotedControl(random.Random(source))
        self.wallet = build_rounds(self.world.database, "GBP", 2)
        self.service = Rounds(
            control=self.control, rounds=self.wallet, seeds=None, jackpots=None, seal=SEAL, rules=self.world.rules,
            clock=self.clock, completion=timedelta(hours=24),
        )  # type: ignore[arg-type]  # fmt: skip

    @initialize(source=st.integers(0, 2**32))
    def begin_with_a_player(self, source: int) -> None:
        self.restart(source)
        self.open_account(50_000)

    @rule(cash=st.sampled_from([300, 1_000]))
    def open_account(self, cash: int) -> None:
        player = new_id()
        account = self.world.run(self.world.pool.fetchval("SELECT wallet.open_player_account($1, 'GBP')", player))
        self.balances[account] = 0
        self.pay_in(account, cash)
        self.players.append(Principal(player, account, date(1980, 1, 1), self.clock.now(), ""))

    def pay_in(self, account: int, amount: int) -> None:
        request = Request(account, uuid.uuid4().hex, bytes(32))
        movement = Movement("adjustment", None, "player_cash", None, "GBP", amount)
        self.world.run(self.world.ledger.post("adjustment", request, [movement], {}))
        self.balances[account] += amount

    # What players do.

    @rule(which=PICKS, key=KEYS, game=st.sampled_from(sorted(PLAYED)), stake=st.sampled_from([100, 500]))
    def begin(self, which: int, key: str, game: str, stake: int) -> None:
        player = self.players[which % len(self.players)]
        asked = StartRequest(stake_minor=stake, choices=PLAYED[game])
        hash_ = _hash(game, asked)

        def call() -> Any:
            return self.service.start(player, game, key, hash_, asked)

        if self.judge_start(player.account_id, game, stake, key, hash_, self.ask(call())):
            self.calls.append(((player.account_id, key), call))

    def judge_start(self, account: int, game: str, stake: int, key: str, hash_: bytes, found: Any) -> bool:
        if (account, key) in self.known:
            self.is_repeat(account, key, hash_, found)
            return False
        if any(
            one.account == account and one.state.game_id == game and one.status == "open" for one in self.games.values()
        ):
            assert found == "ROUND_OPEN"
            return False
        if stake > self.balances[account]:
            assert found == "INSUFFICIENT_FUNDS"
            return False
        assert isinstance(found, RoundAnswer), found
        state = self.stored(found.round_id)
        pure = start(DEFINITIONS[game], stake, PLAYED[game], SameDraw(self.draws_of(state)))
        assert pure.dumps() == state.dumps()
        self.games[found.round_id] = Game(account, state)
        self.moved(self.games[found.round_id], found, key, hash_)
        return True

    @rule(which=PICKS, key=KEYS, pick=st.integers(0, 5), holds=st.sets(st.integers(0, 4)), how=st.sampled_from(HOW))
    def go_on(self, which: int, key: str, pick: int, holds: set[int], how: str) -> None:
        if not any(game.status == "open" for game in self.games.values()) and how != "late":
            self.begin(0, uuid.uuid4().hex, sorted(OPEN)[which % len(OPEN)], 100)
        if not self.games:
            return
        round_id, game = self.one_of_them(which, any_of_them=how == "late")
        asked = self.action(game, pick, holds, step=max(1, game.step - (how == "late")))
        hash_ = _hash(str(round_id), asked)
        key = key if how == "known" else uuid.uuid4().hex

        def call(key: str = key) -> Any:
            return self.acted(game, round_id, key, hash_, asked)

        if how == "died":
            # Undone as when the process dies before its statement is: nothing stands, and the repeat is the first.
            with self.world.dying():
                self.ask(call())
            self.balances_agree()
        if how == "raced":
            key, found = self.raced(call)
        else:
            found = self.ask(call())
        if self.judge(round_id, asked, key, hash_, found):
            self.calls.append(((game.account, key), lambda: call(key)))

    def raced(self, call: Callable[[str], Any]) -> tuple[str, Any]:
        """The same under two new keys at one moment: one stands at most, and the other is told so."""
        keys = (uuid.uuid4().hex, uuid.uuid4().hex)

        async def both() -> list[Any]:
            return await asyncio.gather(*(call(one) for one in keys), return_exceptions=True)

        answers = [one.code if isinstance(one, CasinoError) else one for one in self.world.run(both())]
        stood = [at for at, one in enumerate(answers) if isinstance(one, RoundAnswer)]
        assert len(stood) <= 1
        first = stood[0] if stood else 0
        if stood:
            assert answers[1 - first] in ("ROUND_MOVED_ON", "ROUND_OVER"), answers
        return keys[first], answers[first]

    @rule(which=PICKS)
    def ask_again(self, which: int) -> None:
        """The answer is lost and the request repeated, however much has happened since."""
        if self.calls:
            (account, key), call = self.calls[which % len(self.calls)]
            assert self.ask(call()) == self.known[account, key][1]

    @rule(which=PICKS)
    def nobody_comes_back(self, which: int) -> None:
        """All that is open is ended by rule; what the rules chose is played again from what was stored."""
        if which % 8:
            return
        self.clock.time += timedelta(hours=25)
        before = {at: one for at, one in self.games.items() if one.status == "open"}
        self.world.run(self.service.complete_due())
        for at, game in before.items():
            found = self.world.run(self.wallet.find(at))
            assert found.status == "closed" and found.end_reason == "not finished in time"
            for step in self.world.run(self.wallet.steps(at))[game.step :]:
                after = RoundState.of_json({**step.state, "steps": []})
                self.balances[game.account] += after.win_minor if step.closed else 0
                assert step.stake_minor == 0
            game.state, game.step, game.status = RoundState.of_json(found.state), found.step, "closed"

    @rule(which=PICKS)
    def void(self, which: int) -> None:
        if not self.games or which % 8:
            return
        round_id, game = self.one_of_them(which // 8, any_of_them=which % 16 == 0)
        found = self.ask(self.service.void(round_id, "the reason", uuid.uuid4()))
        if game.status == "closed":
            assert found == "ROUND_OVER"
        else:
            if game.status == "open":
                self.balances[game.account] += game.state.staked_minor
            assert (found.status, found.returned_minor) == ("voided", game.state.staked_minor)
            game.status = "voided"

    # The model.

    def judge(self, round_id: uuid.UUID, asked: ActionRequest, key: str, hash_: bytes, found: Any) -> bool:
        game = self.games[round_id]
        if (game.account, key) in self.known and (game.status != "open" or game.step != asked.step):
            self.is_repeat(game.account, key, hash_, found)
        elif game.status != "open":
            assert found == "ROUND_OVER"
        elif game.step != asked.step:
            assert found == "ROUND_MOVED_ON"
        elif asked.action not in game.state.actions or found == "ACTION_INVALID":
            assert found == "ACTION_INVALID"
        elif (game.account, key) in self.known:
            assert found == "IDEMPOTENCY_KEY_REUSED"
        elif isinstance(found, str):
            assert found == "INSUFFICIENT_FUNDS"
            further = {"insurance": game.state.stake_minor // 2, "double": game.state.stake_minor}
            assert further.get(asked.action, game.state.stake_minor) > self.balances[game.account]
        else:
            state = self.stored(round_id)
            action = dict(self.world.run(self.wallet.steps(round_id))[-1].action)
            assert action | asked.choices == action and action["action"] == asked.action
            pure = act(DEFINITIONS[state.game_id], game.state, action, SameDraw(self.draws_of(state)))
            assert pure.dumps() == state.dumps()
            game.state, game.step = state, game.step + 1
            self.moved(game, found, key, hash_)
            return True
        return False

    def moved(self, game: Game, found: RoundAnswer, key: str, hash_: bytes) -> None:
        self.balances[game.account] += game.state.win_minor * game.state.closed - game.state.step_stake_minor
        game.status = "closed" if game.state.closed else "open"
        assert (found.status, found.step, found.balance_minor) == (game.status, game.step, self.balances[game.account])
        assert found.staked_minor == game.state.staked_minor and found.actions == list(game.state.actions)
        assert game.state.closed or not set(found.data) & set(game.state.hidden)
        self.known[game.account, key] = (hash_, found)

    def is_repeat(self, account: int, key: str, hash_: bytes, found: Any) -> None:
        known_hash, answered = self.known[account, key]
        assert found == (answered if known_hash == hash_ else "IDEMPOTENCY_KEY_REUSED")

    def one_of_them(self, which: int, *, any_of_them: bool = False) -> tuple[uuid.UUID, Game]:
        """An open round where there is one."""
        found = [one for one in self.games.items() if one[1].status == "open" or any_of_them] or [*self.games.items()]
        return found[which % len(found)]

    def stored(self, round_id: uuid.UUID) -> RoundState:
        found = self.world.run(self.wallet.find(round_id))
        return whole(found.state, SEAL, round_id, found.step)

    def draws_of(self, state: RoundState) -> list[int]:
        return self.control.made[state.dumps()]

    def action(self, game: Game, pick: int, holds: set[int], step: int | None = None) -> ActionRequest:
        offered = (*game.state.actions, "steal")
        name = offered[pick % len(offered)]
        choices = {"hold": sorted(holds)} if name == "draw" else {}
        return ActionRequest(step=step or game.step, action=name, choices=choices)

    def acted(self, game: Game, round_id: uuid.UUID, key: str, hash_: bytes, asked: ActionRequest) -> Any:
        player = Principal(uuid.UUID(int=0), game.account, date(1980, 1, 1), self.clock.now(), "")
        heard = self.clock.now() + timedelta(seconds=7)
        return self.service.act(player, round_id, key, hash_, asked=asked, received_at=heard, admit=lambda: None)

    @invariant()
    def balances_agree(self) -> None:
        if not self.balances:
            return
        rows = self.world.run(
            self.world.pool.fetch(
                "SELECT account_id, balance FROM wallet.accounts WHERE account_id = ANY ($1)", list(self.balances)
            )
        )
        assert {row["account_id"]: row["balance"] for row in rows} == self.balances

    def teardown(self) -> None:
        self.world.verify()


def _hash(path: str, asked: Any) -> bytes:
    return hashlib.sha256(f"{path} {asked.model_dump_json()}".encode()).digest()


class World:
    """A database of its own, and the loop that calls it."""

    def __init__(self, servers: Any) -> None:
        self._runner = asyncio.Runner()
        name = self._runner.run(servers.new_database())
        self.pool = self._runner.run(self._pool(servers.uri(name)))
        self.run(self.pool.execute("SELECT wallet.add_currency('GBP', 2::smallint)"))
        self.database = SimpleNamespace(pool=self)
        self.ledger = Ledger(SimpleNamespace(pool=self.pool))  # type: ignore[arg-type]
        limits = {"slot_max_stake": None, "slot_min_cycle_ms": None}
        text = (resources.files("casino.dev") / "rules.json").read_text()
        self.rules = RulesInForce(parse_rules(json.dumps(json.loads(text) | limits)))
        self.verified = 0
        self._dying = False

    async def _pool(self, uri: str) -> Any:
        return await asyncpg.create_pool(uri, min_size=1, max_size=4)

    def run(self, call: Any) -> Any:
        async def awaited() -> Any:
            return await call

        return self._runner.run(awaited())

    @contextmanager
    def dying(self) -> Iterator[None]:
        """Until the end of it, every statement is undone when its answer is due."""
        self._dying = True
        try:
            yield
        finally:
            self._dying = False

    async def fetchrow(self, query: str, *arguments: Any) -> Any:
        if not self._dying:
            return await self.pool.fetchrow(query, *arguments)
        async with self.pool.acquire() as connection:
            transaction = connection.transaction()
            await transaction.start()
            try:
                return await connection.fetchrow(query, *arguments)
            finally:
                await transaction.rollback()

    async def fetch(self, query: str, *arguments: Any) -> Any:
        return await self.pool.fetch(query, *arguments)

    def verify(self) -> None:
        async def check() -> Any:
            async with self.pool.acquire() as connection:
                return await verify_ledger(connection)

        report = self.run(check())
        assert report.ok, report.breaks
        self.verified += 1

    def close(self) -> None:
        self.run(self.pool.close())
        self._runner.close()


@pytest.mark.drill
def test_rounds_behave_as_their_models(servers: Any, drill: Any) -> None:
    world = World(servers)

    class Machine(RoundMachine):
        pass

    Machine.world = world
    try:
        run_state_machine_as_test(
            seed(drill.seed)(Machine),
            settings=settings(
                max_examples=drill.count(15, 500),
                database=None,
                stateful_step_count=30,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        world.close()
    drill.injected(world.verified)

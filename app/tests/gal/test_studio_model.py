"""Studios' play against a model in plain Python: any order of bets, wins, rollbacks, repeats and crashes."""

from __future__ import annotations

import asyncio
import secrets
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import asyncpg
import pytest
from casino.gal import repository_transactions
from casino.gal.admission import Admission, token_hash
from casino.gal.repository import GameSession, StudioRepository
from casino.gal.repository_transactions import TransactionRepository
from casino.gal.studio_model import Action, Fault
from casino.gal.studio_play import StudioPlay
from casino.kernel.clock import SystemClock
from casino.kernel.identity import new_id
from casino.wallet.api import build_play, verify_ledger
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

START = 300
CRASHES = (None, None, "before it is written down", "before the wallet", "before the answer is kept", "answer lost")


@dataclass(frozen=True)
class Step:
    """An action under one of a few ids and rounds, so that they meet; or a run of the worker."""

    kind: str
    id: int
    round: int
    amount: int
    reference: int | None
    closes: bool
    crash: str | None


STEPS = st.builds(
    Step,
    kind=st.sampled_from(["bet", "bet", "win", "rollback", "rollback", "worker"]),
    id=st.integers(0, 7),
    round=st.integers(0, 1),
    amount=st.sampled_from([0, 10, 100, 250]),
    reference=st.one_of(st.none(), st.integers(0, 7)),
    closes=st.booleans(),
    crash=st.sampled_from(CRASHES),
)


@dataclass
class Known:
    """What the model knows of a transaction. `taken`: its money has moved, whether or not anybody wrote that down."""

    action: Action
    state: str
    fault: Fault | None = None
    balance: int | None = None
    taken: bool = False


class Crash(Exception):
    """The process died here."""


class Model:
    """What a studio's calls come to, without a database, a wallet or a network."""

    def __init__(self) -> None:
        self.balance = START
        self.known: dict[str, Known] = {}

    def call(self, action: Action, crash: str | None) -> tuple[Fault | None, int | None]:
        """The fault and the balance that are answered; None for a balance that is not foreseen."""
        known = self.known.get(action.transaction_id)
        if known is None:
            fault = self._admit(action)
            if fault is not None:
                return fault, self.balance
            if crash == "before it is written down":
                return Fault.TECHNICAL, None
            if action.kind == "rollback" and action.reference not in self.known:
                self.known[str(action.reference)] = Known(action, "tombstone")
            known = self.known[action.transaction_id] = Known(action, "pending")
            return self._finish(known, crash, fresh=True)
        if known.state == "tombstone":
            return Fault.TRANSACTION_ROLLED_BACK, self.balance
        if known.action != action:
            return Fault.TRANSACTION_REUSED, self.balance
        if known.state == "refused" and action.kind == "rollback":
            known.state, known.fault = "pending", None
        if known.state == "pending":
            return self._finish(known, crash, fresh=False)
        return known.fault, known.balance

    def work(self) -> None:
        for known in list(self.known.values()):
            if known.state == "pending":
                self._look(known)

    def _admit(self, action: Action) -> Fault | None:
        if action.kind == "win":
            bets = [k for k in self.known.values() if k.action.kind == "bet" and k.action.round_id == action.round_id]
            bets = [bet for bet in bets if bet.state != "tombstone"]
            for bet in bets:
                if bet.state == "pending":
                    self._finish(bet, None, fresh=False)
            undone = {k.action.reference for k in self.known.values() if k.action.kind == "rollback"}
            standing = {bet.action.transaction_id for bet in bets if bet.state == "done"} - undone
            if not standing or (action.reference is not None and action.reference not in standing):
                return Fault.TRANSACTION_UNKNOWN
        if action.kind == "rollback":
            if action.reference == action.transaction_id:
                return Fault.TYPES_INVALID
            target = self.known.get(str(action.reference))
            if target is not None and target.state == "pending":
                self._look(target)
            if target is not None and target.state != "tombstone" and target.action.kind == "rollback":
                return Fault.TRANSACTION_UNKNOWN
        return None

    def _look(self, known: Known) -> None:
        """What the worker and a rollback make of a pending one: a bet that was not taken is not taken now."""
        if known.action.kind == "bet" and not known.taken:
            known.state, known.fault, known.balance = "refused", Fault.TRANSACTION_ROLLED_BACK, None
        else:
            self._finish(known, None, fresh=False)

    def _finish(self, known: Known, crash: str | None, *, fresh: bool) -> tuple[Fault | None, int | None]:
        if crash == "before the wallet":
            return Fault.TECHNICAL, None
        fault = self._move(known)
        if crash == "before the answer is kept":
            return Fault.TECHNICAL, None
        known.state, known.fault = ("refused", fault) if fault else ("done", None)
        known.balance = self.balance if fresh else None
        if known.action.kind == "rollback" and fault is None:
            target = self.known[str(known.action.reference)]
            target.state = "rolled_back" if target.state == "done" else target.state
        return (Fault.TECHNICAL, None) if crash == "answer lost" else (fault, known.balance)

    def _move(self, known: Known) -> Fault | None:
        action = known.action
        if known.taken:
            return None
        if action.kind == "bet":
            if action.amount_minor > self.balance:
                return Fault.FUNDS_INSUFFICIENT
            self.balance -= action.amount_minor
            known.taken = action.amount_minor > 0
        elif action.kind == "win":
            self.balance += action.amount_minor
            known.taken = action.amount_minor > 0
        else:
            target = self.known[str(action.reference)]
            if target.state == "done" and not getattr(target, "undone", False):
                back = target.action.amount_minor * (1 if target.action.kind == "bet" else -1)
                if self.balance + back < 0:
                    return Fault.FUNDS_INSUFFICIENT
                self.balance += back
                target.undone = True  # type: ignore[attr-defined]
        return None


class Bench:
    """Our own side: services on one connection pool, with faults to plant."""

    def __init__(self, servers: Any) -> None:
        self.runner = asyncio.Runner()
        self.run = self.runner.run
        name = self.run(servers.new_database())
        self.run(self._open(servers.uri(name)))

    async def _open(self, uri: str) -> None:
        self.pool = await asyncpg.create_pool(uri, min_size=1, max_size=4)
        await self.pool.execute("SELECT wallet.add_currency('GBP', 2::smallint)")
        from studio_rules_data import RULES_WITHOUT_LIMITS as rules

        self.studios, self.transactions = StudioRepository(self), TransactionRepository(self)  # type: ignore[arg-type]
        await self.studios.add_studio("northwind", "Northwind")
        await self.studios.add_game("golden-bay", "northwind", "bay", "Golden Bay")
        await self.studios.approve_game("golden-bay", rules.current.jurisdiction, "LAB-1")
        self.clock = SystemClock()
        admission = Admission(self.studios, self.transactions, rules, self.clock)
        play = build_play(self, "GBP", 2)  # type: ignore[arg-type]
        self.play = StudioPlay({}, admission, self.transactions, play, self.clock)

    async def player(self) -> tuple[int, str]:
        """An account with START, and a session's token."""
        player = uuid.uuid4()
        account = await self.pool.fetchval("SELECT wallet.open_player_account($1, 'GBP')", player)
        await self.pool.execute(
            "SELECT * FROM wallet.post('opening_balance', $1, 'start', $2, wallet.uuid7(),"
            " ARRAY[ROW('opening', 'test', 'player_cash', NULL, 'GBP', $3)::wallet.movement], '{}')",
            account, bytes(32), START,
        )  # fmt: skip
        token, now = secrets.token_urlsafe(32), self.clock.now()
        session = GameSession(
            new_id(), "northwind", "golden-bay", player, account, date(1980, 1, 1), "GBP", now, now + timedelta(hours=4)
        )
        await self.studios.open_session(session, token_hash(token))
        return account, token

    @contextmanager
    def crashing(self, at: str | None, transaction_id: str) -> Iterator[None]:
        """The next call of this id dies at that point, and with it what would have tidied up after it."""
        patch = pytest.MonkeyPatch()

        def die(owner: Any, name: str, *, before: bool) -> None:
            real = getattr(owner, name)

            async def dying(row: Any, *rest: Any) -> Any:
                if row.transaction_id != transaction_id:
                    return await real(row, *rest)
                if not before:
                    await real(row, *rest)
                raise Crash

            patch.setattr(owner, name, dying)

        if at == "before it is written down":
            insert = repository_transactions._insert

            async def not_written(connection: Any, row: Any) -> bool:
                # Here, and not before `begin`: what that refuses is refused by one that dies as well.
                if row.transaction_id == transaction_id:
                    raise Crash
                return await insert(connection, row)

            patch.setattr(repository_transactions, "_insert", not_written)
        elif at == "before the wallet":
            die(self.play, "_move", before=True)
        elif at == "before the answer is kept":
            die(self.transactions, "finish", before=True)
        elif at == "answer lost":
            die(self.transactions, "finish", before=False)
        if at is not None:
            die(self.transactions, "release", before=True)
        yield
        patch.undo()


@pytest.mark.drill
def test_any_order_of_calls_and_crashes_leaves_the_models_balance(
    servers: Any, drill: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository_transactions, "LEASE_S", 0.0)  # who died is known to be dead at once
    bench = Bench(servers)
    crashes = 0

    @seed(drill.seed)
    @settings(
        max_examples=drill.count(30, 2_000), database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(st.lists(STEPS, min_size=10, max_size=16))
    def behaves(steps: list[Step]) -> None:
        nonlocal crashes
        model = Model()
        account, token = bench.run(bench.player())
        mark = secrets.token_hex(4)
        for step in steps:
            if step.kind == "worker":
                model.work()
                bench.run(bench.play.finish_pending(older_than_s=0))
                continue
            action = _action(step, mark, token)
            # Only what is not known yet can die before it is written down.
            crash = None if step.crash == CRASHES[2] and action.transaction_id in model.known else step.crash
            expected = model.call(action, crash)
            with bench.crashing(crash, action.transaction_id):
                result = bench.run(bench.play._answer("northwind", action))
            crashes += crash is not None
            assert result.fault == expected[0], (step, expected)
            if expected[1] is not None:
                assert result.balance_minor == expected[1], step
            assert bench.run(bench.play._play.standing(account)).balance_minor == model.balance, step
        model.work()
        bench.run(bench.play.finish_pending(older_than_s=0))
        assert bench.run(bench.play._play.standing(account)).balance_minor == model.balance

    try:
        behaves()
        report = bench.run(_verify(bench))
        assert report.ok, report.breaks
        left = bench.run(bench.pool.fetchval("SELECT count(*) FROM gal.studio_transactions WHERE status = 'pending'"))
        assert left == 0
    finally:
        bench.run(bench.pool.close())
        bench.runner.close()
    drill.injected(crashes)


async def _verify(bench: Bench) -> Any:
    async with bench.pool.acquire() as connection:
        return await verify_ledger(connection)


def _action(step: Step, mark: str, token: str) -> Action:
    """What the step asks. A bet names no reference, and a rollback always one."""
    reference = {"bet": None, "win": step.reference, "rollback": step.reference or 0}[step.kind]
    return Action(
        kind=step.kind,  # type: ignore[arg-type]
        token=token,
        transaction_id=f"{mark}-{step.id}",
        round_id=f"{mark}-r{step.round}",
        game_code="bay",
        currency="GBP",
        amount_minor=0 if step.kind == "rollback" else step.amount,
        reference=f"{mark}-{reference}" if reference is not None else None,
        closes=step.closes,
    )

"""What the casino may do where it binds: the ledger's functions, asked without any process that could look first."""

from __future__ import annotations

import asyncio
import itertools
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from operation_records import ALL, OPERATE, moment, operate, record

PLACE_ONE = """SELECT * FROM wallet.place_rounds(
    ARRAY[$1::bigint], ARRAY[$2], ARRAY[$3::bytea], ARRAY[wallet.uuid7()], ARRAY[$4::bigint], ARRAY[$5::bigint],
    ARRAY[NULL::bigint], ARRAY[NULL::integer], ARRAY['{}'::jsonb])"""
HOLD = """SELECT * FROM wallet.open_hold($1, gen_random_uuid(), $2, $3, $4, $3, wallet.uuid7(), $5,
    now() + interval '1 day', NULL, '{}')"""
RESOLVE = """SELECT * FROM wallet.resolve_holds($1, $2, $3, NULL, $4, $5, wallet.uuid7(), $6, $7, $8, '{}')"""
WIN = "SELECT * FROM wallet.pay_win($1, $2, $3, $4, wallet.uuid7(), $5, false, '{}')"
BEGIN = """
    INSERT INTO wallet.payments (payment_id, kind, player_id, account_id, method, currency, amount, state,
        idempotency_key, request_hash, created_at, updated_at)
    SELECT gen_random_uuid(), 'deposit', player_id, account_id, 'card', currency, $4, 'processing', $2, $3, now(), now()
    FROM wallet.accounts WHERE account_id = $1
    ON CONFLICT (account_id, kind, idempotency_key, part) DO NOTHING RETURNING payment_id"""
CAPTURE = """
    WITH paid AS (
        UPDATE wallet.payments SET state = 'captured', received = amount, captured = amount WHERE payment_id = $1
        RETURNING *)
    SELECT wallet.post('deposit', account_id, payment_id::text, request_hash, wallet.uuid7(),
        ARRAY[ROW('psp_clearing', 'sandbox', 'player_cash', NULL, currency, amount)::wallet.movement],
        jsonb_build_object('payment_id', payment_id)) FROM paid"""
STEP = """SELECT outcome, balance FROM wallet.step_round($1, $2, $3, $4, $5, '{}', $6, $7, $8, $9::jsonb, NULL, NULL,
    NULL, now(), now() + interval '1 day', NULL, NULL)"""
STATE = '{"game_id": "g", "version": "1", "staked_minor": %d, "win_minor": %d, "actions": [], "data": {}, "steps": []}'
AMOUNTS = st.integers(1, 60)
UNTIL = st.sampled_from([None, None, timedelta(days=1), timedelta(days=-1)])


class OperationMachine(RuleBasedStateMachine):
    """Model: the record with the highest number, and what a player has. Examples share a database."""

    revisions = itertools.count(10, 10)

    def run(self, query: str, *arguments: Any) -> Any:
        raise NotImplementedError

    def refused(self, query: str, *arguments: Any) -> str | None:
        raise NotImplementedError

    def verify(self) -> None:
        raise NotImplementedError

    @initialize()
    def begin(self) -> None:
        self.told: Any = None
        self.number = 0
        self.balance = 0
        self.rounds: dict[str, tuple[int, int, int]] = {}
        self.bets: dict[str, int] = {}
        self.withdrawals: dict[str, int] = {}
        self.pending: dict[Any, int] = {}
        self.hand: Any = None
        self.tell(set(ALL), None)
        self.account = self.run("SELECT wallet.open_player_account(gen_random_uuid(), 'GBP')")[0]
        self.deposit(200)
        self.answer_arrives()

    def key(self) -> str:
        self.number += 1
        return f"k{self.number}"

    def left(self, act: str) -> bool:
        _, acts, until = self.told
        return act in acts and (act == "withdraw" or until is None or datetime.now(UTC) < until)

    @rule(acts=st.sets(st.sampled_from(ALL)), until=UNTIL)
    def tell(self, acts: set[str], until: timedelta | None) -> None:
        revision, at = next(self.revisions), datetime.now(UTC) + until if until is not None else None
        row = self.run(OPERATE, revision, "State", list(acts), at, "why")
        assert tuple(row) == ("recorded", revision)
        self.told = (revision, acts, at)

    @rule(back=st.integers(0, 15), acts=st.sets(st.sampled_from(ALL)), until=UNTIL)
    def tell_late_or_again(self, back: int, acts: set[str], until: timedelta | None) -> None:
        revision, known, at = self.told
        asked = (acts, datetime.now(UTC) + until if until is not None else None)
        row = self.run(OPERATE, revision - back, "State", list(asked[0]), asked[1], "why")
        expected = "revision_older" if back else "repeated" if asked == (known, at) else "revision_reused"
        assert tuple(row) == (expected, revision), "and what bound still does"
        assert tuple(self.run(OPERATE, revision, "State", list(known), at, "why")) == ("repeated", revision)

    @rule(stake=AMOUNTS, win=st.sampled_from([0, 0, 10, 90]))
    def spin(self, stake: int, win: int) -> None:
        key = self.key()
        row = self.run(PLACE_ONE, self.account, key, bytes(32), stake, win)
        if not self.left("stake"):
            assert row["outcome"] == "casino_closed"
        elif stake > self.balance:
            assert row["outcome"] == "insufficient_funds"
        else:
            assert row["outcome"] == "placed"
            self.balance += win - stake
            self.rounds[key] = (stake, win, self.balance)

    @rule(data=st.data())
    def ask_again(self, data: st.DataObject) -> None:
        if not self.rounds:
            return
        key = data.draw(st.sampled_from(sorted(self.rounds)))
        row = self.run(PLACE_ONE, self.account, key, bytes(32), 1, 0)
        assert (row["outcome"], row["stake"], row["win"], row["balance"]) == ("replayed", *self.rounds[key])
        assert self.run(PLACE_ONE, self.account, key, bytes([1]) * 32, 1, 0)["outcome"] == "key_reused"

    @rule(stake=AMOUNTS)
    def open_bet(self, stake: int) -> None:
        key = self.key()
        row = self.run(HOLD, "open_bet", self.account, key, bytes(32), stake)
        if not self.left("stake"):
            assert row["outcome"] == "casino_closed"
        elif stake > self.balance:
            assert row["outcome"] == "insufficient_funds"
        else:
            assert row["outcome"] == "opened"
            self.balance -= stake
            self.bets[key] = stake
        if row["outcome"] == "opened":
            assert self.run(HOLD, "open_bet", self.account, key, bytes(32), stake)["outcome"] == "replayed"

    @rule(win=st.sampled_from([0, 30]), returned=st.booleans())
    def end_bet(self, win: int, returned: bool) -> None:
        """Settled, or rolled back, under whatever is in force."""
        if not self.bets:
            return
        key, stake = self.bets.popitem()
        end = ("released", None, 0) if returned else ("captured", None, win)
        row = self.run(RESOLVE, "open_bet", self.account, key, self.key(), bytes(32), *end)
        assert row["outcome"] == "resolved"
        self.balance += stake if returned else win

    @rule(amount=AMOUNTS)
    def late_win(self, amount: int) -> None:
        assert self.run(WIN, self.account, "round", self.key(), bytes(32), amount)["outcome"] == "posted"
        self.balance += amount

    @rule(stake=AMOUNTS)
    def start_or_double(self, stake: int) -> None:
        """A first step always stakes, and a later one may."""
        seen, staked = (0, 0) if self.hand is None else self.hand[1:]
        round_ = self.run("SELECT wallet.uuid7()")[0] if self.hand is None else self.hand[0]
        state = STATE % (staked + stake, 0)
        row = self.run(STEP, round_, self.account, seen, self.key(), bytes(32), stake, False, 0, state)
        if not self.left("stake"):
            assert row["outcome"] == "casino_closed"
        elif stake > self.balance:
            assert row["outcome"] == "insufficient_funds"
        else:
            assert row["outcome"] == "stepped"
            self.balance -= stake
            self.hand = (round_, seen + 1, staked + stake)

    @rule(win=st.sampled_from([0, 25]))
    def stand(self, win: int) -> None:
        """A step that stakes nothing ends the round."""
        if self.hand is None:
            return
        round_, seen, staked = self.hand
        state = STATE % (staked, win)
        row = self.run(STEP, round_, self.account, seen, self.key(), bytes(32), 0, True, win, state)
        assert row["outcome"] == "stepped"
        self.balance += win
        self.hand = None

    @rule(amount=AMOUNTS)
    def deposit(self, amount: int) -> None:
        key = self.key()
        constraint = self.refused(BEGIN, self.account, key, bytes(32), amount)
        if not self.left("deposit"):
            assert constraint == "casino_closed"
        else:
            assert constraint is None
            self.pending[self.run(BEGIN, self.account, key, bytes(32), amount)[0]] = amount
            assert self.run(BEGIN, self.account, key, bytes(32), amount) is None, "the key is known"

    @rule()
    def answer_arrives(self) -> None:
        """A provider has the money of a deposit that was noted before: it is the player's, whatever is in force."""
        if not self.pending:
            return
        deposit, amount = self.pending.popitem()
        self.run(CAPTURE, deposit)
        self.balance += amount

    @rule(amount=AMOUNTS)
    def withdraw(self, amount: int) -> None:
        key = self.key()
        row = self.run(HOLD, "withdrawal", self.account, key, bytes(32), amount)
        if not self.left("withdraw"):
            assert row["outcome"] == "casino_closed"
        elif amount > self.balance:
            assert row["outcome"] == "insufficient_funds"
        else:
            assert row["outcome"] == "opened"
            self.balance -= amount
            self.withdrawals[key] = amount

    @rule()
    def withdrawal_goes_back(self) -> None:
        if not self.withdrawals:
            return
        key, amount = self.withdrawals.popitem()
        row = self.run(RESOLVE, "withdrawal", self.account, key, self.key(), bytes(32), "released", None, 0)
        assert row["outcome"] == "resolved"
        self.balance += amount

    @invariant()
    def the_ledger_has_what_the_model_has(self) -> None:
        if not hasattr(self, "account"):
            return
        row = self.run(
            "SELECT (SELECT balance FROM wallet.accounts WHERE account_id = $1) AS balance,"
            " (SELECT revision FROM wallet.operation_in_force) AS revision,"
            " (SELECT max(revision) FROM wallet.operations) AS newest",
            self.account,
        )
        assert tuple(row) == (self.balance, self.told[0], self.told[0])
        for act in ALL:
            asked = self.run("SELECT wallet.allows($1, clock_timestamp())", act)
            assert asked[0] == self.left(act)

    def teardown(self) -> None:
        self.verify()


def test_any_course_of_records_and_money_goes_as_its_model_says(servers: Any) -> None:
    from casino.wallet.api import verify_ledger

    runner = asyncio.Runner()
    name = runner.run(servers.new_database())
    connection = runner.run(asyncpg.connect(servers.uri(name)))
    runner.run(connection.execute("SELECT wallet.add_currency('GBP', 2::smallint)"))

    class Machine(OperationMachine):
        def run(self, query: str, *arguments: Any) -> Any:
            return runner.run(connection.fetchrow(query, *arguments))

        def refused(self, query: str, *arguments: Any) -> str | None:
            async def tried() -> str | None:
                attempt = connection.transaction()
                await attempt.start()
                try:
                    await connection.fetchrow(query, *arguments)
                except asyncpg.CheckViolationError as error:
                    found: str = error.constraint_name
                    return found
                finally:
                    await attempt.rollback()
                return None

            return runner.run(tried())

        def verify(self) -> None:
            report = runner.run(verify_ledger(connection))
            assert report.ok, report.breaks

    try:
        run_state_machine_as_test(
            Machine,
            settings=settings(
                max_examples=25, phases=[Phase.generate], stateful_step_count=25, deadline=None, database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )  # fmt: skip
    finally:
        runner.run(connection.close())
        runner.close()


async def test_before_any_record_everything_is_allowed(ledger: Any) -> None:
    account = await ledger.player(1_000)
    assert (await ledger.bet(account, 10))["outcome"] == "placed"
    assert (await ledger.hold(account, 10, "w", kind="withdrawal"))["outcome"] == "opened"
    in_force = await ledger.pool.fetchrow("SELECT * FROM wallet.operation_in_force")
    assert in_force["revision"] == 0
    assert await ledger.pool.fetchval("SELECT count(*) FROM wallet.operations") == 0


async def test_a_batch_of_bets_is_refused_but_for_its_repeats(ledger: Any) -> None:
    players = [await ledger.player(1_000) for _ in range(4)]
    await ledger.bets([(players[0], 10, 0, "first"), (players[1], 20, 5, "first")])
    await operate(ledger.pool, record(1, ("withdraw",)))
    rows = await ledger.bets([(one, 10, 90, "first") for one in players])
    assert [row["outcome"] for row in rows] == ["replayed", "replayed", "casino_closed", "casino_closed"]
    assert [await ledger.balance(one) for one in players] == [990, 985, 1_000, 1_000]


async def test_closed_is_said_of_the_casino_and_not_of_the_player(ledger: Any) -> None:
    account = await ledger.player(1_000)
    await ledger.pool.execute("SELECT wallet.restrict($1, 'infinity', NULL)", account)
    assert (await ledger.bet(account, 10))["outcome"] == "barred"
    await operate(ledger.pool, record(1, ()))
    assert (await ledger.bet(account, 10))["outcome"] == "casino_closed"
    assert (await ledger.hold(account, 10, "bet"))["outcome"] == "casino_closed"


async def test_play_ends_by_the_databases_clock_with_nobody_looking(ledger: Any) -> None:
    account = await ledger.player(1_000)
    await operate(ledger.pool, record(1, play_until=moment(seconds=0.6)))
    assert (await ledger.bet(account, 10))["outcome"] == "placed"
    assert (await ledger.hold(account, 10, "open"))["outcome"] == "opened"
    await asyncio.sleep(0.7)
    assert (await ledger.bet(account, 10))["outcome"] == "casino_closed"
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await ledger.deposit(account, 10)
    assert refused.value.constraint_name == "casino_closed"
    assert (await ledger.settle(account, "open", 30))["outcome"] == "resolved"
    assert (await ledger.hold(account, 10, "w", kind="withdrawal"))["outcome"] == "opened"


async def test_of_records_that_come_at_one_moment_the_newest_binds_and_each_is_kept_once(ledger: Any) -> None:
    rng = random.Random(1)
    asked = [record(revision, ("withdraw",) if revision % 2 else ALL) for revision in range(1, 9) for _ in range(4)]
    rng.shuffle(asked)
    rows = await asyncio.gather(*(operate(ledger.pool, one) for one in asked))
    assert {row["outcome"] for row in rows} <= {"recorded", "repeated", "revision_older"}
    kept = await ledger.pool.fetch("SELECT revision FROM wallet.operations ORDER BY recorded_at")
    revisions = [row["revision"] for row in kept]
    assert revisions == sorted(set(revisions)) and revisions[-1] == 8
    assert sum(row["outcome"] == "recorded" for row in rows) == len(revisions)
    assert await ledger.pool.fetchval("SELECT wallet.allows('stake', clock_timestamp())") is True


@pytest.mark.parametrize("seed", range(3))
async def test_no_stake_is_journalled_after_the_record_by_a_transaction_that_began_later(
    ledger: Any, seed: int
) -> None:
    """Whatever the interleaving: what was asked for after the record was answered is refused."""
    rng = random.Random(seed)
    account = await ledger.player(5_000)
    told = asyncio.Event()

    async def play(number: int) -> None:
        if number % 5:
            await asyncio.sleep(rng.random() * 0.2)
        else:
            await told.wait()
        before = told.is_set()
        if rng.random() < 0.5:
            went = (await ledger.bet(account, 10, rng.choice([0, 30])))["outcome"] == "placed"
        else:
            went = (await ledger.hold(account, 10, f"{number}"))["outcome"] == "opened"
        assert not (before and went), "what began after the record was answered"

    async def close() -> None:
        await asyncio.sleep(0.1)
        await operate(ledger.pool, record(1, ("withdraw",)))
        told.set()

    await asyncio.gather(close(), *(play(number) for number in range(80)))
    assert (await ledger.bet(account, 10))["outcome"] == "casino_closed"


async def test_history_is_not_rewritten_and_the_row_in_force_not_taken_away(ledger: Any) -> None:
    await operate(ledger.pool, record(1))
    for statement in (
        "UPDATE wallet.operations SET reason = 'another'",
        "DELETE FROM wallet.operations",
        "TRUNCATE wallet.operations",
        "DELETE FROM wallet.operation_in_force",
    ):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await ledger.pool.execute(statement)
    with pytest.raises(asyncpg.UniqueViolationError):
        await ledger.pool.execute("INSERT INTO wallet.operation_in_force SELECT * FROM wallet.operation_in_force")


async def test_the_wallets_login_tells_the_ledger_by_the_function_alone(servers: Any, database: str) -> None:
    await servers.sql("CREATE ROLE v_operation LOGIN IN ROLE casino_test_wallet")
    wallet = await asyncpg.connect(servers.uri(database), user="v_operation")
    try:
        row = await wallet.fetchrow(OPERATE, 1, "Live", list(ALL), None, "")
        assert row["outcome"] == "recorded"
        assert await wallet.fetchval("SELECT count(*) FROM wallet.operations") == 1
        for statement in (
            "INSERT INTO wallet.operations VALUES (2, 'Live', '{stake}', NULL, '')",
            "UPDATE wallet.operation_in_force SET stake_until = 'infinity'",
            "INSERT INTO wallet.operation_in_force VALUES (true, 9, 'infinity', 'infinity', 'infinity', 'infinity')",
            "UPDATE wallet.movement_kinds SET act = NULL",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await wallet.execute(statement)
    finally:
        await wallet.close()

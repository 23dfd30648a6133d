"""Limits where money moves: the wallet's counts against a model, and against its own journal under any interleaving."""

from __future__ import annotations

import asyncio
import random
import secrets
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

PLACE_ONE = """SELECT * FROM wallet.place_rounds(
    ARRAY[$1::bigint], ARRAY[$2], ARRAY[$3::bytea], ARRAY[wallet.uuid7()], ARRAY[$4::bigint], ARRAY[$5::bigint],
    ARRAY[NULL::bigint], ARRAY[NULL::integer], ARRAY['{}'::jsonb])"""
HOLD = """SELECT * FROM wallet.open_hold('open_bet', gen_random_uuid(), $1, $2, $3, $2, wallet.uuid7(), $4,
    now() + interval '1 day', NULL, '{}')"""
RESOLVE = """SELECT * FROM wallet.resolve_holds('open_bet', $1, $2, NULL, $3, $4, wallet.uuid7(), $5, NULL, $6, '{}')"""
PROTECT = "SELECT wallet.protect($1, $2, $3::text::timestamptz, 'Europe/London', $4, $5, $6)"
BEGIN = """
    INSERT INTO wallet.payments (payment_id, kind, player_id, account_id, method, currency, amount, state,
        idempotency_key, request_hash, created_at, updated_at)
    SELECT gen_random_uuid(), 'deposit', player_id, account_id, 'card', currency, $4, 'processing', $2, $3, now(), now()
    FROM wallet.accounts WHERE account_id = $1
    ON CONFLICT (account_id, kind, idempotency_key, part) DO UPDATE SET updated_at = excluded.updated_at
    RETURNING payment_id"""
CAPTURE = """
    WITH paid AS (
        UPDATE wallet.payments SET state = 'captured', received = amount, captured = amount WHERE payment_id = $1
        RETURNING *)
    SELECT wallet.post('deposit', account_id, payment_id::text, request_hash, wallet.uuid7(),
        ARRAY[ROW('psp_clearing', 'sandbox', 'player_cash', NULL, currency, amount)::wallet.movement],
        jsonb_build_object('payment_id', payment_id)) FROM paid"""
DECLINE = "UPDATE wallet.payments SET state = 'failed' WHERE payment_id = $1"
AMOUNTS = st.integers(1, 60)
LIMITS = st.dictionaries(
    st.tuples(st.sampled_from(["stake", "loss", "deposit"]), st.sampled_from(["day", "month"])), st.integers(0, 150)
)


async def protect(pool: Any, account: int, revision: int, limits: Any, until: str | None = None) -> bool:
    kinds, periods = [kind for kind, _ in limits], [period for _, period in limits]
    done: bool = await pool.fetchval(PROTECT, account, revision, until, kinds, periods, list(limits.values()))
    return done


class LimitMachine(RuleBasedStateMachine):
    """Model: what is used of each limit, counted since the player was there. Examples share a database."""

    def run(self, query: str, *arguments: Any) -> Any:
        raise NotImplementedError

    def refused(self, query: str, *arguments: Any) -> str | None:
        raise NotImplementedError

    @initialize()
    def begin(self) -> None:
        self.account = self.run("SELECT wallet.open_player_account(gen_random_uuid(), 'GBP')")[0]
        self.balance, self.revision, self.number, self.barred = 0, 0, 0, False
        self.limits: dict[tuple[str, str], int] = {}
        # By kind alone: no window of an example ends while it runs.
        self.used = {"stake": 0, "loss": 0, "deposit": 0}
        self.known: set[tuple[str, str]] = set()
        self.holds: dict[str, int] = {}
        self.pending: dict[Any, int] = {}

    def key(self) -> str:
        self.number += 1
        return f"k{self.number}"

    def left(self, kind: str) -> int | None:
        found = [limit - max(0, self.used[kind]) for place, limit in self.limits.items() if place[0] == kind]
        return min(found, default=None)

    def expected(self, stake: int) -> str:
        if self.barred:
            return "barred"
        caps = [max(0, left) for left in (self.left("stake"), self.left("loss")) if left is not None]
        if caps and stake > min(caps):
            return "stake_above_limit"
        return "insufficient_funds" if stake > self.balance else "placed"

    @rule(limits=LIMITS, older=st.booleans())
    def decide(self, limits: dict[tuple[str, str], int], older: bool) -> None:
        if older and self.revision:  # a call that was overtaken on its way
            row = self.run(PROTECT, self.account, self.revision - 1, None, [], [], [])
            assert row[0] is False
            return
        self.revision += 1
        until = "infinity" if self.barred else None
        places = list(limits)
        self.run(
            PROTECT, self.account, self.revision, until, [k for k, _ in places], [p for _, p in places],
            list(limits.values()),
        )  # fmt: skip
        self.limits = limits
        self.known |= set(limits)

    @rule(barred=st.booleans())
    def exclude(self, barred: bool) -> None:
        self.barred = barred
        self.decide(self.limits, False)

    @rule(amount=st.integers(1, 200), captured=st.booleans())
    def deposit(self, amount: int, captured: bool) -> None:
        left = self.left("deposit")
        key = self.key()
        constraint = self.refused(BEGIN, self.account, key, bytes(32), amount)
        if self.barred:
            assert constraint == "player_barred"
        elif left is not None and amount + sum(self.pending.values()) > left:
            assert constraint == "deposit_limit"
        else:
            assert constraint is None
            deposit = self.run(BEGIN, self.account, key, bytes(32), amount)[0]
            if captured:
                self.run(CAPTURE, deposit)
                self.balance += amount
                self.used["deposit"] += amount
            else:
                self.pending[deposit] = amount

    @rule(declined=st.booleans())
    def answer_arrives(self, declined: bool) -> None:
        if not self.pending:
            return
        deposit, amount = self.pending.popitem()
        if declined:
            self.run(DECLINE, deposit)
        else:  # also of who is barred by now: it is the player's money
            self.run(CAPTURE, deposit)
            self.balance += amount
            self.used["deposit"] += amount

    @rule(stake=AMOUNTS, win=st.sampled_from([0, 0, 10, 90]))
    def spin(self, stake: int, win: int) -> None:
        expected = self.expected(stake)
        row = self.run(PLACE_ONE, self.account, self.key(), bytes(32), stake, win)
        assert row["outcome"] == expected
        if expected == "placed":
            self.balance += win - stake
            self.used["stake"] += stake
            self.used["loss"] += stake - win

    @rule(stake=AMOUNTS)
    def open_bet(self, stake: int) -> None:
        expected = self.expected(stake)
        key = self.key()
        row = self.run(HOLD, self.account, key, bytes(32), stake)
        # Here the bar is looked at after the cap.
        if expected == "barred":
            assert row["outcome"] in ("barred", "stake_above_limit")
        else:
            assert row["outcome"] == expected.replace("placed", "opened")
        if row["outcome"] == "opened":
            self.balance -= stake
            self.used["stake"] += stake
            self.used["loss"] += stake
            self.holds[key] = stake

    @rule(win=st.sampled_from([0, 30]), returned=st.booleans())
    def end_bet(self, win: int, returned: bool) -> None:
        if not self.holds:
            return
        key, stake = self.holds.popitem()
        if returned:
            self.run(RESOLVE, self.account, key, self.key(), bytes(32), "released", 0)
            self.balance += stake
            self.used["stake"] -= stake
            self.used["loss"] -= stake
        else:
            self.run(RESOLVE, self.account, key, self.key(), bytes(32), "captured", win)
            self.balance += win
            self.used["loss"] -= win

    @invariant()
    def the_wallet_knows_what_the_model_knows(self) -> None:
        if not hasattr(self, "account"):
            return
        row = self.run("SELECT balance, stake_cap FROM wallet.accounts WHERE account_id = $1", self.account)
        caps = [max(0, left) for left in (self.left("stake"), self.left("loss")) if left is not None]
        assert (row["balance"], row["stake_cap"]) == (self.balance, min(caps, default=None))

    def teardown(self) -> None:
        for kind, period in self.known:
            used = self.run(
                "SELECT used FROM wallet.player_limits WHERE account_id = $1 AND kind = $2 AND period = $3",
                self.account, kind, period,
            )  # fmt: skip
            assert used[0] == self.used[kind]


def test_limits_bind_as_their_model_says(servers: Any) -> None:
    runner = asyncio.Runner()
    name = runner.run(servers.new_database())
    connection = runner.run(asyncpg.connect(servers.uri(name)))
    runner.run(connection.execute("SELECT wallet.add_currency('GBP', 2::smallint)"))

    class Machine(LimitMachine):
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

    try:
        run_state_machine_as_test(
            Machine,
            settings=settings(
                max_examples=60, phases=[Phase.generate], stateful_step_count=25, deadline=None, database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )  # fmt: skip
    finally:
        runner.run(connection.close())
        runner.close()


@pytest.mark.parametrize("seed", range(3))
async def test_an_excluded_player_neither_bets_nor_deposits_whatever_the_interleaving(ledger: Any, seed: int) -> None:
    rng = random.Random(seed)
    account = await ledger.player(5_000)
    excluded, excluded_at = asyncio.Event(), []

    async def play(number: int) -> bool:
        if number % 6:
            await asyncio.sleep(rng.random() * 0.2)
        else:
            # However long the others queue, some begin once it has been answered.
            await excluded.wait()
        before = excluded.is_set()
        if rng.random() < 0.3:
            row = await ledger.hold(account, 10, secrets.token_hex(4))
            went = row["outcome"] == "opened"
        elif rng.random() < 0.3:
            try:
                await ledger.deposit(account, 10)
                went = True
            except asyncpg.CheckViolationError:
                went = False
        else:
            went = (await ledger.bet(account, 10, rng.choice([0, 30])))["outcome"] == "placed"
        assert not (before and went), "what began after the exclusion was answered"
        return went

    async def exclude() -> None:
        await asyncio.sleep(0.1)
        await protect(ledger.pool, account, 1, {}, "infinity")
        excluded_at.append(await ledger.pool.fetchval("SELECT clock_timestamp()"))
        excluded.set()

    assert (await ledger.bet(account, 10, 0))["outcome"] == "placed"
    went = await asyncio.gather(exclude(), *(play(number) for number in range(120)))
    assert not all(went[1:])
    late = await ledger.pool.fetchval(
        "SELECT count(*) FROM wallet.transactions WHERE account_id = $1 AND kind IN ('round', 'bet')"
        " AND created_at > $2",
        account,
        excluded_at[0],
    )
    assert late == 0
    # Wins and withdrawals are no play.
    assert (await ledger.hold(account, 50, "all", kind="withdrawal"))["outcome"] == "opened"


@pytest.mark.parametrize("seed", range(3))
async def test_no_prefix_of_the_journal_is_above_a_limit(ledger: Any, seed: int) -> None:
    """Many players in batches, each with limits of their own; then the journal is read from its beginning."""
    rng = random.Random(seed)
    limits = {}
    for _ in range(8):
        account = await ledger.player(5_000)
        limits[account] = {("loss", "day"): rng.randint(0, 300), ("stake", "week"): rng.randint(0, 900)}
        await protect(ledger.pool, account, 1, limits[account])

    async def batch() -> None:
        chosen = rng.sample(sorted(limits), rng.randint(1, 8))
        await ledger.bets(
            [(one, rng.randint(1, 80), rng.choice([0, 0, 0, 60]), secrets.token_hex(6)) for one in chosen]
        )

    async def bet() -> None:
        account = rng.choice(sorted(limits))
        key = secrets.token_hex(6)
        if (await ledger.hold(account, rng.randint(1, 80), key))["outcome"] == "opened":
            await (ledger.settle(account, key, rng.choice([0, 40])) if rng.random() < 0.7
                   else ledger.resolve(account, key, "released"))  # fmt: skip

    await asyncio.gather(*(batch() if rng.random() < 0.5 else bet() for _ in range(150)))
    for account, limit in limits.items():
        lost = staked = 0
        reached = False
        rows = await ledger.pool.fetch(
            "SELECT t.kind, e.amount, e.leg FROM wallet.entries e JOIN wallet.transactions t USING (transaction_id)"
            " WHERE e.account_id = $1 AND t.kind <> 'deposit' ORDER BY e.version",
            account,
        )
        for row in rows:
            lost -= row["amount"]
            if row["amount"] < 0 or row["kind"] == "bet_void":
                staked -= row["amount"]
            assert lost <= limit["loss", "day"] and staked <= limit["stake", "week"]
            reached = reached or staked > 0
        used = dict(await ledger.pool.fetch(
            "SELECT kind, used FROM wallet.player_limits WHERE account_id = $1", account
        ))  # fmt: skip
        assert used == {"loss": lost, "stake": staked}


async def test_a_window_that_is_over_is_begun_anew_by_a_second_look(ledger: Any) -> None:
    account = await ledger.player(1_000)
    await protect(ledger.pool, account, 1, {("loss", "day"): 100})
    assert (await ledger.bet(account, 100))["outcome"] == "placed"
    assert (await ledger.bet(account, 1))["outcome"] == "stake_above_limit"
    renew = "SELECT * FROM wallet.renew_limits($1)"
    row = await ledger.pool.fetchrow(renew, account)
    assert row["stake_cap"] == 0 and row["window_ends_at"] is not None
    assert (await ledger.bet(account, 1))["outcome"] == "stake_above_limit"
    await ledger.pool.execute(
        "UPDATE wallet.player_limits SET starts_at = starts_at - interval '1 day', ends_at = now() - interval '1 s'"
        " WHERE account_id = $1",
        account,
    )
    assert (await ledger.pool.fetchrow(renew, account))["stake_cap"] == 100
    assert (await ledger.bet(account, 60))["outcome"] == "placed"
    assert (await ledger.bet(account, 41))["outcome"] == "stake_above_limit"


async def test_a_limit_counts_what_its_window_has_seen_before_it(ledger: Any) -> None:
    account = await ledger.player(1_000)
    await ledger.bet(account, 200, 50)
    await ledger.hold(account, 30, "open")
    await ledger.hold(account, 40, "back")
    await ledger.resolve(account, "back", "released")
    places = {("loss", "day"): 500, ("stake", "month"): 500, ("deposit", "week"): 5_000}
    await protect(ledger.pool, account, 1, places)
    rows = await ledger.pool.fetch("SELECT kind, used FROM wallet.player_limits WHERE account_id = $1", account)
    assert dict(rows) == {"loss": 180, "stake": 230, "deposit": 1_000}


async def test_a_bar_of_one_source_is_not_lifted_by_another(ledger: Any) -> None:
    account = await ledger.player(100)
    bar = "SELECT wallet.bar($1, $2, $3::text::timestamptz, false)"
    await ledger.pool.execute(bar, account, "session_time", "infinity")
    await ledger.pool.execute("SELECT wallet.restrict($1, 'infinity', 50)", account)
    await ledger.pool.execute("SELECT wallet.loosen($1, NULL, 50)", account)
    assert (await ledger.bet(account, 1))["outcome"] == "barred"
    await ledger.pool.execute(bar, account, "session_time", None)
    assert (await ledger.bet(account, 51))["outcome"] == "stake_above_limit"
    assert (await ledger.bet(account, 50))["outcome"] == "placed"


async def test_an_account_stands_by_a_status_that_was_told_before_it_was_opened(ledger: Any) -> None:
    player = await ledger.pool.fetchval("SELECT gen_random_uuid()")
    stand = "SELECT wallet.set_standing($1, $2, $3, $4)"
    assert await ledger.pool.fetchval(stand, player, "frozen", True, 7)
    assert not await ledger.pool.fetchval(stand, player, "open", False, 6)  # it was overtaken
    account = await ledger.pool.fetchval("SELECT wallet.open_player_account($1, 'GBP')", player)
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await ledger.pool.fetchval(BEGIN, account, "early", bytes(32), 10)
    assert refused.value.constraint_name == "player_barred"
    assert (await ledger.bet(account, 1))["outcome"] == "account_not_open"
    assert await ledger.pool.fetchval(stand, player, "open", False, 8)
    await ledger.deposit(account, 10)
    assert (await ledger.bet(account, 1))["outcome"] == "placed"


async def test_a_merge_moves_all_money_once_and_waits_for_what_is_under_way(ledger: Any) -> None:
    kept, gone = await ledger.player(100), await ledger.player(700)
    players = dict(
        await ledger.pool.fetch("SELECT account_id, player_id FROM wallet.accounts WHERE player_id IS NOT NULL")
    )
    merge = "SELECT * FROM wallet.merge_players($1, $2, 'merge:it')"
    await ledger.post("bonus_grant", gone, [("bonus_cost", None, "player_bonus", None, "GBP", 30)])

    async def outcome() -> tuple[Any, ...]:
        return tuple(await ledger.pool.fetchrow(merge, players[kept], players[gone]))

    await ledger.hold(gone, 10, "bet")
    assert await outcome() == ("bets_open", 0)
    await ledger.settle(gone, "bet", 0)
    await ledger.hold(gone, 10, "cash", kind="withdrawal")
    assert await outcome() == ("withdrawals_open", 0)
    await ledger.resolve(gone, "cash", "released", kind="withdrawal")
    pending = await ledger.pool.fetchval(BEGIN, gone, "later", bytes(32), 5)
    assert await outcome() == ("payments_under_way", 0)
    await ledger.pool.execute(DECLINE, pending)
    assert await ledger.balance(kept) == 100
    assert await outcome() == ("merged", 720)
    assert await outcome() == ("nothing_to_move", 0)
    assert await ledger.balance(kept) == 790 and await ledger.balance(gone) == 0
    assert (await ledger.bet(gone, 1))["outcome"] == "account_not_open"
    # What comes later all the same, as a provider's late payment does, is moved by a repeat.
    await ledger.post("win", gone, [("house", None, "player_cash", None, "GBP", 3)])
    assert await outcome() == ("merged", 3)
    history = await ledger.pool.fetch("SELECT kind FROM wallet.transactions WHERE account_id = $1", kept)
    assert [row["kind"] for row in history].count("account_merge") == 2

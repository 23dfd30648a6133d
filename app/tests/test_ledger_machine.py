"""The ledger against a model in plain Python: any sequence of calls, the same answers and the same balances."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import asyncpg
import pytest
from casino.wallet.verify import verify_ledger
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

# A deposit that a provider has captured: account, key, hash, amount. The payment's id is made of account and key.
DEPOSIT_ONE = """WITH payment AS (
        INSERT INTO wallet.payments (payment_id, kind, player_id, account_id, method, currency, amount, state, provider,
            received, captured, idempotency_key, request_hash, created_at, updated_at)
        SELECT md5(account_id || ' ' || $2::text)::uuid, 'deposit', player_id, account_id, 'card', currency, $4,
            'captured', 'sandbox', $4, $4, $2, $3, now(), now()
        FROM wallet.accounts WHERE account_id = $1 ON CONFLICT DO NOTHING)
    SELECT * FROM wallet.post('deposit', $1::bigint, $2::text, $3::bytea, wallet.uuid7(),
        ARRAY[ROW('psp_clearing', 'sandbox', 'player_cash', NULL, 'GBP', $4::bigint)::wallet.movement],
        jsonb_build_object('payment_id', md5($1 || ' ' || $2)::uuid))"""
PLACE_ONE = """SELECT * FROM wallet.place_rounds(
    ARRAY[$1::bigint], ARRAY[$2], ARRAY[$3::bytea], ARRAY[wallet.uuid7()], ARRAY[$4::bigint], ARRAY[$5::bigint],
    ARRAY[$6::bigint], ARRAY[$7::integer], ARRAY['{}'::jsonb])"""
AMOUNTS = st.integers(1, 500)
KINDS = st.sampled_from(["open_bet", "withdrawal"])


@pytest.mark.drill
def test_the_ledger_behaves_as_its_model(servers: Any, drill: Any) -> None:
    sequences = 0
    runner = asyncio.Runner()
    name = runner.run(servers.new_database())
    connection = runner.run(asyncpg.connect(servers.uri(name)))
    runner.run(connection.execute("SELECT wallet.add_currency('GBP', 2::smallint)"))

    class Machine(LedgerMachine):
        def run(self, query: str, *arguments: Any) -> Any:
            return runner.run(connection.fetchrow(query, *arguments))

        def verify(self) -> None:
            nonlocal sequences
            sequences += 1
            report = runner.run(verify_ledger(connection))
            assert report.ok, report.breaks

    try:
        run_state_machine_as_test(
            seed(drill.seed)(Machine),
            settings=settings(
                max_examples=drill.count(30, 1000),
                database=None,
                stateful_step_count=25,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        runner.run(connection.close())
        runner.close()
    drill.injected(sequences)


class LedgerMachine(RuleBasedStateMachine):
    """Model: a balance per player, rounds, deposits and holds by key. Examples share a database and use new players."""

    players = Bundle("players")
    keys = st.sampled_from(["a", "b", "c", "d"])

    def __init__(self) -> None:
        super().__init__()
        self.balances: dict[int, int] = {}
        self.rounds: dict[tuple[int, str], tuple[bytes, tuple[Any, ...]]] = {}
        self.deposits: dict[tuple[int, str], int] = {}
        self.holds: dict[tuple[int, str, str], tuple[int, str, str]] = {}  # amount, part of, status
        self.resolved: dict[tuple[int, str, str, str], tuple[Any, ...]] = {}
        self.barred: set[int] = set()

    def run(self, query: str, *arguments: Any) -> Any:
        raise NotImplementedError

    def verify(self) -> None:
        raise NotImplementedError

    @rule(target=players)
    def open_account(self) -> int:
        account: int = self.run("SELECT wallet.open_player_account(gen_random_uuid(), 'GBP')")[0]
        self.balances[account] = 0
        return account

    @rule(
        account=players, key=keys, stake=AMOUNTS, win=st.one_of(st.just(0), AMOUNTS), cap=st.sampled_from([None, 250])
    )
    def bet(self, account: int, key: str, stake: int, win: int, cap: int | None) -> None:
        body = str(stake).encode().ljust(32, b"\0")
        whole = self.run(PLACE_ONE, account, key, body, stake, win, cap, 0)
        row = {name: whole[name] for name in ("outcome", "transaction_id", "stake", "win", "balance")}
        known = self.rounds.get((account, key))
        if known is not None:
            assert row["outcome"] == ("replayed" if known[0] == body else "key_reused")
            if known[0] == body:
                assert tuple(row.values())[1:] == known[1]
        elif account in self.barred:
            assert row["outcome"] == "barred"
        elif cap is not None and stake > cap:
            assert row["outcome"] == "stake_above_limit"
        elif stake > self.balances[account]:
            assert row["outcome"] == "insufficient_funds"
        else:
            self.balances[account] += win - stake
            assert tuple(row.values())[2:] == (stake, win, self.balances[account])
            assert row["outcome"] == "placed"
            self.rounds[account, key] = (body, tuple(row.values())[1:])

    @rule(account=players, key=keys, amount=AMOUNTS)
    def deposit(self, account: int, key: str, amount: int) -> None:
        row = self.run(DEPOSIT_ONE, account, key, str(amount).encode().ljust(32, b"\0"), amount)
        known = self.deposits.get((account, key))
        if known is None:
            self.balances[account] += amount
            assert (row["outcome"], row["balance"]) == ("posted", self.balances[account])
            self.deposits[account, key] = amount
        else:
            assert row["outcome"] == ("replayed" if known == amount else "key_reused")

    @rule(account=players)
    def bar(self, account: int) -> None:
        self.run("SELECT wallet.restrict($1, 'infinity', NULL)", account)
        self.barred.add(account)

    @rule(account=players)
    def let_play_again(self, account: int) -> None:
        self.run("SELECT wallet.loosen($1, NULL, NULL)", account)
        self.barred.discard(account)

    @rule(account=players, kind=KINDS, reference=keys, part_of=st.sampled_from(["r", "s"]), amount=AMOUNTS)
    def hold(self, account: int, kind: str, reference: str, part_of: str, amount: int) -> None:
        body = f"{amount} {part_of}".encode().ljust(32, b"\0")
        row = self.run(
            "SELECT * FROM wallet.open_hold($1, gen_random_uuid(), $2, $3, $4, $5, wallet.uuid7(), $6,"
            " now() + interval '1 day', NULL, '{}')",
            kind, account, reference, body, part_of, amount,
        )  # fmt: skip
        known = self.holds.get((account, kind, reference))
        if known is not None:
            assert row["outcome"] == ("replayed" if known[:2] == (amount, part_of) else "key_reused")
        elif kind == "open_bet" and account in self.barred:
            assert row["outcome"] == "barred"
        elif amount > self.balances[account]:
            assert row["outcome"] == "insufficient_funds"
        else:
            assert row["outcome"] == "opened"
            self.balances[account] -= amount
            self.holds[account, kind, reference] = (amount, part_of, "open")

    @rule(
        account=players, kind=KINDS, part_of=st.sampled_from(["r", "s"]), key=keys,
        status=st.sampled_from(["captured", "released", "expired"]), win=st.one_of(st.just(0), AMOUNTS),
    )  # fmt: skip
    def resolve(self, account: int, kind: str, part_of: str, key: str, status: str, win: int) -> None:
        win = win if (kind, status) == ("open_bet", "captured") else 0
        body = f"{part_of} {status} {win}".encode().ljust(32, b"\0")
        row = self.run(
            "SELECT * FROM wallet.resolve_holds($1, $2, $3, NULL, $4, $5, wallet.uuid7(), $6, $8, $7, '{}')",
            kind, account, part_of, key, body, status, win, None if kind == "open_bet" else "psp",
        )  # fmt: skip
        request = (account, kind, "captured" if status == "captured" else "released", key)
        found = {
            at: one for at, one in self.holds.items() if at[:2] == (account, kind) and one[1:] == (part_of, "open")
        }
        amount = sum(one[0] for one in found.values())
        if request in self.resolved:
            known = self.resolved[request]
            assert row["outcome"] == ("replayed" if known[0] == body else "key_reused")
            assert known[0] != body or row["transaction_id"] == known[1]
        elif not found:
            assert row["outcome"] == "nothing_open"
        else:
            assert (row["outcome"], row["amount"]) == ("resolved", amount)
            self.balances[account] += win if status == "captured" else amount
            self.resolved[request] = (body, row["transaction_id"])
            for at, one in found.items():
                self.holds[at] = (*one[:2], status)

    @invariant()
    def balances_agree(self) -> None:
        for account, balance in self.balances.items():
            assert self.run("SELECT balance FROM wallet.accounts WHERE account_id = $1", account)[0] == balance

    def teardown(self) -> None:
        self.verify()


@pytest.mark.drill
async def test_model_and_ledger_agree_under_concurrency(ledger: Any, drill: Any) -> None:
    """What was placed sums to the balance, whatever the interleaving of bets, deposits and repeats."""
    storms = drill.count(3, 200)
    for storm in range(storms):
        await _storm(ledger, random.Random(drill.seed + storm))
    drill.injected(storms)


async def _storm(ledger: Any, rng: random.Random) -> None:
    account = await ledger.player(5_000)

    async def act() -> int:
        if rng.random() < 0.2:
            amount = rng.randint(1, 100)
            await ledger.deposit(account, amount)
            return amount
        row = await ledger.bet(account, rng.randint(1, 300), rng.choice([0, 0, 400]), key=f"k{rng.randint(0, 50)}")
        return row["win"] - row["stake"] if row["outcome"] == "placed" else 0

    moved = await asyncio.gather(*(act() for _ in range(120)))
    assert await ledger.balance(account) == 5_000 + sum(moved)

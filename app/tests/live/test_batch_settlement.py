"""Settling a round of many players in one statement does to the books what settling them one by one does."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

import asyncpg
import pytest
from casino.kernel.identity import new_id
from casino.wallet.api import verify_ledger
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

SETTLE = "SELECT * FROM wallet.settle_bets($1, $2, $3, $4, $5, $6, $7, $8)"
# Of each player: their bets on the round, another bet elsewhere, and their win.
PLAYERS = st.lists(
    st.tuples(st.lists(st.integers(1, 300), max_size=3), st.integers(0, 50), st.integers(0, 500)),
    min_size=1,
    max_size=6,
)


async def settle(on: Any, part_of: str, accounts: list[int], wins: list[int], **changes: Any) -> list[Any]:
    """The batch; keys are `settle PART_OF` unless given."""
    count = len(accounts)
    keys = changes.get("keys", [f"settle {part_of}"] * count)
    hashes = changes.get("hashes", [bytes(32)] * count)
    rows: list[Any] = await on.fetch(
        SETTLE,
        part_of,
        accounts,
        keys,
        hashes,
        [new_id() for _ in accounts],
        changes.get("amounts", [None] * count),
        wins,
        ["{}"] * count,
    )
    return rows


async def state_of(connection: Any, accounts: list[int]) -> Any:
    """Balances and versions of the players' accounts, their holds, and the entries of their settlements."""
    rows = await connection.fetch(
        """SELECT a.account_id, kind, balance, version, player_id FROM wallet.accounts a
           WHERE player_id IN (SELECT player_id FROM wallet.accounts WHERE account_id = ANY ($1))
           ORDER BY player_id, kind""",
        accounts,
    )
    place = {row["player_id"]: 0 for row in rows}
    for number, account in enumerate(accounts):
        place[next(row["player_id"] for row in rows if row["account_id"] == account)] = number
    named = {row["account_id"]: (place[row["player_id"]], row["kind"]) for row in rows}
    holds = await connection.fetch(
        "SELECT account_id, reference, amount, status, resolved_by IS NOT NULL AS resolved FROM wallet.holds"
        " WHERE account_id = ANY ($1)",
        accounts,
    )
    entries = await connection.fetch(
        """SELECT e.account_id, e.version, e.leg, e.amount, e.balance_before, e.balance_after, t.kind, t.balance_after
               AS told, t.account_version, t.taken, t.given
           FROM wallet.entries e JOIN wallet.transactions t USING (transaction_id) WHERE e.account_id = ANY ($1)""",
        list(named),
    )
    keys = await connection.fetch(
        "SELECT account_id, kind, key FROM wallet.request_keys WHERE account_id = ANY ($1) AND kind = 'bet_settled'",
        accounts,
    )
    return (
        sorted((named[row["account_id"]], row["balance"], row["version"]) for row in rows),
        sorted((named[row["account_id"]], *tuple(row)[1:]) for row in holds),
        sorted((named[row["account_id"]], *tuple(row)[1:]) for row in entries),
        sorted((named[row["account_id"]], *tuple(row)[1:]) for row in keys),
    )


def test_a_batch_and_one_by_one_leave_the_same_books(servers: Any) -> None:
    runner = asyncio.Runner()
    name = runner.run(servers.new_database())
    connection = runner.run(asyncpg.connect(servers.uri(name)))
    runner.run(connection.execute("SELECT wallet.add_currency('GBP', 2::smallint)"))

    async def prepare(players: Any, round_: str) -> list[int]:
        accounts = []
        for bets, elsewhere, _ in players:
            account = await connection.fetchval("SELECT wallet.open_player_account(gen_random_uuid(), 'GBP')")
            await connection.fetchrow(
                "SELECT * FROM wallet.post('opening_balance', $1, 'start', $2, wallet.uuid7(), ARRAY[ROW('opening',"
                " 'test', 'player_cash', NULL, 'GBP', 1000)::wallet.movement], '{}')",
                account,
                bytes(32),
            )
            asked = [(f"bet {number}", round_, amount) for number, amount in enumerate(bets)]
            asked += [("elsewhere", f"other {round_}", elsewhere)] if elsewhere else []
            for reference, part_of, amount in asked:
                row = await connection.fetchrow(
                    "SELECT * FROM wallet.open_hold('open_bet', gen_random_uuid(), $1, $2, $3, $4, wallet.uuid7(), $5,"
                    " now() + interval '1 hour', NULL, '{}')",
                    account, reference, bytes(32), part_of, amount,
                )  # fmt: skip
                assert row["outcome"] == "opened"
            accounts.append(account)
        return accounts

    async def one_by_one(players: Any, round_: str) -> tuple[list[Any], Any]:
        accounts = await prepare(players, round_)
        answers = [
            await connection.fetchrow(
                "SELECT * FROM wallet.resolve_holds('open_bet', $1, $2, NULL, 'settle', $3, wallet.uuid7(), 'captured',"
                " NULL, $4, '{}')",
                account, round_, bytes(32), win,
            )
            for account, (_, _, win) in zip(accounts, players, strict=True)
        ]  # fmt: skip
        return answers, await state_of(connection, accounts)

    async def batch(players: Any, round_: str) -> tuple[list[Any], Any]:
        accounts = await prepare(players, round_)
        wins = [win for _, _, win in players]
        keys = ["settle"] * len(accounts)
        answers = await settle(connection, round_, accounts, wins, keys=keys)
        again = await settle(connection, round_, accounts, wins, keys=keys)
        for first, second in zip(answers, again, strict=True):
            if first["outcome"] == "resolved":
                assert second["outcome"] == "replayed"
                assert (second["transaction_id"], second["balance"]) == (first["transaction_id"], first["balance"])
        return answers, await state_of(connection, accounts)

    @settings(max_examples=25, database=None, suppress_health_check=list(HealthCheck))
    @given(PLAYERS)
    def same(players: Any) -> None:
        single, single_state = runner.run(one_by_one(players, secrets.token_hex(4)))
        together, together_state = runner.run(batch(players, secrets.token_hex(4)))
        # A round's name differs between the two; nothing else may.
        assert together_state == single_state
        assert [(row["outcome"], row["amount"], row["balance"]) for row in together] == [
            (row["outcome"], row["amount"], row["balance"]) for row in single
        ]

    try:
        same()
        report = runner.run(verify_ledger(connection))
        assert report.ok, report.breaks
        assert report.transactions > 25
    finally:
        runner.run(connection.close())
        runner.close()


async def test_a_settled_round_is_settled_once_and_another_request_of_its_key_is_refused(ledger: Any) -> None:
    one, two = await ledger.player(1000), await ledger.player(1000)
    for account in (one, two):
        await ledger.hold(account, 100, "red", part_of="r1")
    differs = await settle(ledger.pool, "r1", [two, one], [250, 0], amounts=[99, 101])
    assert [(row["outcome"], row["amount"], row["balance"]) for row in differs] == [("amount_differs", 100, 900)] * 2
    first = await settle(ledger.pool, "r1", [two, one], [250, 0], amounts=[100, None])
    assert [(row["outcome"], row["amount"], row["balance"]) for row in first] == [
        ("resolved", 100, 1150),
        ("resolved", 100, 900),
    ]
    assert first[0]["transaction_id"] is not None
    other = await settle(ledger.pool, "r1", [two, one], [99, 99], hashes=[b"x" * 32] * 2)
    assert [row["outcome"] for row in other] == ["key_reused"] * 2
    assert [row["outcome"] for row in await settle(ledger.pool, "r1", [one], [5], keys=["more"])] == ["nothing_open"]
    assert [row["outcome"] for row in await settle(ledger.pool, "r1", [987654321], [5])] == ["account_unknown"]
    assert (await ledger.balance(one), await ledger.balance(two)) == (900, 1150)


@pytest.mark.parametrize("wins", [[-1, 0], [0, 0]])
async def test_a_negative_win_or_a_player_named_twice_is_refused_whole(ledger: Any, wins: list[int]) -> None:
    account = await ledger.player(1000)
    await ledger.hold(account, 100, "red", part_of="r1")
    with pytest.raises(asyncpg.InvalidParameterValueError):
        await settle(ledger.pool, "r1", [account, account], wins)
    assert await ledger.balance(account) == 900


async def test_a_settlement_goes_along_with_bets_and_other_settlements_of_its_players(ledger: Any) -> None:
    """Batches in either order of players, spins and new bets at one moment: nothing deadlocks, and the books hold."""
    accounts = [await ledger.player(10_000) for _ in range(12)]
    rounds = [f"r{number}" for number in range(6)]
    for account in accounts:
        for round_ in rounds:
            await ledger.hold(account, 10, f"{round_} bet", part_of=round_)
    at_once = [
        settle(ledger.pool, round_, accounts[:: 1 if number % 2 else -1], [25] * 12)
        for number, round_ in enumerate(rounds)
    ]
    at_once += [ledger.bets([(account, 5, 0, secrets.token_hex(4)) for account in reversed(accounts)])] * 1
    at_once += [ledger.hold(account, 7, "late", part_of="later") for account in accounts]
    answers = await asyncio.gather(*at_once)
    assert all(row["outcome"] == "resolved" for rows in answers[:6] for row in rows)
    assert [await ledger.balance(account) for account in accounts] == [10_000 - 60 + 150 - 5 - 7] * 12

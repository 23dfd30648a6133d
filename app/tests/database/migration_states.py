"""Data for the states of the database: what is in it after each migration, when the next one comes.

Written with what that state has. A migration whose state has something new adds its seed here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

Seed = Callable[[Any], Awaitable[None]]


async def ledger(connection: Any) -> None:
    """The casino's own accounts, and players without money."""
    await connection.execute("SELECT wallet.add_currency('GBP', 2::smallint)")
    for _ in range(20):
        await connection.execute("SELECT wallet.open_player_account(gen_random_uuid(), 'GBP')")


async def deposits(connection: Any) -> None:
    """Deposits of every status, rounds, and bets that are not over."""
    accounts = await connection.fetch("SELECT account_id FROM wallet.accounts WHERE kind = 'player_cash'")
    for number, row in enumerate(accounts):
        deposit = await connection.fetchval(
            "SELECT (deposit).deposit_id"
            " FROM wallet.begin_deposit(gen_random_uuid(), $1, 'first', $2, 'sandbox', 1000)",
            row["account_id"],
            bytes(32),
        )
        if number % 5 == 0:
            continue  # its answer is not known yet
        if number % 5 == 1:
            await connection.execute("SELECT wallet.decline_deposit($1, 'declined', 'pay')", deposit)
            continue
        await connection.execute("SELECT wallet.capture_deposit($1, wallet.uuid7(), 'pay')", deposit)
        for round_ in range(5):
            await connection.execute(
                "SELECT wallet.place_rounds(ARRAY[$1::bigint], ARRAY[$2], ARRAY[$3::bytea], ARRAY[wallet.uuid7()],"
                " '{100}', ARRAY[$4::bigint], '{NULL}', '{NULL}', ARRAY['{}'::jsonb])",
                row["account_id"],
                f"round {round_}",
                bytes(32),
                round_ * 40,
            )
        await connection.execute(
            "SELECT wallet.open_hold('open_bet', gen_random_uuid(), $1, 'hand', $2, 'hand', wallet.uuid7(), 70,"
            " now() + interval '1 hour', NULL, '{}')",
            row["account_id"],
            bytes(32),
        )


async def players(connection: Any) -> None:
    """Players for those accounts."""
    await connection.execute(
        """INSERT INTO pam.players (player_id, email, email_key, password_hash, date_of_birth, registered_at)
           SELECT player_id, account_id || '@example.test', account_id || '@example.test', 'x', '1980-01-01', now()
           FROM wallet.accounts WHERE kind = 'player_cash'"""
    )


SEEDS: dict[str, Seed] = {
    "0001_ledger.sql": ledger,
    "0005_deposits.sql": deposits,
    "0006_players.sql": players,
}

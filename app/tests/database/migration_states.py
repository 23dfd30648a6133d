"""Data for the states of the database: what is in it after each migration, when the next one comes.

Written with what that state has. A migration whose state has something new adds its seed here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from casino.kernel.identity import new_id

Seed = Callable[[Any], Awaitable[None]]


async def ledger(connection: Any) -> None:
    """The casino's own accounts, and players without money."""
    await connection.execute("SELECT wallet.add_currency('GBP', 2::smallint)")
    for _ in range(20):
        await connection.execute("SELECT wallet.open_player_account(gen_random_uuid(), 'GBP')")


async def rounds(connection: Any) -> None:
    """Money, rounds, and bets that are not over."""
    accounts = await connection.fetch("SELECT account_id FROM wallet.accounts WHERE kind = 'player_cash'")
    for row in accounts:
        await connection.execute(
            "SELECT wallet.post('opening_balance', $1, 'opening', $2, wallet.uuid7(),"
            " ARRAY[ROW('opening', 'before', 'player_cash', NULL, 'GBP', 1000)::wallet.movement], '{}')",
            row["account_id"],
            bytes(32),
        )
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


async def payments(connection: Any) -> None:
    """Deposits: one that waits for its provider, one that was declined, the others captured."""
    accounts = await connection.fetch("SELECT account_id FROM wallet.accounts WHERE kind = 'player_cash'")
    for number, row in enumerate(accounts):
        state = {0: "processing", 1: "failed"}.get(number, "captured")
        await connection.execute(
            """WITH payment AS (
                   INSERT INTO wallet.payments (payment_id, kind, player_id, account_id, method, currency, amount,
                       state, received, captured, idempotency_key, request_hash, created_at, updated_at)
                   SELECT gen_random_uuid(), 'deposit', player_id, account_id, 'card', currency, 500,
                       $2, $3, $3, 'first', $4, now(), now()
                   FROM wallet.accounts WHERE account_id = $1 RETURNING payment_id)
               SELECT wallet.post('deposit', $1, 'first', $4, wallet.uuid7(),
                   ARRAY[ROW('psp_clearing', 'sandbox', 'player_cash', NULL, 'GBP', 500)::wallet.movement],
                   jsonb_build_object('payment_id', payment_id)) FROM payment WHERE $3 > 0""",
            row["account_id"], state, 500 if state == "captured" else 0, bytes(32),
        )  # fmt: skip


async def oversight(connection: Any) -> None:
    """A game that was switched off and on, a list, what was played, a jackpot that somebody pays into."""
    await connection.execute(
        """WITH list AS (
               INSERT INTO game_control.approved_lists (list_id, source, sha256, recorded_by, recorded_at)
               VALUES (gen_random_uuid(), 'a register', sha256(''), 'console:ann', now()) RETURNING list_id)
           INSERT INTO game_control.approved_games SELECT list_id, 'harbour-lights', '1.0.0', NULL, '2026-01-01', NULL
           FROM list;
           INSERT INTO game_control.switches (switch_id, game_id, enabled, reason, actor, second_actor, set_at)
               VALUES (gen_random_uuid(), 'harbour-lights', false, 'an incident', 'console:ann', NULL, now()),
                      (gen_random_uuid(), 'harbour-lights', true, 'mended', 'console:ann', 'console:ben', now());
           INSERT INTO game_control.play_by_day
               VALUES ('harbour-lights', '1.0.0', 'GBP', '2026-11-30', 5, 500, 400, 50000);
           INSERT INTO ops.history SELECT a.account_id, 1, gen_random_uuid(), 'deposit', now(), 0, 1000, 1000, '{}'
               FROM wallet.accounts a WHERE a.kind = 'player_cash';
           INSERT INTO gal.jackpot_hits (hit_id, jackpot, account_id, key, noted_at)
               VALUES (gen_random_uuid(), 'grand', 1, 'a key', now());
           SELECT wallet.begin_jackpot('grand', 'GBP', 500)"""
    )


async def open_rounds(connection: Any) -> None:
    """Rounds of several steps: open ones of each player with money, and some that are closed."""
    state = (
        '{"game_id": "g", "version": "1.0.0", "staked_minor": 10, "win_minor": %d, "actions": [], "data": {},'
        ' "steps": []}'
    )
    query = (
        "SELECT outcome FROM wallet.step_round($1, $2, $3, $4, $5, '{}', $6, $7, $8, $9::jsonb, NULL, NULL, NULL,"
        " now(), now() + interval '1 day', NULL, NULL)"
    )
    accounts = await connection.fetch(
        "SELECT account_id FROM wallet.accounts WHERE kind = 'player_cash' AND balance >= 100 ORDER BY account_id"
    )
    for number, row in enumerate(accounts):
        at, account = new_id(), row["account_id"]
        await connection.execute(query, at, account, 0, "start", bytes(32), 10, False, 0, state % 0)
        if number % 2:
            await connection.execute(query, at, account, 1, "end", bytes(32), 0, True, 20, state % 20)


async def protection(connection: Any) -> None:
    """A player with limits and a session, two accounts that became one, and what a studio asked."""
    accounts = await connection.fetch(
        "SELECT account_id, player_id FROM wallet.accounts WHERE kind = 'player_cash' ORDER BY account_id"
    )
    limited, kept, gone = accounts[0], accounts[1], accounts[2]
    await connection.execute(
        "SELECT wallet.protect($1, 1, NULL, 'UTC', '{loss,deposit}', '{day,month}', '{1000000,1000000}')",
        limited["account_id"],
    )
    await connection.execute(
        "INSERT INTO responsible_gaming.presence (player_id, account_id, began_at, looked_at, told_at)"
        " VALUES ($1, $2, now(), now(), now())",
        limited["player_id"],
        limited["account_id"],
    )
    await connection.execute(
        "INSERT INTO wallet.player_merges VALUES ($1, $2, 'merge:it')", gone["player_id"], kept["player_id"]
    )
    await connection.execute(
        """INSERT INTO gal.studios (studio, name) VALUES ('studio', 'Studio');
           INSERT INTO gal.studio_transactions
                   (studio, transaction_id, kind, status, request_hash, account_id, finished_at)
               VALUES ('studio', 'old', 'bet', 'done', sha256(''), 1, now() - interval '6 years'),
                      ('studio', 'waits', 'bet', 'pending', sha256(''), 1, NULL)"""
    )


async def operation(connection: Any) -> None:
    """A casino that was opened, and is to close for good on a day far ahead."""
    for revision, acts, until in (
        (1, ["withdraw"], None),
        (2, ["deposit", "register", "stake", "withdraw"], "2100-01-01"),
    ):
        await connection.execute(
            "SELECT outcome FROM wallet.operate($1, 'Live', $2, $3::text::timestamptz, '')", revision, acts, until
        )


SEEDS: dict[str, Seed] = {
    "0001_ledger.sql": ledger,
    "0004_holds.sql": rounds,
    "0006_players.sql": players,
    "0009_payments.sql": payments,
    "0017_oversight.sql": oversight,
    "0018_responsible_gaming.sql": protection,
    "0015_open_rounds.sql": open_rounds,
    "0023_operation.sql": operation,
}

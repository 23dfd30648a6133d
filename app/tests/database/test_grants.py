"""What each role may do: asked of a real database, by logins as OpenBao makes them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import asyncpg
import pytest
from casino import grants
from casino.grants import BACKUP, LEDGER, MODULES, Thing, statements, wanted
from casino.kernel.db import Databases
from casino.kernel.errors import ConfigurationError
from casino.migrate import migrate, plan

PREFIX = "casino_test"
DENIED = asyncpg.InsufficientPrivilegeError
_numbers = itertools.count()
Login = Callable[[str], Awaitable[Any]]


@pytest.fixture
async def owner(servers: Any, database: str) -> AsyncIterator[Any]:
    """A connection as the role that migrates."""
    connection = await asyncpg.connect(servers.uri(database))
    await connection.execute(f"SET ROLE {PREFIX}_owner")
    yield connection
    await connection.close()


@pytest.fixture
async def login(servers: Any, database: str) -> AsyncIterator[Login]:
    """Connects as a new login that is a member of one module's role and of nothing else."""
    async with AsyncExitStack() as stack:

        async def connect(module: str) -> Any:
            name = f"v_{module}_{next(_numbers)}"
            await servers.sql(f"CREATE ROLE {name} LOGIN IN ROLE {PREFIX}_{module}")
            connection = await asyncpg.connect(servers.uri(database), user=name)
            stack.push_async_callback(connection.close)
            return connection

        yield connect


async def refused(connection: Any, statement: str) -> None:
    with pytest.raises(DENIED):
        await connection.execute(statement)


async def test_a_second_run_changes_nothing_and_a_right_given_by_hand_is_taken_back(owner: Any) -> None:
    assert await grants.apply(owner, PREFIX, required=True) == []
    await owner.execute(f"GRANT UPDATE ON wallet.postings TO {PREFIX}_wallet, {PREFIX}_pam")
    await owner.execute("GRANT SELECT ON pam.players TO PUBLIC")
    await owner.execute(f"REVOKE SELECT ON pam.players FROM {PREFIX}_pam")
    assert sorted(await grants.apply(owner, PREFIX, required=True)) == [
        f'GRANT SELECT ON TABLE pam.players TO "{PREFIX}_pam"',
        "REVOKE SELECT ON TABLE pam.players FROM PUBLIC",
        f'REVOKE UPDATE ON TABLE wallet.postings FROM "{PREFIX}_pam"',
        f'REVOKE UPDATE ON TABLE wallet.postings FROM "{PREFIX}_wallet"',
    ]
    assert await grants.apply(owner, PREFIX, required=True) == []


async def test_a_modules_login_reaches_its_schema_and_no_other(owner: Any, login: Login) -> None:
    tables = await owner.fetch(
        "SELECT schemaname, format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname = ANY ($1)",
        list(MODULES),
    )
    assert {row["schemaname"] for row in tables} >= {"pam", "wallet"}
    for module in MODULES:
        connection = await login(module)
        assert await connection.fetchval("SELECT count(*) FROM migrations.applied") > 0
        for row in tables:
            if row["schemaname"] == module:
                await connection.fetch(f"SELECT * FROM {row['name']} LIMIT 1")
            else:
                await refused(connection, f"SELECT * FROM {row['name']}")
                await refused(connection, f"DELETE FROM {row['name']}")


async def test_no_login_becomes_anybody_else_even_by_an_injected_statement(login: Login) -> None:
    for module in ("pam", "wallet", "ops"):
        connection = await login(module)
        for other in {"owner", LEDGER, *MODULES} - {module}:
            await refused(connection, f"SET ROLE {PREFIX}_{other}")
            await refused(connection, f"SELECT set_config('role', '{PREFIX}_{other}', false)")
        await refused(connection, "CREATE TABLE public.mine (id int)")
        await refused(connection, f"CREATE TABLE {module if module != 'ops' else 'pam'}.mine (id int)")


async def test_the_wallet_moves_money_by_its_functions_alone(owner: Any, login: Login) -> None:
    wallet, pam = await login("wallet"), await login("pam")
    await wallet.execute("SELECT wallet.add_currency('GBP', 2::smallint)")
    await wallet.execute("SELECT wallet.open_jackpot('grand', 'GBP')")
    player = await wallet.fetchval("SELECT wallet.open_player_account(gen_random_uuid(), 'GBP')")
    money = (
        "SELECT outcome FROM wallet.post('opening_balance', $1, 'o', sha256(''), wallet.uuid7(),"
        " ARRAY[ROW('opening', 'other', 'player_cash', NULL, 'GBP', 500)::wallet.movement], '{}')",
        "SELECT outcome FROM wallet.place_rounds(ARRAY[$1::bigint], '{k}', ARRAY[sha256('')], ARRAY[wallet.uuid7()],"
        " '{100}', '{50}', '{NULL}', '{NULL}', ARRAY['{}'::jsonb], '{grand}', '{5000000}')",
        "SELECT outcome FROM wallet.open_hold('open_bet', gen_random_uuid(), $1, 'h', sha256(''), 'h', wallet.uuid7(),"
        " 50, now() + interval '1 hour', NULL, '{}')",
        "SELECT outcome FROM wallet.resolve_holds('open_bet', $1, 'h', NULL, 'e', sha256(''), wallet.uuid7(),"
        " 'captured', NULL, 70, '{}')",
        "SELECT outcome FROM wallet.pay_jackpot('grand', $1, 'j', sha256(''), wallet.uuid7(), 10, '{}')",
    )
    outcomes = [await wallet.fetchval(statement, player) for statement in money]
    assert outcomes == ["posted", "placed", "opened", "resolved", "posted"]
    assert await wallet.fetchval("SELECT balance FROM wallet.accounts WHERE account_id = $1", player) == 475
    for statement in (
        "UPDATE wallet.accounts SET balance = 100",
        "INSERT INTO wallet.accounts (kind, player_id, currency) VALUES ('player_cash', gen_random_uuid(), 'GBP')",
        "DELETE FROM wallet.transactions",
        "INSERT INTO wallet.postings SELECT * FROM wallet.postings",
        "ALTER TABLE wallet.postings DISABLE TRIGGER ALL",
        "DROP TABLE wallet.postings",
    ):
        await refused(wallet, statement)
    await refused(pam, "SELECT wallet.open_player_account(gen_random_uuid(), 'GBP')")


async def test_who_owns_the_functions_that_move_money_cannot_rewrite_the_journal(owner: Any) -> None:
    definers = await owner.fetch(
        "SELECT proname, pg_get_userbyid(proowner) AS owner FROM pg_proc"
        " WHERE pronamespace = 'wallet'::regnamespace AND prosecdef"
    )
    assert definers and {row["owner"] for row in definers} == {f"{PREFIX}_{LEDGER}"}
    login_right = await owner.fetchval("SELECT rolcanlogin FROM pg_roles WHERE rolname = $1", f"{PREFIX}_{LEDGER}")
    assert login_right is False
    await owner.execute(f"SET ROLE {PREFIX}_{LEDGER}")
    for statement in (
        "UPDATE wallet.postings SET amount = 1",
        "DELETE FROM wallet.transactions",
        "TRUNCATE wallet.transactions",
        "ALTER TABLE wallet.postings DISABLE TRIGGER ALL",
        "CREATE FUNCTION wallet.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "SELECT * FROM pam.players",
    ):
        await refused(owner, statement)


async def test_what_a_migration_adds_falls_under_the_rules_without_being_listed(owner: Any, login: Login) -> None:
    await owner.execute(
        """CREATE TABLE gal.rounds (id int);
           CREATE TABLE gal.log (id int);
           CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON gal.log
               FOR EACH STATEMENT EXECUTE FUNCTION wallet.refuse_rewrite();
           CREATE TABLE wallet.holds_2026_11 (id int);
           CREATE TABLE wallet.mandates (id int);
           CREATE FUNCTION wallet.hold() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';
           CREATE FUNCTION wallet.look() RETURNS int LANGUAGE sql AS 'SELECT 1'"""
    )
    gal, wallet = await login("gal"), await login("wallet")
    # Even before the rights are given, a new function is nobody's.
    await refused(gal, "SELECT wallet.hold()")
    await refused(wallet, "SELECT wallet.hold()")
    await grants.apply(owner, PREFIX, required=True)
    await gal.execute("INSERT INTO gal.rounds VALUES (1); UPDATE gal.rounds SET id = 2; DELETE FROM gal.rounds")
    await gal.execute("INSERT INTO gal.log VALUES (1)")
    await refused(gal, "UPDATE gal.log SET id = 2")
    await refused(gal, "SELECT * FROM wallet.mandates")
    await wallet.execute("INSERT INTO wallet.mandates VALUES (1); UPDATE wallet.mandates SET id = 2")
    await refused(wallet, "DELETE FROM wallet.mandates")
    await refused(wallet, "INSERT INTO wallet.holds_2026_11 VALUES (1)")
    assert await wallet.fetchval("SELECT wallet.hold() + wallet.look()") == 2
    owners = dict(await owner.fetch("SELECT proname, pg_get_userbyid(proowner)::text FROM pg_proc WHERE proname = ANY"
                                    " (ARRAY['hold', 'look'])"))  # fmt: skip
    assert owners == {"hold": f"{PREFIX}_{LEDGER}", "look": f"{PREFIX}_owner"}
    # The owner may still change what it handed over, as the next migration will.
    await owner.execute(
        "CREATE OR REPLACE FUNCTION wallet.hold() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 2'"
    )
    assert await grants.apply(owner, PREFIX, required=True) == []
    assert await wallet.fetchval("SELECT wallet.hold()") == 2


async def test_missing_roles_are_passed_over_in_development_and_refused_elsewhere(servers: Any) -> None:
    await servers.sql("CREATE DATABASE roleless")
    connection = await asyncpg.connect(servers.uri("roleless"))
    with pytest.raises(ConfigurationError, match="roleless_pam, roleless_wallet"):
        await migrate(connection, roles_required=True)
    assert await connection.fetchval("SELECT to_regclass('wallet.accounts')") is None, "refused before it began"
    assert len(await migrate(connection)) > 0
    due = await plan(connection)
    assert (due.migrations, due.grants) == ([], [])
    assert not await connection.fetchval(
        "SELECT has_function_privilege('casino_test_pam', 'wallet.open_player_account(uuid, text, text)', 'EXECUTE')"
    )
    await connection.close()


async def test_a_modules_pool_is_confined_to_its_schema_and_connects_when_it_is_used(
    servers: Any, database: str
) -> None:
    databases = Databases(servers.settings(database), None, MODULES, {"wallet": 2})
    await databases.open()

    async def connected() -> dict[str, int]:
        rows = await servers.sql(
            "SELECT application_name, count(*) FROM pg_stat_activity"
            f" WHERE datname = '{database}' AND application_name LIKE 'casino %' GROUP BY 1"
        )
        return dict(rows)

    assert await connected() == {"casino wallet": 2}
    pam = databases.of("pam").pool
    assert await pam.fetchval("SELECT count(*) FROM pam.players") == 0
    assert await pam.fetchval("SELECT current_user::text") == f"{PREFIX}_pam"
    assert await connected() == {"casino wallet": 2, "casino pam": 1}
    with pytest.raises(DENIED):
        await pam.fetchval("SELECT count(*) FROM wallet.accounts")
    await databases.close()
    async with asyncio.timeout(5):
        while await connected():  # noqa: ASYNC110 - the server takes note of it in its own time
            await asyncio.sleep(0.02)


async def test_a_pool_that_is_not_used_gives_its_connections_back(
    servers: Any, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("casino.kernel.db.IDLE_S", 0.1)
    databases = Databases(servers.settings(database), None, ("pam", "wallet"), {"wallet": 2})
    await databases.open()
    for module in ("pam", "wallet"):
        pool = databases.of(module).pool
        await asyncio.gather(*(pool.fetch("SELECT pg_sleep(0.05)") for _ in range(5)))
        assert pool.get_size() > databases.of(module).minimum
    await asyncio.sleep(0.5)
    assert [databases.of(module).pool.get_size() for module in ("pam", "wallet")] == [0, 2]
    await databases.close()


async def test_a_process_does_not_start_where_a_role_is_missing(servers: Any, database: str) -> None:
    settings = servers.settings(database, CASINO_DATABASE_ROLE_PREFIX="nobodys")
    databases = Databases(settings, None, MODULES, {"wallet": 2})
    with pytest.raises(ConfigurationError, match="nobodys_wallet"):
        await databases.open()
    await databases.close()


def _thing(kind: str, schema: str, name: str, **more: Any) -> Thing:
    defaults = {"owner": "o", "definer": False, "view": False, "triggers": frozenset(), "held": frozenset()}
    return Thing(kind, schema, name, f"{schema}.{name}", **(defaults | more))


@pytest.mark.parametrize("table", ["postings", "postings_2026_11", "transactions_y2026m11", "request_keys_default"])
def test_the_journals_months_are_the_journal(table: str) -> None:
    rights = set(wanted(_thing("TABLE", "wallet", table)))
    assert rights == {("wallet", "SELECT"), (LEDGER, "SELECT"), (LEDGER, "INSERT"), (BACKUP, "SELECT")}


def test_a_schema_of_nobody_is_nobodys_business() -> None:
    assert list(wanted(_thing("TABLE", "public", "t"))) == []


def test_roles_are_quoted() -> None:
    (made,) = statements([_thing("TABLE", "pam", "t", view=True)], 'a"b', frozenset({'a"b_pam'}), False)
    assert made == 'GRANT SELECT ON TABLE pam.t TO "a""b_pam"'

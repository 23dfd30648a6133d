"""PostgreSQL through psycopg, with a dynamic login from OpenBao and always as `domicile_provisioner`."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import psycopg
from psycopg.sql import SQL, Composed, Identifier

from domicile_operator import sql
from domicile_operator.clients.bao import Bao
from domicile_operator.clients.breaker import Breaker
from domicile_operator.errors import Fault
from domicile_operator.gate import OPEN, Gate
from domicile_operator.names import PROVISIONER_CREDENTIALS, PROVISIONER_ROLE, Names

MAINTENANCE_DATABASE = "postgres"


class Databases(Protocol):
    """What the operator asks of PostgreSQL. Every verb raises Fault and may be repeated."""

    def ensure(self, names: Names, licence: str) -> bool:
        """Database and roles as they should be. True when something was changed."""

    def missing(self, names: Names, licence: str) -> tuple[str, ...]:
        """The statements that `ensure` would run. Runs none."""

    def serves_as_former(self, names: Names) -> bool:
        """Whether a casino of before each module had a role still has a login."""

    def retire(self, names: Names, licence: str) -> None:
        """Keep the records, leave no login that reaches them. Those of another licence are not touched."""

    def drop(self, names: Names, licence: str) -> None:
        """Remove database and roles. Those of another licence are not touched."""


class PostgresClient:
    """`Databases` over TLS. Takes the server's host and port, its CA file, and where logins come from."""

    def __init__(
        self,
        host: str,
        port: int,
        ca_file: Path,
        bao: Bao,
        *,
        sslmode: str = "verify-full",
        clock: Callable[[], float] = time.monotonic,
        gate: Gate = OPEN,
    ) -> None:
        self._server = {"host": host, "port": port, "sslmode": sslmode, "sslrootcert": str(ca_file)}
        self._bao, self._clock, self._gate = bao, clock, gate
        self._lock = threading.Lock()
        self._breaker = Breaker(clock)
        self._login: tuple[str, str] | None = None
        self._login_until = 0.0

    def ensure(self, names: Names, licence: str) -> bool:
        with self._connection(MAINTENANCE_DATABASE) as connection:
            facts = _facts_of_ours(connection, names, licence)
            changed = self._execute(connection, sql.server_statements(names, licence, facts))
        with self._connection(names.database) as connection:
            row = connection.execute(sql.PUBLIC_MAY_CREATE).fetchone()
            return self._execute(connection, sql.database_statements(names, facts, bool(row and row[0]))) or changed

    def missing(self, names: Names, licence: str) -> tuple[str, ...]:
        with self._connection(MAINTENANCE_DATABASE) as connection:
            facts = _facts_of_ours(connection, names, licence)
        todo = sql.server_statements(names, licence, facts)
        if facts.database and facts.allows_connections:
            with self._connection(names.database) as connection:
                row = connection.execute(sql.PUBLIC_MAY_CREATE).fetchone()
                todo += sql.database_statements(names, facts, bool(row and row[0]))
        return sql.spelt(todo)

    def serves_as_former(self, names: Names) -> bool:
        with self._connection(MAINTENANCE_DATABASE) as connection:
            return sql.serves_as_former(names, _server_facts(connection, names))

    def retire(self, names: Names, licence: str) -> None:
        self._end(names, licence, sql.retire_statements)

    def drop(self, names: Names, licence: str) -> None:
        self._end(names, licence, sql.drop_statements)

    def _end(self, names: Names, licence: str, ending: Callable[[Names, sql.ServerFacts], list[Composed]]) -> None:
        with self._connection(MAINTENANCE_DATABASE) as connection:
            facts = _server_facts(connection, names)
            if sql.licence_of(facts.comment) in (None, licence):
                self._execute(connection, ending(names, facts))

    def _execute(self, connection: psycopg.Connection[Any], statements: Sequence[Composed]) -> bool:
        for statement in statements:
            self._gate.write()
            connection.execute(statement)
        return bool(statements)

    @contextmanager
    def _connection(self, database: str) -> Iterator[psycopg.Connection[Any]]:
        self._breaker.check()
        self._gate.write()
        where = f"PostgreSQL at {self._server['host']}:{self._server['port']}"
        try:
            with self._connect(database) as connection:
                yield connection
        except psycopg.Error as error:
            if error.sqlstate is not None:
                raise Fault("POSTGRESQL_REFUSED", f"{where} refused: {_line(error)}.") from error
            fault = Fault(
                "POSTGRESQL_UNREACHABLE",
                f"{where} cannot be used: {_line(error)}. Check that it runs, and its certificate.",
            )
            # One tenant's database that refuses connections says nothing about the server.
            raise (self._breaker.trip(fault) if database == MAINTENANCE_DATABASE else fault) from error

    def _connect(self, database: str) -> psycopg.Connection[Any]:
        login = self._login if self._clock() < self._login_until else None
        if login is not None:
            try:
                return self._open(database, login)
            except psycopg.Error as error:
                # A login dies with the OpenBao token that it was issued under, before its own time is up.
                # That is no trouble, so no tenant hears of it: once more with a fresh one.
                try:
                    return self._open(database, self._fresh_login(instead_of=login))
                except Fault:
                    raise error from None
        return self._open(database, self._fresh_login(instead_of=None))

    def _open(self, database: str, login: tuple[str, str]) -> psycopg.Connection[Any]:
        connection = psycopg.connect(
            dbname=database,
            user=login[0],
            password=login[1],
            connect_timeout=5,
            application_name="domicile-operator",
            autocommit=True,  # CREATE DATABASE runs in no transaction
            options="-c statement_timeout=60000 -c lock_timeout=10000",
            **self._server,  # type: ignore[arg-type]
        )
        try:
            # A login that is dropped just now still opens a session, and is refused the role.
            connection.execute(SQL("SET ROLE {}").format(Identifier(PROVISIONER_ROLE)))
        except psycopg.Error:
            connection.close()
            raise
        return connection

    def _fresh_login(self, instead_of: tuple[str, str] | None) -> tuple[str, str]:
        with self._lock:
            # Another worker may have got one while this one waited for the lock.
            if self._login is None or self._login == instead_of or self._clock() >= self._login_until:
                user, password, seconds = self._bao.login(PROVISIONER_CREDENTIALS)
                self._login = (user, password)
                self._login_until = self._clock() + seconds * 2 / 3
            return self._login


def _facts_of_ours(connection: psycopg.Connection[Any], names: Names, licence: str) -> sql.ServerFacts:
    facts = _server_facts(connection, names)
    theirs = sql.licence_of(facts.comment)
    if theirs not in (None, licence):
        raise Fault(
            "DATABASE_OF_ANOTHER_LICENCE",
            f"Database {names.database} holds the retained records of licence {theirs}, "
            f"not of {licence}. Archive and drop it, or give this tenant another name.",
        )
    return facts


def _server_facts(connection: psycopg.Connection[Any], names: Names) -> sql.ServerFacts:
    values = sql.parameters(names)
    roles = connection.execute(sql.SERVER_ROLES, values).fetchall()
    members = connection.execute(sql.ROLE_MEMBERS, values).fetchall()
    ledger = connection.execute(sql.OWNER_IS_LEDGER, values).fetchone()
    database = connection.execute(sql.SERVER_DATABASE, values).fetchone()
    return sql.ServerFacts(
        roles=frozenset(name for name, _, _ in roles),
        provisioner_member=frozenset(name for name, member, _ in roles if member),
        openbao_admin=frozenset(name for name, _, admin in roles if admin),
        other_members=tuple((role, member) for role, member in members),
        owner_is_ledger=bool(ledger and ledger[0]),
        database=database is not None,
        **(
            {
                "allows_connections": database[0],
                "public_may_connect": database[1],
                "may_connect": frozenset(database[2]),
                "comment": database[3],
            }
            if database
            else {}
        ),
    )


def _line(error: Exception) -> str:
    return " ".join(str(error).split())

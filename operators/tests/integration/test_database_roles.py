"""A tenant's roles in a real PostgreSQL, made by the provisioner: needs no OpenBao and no cluster."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from domicile_operator.clients.postgres import PostgresClient
from domicile_operator.logins import roles_sql
from domicile_operator.names import MODULES, Names
from operator_testkit.servers import Postgres, stopped_afterwards
from operator_testkit.tls import Authority

NAMES = Names("acme-gb")
DATABASE = NAMES.database


class Provisioner:
    """OpenBao as far as the client asks it: a login in the provisioner's role."""

    user = "v_operator"

    def login(self, role: str) -> tuple[str, str, float]:
        return self.user, "operator", 3600.0


@dataclass
class Cell:
    postgres: Postgres
    databases: PostgresClient

    def superuser(self, database: str = "postgres") -> psycopg.Connection[Any]:
        return psycopg.connect(self.postgres.dsn(database), autocommit=True)

    def login(self, role: str, name: str) -> str:
        """A login as OpenBao makes it: by its own login, in one role."""
        with psycopg.connect(self.postgres.dsn(user="openbao", password="bao"), autocommit=True) as openbao:
            openbao.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'p' IN ROLE {role}")  # type: ignore[arg-type]
        return self.postgres.dsn(DATABASE, name, "p")

    def roles(self) -> set[str]:
        with self.superuser() as connection:
            return {
                name for (name,) in connection.execute("SELECT rolname FROM pg_roles WHERE rolname LIKE 'casino_%'")
            }


@pytest.fixture
def cell(tmp_path: Path) -> Iterator[Cell]:
    with stopped_afterwards():
        authority = Authority(tmp_path)
        postgres = Postgres(authority)
        found = PostgresClient("localhost", postgres.front.port, authority.certificate, Provisioner())  # type: ignore[arg-type]
        made = Cell(postgres, found)
        with made.superuser() as connection:
            connection.execute(roles_sql())
            connection.execute("ALTER ROLE openbao PASSWORD 'bao'")
            connection.execute("CREATE ROLE v_operator LOGIN PASSWORD 'operator' IN ROLE domicile_provisioner")
        yield made


def test_a_tenants_life(cell: Cell) -> None:
    assert cell.databases.ensure(NAMES, "000-1") is True
    assert cell.databases.ensure(NAMES, "000-1") is False
    assert cell.roles() == {f"{DATABASE}_{role}" for role in ("owner", "ledger", "backup", *MODULES)}
    _the_owner_hands_functions_over(cell)
    for module in MODULES:
        with psycopg.connect(cell.login(NAMES.module_roles[module], f"v_{module}"), autocommit=True) as session:
            for other in {"owner", "ledger", *MODULES} - {module}:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    session.execute(f"SET ROLE {DATABASE}_{other}")  # type: ignore[arg-type]
    cell.databases.retire(NAMES, "000-1")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(cell.postgres.dsn(DATABASE, "v_pam", "p"))
    assert cell.databases.ensure(NAMES, "000-1") is True, "a tenant of the same licence takes it over"
    cell.databases.drop(NAMES, "000-1")
    assert cell.roles() == set()


def test_a_login_that_dies_between_its_session_and_its_role_is_replaced(
    cell: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cell.databases.ensure(NAMES, "000-1") is True
    with cell.superuser() as connection:
        connection.execute("REVOKE domicile_provisioner FROM v_operator")
        connection.execute("CREATE ROLE v_next LOGIN PASSWORD 'operator' IN ROLE domicile_provisioner")
    monkeypatch.setattr(Provisioner, "user", "v_next")
    assert cell.databases.ensure(NAMES, "000-1") is False


def _the_owner_hands_functions_over(cell: Cell) -> None:
    """What casino/grants.py does with the functions that move money."""
    with psycopg.connect(cell.login(NAMES.owner_role, "v_owner"), autocommit=True) as owner:
        for statement in (
            f"SET ROLE {NAMES.owner_role}",
            "CREATE SCHEMA wallet",
            "CREATE TABLE wallet.postings (id int)",
            "CREATE FUNCTION wallet.post() RETURNS void LANGUAGE sql SECURITY DEFINER"
            " AS 'INSERT INTO wallet.postings VALUES (1)'",
            f"GRANT USAGE, CREATE ON SCHEMA wallet TO {NAMES.ledger_role}",
            f"ALTER FUNCTION wallet.post() OWNER TO {NAMES.ledger_role}",
            f"REVOKE CREATE ON SCHEMA wallet FROM {NAMES.ledger_role}",
            f"GRANT INSERT ON wallet.postings TO {NAMES.ledger_role}",
            f"GRANT USAGE ON SCHEMA wallet TO {NAMES.module_roles['wallet']}",
            "REVOKE ALL ON FUNCTION wallet.post() FROM PUBLIC",
            f"GRANT EXECUTE ON FUNCTION wallet.post() TO {NAMES.module_roles['wallet']}",
        ):
            owner.execute(statement)  # type: ignore[arg-type]
    with psycopg.connect(cell.login(NAMES.module_roles["wallet"], "v_first"), autocommit=True) as wallet:
        wallet.execute("SELECT wallet.post()")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            wallet.execute("INSERT INTO wallet.postings VALUES (2)")


def test_a_tenant_of_before_is_served_until_its_last_pod_is_replaced(cell: Cell) -> None:
    former = NAMES.former_role
    with cell.superuser() as connection:  # as the operator of the release before left it
        connection.execute("SET ROLE domicile_provisioner")
        for role in (NAMES.owner_role, former):
            for statement in (
                f"CREATE ROLE {role} NOLOGIN",
                f"GRANT {role} TO domicile_provisioner",
                f"GRANT {role} TO openbao WITH ADMIN OPTION",
            ):
                connection.execute(statement)  # type: ignore[arg-type]
        connection.execute(f"CREATE DATABASE {DATABASE} OWNER {NAMES.owner_role}")  # type: ignore[arg-type]
        connection.execute(f"GRANT CONNECT ON DATABASE {DATABASE} TO {former}")  # type: ignore[arg-type]
    with psycopg.connect(cell.login(NAMES.owner_role, "v_owner"), autocommit=True) as owner:
        owner.execute(f"SET ROLE {NAMES.owner_role}")  # type: ignore[arg-type]
        owner.execute("CREATE TABLE players (id int)")
        owner.execute(f"GRANT SELECT ON players TO {former}")  # type: ignore[arg-type]
    pod = psycopg.connect(cell.login(former, "v_pod"), autocommit=True)

    assert cell.databases.ensure(NAMES, "000-1") is True
    assert cell.databases.serves_as_former(NAMES) is True
    assert cell.databases.ensure(NAMES, "000-1") is False
    assert pod.execute("SELECT count(*) FROM players").fetchone() == (0,)
    assert former in cell.roles()

    pod.close()
    with psycopg.connect(cell.postgres.dsn(user="openbao", password="bao"), autocommit=True) as openbao:
        openbao.execute("DROP ROLE v_pod")
    assert cell.databases.serves_as_former(NAMES) is False
    assert cell.databases.ensure(NAMES, "000-1") is True
    assert former not in cell.roles()
    assert cell.databases.ensure(NAMES, "000-1") is False

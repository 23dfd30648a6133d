"""The SQL of a tenant's database: pure functions from names and facts to statements.

Written for PostgreSQL 15 to 18. Since 16 a role with CREATEROLE has power only over roles it holds
ADMIN OPTION on (it gets that on those it makes), and may make a database for another role only where it
can SET ROLE to it: hence the grant of the owner role to the provisioner itself.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.sql import SQL, Composed, Identifier, Literal

from domicile_operator.names import OPENBAO_LOGIN, PROVISIONER_ROLE, Names


@dataclass(frozen=True)
class ServerFacts:
    """What the server's shared catalogues say of a tenant's roles and database."""

    roles: frozenset[str] = frozenset()
    provisioner_member: frozenset[str] = frozenset()
    openbao_admin: frozenset[str] = frozenset()
    owner_is_ledger: bool = False
    """Whether the owner may hand functions over to the ledger's role."""
    other_members: tuple[tuple[str, str], ...] = ()
    """(role, member) for every login: every member that is neither the provisioner nor OpenBao."""
    database: bool = False
    allows_connections: bool = True
    public_may_connect: bool = True
    may_connect: frozenset[str] = frozenset()
    comment: str | None = None


SERVER_ROLES = SQL(
    "SELECT rolname, pg_has_role(%(provisioner)s, oid, 'USAGE'), "
    "pg_has_role(%(openbao)s, oid, 'MEMBER WITH ADMIN OPTION') "
    "FROM pg_roles WHERE rolname = ANY (%(roles)s)"
)
ROLE_MEMBERS = SQL(
    "SELECT DISTINCT r.rolname, m.rolname FROM pg_auth_members a "
    "JOIN pg_roles r ON r.oid = a.roleid JOIN pg_roles m ON m.oid = a.member "
    "WHERE r.rolname = ANY (%(groups)s) AND m.rolname NOT IN (%(provisioner)s, %(openbao)s)"
)
OWNER_IS_LEDGER = SQL(
    "SELECT EXISTS (SELECT FROM pg_auth_members a "
    "JOIN pg_roles r ON r.oid = a.roleid JOIN pg_roles m ON m.oid = a.member "
    "WHERE r.rolname = %(ledger)s AND m.rolname = %(owner)s)"
)
SERVER_DATABASE = SQL(
    "SELECT d.datallowconn, "
    # PUBLIC holds CONNECT and TEMPORARY while the list is NULL, or by an entry with grantee 0.
    "d.datacl IS NULL OR EXISTS (SELECT FROM aclexplode(d.datacl) a WHERE a.grantee = 0), "
    "ARRAY(SELECT r.rolname::text FROM aclexplode(d.datacl) a JOIN pg_roles r ON r.oid = a.grantee "
    "      WHERE a.privilege_type = 'CONNECT'), "
    "shobj_description(d.oid, 'pg_database') FROM pg_database d WHERE d.datname = %(database)s"
)
PUBLIC_MAY_CREATE = SQL(
    "SELECT EXISTS (SELECT FROM pg_namespace n, aclexplode(n.nspacl) a "
    "WHERE n.nspname = 'public' AND a.grantee = 0 AND a.privilege_type = 'CREATE')"
)


def groups(names: Names) -> list[str]:
    """The roles that logins are members of: the owner's, each module's, and that of backups."""
    return [names.owner_role, *names.module_roles.values(), names.backup_role]


def parameters(names: Names) -> dict[str, Any]:
    """Parameters of the queries above."""
    return {
        "owner": names.owner_role,
        "ledger": names.ledger_role,
        "groups": [*groups(names), names.former_role],
        "roles": [*groups(names), names.ledger_role, names.former_role],
        "database": names.database,
        "provisioner": PROVISIONER_ROLE,
        "openbao": OPENBAO_LOGIN,
    }


def ownership(tenant: str, licence: str) -> str:
    """The database's comment: whose records it holds."""
    return json.dumps({"tenant": tenant, "licence": licence}, sort_keys=True)


def licence_of(comment: str | None) -> str | None:
    """The licence that a database's comment names, or None where it names none."""
    try:
        found = json.loads(comment or "null")
    except ValueError:
        return None
    return found.get("licence") if isinstance(found, dict) else None


def server_statements(names: Names, licence: str, facts: ServerFacts) -> list[Composed]:
    """What is missing on the server. Empty when all is in place: a resync then writes nothing."""
    owner, ledger, database = (Identifier(n) for n in (names.owner_role, names.ledger_role, names.database))
    todo: list[Composed] = []
    for name in groups(names):
        todo += _group(name, facts, provisioned=name == names.owner_role)
    if serves_as_former(names, facts):
        # Whoever serves as it goes on doing so until it is replaced.
        todo += _group(names.former_role, facts, provisioned=True)
    if names.ledger_role not in facts.roles:
        todo.append(SQL("CREATE ROLE {} NOLOGIN").format(ledger))
    if not facts.owner_is_ledger:
        todo.append(SQL("GRANT {} TO {}").format(ledger, owner))
    if not facts.database:
        todo.append(SQL("CREATE DATABASE {} OWNER {}").format(database, owner))
    if not facts.database or facts.public_may_connect:
        todo.append(SQL("REVOKE CONNECT, TEMPORARY ON DATABASE {} FROM PUBLIC").format(database))
    strangers = [Identifier(name) for name in groups(names) if not facts.database or name not in facts.may_connect]
    if strangers:
        todo.append(SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, SQL(", ").join(strangers)))
    if facts.database and not facts.allows_connections:
        # A database retained from an earlier life of this tenant.
        todo.append(SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS true").format(database))
    comment = ownership(names.tenant, licence)
    if facts.comment != comment:
        todo.append(SQL("COMMENT ON DATABASE {} IS {}").format(database, Literal(comment)))
    return todo


def from_nothing(names: Names, licence: str) -> tuple[str, ...]:
    """What would run where nothing is: another release that wants something else of a database says so here."""
    nothing = ServerFacts()
    return spelt([*server_statements(names, licence, nothing), *database_statements(names, nothing, True)])


def spelt(statements: Sequence[Composed]) -> tuple[str, ...]:
    """Statements as text, for people to read."""
    return tuple(statement.as_string(None) for statement in statements)


def _group(name: str, facts: ServerFacts, *, provisioned: bool) -> list[Composed]:
    """A role that OpenBao makes logins in, and, where `provisioned`, that the provisioner can act as."""
    role, todo = Identifier(name), []
    if name not in facts.roles:
        todo.append(SQL("CREATE ROLE {} NOLOGIN").format(role))
    if provisioned and name not in facts.provisioner_member:
        todo.append(SQL("GRANT {} TO {}").format(role, Identifier(PROVISIONER_ROLE)))
    if name not in facts.openbao_admin:
        todo.append(SQL("GRANT {} TO {} WITH ADMIN OPTION").format(role, Identifier(OPENBAO_LOGIN)))
    return todo


def serves_as_former(names: Names, facts: ServerFacts) -> bool:
    """Whether a casino of before still has a login in the one role that all modules shared."""
    return any(role == names.former_role for role, _ in facts.other_members)


def database_statements(names: Names, facts: ServerFacts, public_may_create: bool) -> list[Composed]:
    """What is missing inside the tenant's database, and what is left over there.

    What a module's role may do, the casino says after each migration (casino/grants.py): the ledger, for one, is
    append-only. Default privileges given here would undo that.
    """
    todo = [SQL("REVOKE CREATE ON SCHEMA public FROM PUBLIC").format()] if public_may_create else []
    if names.former_role in facts.roles and not serves_as_former(names, facts):
        # Its rights are in this database alone, so they go from here; and the role after them.
        former = Identifier(names.former_role)
        if names.former_role not in facts.provisioner_member:
            todo.append(SQL("GRANT {} TO {}").format(former, Identifier(PROVISIONER_ROLE)))
        todo += [SQL("DROP OWNED BY {}").format(former), SQL("DROP ROLE {}").format(former)]
    return todo


def retire_statements(names: Names, facts: ServerFacts) -> list[Composed]:
    """Keep the database, and leave no login that can reach it."""
    todo: list[Composed] = []
    for role in (*groups(names), names.former_role):
        if role in facts.openbao_admin:
            # CASCADE takes the memberships that OpenBao gave on with it (16 and later track who gave what).
            todo.append(SQL("REVOKE {} FROM {} CASCADE").format(Identifier(role), Identifier(OPENBAO_LOGIN)))
    for role, member in facts.other_members:
        todo.append(SQL("REVOKE {} FROM {} CASCADE").format(Identifier(role), Identifier(member)))
    if facts.database and facts.allows_connections:
        todo.append(SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS false").format(Identifier(names.database)))
    return todo


def drop_statements(names: Names, facts: ServerFacts) -> list[Composed]:
    """Remove database and roles."""
    todo: list[Composed] = []
    if facts.database:
        if names.owner_role in facts.roles and names.owner_role not in facts.provisioner_member:
            todo.append(SQL("GRANT {} TO {}").format(Identifier(names.owner_role), Identifier(PROVISIONER_ROLE)))
        todo.append(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(names.database)))
    todo += [SQL("DROP ROLE {}").format(Identifier(role)) for role in sorted(facts.roles)]
    return todo

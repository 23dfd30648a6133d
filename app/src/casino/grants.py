"""What each role may do in the database (ADR 31): one table of rules, and the statements that make it so.

The roles of a database are `<prefix>_<module>` for each module, which may use the schema of that name and no other;
`<prefix>_ledger`, which nobody logs in by: it owns the functions that move money; and `<prefix>_backup`, which reads
every table and sequence and may call nothing. Rules go by schema, kind and name, so that what a migration adds falls
under them without being listed. What a role has beyond them is taken away: running this twice changes nothing, and
running it after somebody's GRANT by hand undoes that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from casino.kernel.errors import ConfigurationError

MODULES = ("pam", "wallet", "gal", "compliance", "responsible_gaming", "game_control", "ops")
OWNER, LEDGER, BACKUP = "owner", "ledger", "backup"
PUBLIC = "PUBLIC"

_WALLET, _MIGRATIONS = "wallet", "migrations"
# The journal and what it balances; a partition bears its table's name and its month.
_JOURNAL = re.compile(
    r"(accounts|transactions|postings|holds|request_keys|game_rounds|game_round_steps|player_[a-z]+)"
    r"(_y?[0-9][0-9_m]*|_default)?"
    r"|seals|sealed_[a-z]+|exports|legal_holds|retirements"  # of closed months
    r"|operations|operation_in_force|account_kinds|hold_kinds|movements|movement_kinds"  # what may be done at all
)
_BALANCES = re.compile(r"(accounts|holds|game_rounds|player_[a-z]+)(_y?[0-9][0-9_m]*|_default)?|operation_in_force")
# Files of settlement: wallet.forget_settlements takes them away when their time is over.
_SETTLEMENTS = re.compile(r"settlement_(files|lines|breaks)")
# Of the wallet's tables, those whose rows come and go: events that were handled.
_EVENTS = frozenset({"outbox", "parked"})
# A trigger of this name refuses the statement to everybody (0001); then nobody needs the right to it either.
_APPEND_ONLY, _NEVER_DELETED = "append_only", "never_deleted"
# What pg_dump reads. A sequence's value is a SELECT; no right of a routine is needed to read its text.
_BACKED_UP = {"SCHEMA": ("USAGE",), "TABLE": ("SELECT",), "SEQUENCE": ("SELECT",)}

_CATALOGUE = """
    WITH things AS (
        SELECT 'SCHEMA' AS kind, nspname AS schema, nspname AS name, quote_ident(nspname) AS identity,
               nspowner AS owner, false AS definer, false AS view, '{}'::text[] AS triggers,
               coalesce(nspacl, acldefault('n', nspowner)) AS acl
        FROM pg_namespace
        UNION ALL
        SELECT CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, relnamespace::regnamespace::text, relname,
               (pg_identify_object('pg_class'::regclass, c.oid, 0)).identity, relowner, false, relkind IN ('v', 'm'),
               ARRAY(SELECT tgname::text FROM pg_trigger WHERE tgrelid = c.oid AND NOT tgisinternal),
               coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner))
        FROM pg_class c WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
        UNION ALL
        SELECT 'ROUTINE', pronamespace::regnamespace::text, proname,
               (pg_identify_object('pg_proc'::regclass, oid, 0)).identity, proowner, prosecdef, false, '{}'::text[],
               coalesce(proacl, acldefault('f', proowner))
        FROM pg_proc)
    SELECT kind, schema, name, identity, pg_get_userbyid(owner) AS owner, definer, view, triggers,
           ARRAY(SELECT CASE grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(grantee) END || ' ' || privilege_type
                 FROM aclexplode(acl)) AS held
    FROM things WHERE schema = ANY ($1) ORDER BY kind <> 'SCHEMA', kind, identity"""

_PUBLIC_MAY_EXECUTE = """
    SELECT NOT EXISTS (SELECT FROM pg_default_acl WHERE defaclrole = current_user::regrole AND defaclnamespace = 0
        AND defaclobjtype = 'f' AND NOT EXISTS (SELECT FROM aclexplode(defaclacl) WHERE grantee = 0))"""


@dataclass(frozen=True, slots=True)
class Thing:
    """A schema, table (or view), sequence or routine; `held` are pairs of a role and a privilege."""

    kind: str
    schema: str
    name: str
    identity: str
    owner: str
    definer: bool
    view: bool
    triggers: frozenset[str]
    held: frozenset[tuple[str, str]]


def wanted(thing: Thing) -> Iterator[tuple[str, str]]:
    """The rights to a thing, as pairs of a role without its prefix and a privilege."""
    if thing.schema == _MIGRATIONS:  # readiness asks whether the database is as new as the program
        for module in MODULES:
            yield from _each(module, {"SCHEMA": ("USAGE",), "TABLE": ("SELECT",)}.get(thing.kind, ()))
        yield from _each(BACKUP, _BACKED_UP.get(thing.kind, ()))
    elif thing.schema in MODULES:
        yield from _each(thing.schema, _own(thing))
        if thing.schema == _WALLET:
            yield from _each(LEDGER, _ledgers(thing))
        yield from _each(BACKUP, _BACKED_UP.get(thing.kind, ()))


def _each(role: str, privileges: Sequence[str]) -> Iterator[tuple[str, str]]:
    return ((role, privilege) for privilege in privileges)


def _own(thing: Thing) -> tuple[str, ...]:
    """What a module may do in its own schema."""
    if thing.kind != "TABLE":
        return {"SCHEMA": ("USAGE",), "SEQUENCE": ("USAGE", "SELECT"), "ROUTINE": ("EXECUTE",)}[thing.kind]
    if thing.view or (thing.schema == _WALLET and _JOURNAL.fullmatch(thing.name)):
        return ("SELECT",)
    if _APPEND_ONLY in thing.triggers:
        return ("SELECT", "INSERT")
    if _NEVER_DELETED in thing.triggers or (thing.schema == _WALLET and thing.name not in _EVENTS):
        return ("SELECT", "INSERT", "UPDATE")
    return ("SELECT", "INSERT", "UPDATE", "DELETE")


def _ledgers(thing: Thing) -> tuple[str, ...]:
    """What the functions that move money may do: they write the journal, and nothing of it twice."""
    if thing.kind == "TABLE" and not thing.view:
        if _BALANCES.fullmatch(thing.name):
            return ("SELECT", "INSERT", "UPDATE")
        if _JOURNAL.fullmatch(thing.name):
            return ("SELECT", "INSERT")
        if _SETTLEMENTS.fullmatch(thing.name):
            return ("SELECT", "DELETE")
    return _own(thing)


def statements(things: Sequence[Thing], prefix: str, roles: frozenset[str], public_may_execute: bool) -> list[str]:
    """What brings the rights to `things` from as they are to as they should be; `roles` are those that exist."""
    todo = []
    if public_may_execute:
        # Between the migration that makes a function and this step, it must not be everybody's.
        todo.append("ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON ROUTINES FROM PUBLIC")
    ours = {role: f"{prefix}_{role}" for role in (*MODULES, LEDGER, BACKUP) if f"{prefix}_{role}" in roles}
    if LEDGER in ours:
        todo += _hand_over(things, ours[LEDGER])
    managed = {*ours.values(), PUBLIC}
    for thing in things:
        should = {(ours[role], privilege) for role, privilege in wanted(thing) if role in ours}
        held = {(role, privilege) for role, privilege in thing.held if role in managed}
        todo += _change("REVOKE", "FROM", thing, held - should)
        todo += _change("GRANT", "TO", thing, should - held)
    return todo


def _hand_over(things: Sequence[Thing], ledger: str) -> list[str]:
    """Functions with their owner's rights go to the ledger: the owner of the tables could switch triggers off."""
    moved = [
        thing
        for thing in things
        if thing.kind == "ROUTINE" and thing.schema == _WALLET and thing.definer and thing.owner != ledger
    ]
    if not moved:
        return []
    # Who takes over a function must be allowed to make one there, for that moment.
    return [
        f"GRANT CREATE ON SCHEMA {_WALLET} TO {quoted(ledger)}",
        *(f"ALTER ROUTINE {thing.identity} OWNER TO {quoted(ledger)}" for thing in moved),
        f"REVOKE CREATE ON SCHEMA {_WALLET} FROM {quoted(ledger)}",
    ]


def _change(verb: str, direction: str, thing: Thing, rights: set[tuple[str, str]]) -> Iterator[str]:
    for role in sorted({role for role, _ in rights}):
        privileges = ", ".join(sorted(privilege for one, privilege in rights if one == role))
        who = role if role == PUBLIC else quoted(role)
        yield f"{verb} {privileges} ON {thing.kind} {thing.identity} {direction} {who}"


async def make_roles(connection: Any, prefix: str) -> None:
    """The roles as the operator makes them for a tenant: for development and tests, by a superuser."""
    for role in (OWNER, *MODULES, LEDGER, BACKUP):
        if not await connection.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", f"{prefix}_{role}"):
            await connection.execute(f"CREATE ROLE {quoted(f'{prefix}_{role}')} NOLOGIN")
    await connection.execute(f"GRANT {quoted(f'{prefix}_{LEDGER}')} TO {quoted(f'{prefix}_{OWNER}')}")


def quoted(role: str) -> str:
    """A role's name as an identifier of SQL."""
    return '"' + role.replace('"', '""') + '"'


async def pending(connection: Any, prefix: str | None = None, *, required: bool) -> list[str]:
    """The statements that are due, from what the database's catalogue says.

    `prefix`: what the roles' names begin with, by default the database's name. A role that does not exist is passed
    over, but refused with ConfigurationError where `required`.
    """
    prefix = prefix or str(await connection.fetchval("SELECT current_database()"))
    names = [f"{prefix}_{role}" for role in (*MODULES, LEDGER, BACKUP)]
    rows = await connection.fetch("SELECT rolname::text FROM pg_roles WHERE rolname = ANY ($1)", names)
    roles = frozenset(row["rolname"] for row in rows)
    missing = [name for name in names if name not in roles]
    if required and missing:
        raise ConfigurationError(
            f"the database's roles {', '.join(missing)} are missing: the operator makes them, so bring it to this "
            "version first"
        )
    found = await connection.fetch(_CATALOGUE, [*MODULES, _MIGRATIONS])
    things = [
        Thing(
            **{key: row[key] for key in ("kind", "schema", "name", "identity", "owner", "definer", "view")},
            triggers=frozenset(row["triggers"]),
            held=frozenset((held.rsplit(" ", 1)[0], held.rsplit(" ", 1)[1]) for held in row["held"]),
        )
        for row in found
    ]
    return statements(things, prefix, roles, await connection.fetchval(_PUBLIC_MAY_EXECUTE))


async def apply(connection: Any, prefix: str | None = None, *, required: bool) -> list[str]:
    """Make it so, in one transaction; answers the statements that were needed. Raises as `pending` does."""
    async with connection.transaction():
        todo = await pending(connection, prefix, required=required)
        for statement in todo:
            await connection.execute(statement)
    return todo

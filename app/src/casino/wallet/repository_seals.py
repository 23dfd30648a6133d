"""SQL of sealed months (migration 0019): seal, write to a file, retire, and lay a month out for an auditor."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable
from datetime import date
from typing import Any

import asyncpg

from casino.kernel.errors import ConfigurationError
from casino.wallet.sealed_file import FORMAT, Entry

_CHAINS = """
    SELECT c.chain, coalesce(b.links, 0), encode(coalesce(b.head, ''), 'hex'), c.links, encode(c.head, 'hex')
    FROM wallet.sealed_chains c
    LEFT JOIN wallet.sealed_chains b ON b.chain = c.chain AND b.month = c.month - interval '1 month'
    WHERE c.month = $1 ORDER BY c.chain"""
_ACCOUNTS = "SELECT * FROM wallet.accounts_of($1) ORDER BY account_id"
_ROWS = """
    SELECT chain, link, content, postings FROM wallet.journal_of($1, $2, $3) ORDER BY chain, link"""
_LOCK_MS = 500
BATCH = 1_000
PAGES = 200
"""How much `forget` walks in one transaction: about 20 000 rows."""


class NotYet(ConfigurationError):
    """The month is not at that point of its life; the message says why."""


async def next_to_seal(connection: Any) -> date | None:
    """The oldest month that has transactions and no seal, whether it is over or not."""
    found: date | None = await connection.fetchval(
        """SELECT coalesce((SELECT wallet.next_month(max(month)) FROM wallet.seals), (
               SELECT date_trunc('month', to_timestamp(('x' || left(replace(transaction_id::text, '-', ''), 12))
                   ::bit(48)::bigint / 1000.0) AT TIME ZONE 'UTC')::date
               FROM wallet.transactions ORDER BY transaction_id LIMIT 1))"""
    )
    return found


async def unsettled(connection: Any, month: date) -> str | None:
    """Why the month cannot be sealed yet."""
    found: str | None = await connection.fetchval("SELECT wallet.unsettled($1)", month)
    return found


async def seal(connection: Any, month: date) -> tuple[str, str]:
    """Seal a month, once: the seal's document and digest. Raises NotYet."""
    await connection.execute("SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0")
    try:
        row = await connection.fetchrow("SELECT document, encode(digest, 'hex') FROM wallet.seal_month($1)", month)
    except asyncpg.ObjectNotInPrerequisiteStateError as error:
        raise NotYet(str(error)) from error
    return row[0], row[1]


async def month_lines(connection: Any, month: date) -> AsyncIterator[str]:
    """The lines of a sealed month's file (sealed_file.py), from one snapshot. Raises NotYet without a seal."""
    await connection.execute("SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0")
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        row = await connection.fetchrow(
            """SELECT document, encode(digest, 'hex') AS digest, wallet.is_attached(month) AS attached,
                   (month - interval '1 month')::date AS before, wallet.month_floor(month) AS first,
                   wallet.month_floor(wallet.next_month(month)) AS after
               FROM wallet.seals WHERE month = $1""",
            month,
        )
        if row is None or not row["attached"]:
            raise NotYet(
                f"{month:%Y-%m} " + ("has no seal" if row is None else "is detached: its file is what there is")
            )
        yield json.dumps({"format": FORMAT, "seal": row["document"], "digest": row["digest"]})
        for chain, links, head, last, ending in await connection.fetch(_CHAINS, month):
            yield json.dumps({"chain": chain, "from": [links, head], "to": [last, ending]})
        async for account, version, balance, last, closing in connection.cursor(_ACCOUNTS, month, prefetch=BATCH):
            yield json.dumps({"account": account, "from": [version, balance], "to": [last, closing]})
        rows = 0
        async for one in connection.cursor(_ROWS, row["first"], row["after"], row["before"], prefetch=BATCH):
            rows += 1
            yield json.dumps(dict(one))
        yield json.dumps({"end": rows})


async def record_export(connection: Any, month: date, sha256: bytes, size: int, name: str) -> None:
    """Note a file that was verified."""
    await connection.execute("SELECT wallet.record_export($1, $2, $3, $4)", month, sha256, size, name)


async def months(connection: Any) -> list[dict[str, Any]]:
    """Every sealed month and how far its life has come."""
    rows = await connection.fetch(
        """SELECT to_char(s.month, 'YYYY-MM') AS month, encode(s.digest, 'hex') AS digest, wallet.held(s.month) AS held,
               (SELECT count(*) FROM wallet.exports e WHERE e.month = s.month) AS exports,
               CASE WHEN EXISTS (SELECT FROM wallet.retirements r WHERE r.month = s.month AND r.step = 'dropped')
                   THEN 'dropped' WHEN wallet.is_attached(s.month) THEN 'sealed' ELSE 'detached' END AS state
           FROM wallet.seals s ORDER BY s.month"""
    )
    return [dict(row) for row in rows]


async def months_gone(on: Any) -> list[str]:
    """The months, oldest first, whose transactions are not in the journal any more; `on` is the wallet's pool."""
    rows = await on.fetch(
        """SELECT DISTINCT to_char(r.month, 'YYYY-MM') AS month FROM wallet.retirements r
           WHERE NOT EXISTS (SELECT FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
               WHERE i.inhparent = 'wallet.transactions'::regclass AND NOT i.inhdetachpending
                   AND c.relname = to_char(r.month, '"transactions_y"YYYY"m"MM')) ORDER BY month"""
    )
    return [row["month"] for row in rows]


async def hold(connection: Any, month: date | None, reason: str) -> None:
    """Keep a month, or all of them, whatever their age. `connection` is the owner's."""
    await connection.execute("INSERT INTO wallet.legal_holds (month, reason) VALUES ($1, $2)", month, reason)


async def anything_held(on: Any) -> bool:
    """Whether a legal hold stands, of a month or of all; `on` is the wallet's pool."""
    found: bool = await on.fetchval(
        "SELECT EXISTS (SELECT FROM wallet.legal_holds h WHERE h.lifts IS NULL"
        " AND NOT EXISTS (SELECT FROM wallet.legal_holds l WHERE l.lifts = h.hold_id))"
    )
    return found


async def lift(connection: Any, month: date | None, reason: str) -> int:
    """Lift every hold of exactly that month, or of all months; answers how many there were."""
    rows = await connection.fetch(
        """INSERT INTO wallet.legal_holds (month, lifts, reason)
           SELECT month, hold_id, $2 FROM wallet.legal_holds h
           WHERE lifts IS NULL AND month IS NOT DISTINCT FROM $1
               AND NOT EXISTS (SELECT FROM wallet.legal_holds l WHERE l.lifts = h.hold_id) RETURNING hold_id""",
        month,
        reason,
    )
    return len(rows)


async def begin_retirement(connection: Any, month: date, years: int | None, sha256: bytes, digest: str) -> None:
    """The checks of the database, and a note that the month is going. `connection` is the owner's. Raises NotYet."""
    try:
        await connection.execute(
            "SELECT wallet.begin_retirement($1, $2, $3, decode($4, 'hex'))", month, years, sha256, digest
        )
    except asyncpg.ObjectNotInPrerequisiteStateError as error:
        raise NotYet(str(error)) from error


async def forget(connection: Any) -> int:
    """Take away what stood for transactions of detached months: keys, holds, payments. Answers how many rows."""
    page = gone = 0
    more = True
    while more:
        row = await connection.fetchrow("SELECT * FROM wallet.forget($1, $2)", page, PAGES)
        gone, more, page = gone + row["gone"], row["more"], page + PAGES
    while payments := await connection.fetchval("SELECT wallet.forget_payments($1)", BATCH):
        gone += payments
    return gone


async def detach(connection: Any, month: date) -> None:
    """Take the month's tables out of the journal. Bets go on meanwhile; what was broken off is finished.

    PostgreSQL waits for every transaction that may still use the table. It asks for no lock that a bet would wait for,
    but on the table itself, in which nobody plays any more.
    """
    await connection.execute(f"SET statement_timeout = 0; SET lock_timeout = {_LOCK_MS}")
    for journal in ("postings", "transactions"):
        table = f"wallet.{journal}_{month:y%Ym%m}"
        pending = await connection.fetchval(
            "SELECT inhdetachpending FROM pg_inherits WHERE inhrelid = to_regclass($1)", table
        )
        if pending is None:
            continue
        how = "FINALIZE" if pending else "CONCURRENTLY"
        await connection.execute(f"SET lock_timeout = {_LOCK_MS if pending else 0}")
        await connection.execute(f"ALTER TABLE wallet.{journal} DETACH PARTITION {table} {how}")


async def drop(connection: Any, month: date) -> None:
    """Drop the detached tables. Raises NotYet where they are not detached, or are held."""
    try:
        await connection.execute("SELECT wallet.drop_month($1)", month)
    except asyncpg.ObjectNotInPrerequisiteStateError as error:
        raise NotYet(str(error)) from error


async def digest_of(connection: Any, month: date) -> str | None:
    """The digest of the month's seal."""
    found: str | None = await connection.fetchval(
        "SELECT encode(digest, 'hex') FROM wallet.seals WHERE month = $1", month
    )
    return found


async def lay_out(connection: Any, month: date, entries: Iterable[Entry], reader: str | None) -> str:
    """Copy a file's transactions into tables of a schema beside the casino's, read-only; answers its name.

    `connection` is the owner's. `reader`: a role that may read them. The casino's roles may not.
    """
    schema = f"ledger_{month:y%Ym%m}"
    async with connection.transaction():
        await connection.execute(
            f"""CREATE SCHEMA {schema};
                CREATE TABLE {schema}.transactions (transaction_id uuid PRIMARY KEY, kind text, account_id bigint,
                    account_version bigint, currency text, taken bigint, given bigint, balance_after bigint,
                    chain bigint, link bigint, details jsonb, created_at timestamptz);
                CREATE TABLE {schema}.postings (transaction_id uuid, leg smallint, currency text, amount bigint,
                    debit_account bigint, debit_version bigint, debit_before bigint, credit_account bigint,
                    credit_version bigint, credit_before bigint, PRIMARY KEY (transaction_id, leg));"""
        )
        waiting: list[Entry] = []
        for entry in entries:
            waiting.append(entry)
            if len(waiting) == BATCH:
                await _copy(connection, schema, waiting)
                waiting.clear()
        await _copy(connection, schema, waiting)
        for table in ("transactions", "postings"):
            await connection.execute(
                f"CREATE TRIGGER append_only BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON {schema}.{table}"
                " FOR EACH STATEMENT EXECUTE FUNCTION wallet.refuse_rewrite()"
            )
        if reader is not None:
            quoted = await connection.fetchval("SELECT quote_ident($1)", reader)
            await connection.execute(
                f"GRANT USAGE ON SCHEMA {schema} TO {quoted}; GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {quoted}"
            )
    return schema


async def _copy(connection: Any, schema: str, entries: list[Entry]) -> None:
    await connection.executemany(
        f"INSERT INTO {schema}.transactions VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",  # noqa: S608
        [
            (e.transaction_id, e.kind, e.account_id, e.account_version, e.currency, e.taken, e.given, e.balance_after,
             e.chain, e.link, e.details, e.created_at)
            for e in entries
        ],
    )  # fmt: skip
    await connection.executemany(
        f"INSERT INTO {schema}.postings VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",  # noqa: S608
        [
            (e.transaction_id, p.leg, p.currency, p.amount, p.debit_account, p.debit_version, p.debit_before,
             p.credit_account, p.credit_version, p.credit_before)
            for e in entries for p in e.postings
        ],
    )  # fmt: skip

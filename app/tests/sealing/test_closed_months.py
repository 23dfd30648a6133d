"""Closed months: what is sealed is told again by its file, and the books hold when only the seal is left."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from casino.wallet import repository_seals as repository
from casino.wallet import sealing
from casino.wallet.repository_seals import NotYet
from casino.wallet.sealed_file import bounds, verify_month
from casino.wallet.verify import INVARIANTS, verify_ledger
from casino.wallet.verify_sealed import SEALED, from_seal
from sealing_testkit import RETENTION, Past, backdating, make_month, months_ago

MONTHS = [months_ago(count) for count in (75, 74, 73)]
"""Three in a row, longer ago than anything is kept."""


@pytest.fixture
async def owner(servers: Any, database: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(servers.uri(database))
    await connection.execute("SELECT wallet.add_currency('GBP', 2::smallint)")
    for month in MONTHS:
        await make_month(connection, month)
    await connection.execute("SET ROLE casino_test_owner")
    yield connection
    await connection.close()


@pytest.fixture
async def wallet(servers: Any, database: str) -> AsyncIterator[Any]:
    """A connection with the rights that the casino has."""
    connection = await asyncpg.connect(servers.uri(database))
    await connection.execute("SET ROLE casino_test_wallet")
    yield connection
    await connection.close()


@pytest.fixture
async def past(servers: Any, database: str, owner: Any) -> AsyncIterator[Past]:
    connections = await backdating(servers.uri(database), 3)
    yield Past(connections, random.Random(20))
    for connection in connections:
        await connection.close()


async def played(past: Past) -> None:
    first = MONTHS[0]
    await past.begin(datetime(first.year, first.month, 1, 1, tzinfo=UTC))
    await past.play(MONTHS)


async def holds(connection: Any) -> None:
    for from_last_seal in (False, True):
        report = await verify_ledger(connection, from_last_seal=from_last_seal)
        assert report.ok, report.breaks


async def sealed(wallet: Any, folder: Path) -> list[Path]:
    files = []
    for month in MONTHS:
        await sealing.seal(wallet, month)
        verdict = await sealing.export_month(wallet, month, folder)
        assert verdict.faults == [], verdict.faults
        files.append(sealing.file_of(folder, month))
    return files


@pytest.mark.parametrize("seed", [1, 2])
async def test_months_go_one_after_the_other_and_the_books_hold_at_every_step(
    past: Past, owner: Any, wallet: Any, tmp_path: Path, seed: int
) -> None:
    past.rng.seed(seed)
    await played(past)
    before = dict(await owner.fetch("SELECT account_id, balance FROM wallet.accounts"))
    files = await sealed(wallet, tmp_path)
    assert await owner.fetchval("SELECT count(*) FROM wallet.sealed_transactions") > 0, "midnight kept nothing open"
    await holds(wallet)
    for month, file in zip(MONTHS, files, strict=True):
        await sealing.retire(owner, file, RETENTION, drop=month == MONTHS[0])
        await holds(wallet)
        await past.move(datetime.now(UTC))  # and players play on
        await holds(wallet)
    states = [one["state"] for one in await repository.months(wallet)]
    assert states == ["dropped", "detached", "detached"]
    assert await owner.fetchval("SELECT to_regclass($1)", f"wallet.postings_{MONTHS[0]:y%Ym%m}") is None
    kept = await owner.fetchval("SELECT count(*) FROM wallet.request_keys")
    assert kept == await owner.fetchval("SELECT count(*) FROM wallet.transactions"), "keys went with their months"
    after = dict(await owner.fetch("SELECT account_id, balance FROM wallet.accounts"))
    assert before.keys() <= after.keys()


async def test_a_month_is_laid_out_again_from_its_file_and_only_read(
    past: Past, owner: Any, wallet: Any, tmp_path: Path
) -> None:
    await played(past)
    files = await sealed(wallet, tmp_path)
    month, (first, after) = MONTHS[1], bounds(f"{MONTHS[1]:%Y-%m}")
    columns = "transaction_id, kind, account_id, taken, given, balance_after, chain, link, details, created_at"
    query = f"SELECT {columns} FROM {{}} WHERE transaction_id >= $1 AND transaction_id < $2 ORDER BY transaction_id"
    stood = await owner.fetch(query.format("wallet.transactions"), first, after)
    for file in files[:2]:
        await sealing.retire(owner, file, RETENTION, drop=True)
    await owner.execute("RESET ROLE")
    schema = await sealing.lay_out(owner, files[1], "casino_test_gal")
    assert await owner.fetch(query.format(f"{schema}.transactions"), first, after) == stood
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await owner.execute(f"DELETE FROM {schema}.postings")
    await owner.execute("SET ROLE casino_test_gal")
    assert await owner.fetchval(f"SELECT count(*) FROM {schema}.postings") > 0
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await wallet.fetch(f"SELECT FROM {schema}.postings")
    await holds(wallet)
    assert f"{month:%Y-%m}" == json.loads((tmp_path / (files[1].name + sealing.MANIFEST)).read_text())["month"]


async def test_whatever_is_changed_in_a_months_file_is_found(past: Past, wallet: Any, tmp_path: Path) -> None:
    await played(past)
    lines = gzip.decompress((await sealed(wallet, tmp_path))[1].read_bytes()).decode().splitlines()
    assert verify_month(lines).faults == []
    rng = random.Random(7)
    for at, line in enumerate(lines):
        assert verify_month([*lines[:at], *lines[at + 1 :]]).faults, f"{line} was left out"
        assert verify_month([*lines[:at], line, *lines[at:]]).faults, f"{line} was doubled"
        digits = [place for place, sign in enumerate(line) if sign.isdigit()]
        for place in rng.sample(digits, min(4, len(digits))):
            other = str((int(line[place]) + rng.randint(1, 9)) % 10)
            changed = line[:place] + other + line[place + 1 :]
            assert verify_month([*lines[:at], changed, *lines[at + 1 :]]).faults, f"{line} became {changed}"


@pytest.mark.parametrize("lines", [[], [""], ["{}"], ["[]"], ['{"format": 2, "seal": "{}", "digest": ""}'], ["null"]])
def test_what_is_no_months_file_is_refused(lines: list[str]) -> None:
    assert verify_month(lines).faults


BREAKS = {
    "an amount after the seal": "UPDATE wallet.postings SET amount = amount + 1,"
    " debit_after = debit_after - 1, credit_after = credit_after + 1",
    "a detail after the seal": "UPDATE wallet.transactions SET details = '{}' WHERE kind = 'round'",
    "a balance": "UPDATE wallet.accounts SET balance = balance + 1 WHERE kind = 'player_cash'",
    "a version": "UPDATE wallet.accounts SET version = version + 1 WHERE kind = 'player_cash'",
    "an opening balance": "UPDATE wallet.sealed_accounts SET balance = balance + 1",
    "an opening head": "UPDATE wallet.sealed_chains SET head = sha256(head)",
    "what the seal keeps": "UPDATE wallet.sealed_postings SET amount = amount + 1",
    "that something was kept": "DELETE FROM wallet.sealed_transactions; DELETE FROM wallet.sealed_postings",
    "a seal": "UPDATE wallet.seals SET document = replace(document, '\"transactions\"', '\"rows\"'),"
              " digest = sha256(convert_to(replace(document, '\"transactions\"', '\"rows\"'), 'UTF8'))",
    "that a month was retired": "DELETE FROM wallet.retirements",
    "a key of today": "DELETE FROM wallet.request_keys WHERE transaction_id >= wallet.kept_from()",
}  # fmt: skip


async def test_what_breaks_after_a_month_has_gone_is_noticed(
    past: Past, owner: Any, wallet: Any, tmp_path: Path
) -> None:
    await played(past)
    files = await sealed(wallet, tmp_path)
    await sealing.retire(owner, files[0], RETENTION, drop=True)
    for _ in range(6):
        await past.move(datetime.now(UTC))
    await owner.execute("RESET ROLE")
    queries = {name: from_seal(name, query) for name, query in INVARIANTS.items()} | SEALED
    for broken, statement in BREAKS.items():
        # Within a transaction, since it is undone; verify_ledger has a snapshot of its own.
        transaction = owner.transaction()
        await transaction.start()
        await owner.execute("SET LOCAL session_replication_role = replica")
        await owner.execute(statement)
        if broken == "that a month was retired":
            noticed = not (await owner.fetchval("SELECT wallet.base() IS NOT NULL")) and (
                await owner.fetch(SEALED["detached_months_were_retired"])
            )
        else:
            noticed = any([await owner.fetch(query) for query in queries.values()])
        assert noticed, f"{broken} was not noticed"
        await transaction.rollback()
    await holds(wallet)


async def test_a_month_is_sealed_when_it_is_over_and_settled_and_the_books_hold(
    past: Past, owner: Any, wallet: Any
) -> None:
    await played(past)
    with pytest.raises(NotYet, match="there is an older one"):
        await sealing.seal(wallet, MONTHS[1])
    for soon in (months_ago(0), months_ago(-1)):
        with pytest.raises(NotYet, match="not over since three days"):
            await sealing.seal(wallet, soon)
    at, account = datetime(MONTHS[0].year, MONTHS[0].month, 9, tzinfo=UTC), past.accounts[0]
    await past.connections[0].execute(
        "SELECT wallet.open_hold('open_bet', gen_random_uuid(), $1, 'late', $2, 'late', wallet.uuid7($3), 30,"
        " now() + interval '1 day', NULL, '{}')",
        account, bytes(32), at,
    )  # fmt: skip
    with pytest.raises(NotYet, match="1 bets or withdrawals of it are open"):
        await sealing.seal(wallet, MONTHS[0])
    await past.connections[0].execute(
        "SELECT wallet.resolve_holds('open_bet', $1, 'late', NULL, 'end', $2, wallet.uuid7(), 'released', NULL, 0,"
        " '{}')",
        account, bytes(32),
    )  # fmt: skip
    await past.connections[0].execute(
        "INSERT INTO wallet.payments (payment_id, kind, player_id, account_id, method, currency, amount, state,"
        " idempotency_key, request_hash, created_at, updated_at) SELECT gen_random_uuid(), 'deposit', player_id,"
        " account_id, 'card', 'GBP', 5, 'processing', 'k', sha256(''), $2, $2 FROM wallet.accounts"
        " WHERE account_id = $1",
        account, at,
    )  # fmt: skip
    with pytest.raises(NotYet, match="1 payments of it are under way"):
        await sealing.seal(wallet, MONTHS[0])
    await past.connections[0].execute("UPDATE wallet.payments SET state = 'failed'")
    await past.connections[0].execute("UPDATE wallet.accounts SET balance = balance + 1 WHERE account_id = $1", account)
    with pytest.raises(NotYet, match="the ledger is broken"):
        await sealing.seal(wallet, MONTHS[0])
    await past.connections[0].execute("UPDATE wallet.accounts SET balance = balance - 1 WHERE account_id = $1", account)
    first = await sealing.seal(wallet, MONTHS[0])
    assert await sealing.seal(wallet, MONTHS[0]) == first, "a month has one seal"
    await holds(wallet)


async def test_a_month_goes_only_by_its_file_after_its_time_and_when_nobody_holds_it(
    past: Past, owner: Any, wallet: Any, tmp_path: Path
) -> None:
    await played(past)
    files = await sealed(wallet, tmp_path)

    async def stays(file: Path, why: str, years: int | None = RETENTION) -> None:
        with pytest.raises(NotYet, match=why):
            await sealing.retire(owner, file, years, drop=True)

    await stays(files[1], "an older month is still there")
    await stays(files[0], "it is kept for 7 years", 7)
    await stays(files[0], "the rules name no retention", None)
    other = tmp_path / "other.jsonl"
    other.write_bytes(gzip.decompress(files[0].read_bytes()))
    await stays(other, "no export of this file was recorded")
    torn = tmp_path / "torn.jsonl.gz"
    torn.write_bytes(files[0].read_bytes()[:-40])
    await stays(torn, "does not hold")
    for month in (MONTHS[0], None):
        await repository.hold(owner, month, "case 4711")
        await stays(files[0], "a legal hold keeps it: case 4711")
        assert await repository.lift(owner, month, "closed") == 1
        assert await repository.lift(owner, month, "closed") == 0
    await sealing.retire(owner, files[0], RETENTION, drop=False)
    await repository.hold(owner, MONTHS[0], "case 4712")
    await stays(files[0], "a legal hold keeps it: case 4712")
    assert await repository.lift(owner, MONTHS[0], "closed") == 1
    assert (await sealing.retire(owner, files[0], RETENTION, drop=True))["dropped"]
    await holds(wallet)


async def test_the_casino_itself_can_take_nothing_away(past: Past, wallet: Any, tmp_path: Path, servers: Any) -> None:
    await played(past)
    files = await sealed(wallet, tmp_path)
    name = f"{MONTHS[0]:y%Ym%m}"
    for statement in (
        f"DROP TABLE wallet.postings_{name}",
        f"ALTER TABLE wallet.postings DETACH PARTITION wallet.postings_{name}",
        "DELETE FROM wallet.request_keys",
        "DELETE FROM wallet.holds",
        "DELETE FROM wallet.seals",
        "INSERT INTO wallet.seals VALUES ('2001-01-01', '', sha256(''))",
        "UPDATE wallet.sealed_accounts SET balance = 0",
        "INSERT INTO wallet.legal_holds (reason) VALUES ('mine')",
        "INSERT INTO wallet.retirements (month, step, export) SELECT month, 'detached', sha256 FROM wallet.exports",
        "SELECT wallet.forget(0, 100)",
        f"SELECT wallet.drop_month('{MONTHS[0]}')",
    ):
        with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.ObjectNotInPrerequisiteStateError)):
            await wallet.execute(statement)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await sealing.retire(wallet, files[0], RETENTION, drop=True)
    await holds(wallet)


async def test_holds_that_stand_for_kept_transactions_are_deleted_by_nobody(past: Past, owner: Any) -> None:
    await played(past)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="append-only"):
        await owner.execute("DELETE FROM wallet.holds")
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="append-only"):
        await owner.execute("TRUNCATE wallet.holds")


async def test_nothing_is_written_into_a_month_long_after_its_end(ledger: Any) -> None:
    account = await ledger.player(100)
    place = (
        "SELECT * FROM wallet.place_rounds(ARRAY[$1::bigint], ARRAY[$2], ARRAY[$3::bytea],"
        " ARRAY[wallet.uuid7(now() - $4 * interval '1 hour')], '{7}', '{0}', '{NULL}', '{NULL}', ARRAY['{}'::jsonb])"
    )
    with pytest.raises(asyncpg.ObjectNotInPrerequisiteStateError, match="more than a day before"):
        await ledger.pool.fetchrow(place, account, "late", bytes(32), 25)
    assert (await ledger.pool.fetchrow(place, account, "late", bytes(32), 23))["outcome"] == "placed"
    assert await ledger.balance(account) == 93


async def test_the_schedule_seals_what_is_over_and_writes_each_month_once(
    past: Past, servers: Any, database: str, tmp_path: Path
) -> None:
    await played(past)
    async with asyncpg.create_pool(
        servers.uri(database), min_size=1, max_size=2, server_settings={"statement_timeout": "10s"}
    ) as pool:
        done = await sealing.seal_due(pool, tmp_path)
        names = [f"{month:%Y-%m}" for month in MONTHS]
        assert done["sealed"] == names and done["exported"] == names
        assert "has no tables of it" in done["waiting"], "nobody made those of the years between"
        again = await sealing.seal_due(pool, tmp_path)
        assert (again["sealed"], again["exported"]) == ([], [])
        assert await pool.fetchval("SHOW statement_timeout") == "10s"
    assert all(sealing.file_of(tmp_path, month).exists() for month in MONTHS)

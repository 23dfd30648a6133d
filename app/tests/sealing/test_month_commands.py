"""`casino ledger` over a month's life, from its seal to an auditor's desk."""

from __future__ import annotations

import asyncio
import json
import os
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from casino.__main__ import main
from sealing_testkit import Past, backdating, make_month, months_ago

OLD, NEW = months_ago(75), months_ago(74)


async def prepare(uri: str) -> None:
    connection = await asyncpg.connect(uri)
    await connection.execute("SELECT wallet.add_currency('GBP', 2::smallint)")
    for month in (OLD, NEW):
        await make_month(connection, month)
    past = Past(await backdating(uri, 2), random.Random(9))
    await past.begin(datetime(OLD.year, OLD.month, 2, tzinfo=UTC), players=2)
    await past.play([OLD, NEW], moves=12)
    account = past.accounts[0]
    for month, name, state, outcome in (
        (OLD, "over", "failed", "declined"), (OLD, "asked", "failed", "unknown"), (NEW, "over", "failed", "declined"),
        (OLD, "disputed", "charged_back", "captured"),
    ):  # fmt: skip
        at = datetime(month.year, month.month, 3, tzinfo=UTC)
        payment = await connection.fetchval(
            "INSERT INTO wallet.payments (payment_id, kind, player_id, account_id, method, currency, amount, state,"
            " idempotency_key, request_hash, created_at, updated_at) SELECT gen_random_uuid(), 'deposit', player_id,"
            " account_id, 'card', 'GBP', 10, $2, $3, $4, $5, $5 FROM wallet.accounts WHERE account_id = $1"
            " RETURNING payment_id",
            account, state, f"{month} {name}", bytes(32), at,
        )  # fmt: skip
        await connection.execute(
            "INSERT INTO wallet.payment_transitions (payment_id, version, transition, from_state, to_state, at)"
            " VALUES ($1, 1, 'decline', 'processing', 'failed', $2)", payment, at,
        )  # fmt: skip
        await connection.execute(
            "INSERT INTO wallet.payment_attempts (payment_id, number, operation, provider, method, reference, amount,"
            " currency, outcome, started_at) VALUES ($1, 1, 'charge', 'alfa', 'card', $2, 10, 'GBP', $3, $4)",
            payment, f"{month} {name}", outcome, at,
        )  # fmt: skip
        await connection.execute(
            "INSERT INTO wallet.psp_events (provider, event_id, kind, reference, occurred_at, received_at, status,"
            " handled_at) VALUES ('alfa', $1, 'charge', $1, $2, $2, $3, $2)",
            f"{month} {name}", at, "done" if name == "over" else "waiting",
        )  # fmt: skip
    for one in (connection, *past.connections):
        await one.close()


async def kept_of_payments(uri: str) -> list[set[str]]:
    connection = await asyncpg.connect(uri)
    found = [
        {row[0] for row in await connection.fetch(query)}
        for query in (
            "SELECT idempotency_key FROM wallet.payments",
            "SELECT reference FROM wallet.payment_attempts",
            "SELECT idempotency_key FROM wallet.payment_transitions JOIN wallet.payments USING (payment_id)",
            "SELECT event_id FROM wallet.psp_events",
        )
    ]
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await connection.execute("DELETE FROM wallet.payment_transitions")
    await connection.close()
    return found


def test_a_month_is_sealed_retired_and_laid_out_by_commands(
    casino_process_environment: dict[str, str], servers: Any, database: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    asyncio.run(prepare(servers.uri(database)))
    for name in list(os.environ):
        if name.startswith(("CASINO_", "BAO_")):
            monkeypatch.delenv(name)
    for name, value in casino_process_environment.items():
        monkeypatch.setenv(name, value)

    def casino(*arguments: str) -> tuple[int, str]:
        code = main(["ledger", *arguments])
        return code, capsys.readouterr().out

    code, told = casino("seal", f"{NEW:%Y-%m}")
    assert (code, "there is an older one" in told) == (1, True)
    for month in (OLD, NEW):
        code, told = casino("seal", f"{month:%Y-%m}", "--archive", str(tmp_path))
        assert (code, "verified" in told) == (0, True), told
    file = tmp_path / f"ledger-{OLD:%Y-%m}.jsonl.gz"
    code, told = casino("verify", "--month-file", str(file))
    assert code == 0 and json.loads(told)["ok"] is True
    assert main(["events", "rebuild", "history"]) == 0  # sealed months are there
    capsys.readouterr()
    code, told = casino("legal-hold", f"{OLD:%Y-%m}", "--reason", "case 4711")
    assert code == 0
    code, told = casino("retire", str(file), "--drop")
    assert (code, "case 4711" in told) == (1, True)
    assert casino("legal-hold", f"{OLD:%Y-%m}", "--reason", "closed", "--lift")[0] == 0
    assert casino("retire", str(file), "--drop")[0] == 0
    assert [one["state"] for one in json.loads(casino("months")[1])] == ["dropped", "sealed"]
    kept = asyncio.run(kept_of_payments(servers.uri(database)))
    assert kept == [{f"{OLD} asked", f"{OLD} disputed", f"{NEW} over"}] * 4
    rebuild = ["events", "rebuild", "history"]
    assert main([*rebuild, "--json"]) == 0  # what it has of that month stays
    assert json.loads(capsys.readouterr().out)["kept_before"].startswith(f"{NEW:%Y-%m}-02")
    assert main([*rebuild, "--without", f"{NEW:%Y-%m}"]) == 2  # the events are all there
    assert main([*rebuild, "--without", f"{OLD:%Y-%m}", "--json"]) == 0
    capsys.readouterr()
    code, told = casino("attach", str(file), "--to", "casino_test_gal")
    assert code == 0 and f"ledger_{OLD:y%Ym%m}" in told
    for more in ((), ("--from-last-seal",)):
        code, told = casino("verify", "--json", *more)
        assert code == 0 and json.loads(told)["since"] == f"{(NEW if more else OLD):%Y-%m}"
    file.write_bytes(file.read_bytes()[:-20])
    code, told = casino("verify", "--month-file", str(file))
    assert code == 1 and json.loads(told)["faults"]
    with pytest.raises(SystemExit):
        main(["ledger", "seal", "October"])

"""The hash chains in a file: what holds is told to hold, and whatever is changed in it is found."""

from __future__ import annotations

import json
from typing import Any

import pytest
from casino.wallet.export import export, heads, verify_lines


async def lines_of(ledger: Any) -> list[str]:
    async with ledger.pool.acquire() as connection:
        return [line async for line in export(connection)]


async def known_heads(ledger: Any) -> dict[int, tuple[int, str]]:
    async with ledger.pool.acquire() as connection:
        return {one["chain"]: (one["links"], one["head"]) for one in await heads(connection)}


async def play(ledger: Any) -> None:
    for _ in range(3):
        account = await ledger.player(1_000)
        for turn in range(4):
            await ledger.bet(account, 100, 60 * turn)
        await ledger.hold(account, 50, "hand")
        await ledger.settle(account, "hand", 20)


async def test_an_export_holds_without_its_database(ledger: Any) -> None:
    await play(ledger)
    early = await known_heads(ledger)
    await play(ledger)
    verdict = verify_lines(await lines_of(ledger), early)
    assert verdict.faults == []
    assert verdict.links == await ledger.pool.fetchval("SELECT count(*) FROM wallet.transactions")
    assert verdict.heads == await known_heads(ledger)


async def test_whatever_is_changed_in_an_export_is_found(ledger: Any) -> None:
    await play(ledger)
    lines = await lines_of(ledger)
    links = [at for at, line in enumerate(lines) if "content" in json.loads(line)]
    for at in links:
        changed = json.loads(lines[at])
        changed["content"] = changed["content"].replace("|GBP|", "|EUR|", 1)
        assert verify_lines([*lines[:at], json.dumps(changed), *lines[at + 1 :]]).faults
        assert verify_lines([*lines[:at], *lines[at + 1 :]]).faults, "a link was left out"
        assert verify_lines([*lines[:at], lines[at], *lines[at:]]).faults, "a link was doubled"
    assert verify_lines([*lines[:-1], "not a line"]).faults


async def test_a_history_that_was_written_anew_from_end_to_end_is_found_by_an_earlier_head(ledger: Any) -> None:
    await play(ledger)
    early = await known_heads(ledger)
    async with ledger.pool.acquire() as connection:
        transaction = connection.transaction(isolation="repeatable_read")
        await transaction.start()
        # As only the server's superuser can: the row, and the head of its chain with it.
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute(
            """UPDATE wallet.transactions SET details = '{"reels": "others"}' WHERE kind = 'bet'"""
        )
        await connection.execute(
            """UPDATE wallet.accounts a SET head = f.head FROM (
                   SELECT t.chain, wallet.chain(wallet.content(t.transaction_id, t.kind, t.account_id,
                       t.account_version, t.currency, t.taken, t.given, t.balance_after, t.created_at, t.details,
                       CASE t.kind WHEN 'round' THEN '' ELSE (SELECT string_agg(concat(p.debit_account, '>',
                           p.credit_account, ':', p.amount, ' '), '' ORDER BY p.leg) FROM wallet.postings p
                           WHERE p.transaction_id = t.transaction_id) END) ORDER BY t.link) AS head
                   FROM wallet.transactions t GROUP BY t.chain) AS f WHERE a.account_id = f.chain"""
        )
        lines = [line async for line in export(connection)]
        await transaction.rollback()
    assert verify_lines(lines).faults == []
    assert any("was written down" in fault for fault in verify_lines(lines, early).faults)


@pytest.mark.parametrize("lines", [["{}"], ['{"content": 1}'], ["[]"], ['{"chain": 1, "links": 1, "head": ""}'], [""]])
def test_what_is_no_export_is_refused_and_not_taken_for_an_empty_one(lines: list[str]) -> None:
    assert verify_lines(lines).faults

"""The ledger's hash chains outside of the database: written to a file, and verified from it without the casino.

A file is JSON lines: `{"chain", "link", "content"}` for each transaction, in the order of its chain, then
`{"chain", "currency", "links", "head"}` for each chain. A head is SHA-256 over the head before it and the content, so
whoever wrote down a head earlier can tell whether anything before it was changed since.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

_CONTENTS = """
    SELECT t.chain, t.link, wallet.content(t.transaction_id, t.kind, t.account_id, t.account_version, t.currency,
        t.taken, t.given, t.balance_after, t.created_at, t.details,
        CASE t.kind WHEN 'round' THEN '' ELSE legs.told END) AS content
    FROM wallet.transactions t LEFT JOIN (
        SELECT p.transaction_id,
            string_agg(concat(p.debit_account, '>', p.credit_account, ':', p.amount, ' '), '' ORDER BY p.leg) AS told
        FROM wallet.postings p JOIN wallet.transactions other USING (transaction_id)
        WHERE other.kind <> 'round' GROUP BY p.transaction_id) AS legs USING (transaction_id)
    ORDER BY t.chain, t.link"""
_HEADS = """
    SELECT account_id AS chain, currency, links, head FROM wallet.accounts WHERE links > 0 ORDER BY account_id"""


@dataclass(slots=True)
class Verdict:
    """What was read, and what does not hold."""

    links: int = 0
    heads: dict[int, tuple[int, str]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return {
            "ok": not self.faults,
            "links": self.links,
            "chains": len(self.heads),
            "heads": {str(chain): {"links": links, "head": head} for chain, (links, head) in self.heads.items()},
            "faults": self.faults,
        }


async def export(connection: Any) -> AsyncIterator[str]:
    """The lines of a file, from one snapshot of the database. `connection` is one of the wallet's."""
    await connection.execute("SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0")
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        async for row in connection.cursor(_CONTENTS, prefetch=2_000):
            yield json.dumps(dict(row))
        for row in await connection.fetch(_HEADS):
            yield json.dumps(dict(row) | {"head": row["head"].hex()})


async def heads(connection: Any) -> list[dict[str, Any]]:
    """Where each chain ends now: what to write down somewhere else."""
    return [dict(row) | {"head": row["head"].hex()} for row in await connection.fetch(_HEADS)]


def verify_lines(lines: Iterable[str], known: Mapping[int, tuple[int, str]] | None = None) -> Verdict:
    """Follow every chain of a file. `known` are heads that were written down earlier: `(links, head)` by chain."""
    verdict, known = Verdict(), dict(known or {})
    chain, link, head = 0, 0, b""
    for number, text in enumerate(lines, start=1):
        try:
            line = json.loads(text)
            if "content" in line:
                if line["chain"] != chain:
                    chain, link, head = line["chain"], 0, b""
                link += 1
                if line["link"] != link:
                    verdict.faults.append(f"line {number}: chain {chain} has link {line['link']} where {link} is due")
                    link = line["link"]
                head = hashlib.sha256(head + line["content"].encode()).digest()
                verdict.links += 1
                verdict.heads[chain] = (link, head.hex())
                if chain in known and known[chain][0] == link and known.pop(chain)[1] != head.hex():
                    verdict.faults.append(
                        f"line {number}: chain {chain} has another head at link {link} than was written down"
                    )
            elif verdict.heads.get(line["chain"]) != (line["links"], line["head"]):
                verdict.faults.append(f"line {number}: chain {line['chain']} does not end as its account says")
        except (ValueError, KeyError, TypeError) as error:
            verdict.faults.append(f"line {number} is none of a ledger's: {type(error).__name__}")
    for chain, (links, _) in known.items():
        verdict.faults.append(f"chain {chain} had {links} links when its head was written down, and has fewer now")
    return verdict

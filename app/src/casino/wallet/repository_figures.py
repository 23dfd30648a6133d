"""What a ledger amounts to, in figures small enough to be written down: by them a restored one is told from another."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

from casino.wallet.export import heads

_COUNTS = """
    SELECT (SELECT count(*) FROM wallet.accounts) AS accounts,
           (SELECT count(*) FROM wallet.transactions) AS transactions,
           (SELECT count(*) FROM wallet.postings) AS postings"""
_SUMS = "SELECT currency, sum(amount)::text AS posted FROM wallet.postings GROUP BY currency ORDER BY currency"
_PLAYERS = """
    SELECT currency, sum(balance)::text AS held FROM wallet.accounts WHERE player_id IS NOT NULL
    GROUP BY currency ORDER BY currency"""


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts of rows; by currency, in minor units, what was posted in sum and what players' accounts hold; how many
    hash chains there are and the SHA-256 (hex) over all their heads.

    Months that were detached are in none of them: they are not in the database.
    """

    accounts: int
    transactions: int
    postings: int
    posted_minor: dict[str, str]
    held_minor: dict[str, str]
    chains: int
    heads_sha256: str

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


async def figures(connection: Any) -> Figures:
    """The figures of what `connection` sees. Reads tables and calls nothing: whoever only reads may ask.

    They agree with each other where the connection is in one snapshot.
    """
    counts = await connection.fetchrow(_COUNTS)
    found = await heads(connection)
    told = json.dumps([[one["chain"], one["currency"], one["links"], one["head"]] for one in found])
    return Figures(
        counts["accounts"],
        counts["transactions"],
        counts["postings"],
        {row["currency"]: row["posted"] for row in await connection.fetch(_SUMS)},
        {row["currency"]: row["held"] for row in await connection.fetch(_PLAYERS)},
        len(found),
        hashlib.sha256(told.encode()).hexdigest(),
    )

"""Rows that go when their time is over: a rule for each table, and what carries it out in small steps."""

# ruff: noqa: S608 - tables and conditions are the program's own

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

BATCH = 1_000
LONGEST_S = 120.0
"""How long one run goes on; what is left is for the next one."""


@dataclass(frozen=True, slots=True)
class Keep:
    """How long rows of `module`.`table` are kept, counted from `since`, a column.

    `for_`: None stands for the rules' retention of records; where those name none, nothing goes. `only` narrows what
    may go at all: SQL over the row.
    """

    module: str
    table: str
    since: str
    for_: timedelta | None = None
    only: str = "true"

    @property
    def name(self) -> str:
        return f"{self.module}.{self.table}"


async def prune(rule: Keep, pool: Any, years: int | None, *, deadline: float) -> int:
    """Delete what is over, oldest pages first, until `deadline` (time.monotonic); answers how many rows went."""
    if rule.for_ is None and years is None:
        return 0
    age = "make_interval(years => $1::integer)" if rule.for_ is None else "$1::interval"
    statement = (
        f"DELETE FROM {rule.name} WHERE ctid = ANY (ARRAY(SELECT ctid FROM {rule.name}"
        f" WHERE {rule.since} < clock_timestamp() - {age} AND ({rule.only}) LIMIT {BATCH}))"
    )
    gone = 0
    while time.monotonic() < deadline:
        begun = time.monotonic()
        rows = int((await pool.execute(statement, years if rule.for_ is None else rule.for_)).split()[-1])
        gone += rows
        if rows < BATCH:
            break
        await asyncio.sleep(min(time.monotonic() - begun, 1.0))  # players come first
    return gone


async def read_by_all(pool_of: Callable[[str], Any], modules: Sequence[str]) -> dict[str, int]:
    """For each producer with a reader, the transaction before which every reader has read its events."""
    floors: dict[str, int] = {}
    for module in modules:
        for row in await pool_of(module).fetch(
            f"SELECT producer, min(window_from::text::numeric)::bigint AS read FROM {module}.cursors GROUP BY producer"
        ):
            floors[row["producer"]] = min(row["read"], floors.get(row["producer"], row["read"]))
    return floors


async def prune_all(
    rules: Sequence[Keep], pool_of: Callable[[str], Any], modules: Sequence[str], years: int | None
) -> Mapping[str, int]:
    """Carry out every rule, and prune the outboxes of `modules` of what is a record no more and was read by all.

    Answers how many rows went from which table, without those from which none did.
    """
    floors = await read_by_all(pool_of, modules)
    outboxes = [
        Keep(module, "outbox", "occurred_at", only=f"xact < '{floors[module]}'::xid8" if module in floors else "true")
        for module in modules
    ]
    deadline = time.monotonic() + LONGEST_S
    gone = {
        rule.name: await prune(rule, pool_of(rule.module), years, deadline=deadline) for rule in (*rules, *outboxes)
    }
    return {name: rows for name, rows in gone.items() if rows}

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
FILES = 10
"""Of what goes as a whole, as each may have a hundred thousand rows."""
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


@dataclass(frozen=True, slots=True)
class Forget:
    """What goes as a whole by a function of `module`, after the rules' retention of records.

    `over` names a function of the retention in years, whose rows are what may go; `forget` one of years and at most how
    many, which answers how many went.
    """

    module: str
    what: str
    over: str
    forget: str

    @property
    def name(self) -> str:
        return f"{self.module}.{self.what}"


Rule = Keep | Forget


async def forget(rule: Forget, pool: Any, years: int | None, *, deadline: float) -> int:
    """Let go what is over, until `deadline` (time.monotonic); answers how many went."""
    gone = 0
    while years is not None and time.monotonic() < deadline:
        begun = time.monotonic()
        went = int(await pool.fetchval(f"SELECT {rule.module}.{rule.forget}($1, $2)", years, FILES))
        gone += went
        if went < FILES:
            break
        await asyncio.sleep(min(time.monotonic() - begun, 1.0))
    return gone


async def prune(rule: Keep, pool: Any, years: int | None, *, deadline: float) -> int:
    """Delete what is over, oldest pages first, until `deadline` (time.monotonic); answers how many rows went."""
    if rule.for_ is None and years is None:
        return 0
    rows_over = f"SELECT ctid FROM {rule.name} WHERE {_over(rule)} LIMIT {BATCH}"
    statement = f"DELETE FROM {rule.name} WHERE ctid = ANY (ARRAY({rows_over}))"
    gone = 0
    while time.monotonic() < deadline:
        begun = time.monotonic()
        rows = int((await pool.execute(statement, years if rule.for_ is None else rule.for_)).split()[-1])
        gone += rows
        if rows < BATCH:
            break
        await asyncio.sleep(min(time.monotonic() - begun, 1.0))  # players come first
    return gone


def _over(rule: Keep) -> str:
    age = "make_interval(years => $1::integer)" if rule.for_ is None else "$1::interval"
    return f"{rule.since} < clock_timestamp() - {age} AND ({rule.only})"


async def _count(rule: Rule, pool: Any, years: int | None) -> int:
    if isinstance(rule, Forget):
        return int(await pool.fetchval(f"SELECT count(*) FROM {rule.module}.{rule.over}($1)", years)) if years else 0
    if rule.for_ is None and years is None:
        return 0
    statement = f"SELECT count(*) FROM {rule.name} WHERE {_over(rule)}"
    return int(await pool.fetchval(statement, years if rule.for_ is None else rule.for_))


async def due(
    rules: Sequence[Rule], pool_of: Callable[[str], Any], modules: Sequence[str], years: int | None
) -> Mapping[str, int]:
    """How many would go by each rule now, those of which none would as well; nothing is changed."""
    every = [*rules, *await outbox_rules(pool_of, modules)]
    return {rule.name: await _count(rule, pool_of(rule.module), years) for rule in every}


async def read_by_all(pool_of: Callable[[str], Any], modules: Sequence[str]) -> dict[str, int]:
    """For each producer with a reader, the transaction before which every reader has read its events."""
    floors: dict[str, int] = {}
    for module in modules:
        for row in await pool_of(module).fetch(
            f"SELECT producer, min(window_from::text::numeric)::bigint AS read FROM {module}.cursors GROUP BY producer"
        ):
            floors[row["producer"]] = min(row["read"], floors.get(row["producer"], row["read"]))
    return floors


async def outbox_rules(pool_of: Callable[[str], Any], modules: Sequence[str]) -> list[Keep]:
    """Events that are a record no more and were read by all."""
    floors = await read_by_all(pool_of, modules)
    return [
        Keep(module, "outbox", "occurred_at", only=f"xact < '{floors[module]}'::xid8" if module in floors else "true")
        for module in modules
    ]


async def prune_all(
    rules: Sequence[Rule], pool_of: Callable[[str], Any], modules: Sequence[str], years: int | None
) -> Mapping[str, int]:
    """Carry out every rule, and prune the outboxes of `modules` of what is a record no more and was read by all.

    Answers how many rows went from which table, without those from which none did.
    """
    deadline, gone = time.monotonic() + LONGEST_S, {}
    for rule in (*rules, *await outbox_rules(pool_of, modules)):
        pool = pool_of(rule.module)
        if isinstance(rule, Forget):
            gone[rule.name] = await forget(rule, pool, years, deadline=deadline)
        else:
            gone[rule.name] = await prune(rule, pool, years, deadline=deadline)
    return {name: rows for name, rows in gone.items() if rows}

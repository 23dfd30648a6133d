"""Runs the suite and makes its report."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx

from casino.gal.conformance.bench import Bench, Case, Endpoint, Exchange, Unmet
from casino.gal.conformance.cases import CASES
from casino.gal.conformance.wire import Wire

Outcome = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a case came to; `expected` and `got` of a failed one, `missing` of a skipped one."""

    number: int
    title: str
    outcome: Outcome
    expected: str | None = None
    got: str | None = None
    missing: Sequence[str] = ()
    exchanges: Sequence[Exchange] = ()

    def as_json(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "title": self.title,
            "outcome": self.outcome,
            "expected": self.expected,
            "got": self.got,
            "missing": list(self.missing),
            "exchanges": [one.as_json() for one in self.exchanges],
        }


@dataclass(frozen=True, slots=True)
class SuiteReport:
    """All verdicts. Conforms when none failed; what was skipped was not tried, and says nothing."""

    dialect: str
    verdicts: Sequence[Verdict] = field(default_factory=list)

    def count(self, outcome: Outcome) -> int:
        return sum(one.outcome == outcome for one in self.verdicts)

    @property
    def conforms(self) -> bool:
        return self.count("failed") == 0 and self.count("passed") > 0

    def as_json(self) -> dict[str, Any]:
        return {
            "conforms": self.conforms,
            "dialect": self.dialect,
            **{name: self.count(name) for name in ("passed", "failed", "skipped")},
            "cases": [one.as_json() for one in self.verdicts],
        }


async def run_suite(
    endpoint: Endpoint,
    wire: Wire,
    http: httpx.AsyncClient,
    *,
    progress: Callable[[Verdict], None] = lambda _: None,
    now_s: Callable[[], int] | None = None,
    only: Container[int] | None = None,
) -> SuiteReport:
    """Try the dialect's cases (or `only` some), one after the other; `progress` hears of each when it is over."""
    verdicts = []
    for one in CASES:
        if wire.name not in one.dialects or (only is not None and one.number not in only):
            continue
        bench = Bench(endpoint, wire, http) if now_s is None else Bench(endpoint, wire, http, now_s)
        verdicts.append(await _try(one, bench))
        progress(verdicts[-1])
    return SuiteReport(wire.name, verdicts)


async def _try(case: Case, bench: Bench) -> Verdict:
    missing = [name for name in case.needs if getattr(bench.endpoint, name) is None]
    if missing:
        return Verdict(case.number, case.title, "skipped", missing=missing)
    try:
        bench.start_minor = await bench.balance()
        await case.run(bench)
    except Unmet as unmet:
        return Verdict(
            case.number, case.title, "failed", expected=unmet.expected, got=unmet.got, exchanges=bench.exchanges
        )
    return Verdict(case.number, case.title, "passed", exchanges=bench.exchanges)

"""How the bets of a release go, by what its pods count, and whether one release does worse than another. Pure.

A share is told from chance by the test of two proportions: with few bets nothing is worse, however it looks.
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

SERIES = re.compile(
    r"^casino_(?P<name>http_requests_total|http_request_seconds_bucket|ledger_ok|rtp_out_of_bounds|release)"
    r'(?:\{(?P<labels>(?:[^"}\n]|"[^"\n]*")*)\})? (?P<value>[0-9][0-9.e+]{0,24})$',
    re.MULTILINE,
)
LABEL = re.compile(r'(\w+)="([^"]*)"')
ASKED = re.compile(r"/(?:spins|bets|rounds|actions)$")
"""How the routes end that take a bet, or go on with one."""
SLOW = "0.5"
"""Seconds, as the bucket has it: ten times what 99 of 100 bets are to take (docs/performance.md)."""
MARGIN_FAILED, MARGIN_SLOW = 0.05, 0.01
"""By how much of all bets the share of those that failed, or were slow, has to be greater. Some are refused by right,
and how many differs from hour to hour; of slow ones the second is what p99 means."""
SIGMAS = 4.0
"""How far from chance it has to be: once in some thirty thousand looks where nothing is wrong."""
LEAST = 10
"""How many have to be bad before they are held against anything: what the test goes by is rough for fewer."""
OFF_LIMIT = 16
COUNT_LIMIT = 2**53


@dataclass(frozen=True)
class Figures:
    """What pods of one release count since they began. `failed` of `bets` had another answer than a round, `slow` took
    longer than half a second. `off` are the games that return what they should not."""

    bets: int = 0
    failed: int = 0
    slow: int = 0
    broken: bool = False
    """Whether an invariant of the ledger was found not to hold."""
    off: frozenset[str] = frozenset()

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(
            self.bets + other.bets,
            self.failed + other.failed,
            self.slow + other.slow,
            self.broken or other.broken,
            self.off | other.off,
        )


NONE = Figures()


@dataclass(frozen=True)
class Harm:
    """Why a release does worse. `reason` is a stable code, `message` says by which figures."""

    reason: str
    message: str


def read(metrics: str) -> tuple[str, Figures]:
    """The release that a pod says it is of (empty where it does not), and its figures, from what it shows of itself."""
    release, answers, failed, quick, broken, off = "", 0, 0, 0, False, set[str]()
    for found in SERIES.finditer(metrics):
        labels, value = dict(LABEL.findall(found["labels"] or "")), _whole(found["value"])
        bet = labels.get("method") == "POST" and ASKED.search(labels.get("route", ""))
        match found["name"]:
            case "http_requests_total" if bet:
                answers += value
                failed += 0 if labels.get("status", "").startswith("2") else value
            case "http_request_seconds_bucket" if bet and labels.get("le") == SLOW:
                quick += value
            case "ledger_ok":
                broken = broken or value == 0
            case "rtp_out_of_bounds" if value:
                off.add(labels.get("game", ""))
            case "release" if value:
                release = labels.get("release", "")
    return release, Figures(answers, failed, max(answers - quick, 0), broken, frozenset(sorted(off)[:OFF_LIMIT]))


def total(figures: Iterable[Figures]) -> Figures:
    """Of several pods."""
    return sum(figures, NONE)


def harm(before: Figures, now: Figures) -> Harm | None:
    """Whether `now` is worse than `before`, so that no chance explains it. A broken invariant needs no numbers."""
    if now.broken and not before.broken:
        said = "An invariant of the ledger was found not to hold: `casino ledger verify` says which."
        return Harm("LedgerBroken", said)
    if off := sorted(now.off - before.off):
        return Harm("ReturnsOutOfBounds", f"{', '.join(off)} returns what it should not (docs/games.md).")
    if worse(before.failed, before.bets, now.failed, now.bets, MARGIN_FAILED):
        return Harm("BetsFail", f"{_share('failed', before.failed, before.bets, now.failed, now.bets)}.")
    if worse(before.slow, before.bets, now.slow, now.bets, MARGIN_SLOW):
        return Harm("BetsSlow", f"{_share(f'took over {SLOW} s', before.slow, before.bets, now.slow, now.bets)}.")
    return None


def worse(bad: int, of: int, bad_now: int, of_now: int, margin: float) -> bool:
    """Whether a share is greater by more than the margin, and by more than chance makes it. Where nothing was counted
    before, what was good is taken for the share of before, in as many."""
    if bad_now < LEAST:
        return False
    of, bad = (of, bad) if of else (of_now, 0)
    before, now = bad / of, bad_now / of_now
    pooled = (bad + bad_now) / (of + of_now)
    spread = math.sqrt(pooled * (1 - pooled) * (1 / of + 1 / of_now))
    return now - before > margin and now - before > SIGMAS * spread


def to_fields(figures: Figures) -> dict[str, Any]:
    """As a status has them."""
    told = {"bets": figures.bets, "failed": figures.failed, "slow": figures.slow}
    rare = {"ledgerBroken": figures.broken, "returnsOut": sorted(figures.off)}
    return told | {name: value for name, value in rare.items() if value}


def from_fields(fields: Mapping[str, Any]) -> Figures:
    """Out of a status."""
    bets, failed, slow = (int(fields.get(name, 0)) for name in ("bets", "failed", "slow"))
    return Figures(bets, failed, slow, bool(fields.get("ledgerBroken")), frozenset(fields.get("returnsOut", ())))


def _share(what: str, bad: int, of: int, bad_now: int, of_now: int) -> str:
    return f"{bad_now} of {of_now} bets {what}, {bad} of {of} before"


def _whole(text: str) -> int:
    """A count as metrics have it: 7.0, or 1e+06; 0 for what is none."""
    try:
        return min(int(float(text)), COUNT_LIMIT)
    except (ValueError, OverflowError):
        return 0

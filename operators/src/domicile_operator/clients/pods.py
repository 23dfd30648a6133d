"""What the pods of a casino say of themselves: by which rules each of them plays, what it found of its games."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import urllib3

from domicile_operator.operation import TOLD_LIMIT
from domicile_operator.releases.figures import NONE, Figures, read

TIMEOUTS = urllib3.Timeout(connect=1.0, read=2.0)
PORT = 8080
METRIC = re.compile(r'^casino_rules_in_force\{[^}]*\bdigest="([0-9a-f]{64})"[^}]*\} 1(?:\.0)?$', re.MULTILINE)
GAMES = re.compile(r"^casino_games_verified ([01])(?:\.0)?$", re.MULTILINE)
OPERATION = re.compile(r"^casino_operation_revision(?:\{[^}]*\})? ([0-9][0-9.e+]{0,24})$", re.MULTILINE)
BARRIER = re.compile(r"^casino_operation_barrier_passed(?:\{[^}]*\})? ([0-9][0-9.e+]{0,24})$", re.MULTILINE)
SIZE_LIMIT = 4_000_000
"""Bytes of metrics that are read; a casino has less than a tenth."""

Ask = Callable[[str], str]


def ask() -> Ask:
    """A function that gives the metrics of the pod at an address. It raises what urllib3 raises."""
    pool = urllib3.PoolManager(num_pools=64, timeout=TIMEOUTS, retries=False)

    def metrics(address: str) -> str:
        host = f"[{address}]" if ":" in address else address
        answer = pool.request("GET", f"http://{host}:{PORT}/metrics", preload_content=False)
        try:
            return answer.read(SIZE_LIMIT).decode(errors="replace")
        finally:
            answer.release_conn()

    return metrics


@dataclass(frozen=True)
class Told:
    """What one pod says: the digest of its rules, and whether its games were as signed when it looked last; None for
    what it does not say. A pod without a manifest to look by says False. `operation` is the revision of the record of
    what may be done that its ledger has, `barrier` the one from before which no transaction runs any more."""

    rules: str | None
    games: bool | None
    operation: int | None = None
    barrier: int | None = None
    release: str = ""
    figures: Figures = NONE
    """How the bets go that it takes, and of which release it is."""


def ask_all(addresses: Sequence[str], metrics: Ask) -> list[Told]:
    """What each pod says, up to the first pod that does not answer."""
    found: list[Told] = []
    for address in addresses:
        try:
            text = metrics(address)
        except (urllib3.exceptions.HTTPError, OSError):
            break
        rules, games = METRIC.search(text), GAMES.search(text)
        operation, barrier = (_number(pattern.search(text)) for pattern in (OPERATION, BARRIER))
        played = rules[1] if rules else None
        found.append(Told(played, games[1] == "1" if games else None, operation, barrier, *read(text)))
    return found


def _number(found: re.Match[str] | None) -> int | None:
    """A whole number as metrics have it: 7.0, or 1e+06."""
    try:
        value = float(found[1]) if found else None
    except ValueError:
        return None
    return int(value) if value is not None and value <= TOLD_LIMIT else None


def rules_of(told: Sequence[Told]) -> list[str]:
    """The digests of the rules by which those pods play that say so."""
    return [one.rules for one in told if one.rules is not None]

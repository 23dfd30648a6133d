"""What the pods of a casino say of themselves: by which rules each of them plays."""

import re
from collections.abc import Callable, Sequence

import urllib3

TIMEOUTS = urllib3.Timeout(connect=1.0, read=2.0)
PORT = 8080
METRIC = re.compile(r'^casino_rules_in_force\{[^}]*\bdigest="([0-9a-f]{64})"[^}]*\} 1(?:\.0)?$', re.MULTILINE)
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


def rules_of(addresses: Sequence[str], metrics: Ask) -> list[str]:
    """The digests of the rules that each pod plays by, up to the first pod that does not answer."""
    found: list[str] = []
    for address in addresses:
        try:
            told = METRIC.search(metrics(address))
        except (urllib3.exceptions.HTTPError, OSError):
            break
        if told is None:
            break
        found.append(told[1])
    return found

"""Who used the processors: the load generator, the lab's programs by their names, and the rest."""

from __future__ import annotations

import os
import resource
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from domicile_lab.identity import MACHINES
from domicile_lab.machines import pid_of

from tests.end_to_end.lab import PATHS

TICK = os.sysconf("SC_CLK_TCK")
PROGRAMS = {
    "casino api": "casino api",
    "casino worker": "casino worker",
    "casino realtime": "casino realtime",
    "skipper": "ingress",
    "postgres": "postgresql",
    "redis-server": "redis",
}
"""What a command line has in it, and what the program is called here."""
REST, LOAD, SYSTEM = "rest of the lab", "load generator", "elsewhere"


@dataclass(frozen=True)
class Usage:
    """Seconds of processor time: of the whole machine since boot, and of processes that there are, by program."""

    total: float
    programs: dict[str, float]


def usage() -> Usage:
    """What has been used so far. What belongs to the lab is a descendant of one of its machines."""
    leaders = {pid_of(PATHS, m) for m in MACHINES}
    parents: dict[int, int] = {}
    seconds: dict[int, float] = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue  # it has ended
        parents[int(folder.name)] = int(fields[1])
        # utime, stime and those of children that ended and were waited for
        seconds[int(folder.name)] = sum(int(fields[i]) for i in (11, 12, 13, 14)) / TICK
    programs: defaultdict[str, float] = defaultdict(float)
    for pid, used in seconds.items():
        at: int | None = pid
        while at and at not in leaders:
            at = parents.get(at)
        if at:
            programs[_program(pid)] += used
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    programs[LOAD] = spent.ru_utime + spent.ru_stime
    cpu = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    return Usage(sum(int(v) for i, v in enumerate(cpu) if i not in (3, 4, 8, 9)) / TICK, programs)


def _program(pid: int) -> str:
    try:
        line = (Path("/proc") / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return REST
    return next((name for told, name in PROGRAMS.items() if told in line), REST)


def spent(before: Usage, after: Usage) -> dict[str, float]:
    """Seconds that each program used between two moments, the most first; `elsewhere` is what none of them did."""
    found = {name: used - before.programs.get(name, 0.0) for name, used in after.programs.items()}
    found[SYSTEM] = (after.total - before.total) - sum(found.values())
    return dict(sorted(((name, max(used, 0.0)) for name, used in found.items()), key=lambda one: -one[1]))


def shares(used: dict[str, float]) -> dict[str, float]:
    """Each one's share of the whole; what is less than half a percent is not told."""
    total = max(sum(used.values()), 1e-9)
    return {name: round(one / total, 3) for name, one in used.items() if one > 0.005 * total}

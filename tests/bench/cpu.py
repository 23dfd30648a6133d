"""Who used the processors: the load generator, each of the lab's machines, and the rest."""

from __future__ import annotations

import os
import resource
from dataclasses import dataclass
from pathlib import Path

from domicile_lab.identity import MACHINES
from domicile_lab.machines import pid_of

from tests.end_to_end.lab import PATHS

TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Usage:
    """Seconds of processor time since boot (or since the start of this process, for `children`)."""

    total: float
    machines: dict[str, float]
    children: float


def usage() -> Usage:
    """What has been used so far. A process of a machine is a descendant of its nspawn."""
    leaders = {pid_of(PATHS, m): m.name for m in MACHINES}
    parents: dict[int, int] = {}
    seconds: dict[int, float] = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue  # it has ended
        pid = int(folder.name)
        parents[pid] = int(fields[1])
        # utime, stime and those of children that ended and were waited for
        seconds[pid] = sum(int(fields[i]) for i in (11, 12, 13, 14)) / TICK
    machines = dict.fromkeys((m.name for m in MACHINES), 0.0)
    for pid, used in seconds.items():
        at: int | None = pid
        while at and at not in leaders:
            at = parents.get(at)
        if at:
            machines[leaders[at]] += used
    cpu = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    busy = sum(int(v) for i, v in enumerate(cpu) if i not in (3, 4, 8, 9)) / TICK
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Usage(busy, machines, spent.ru_utime + spent.ru_stime)


def shares(before: Usage, after: Usage) -> dict[str, float]:
    """Each party's share of the processor time that was used between two moments."""
    total = max(after.total - before.total, 1e-9)
    found = {name: (after.machines[name] - used) / total for name, used in before.machines.items()}
    found["load generator"] = (after.children - before.children) / total
    return {name: round(max(share, 0.0), 3) for name, share in found.items() if share > 0.005}

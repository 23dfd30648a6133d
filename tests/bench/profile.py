"""What a load spends its time on: where PostgreSQL's processes wait, and where the casino's Python runs.

PostgreSQL is asked by `pg_stat_activity` ten times a second what each of its processes that has work is doing; one that
waits for nothing runs, or waits for a processor. Python is sampled by py-spy from outside the process, which goes on
unhindered: what it does while it holds the interpreter's lock. Both are shares of samples: what bounds a load is what
most of them are.
"""

from __future__ import annotations

import collections
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from domicile_lab.identity import MACHINES
from domicile_lab.machines import pid_of

from tests.bench.ledger import DATABASE
from tests.end_to_end import lab

WAITS = f"""
SELECT coalesce(wait_event_type || '.' || wait_event, 'running') AS doing, count(*) FROM pg_stat_activity
WHERE datname = '{DATABASE}' AND state <> 'idle' AND pid <> pg_backend_pid()
    AND coalesce(wait_event_type, '') <> 'Client' GROUP BY 1
\\watch 0.1
"""
TOP = 12
"""Functions and waits that are told; the rest is summed."""


@contextmanager
def profiled(seconds: int, found: dict[str, Any], name: str, *, python: bool = False) -> Iterator[None]:
    """Sample while the body runs, for `seconds` at the most; what was found is put into `found[name]`."""
    waits: collections.Counter[str] = collections.Counter()
    functions: collections.Counter[str] = collections.Counter()
    samplers = [threading.Thread(target=_sample_waits, args=(seconds, waits))]
    if python:
        samplers.append(threading.Thread(target=_sample_python, args=(seconds, functions)))
    for sampler in samplers:
        sampler.start()
    yield
    for sampler in samplers:
        sampler.join()
    found[name] = {"postgresql": shares(waits)} | ({"python": shares(functions)} if python else {})


def shares(counted: collections.Counter[str]) -> dict[str, float]:
    """The most frequent, each as its part of all samples; `other` is the rest."""
    total = sum(counted.values())
    if not total:
        return {}
    told = {name: round(count / total, 3) for name, count in counted.most_common(TOP)}
    rest = 1 - sum(counted[name] for name in told) / total
    return told | ({"other": round(rest, 3)} if rest > 0.0005 else {})


def _sample_waits(seconds: int, waits: collections.Counter[str]) -> None:
    lab.on_machine("data1", f"cat > /tmp/waits.sql <<'END'\n{WAITS}\nEND")
    asked = f"timeout {seconds} runuser -u postgres -- psql -qAtX -f /tmp/waits.sql"
    text = lab.on_machine("data1", asked, check=False, timeout=seconds + 30)
    for doing, count in re.findall(r"^([\w.]+)\|(\d+)$", text, re.MULTILINE):
        waits[doing] += int(count)


def _sample_python(seconds: int, functions: collections.Counter[str]) -> None:
    pids = casino_processes()
    if not pids:
        raise SystemExit("No process of the bench's casino was found on the lab's nodes.")
    with tempfile.TemporaryDirectory(prefix="domicile-profile-") as folder:
        running = [
            (out, subprocess.Popen(
                [str(Path(sys.executable).with_name("py-spy")), "record", "--pid", str(pid), "--duration", str(seconds),
                 "--rate", "200", "--gil", "--format", "raw", "--output", str(out)],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )) for pid in pids for out in [Path(folder) / f"{pid}"]
        ]  # fmt: skip
        for out, one in running:
            one.wait(seconds + 30)
            with suppress(FileNotFoundError):
                for line in out.read_text().splitlines():
                    stack, _, count = line.rpartition(" ")
                    functions[_place(stack.split(";")[-1])] += int(count)


def _place(frame: str) -> str:
    """A frame `function (path/of/module.py:12)` as `module.function`, with the path from the package on."""
    found = re.match(r"(.+) \((?:.*/(?:site-packages|dist-packages|lib)/)?(.+?)(?:\.py)?(?::\d+)?\)$", frame)
    return f"{found[2].removeprefix('/').replace('/', '.')}.{found[1]}" if found else frame


def casino_processes() -> list[int]:
    """Processes of the bench's `api`, as this machine numbers them."""
    leaders = {pid_of(lab.PATHS, one) for one in MACHINES}
    parents, candidates = {}, []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        with suppress(OSError):
            parents[int(folder.name)] = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
            words = (folder / "cmdline").read_bytes().split(b"\0")
            variables = (folder / "environ").read_bytes().split(b"\0")
            if b"casino" in words and b"api" in words and b"CASINO_TENANT=bench" in variables:
                candidates.append(int(folder.name))

    def of_the_lab(pid: int | None) -> bool:
        while pid and pid not in leaders:
            pid = parents.get(pid)
        return bool(pid)

    return [pid for pid in candidates if of_the_lab(pid)]

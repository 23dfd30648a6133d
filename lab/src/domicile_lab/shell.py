"""Running other programs: one function, whose failure says what was run and what it said last."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

Say = Callable[[str], None]
Argument = str | Path


class CommandError(RuntimeError):
    """A program failed. The message holds its last lines and where the whole output is."""


def run(
    argv: Sequence[Argument],
    *,
    log: Path | None = None,
    say: Say | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: str | None = None,
    check: bool = True,
) -> str:
    """Run `argv`, return its output (stdout and stderr together).

    `log` gets the whole output appended; `say` gets each line as it comes. Raises CommandError on a non-zero
    exit when `check`.
    """
    command = [str(a) for a in argv]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        cwd=cwd,
        env={**os.environ, **(env or {})},
    )
    assert process.stdout is not None
    if stdin is not None:
        assert process.stdin is not None
        process.stdin.write(stdin)
        process.stdin.close()
    lines: list[str] = []
    sink = log.open("a") if log else None
    try:
        for line in process.stdout:
            lines.append(line)
            if sink:
                sink.write(line)
                sink.flush()
            if say and line.strip():
                say(line.strip())
    except BaseException:
        process.terminate()
        raise
    finally:
        code = process.wait()
        if sink:
            sink.close()
    if check and code != 0:
        tail = "".join(lines[-15:]).rstrip()
        where = f"\nThe whole output is in {log}." if log else ""
        raise CommandError(f"`{' '.join(command)[:200]}` ended with {code}:\n{tail}{where}")
    return "".join(lines)


def succeeds(argv: Sequence[Argument]) -> bool:
    """Whether `argv` ends with 0; its output is dropped."""
    return subprocess.run([str(a) for a in argv], capture_output=True, check=False).returncode == 0

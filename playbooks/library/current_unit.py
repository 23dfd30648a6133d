#!/usr/bin/python
"""Keeps a unit running, and no older than what it was started with."""

from __future__ import annotations

import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: current_unit
short_description: Keep units enabled, running, and started after the last change of their files
description:
  - Starts a unit that does not run, and restarts one that was started before one of its files changed.
  - A handler does that only in the run that made the change. If that run is interrupted, the service goes on with
    what it had, and no later run finds out. This looks at what is there.
  - The unit's own file, its additions and its program are looked at without being named.
options:
  names: {type: list, elements: str, required: true, description: Units, in the order to start them.}
  files: {type: list, elements: str, default: [], description: Globs of the other files that the units read at start.}
"""
PROPERTIES = (
    "ActiveState", "ExecMainStartTimestamp", "FragmentPath", "DropInPaths", "UnitFileState", "NeedDaemonReload",
    "ExecStart",
)  # fmt: skip


def changed_at(path: str) -> float:
    """When the file's content, name, owner or mode changed last; 0 where there is none."""
    try:
        return max(Path(path).stat().st_ctime, Path(path).lstat().st_ctime)
    except OSError:
        return 0.0


def started_at(shown: str) -> float:
    """systemd's `Tue 2026-11-24 09:11:49.123456 UTC` in seconds of the epoch; 0 for a unit that was never started."""
    if not shown or shown == "n/a":
        return 0.0
    return datetime.strptime(shown, "%a %Y-%m-%d %H:%M:%S.%f UTC").replace(tzinfo=UTC).timestamp()


def what_to_do(state: dict[str, str], files: list[str]) -> str | None:
    """start, restart or nothing, for a unit in this state (its properties) with these files."""
    if state["ActiveState"] not in ("active", "activating", "reloading"):
        return "start"
    program = re.search(r"\bpath=(\S+)", state["ExecStart"])
    own = [state["FragmentPath"], *state["DropInPaths"].split(), *([program[1]] if program else [])]
    newest = max((changed_at(path) for path in [*own, *files]), default=0.0)
    return "restart" if newest > started_at(state["ExecMainStartTimestamp"]) else None


class Systemctl:
    """systemctl, or the module's failure with what it said."""

    def __init__(self, module: AnsibleModule) -> None:
        self._module = module

    def run(self, *args: str) -> str:
        done = subprocess.run(["systemctl", *args], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            unit = args[-1]
            log = subprocess.run(
                ["journalctl", "--unit", unit, "--lines", "10", "--no-pager", "--output", "cat"],
                capture_output=True, text=True, check=False,
            ).stdout  # fmt: skip
            self._module.fail_json(msg=f"systemctl {' '.join(args)}: {done.stderr.strip()}", log=log.splitlines())
        return done.stdout

    def show(self, unit: str) -> dict[str, str]:
        """The unit's properties."""
        text = self.run("show", "--timestamp=us+utc", f"--property={','.join(PROPERTIES)}", unit)
        found = dict.fromkeys(PROPERTIES, "")
        found.update(line.split("=", 1) for line in text.splitlines() if "=" in line)
        return found


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "names": {"type": "list", "elements": "str", "required": True},
            "files": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    systemctl = Systemctl(module)
    files = sorted({str(path) for pattern in module.params["files"] for path in Path("/").glob(pattern.lstrip("/"))})
    done: list[str] = []
    for unit in module.params["names"]:
        state = systemctl.show(unit)
        if state["NeedDaemonReload"] == "yes" and not module.check_mode:
            systemctl.run("daemon-reload")
            state = systemctl.show(unit)  # its file may be another now, and have additions
        wanted = ["enable"] if state["UnitFileState"] == "disabled" else []
        if action := what_to_do(state, files):
            wanted.append(action)
        for verb in wanted:
            done.append(f"{verb} {unit}")
            if not module.check_mode:
                systemctl.run(verb, unit)
    module.exit_json(changed=bool(done), done=done)


if __name__ == "__main__":
    main()

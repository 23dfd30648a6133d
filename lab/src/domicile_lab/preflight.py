"""What must be true of the host before anything is touched; each refusal says what to do."""

from __future__ import annotations

import os
import platform
import re
import shutil
import socket
from pathlib import Path

from domicile_lab import host
from domicile_lab.identity import Identity
from domicile_lab.paths import Paths
from domicile_lab.shell import run

MEMORY_GIB = 6
DISK_GIB = 15


def problems(paths: Paths, identity: Identity) -> list[str]:
    """Everything that stands in the way, as sentences; empty when the lab can come up."""
    found: list[str] = []
    if os.geteuid() != 0:
        return ["The lab boots machines and so needs root: run `sudo make up`."]
    if platform.machine() != "x86_64":
        found.append(f"The lab runs on x86_64; this machine is {platform.machine()}.")
    if not shutil.which("apt-get"):
        found.append("The lab installs Debian packages: use Debian 12 or Ubuntu 24.04.")
    memory = _available_memory_gib()
    if memory < MEMORY_GIB and not host.bridge_exists(identity):
        found.append(f"{memory:.1f} GiB of memory are free and the lab needs {MEMORY_GIB}: stop something else.")
    disk = shutil.disk_usage(paths.root).free / 2**30
    if disk < DISK_GIB:
        found.append(f"{disk:.1f} GiB of disk are free below {paths.root} and the lab needs {DISK_GIB}.")
    if not host.bridge_exists(identity):
        found += _taken(identity)
    return found


def _available_memory_gib() -> float:
    found = re.search(r"MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text())
    return int(found[1]) / 2**20 if found else 0.0


def _taken(identity: Identity) -> list[str]:
    found: list[str] = []
    if shutil.which("ip"):
        routes = run(["ip", "-4", "route", "show", "to", "root", str(identity.network)], check=False)
        if routes.strip():
            found.append(
                f"The subnet {identity.network}, derived from this checkout, is in use already: "
                f"`{routes.strip().splitlines()[0]}`. Move the checkout to another path, or free the subnet."
            )
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", identity.port))
        except OSError:
            found.append(
                f"Port {identity.port} of the loopback is taken: end what listens there, or move the checkout."
            )
    return found

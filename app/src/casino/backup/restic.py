"""restic as a program: the only code that talks to a store. What it says is told on without its secrets."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from casino.backup.errors import BackupUnknown, StoreFailed

CHUNK = 1 << 20
TOLD = 2_000
"""Characters of a program's complaint that are told on."""
DUMP, RECEIPT = "casino.dump", "receipt.json"
INTERRUPTED_S = 15.0


@dataclass(frozen=True)
class Access:
    """What opens a repository. `store` has no credentials in it."""

    store: str
    password: str = field(repr=False)
    username: str = ""
    secret: str = field(default="", repr=False)
    ca_file: Path | None = None

    def environment(self) -> dict[str, str]:
        """restic's variables. Nothing secret is an argument, which every process of a machine can read."""
        found = {
            "RESTIC_REPOSITORY": self._repository(),
            "RESTIC_PASSWORD": self.password,
            # A pod has 512 MiB; restic's own memory is mostly garbage that waits.
            "GOGC": "20",
            "HOME": "/tmp",  # noqa: S108  the container's only folder that can be written
        }
        if self.store.startswith("s3:"):
            found |= {"AWS_ACCESS_KEY_ID": self.username, "AWS_SECRET_ACCESS_KEY": self.secret}
        return found

    def _repository(self) -> str:
        if not (self.store.startswith("rest:") and self.username):
            return self.store
        scheme, rest = self.store.split("://", 1)
        return f"{scheme}://{quote(self.username, safe='')}:{quote(self.secret, safe='')}@{rest}"

    def scrubbed(self, text: str) -> str:
        """A program's words, in one line, without what is secret."""
        for secret in (self.password, self.secret, quote(self.secret, safe="")):
            if secret:
                text = text.replace(secret, "***")
        return " ".join(text.split())[-TOLD:]


@dataclass(frozen=True, slots=True)
class Kept:
    """What a write left in the store: the snapshot's id, bytes before sealing, bytes that were new there."""

    snapshot: str
    bytes: int
    added: int


class Restic:
    """One repository. Every verb raises StoreFailed."""

    def __init__(self, program: Path, access: Access) -> None:
        self._access = access
        certificate = ["--cacert", str(access.ca_file)] if access.ca_file else []
        self._command = [str(program), "--no-cache", "--json", *certificate]

    async def ensure(self) -> None:
        """Make the repository where there is none yet."""
        if (await self._run("cat", "config"))[0] == 0:
            return
        code, _, told = await self._run("init")
        if code != 0 and (await self._run("cat", "config"))[0] != 0:
            raise StoreFailed(
                f"the store {self._access.store} cannot be opened, and no repository be made in it: {told}. Check that "
                "it answers, that what opens it is right, and that the repository's password is the one of before."
            )

    async def find(self, backup: str, tenant: str, name: str) -> str | None:
        """The id of the newest snapshot of a backup's file."""
        out = await self._ask("snapshots", "--host", tenant, "--tag", _tag(backup), "--path", f"/{name}")
        rows: list[dict[str, Any]] = json.loads(out or b"[]") or []
        return str(max(rows, key=lambda row: row["time"])["id"]) if rows else None

    async def backups(self, tenant: str) -> list[tuple[str, str]]:
        """Every backup of a tenant that was finished, the oldest first: its id, and when it was written."""
        out = await self._ask("snapshots", "--host", tenant, "--path", f"/{RECEIPT}")
        rows = sorted(json.loads(out or b"[]") or [], key=lambda row: row["time"])
        return [(tag.removeprefix("backup="), row["time"]) for row in rows for tag in row.get("tags") or ()]

    async def read(self, snapshot: str, name: str) -> bytes:
        """A small file."""
        return await self._ask("dump", snapshot, f"/{name}")

    async def write(self, source: AsyncIterator[bytes], backup: str, tenant: str, name: str) -> Kept:
        """Write what `source` gives. Where it raises, nothing of it stands in the store as a snapshot."""
        arguments = ["backup", "--stdin", "--stdin-filename", name, "--host", tenant, "--tag", _tag(backup)]
        process = await self._start(arguments, stdin=asyncio.subprocess.PIPE)
        output = asyncio.gather(read_all(process.stdout), read_all(process.stderr))
        assert process.stdin is not None
        try:
            try:
                async for chunk in source:
                    process.stdin.write(chunk)
                    await process.stdin.drain()
                process.stdin.close()
            except (BrokenPipeError, ConnectionResetError):
                pass  # it says why itself
            out, told = await output
        except BaseException:
            await _interrupt(process)
            output.cancel()
            raise
        if await process.wait() != 0:
            raise StoreFailed(f"the store {self._access.store} did not take {name}: {self._scrub(told)}.")
        return _kept(out)

    async def stream(self, snapshot: str, name: str) -> AsyncIterator[bytes]:
        """A file, chunk by chunk. Raises StoreFailed at its end where it did not come whole."""
        process = await self._start(["dump", snapshot, f"/{name}"])
        told = asyncio.create_task(read_all(process.stderr))
        assert process.stdout is not None
        try:
            while chunk := await process.stdout.read(CHUNK):
                yield chunk
            if await process.wait() != 0:
                raise StoreFailed(f"the store {self._access.store} did not give {name}: {self._scrub(await told)}.")
        finally:
            if process.returncode is None:
                await _interrupt(process)
            told.cancel()

    async def _ask(self, *arguments: str) -> bytes:
        code, out, told = await self._run(*arguments)
        if code != 0:
            raise StoreFailed(f"the store {self._access.store} did not answer `{arguments[0]}`: {told}.")
        return out

    async def _run(self, *arguments: str) -> tuple[int, bytes, str]:
        process = await self._start(arguments)
        out, told = await process.communicate()
        return process.returncode or 0, out, self._scrub(told)

    async def _start(self, arguments: Sequence[str], stdin: int = asyncio.subprocess.DEVNULL) -> Any:
        environment: Mapping[str, str] = {"PATH": os.environ.get("PATH", "")} | self._access.environment()
        try:
            return await asyncio.create_subprocess_exec(
                *self._command, *arguments, stdin=stdin, env=environment,
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            )  # fmt: skip
        except OSError as error:
            raise StoreFailed(f"restic cannot be run ({error.strerror}): it belongs to the backup's image") from error

    def _scrub(self, told: bytes) -> str:
        return self._access.scrubbed(told.decode(errors="replace"))


def _tag(backup: str) -> str:
    return f"backup={backup}"


def _kept(out: bytes) -> Kept:
    """restic's summary, of the lines that it prints as JSON. Raises StoreFailed where there is none."""
    for line in reversed(out.splitlines()):
        try:
            told = json.loads(line)
        except ValueError:
            continue
        if told.get("message_type") == "summary":
            return Kept(told["snapshot_id"], told["total_bytes_processed"], told["data_added"])
    raise StoreFailed("restic ended without telling what it wrote")


async def read_all(stream: Any) -> bytes:
    """A stream to its end; of much only the end is kept."""
    kept = b""
    while chunk := await stream.read(CHUNK):
        kept = (kept + chunk)[-CHUNK:]
    return kept


async def _interrupt(process: Any) -> None:
    """End restic so that it takes its lock away; a snapshot is written last, so there is none."""
    if process.returncode is not None:
        return
    process.send_signal(signal.SIGINT)
    try:
        await asyncio.wait_for(process.wait(), INTERRUPTED_S)
    except TimeoutError:
        process.kill()
        await process.wait()


def unknown(backup: str, store: str) -> BackupUnknown:
    """What to say of a backup that is not in the store."""
    return BackupUnknown(f"the store {store} has no finished backup {backup} of this tenant: `casino backup list`.")

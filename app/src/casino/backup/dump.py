"""pg_dump and pg_restore as programs."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from casino.backup.errors import DumpFailed
from casino.backup.restic import CHUNK, TOLD, read_all
from casino.kernel.openbao import Login
from casino.kernel.settings import Settings

# Whose a thing is and who may use it is said anew by the migration after a restore, for the tenant that it then is.
_SHAPE = ("--format=custom", "--compress=0", "--no-owner", "--no-privileges")


class Dump:
    """The bytes of one dump. `bytes` and `sha256` are those that were read so far."""

    def __init__(self, program: str, settings: Settings, login: Login | None, snapshot: str) -> None:
        self._command = [program, *_SHAPE, f"--snapshot={snapshot}", "--lock-wait-timeout=30s"]
        self._environment = connection_environment(settings, login)
        self._digest = hashlib.sha256()
        self.bytes = 0

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    async def read(self) -> AsyncIterator[bytes]:
        """Chunk by chunk. Raises DumpFailed at its end where pg_dump did not come to its own."""
        async with _running(self._command, self._environment, stdout=asyncio.subprocess.PIPE) as (process, told):
            while chunk := await process.stdout.read(CHUNK):
                self._digest.update(chunk)
                self.bytes += len(chunk)
                yield chunk
            if await process.wait() != 0:
                raise DumpFailed(f"the database was not read to its end: {_line(await told)}")


async def restore(program: str, settings: Settings, login: Login | None, source: AsyncIterator[bytes]) -> str:
    """Write a dump into a database, whole or not at all. Gives the dump's SHA-256. Raises DumpFailed."""
    command = [program, "--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction", "--dbname="]
    environment, digest = connection_environment(settings, login), hashlib.sha256()
    # Before its input is closed nothing is committed: a source that fails leaves the database as it was.
    async with _running(command, environment, stdin=asyncio.subprocess.PIPE) as (process, told):
        try:
            async for chunk in source:
                digest.update(chunk)
                process.stdin.write(chunk)
                await process.stdin.drain()
            process.stdin.close()
        except (BrokenPipeError, ConnectionResetError):
            pass  # it says why itself
        if await process.wait() != 0:
            raise DumpFailed(f"the dump was not taken by the database, which is as it was: {_line(await told)}")
    return digest.hexdigest()


def connection_environment(settings: Settings, login: Login | None) -> dict[str, str]:
    """libpq's variables. The password is none of the arguments, which every process of a machine can read."""
    found = {"PATH": os.environ.get("PATH", ""), "PGAPPNAME": "casino-backup"}
    if "LD_LIBRARY_PATH" in os.environ:
        found["LD_LIBRARY_PATH"] = os.environ["LD_LIBRARY_PATH"]
    if login is None:
        assert settings.database_url is not None
        return found | url_environment(settings.database_url.get_secret_value())
    assert settings.database_host is not None and settings.database_name is not None
    return found | {
        "PGHOST": settings.database_host,
        "PGPORT": str(settings.database_port),
        "PGDATABASE": settings.database_name,
        "PGUSER": login.username,
        "PGPASSWORD": login.password,
        "PGSSLMODE": "verify-full",
        "PGSSLROOTCERT": str(settings.ca_file) if settings.ca_file else "system",
        # Of several hosts the one that takes writes, as the connection that opened the snapshot.
        "PGTARGETSESSIONATTRS": "read-write",
    }


def url_environment(url: str) -> dict[str, str]:
    """libpq's variables of a development URL."""
    parts = urlsplit(url)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    found = {
        "PGHOST": query.get("host") or parts.hostname or "",
        "PGPORT": str(query.get("port") or parts.port or ""),
        "PGDATABASE": unquote(parts.path.removeprefix("/")),
        "PGUSER": unquote(parts.username or query.get("user", "")),
        "PGPASSWORD": unquote(parts.password or query.get("password", "")),
        "PGSSLMODE": query.get("sslmode", ""),
        "PGSSLROOTCERT": query.get("sslrootcert", ""),
    }
    return {name: value for name, value in found.items() if value}


@asynccontextmanager
async def _running(
    command: list[str],
    environment: dict[str, str],
    *,
    stdin: int = asyncio.subprocess.DEVNULL,
    stdout: int = asyncio.subprocess.DEVNULL,
) -> AsyncIterator[tuple[Any, asyncio.Task[bytes]]]:
    """A program and what it tells on standard error; it has ended where this ends. Raises DumpFailed."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command, env=environment, stdin=stdin, stdout=stdout, stderr=asyncio.subprocess.PIPE
        )
    except OSError as error:
        raise DumpFailed(f"{command[0]} cannot be run ({error.strerror}): it belongs to the backup's image") from error
    told = asyncio.create_task(read_all(process.stderr))
    try:
        yield process, told
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        told.cancel()


def _line(told: bytes) -> str:
    return " ".join(told.decode(errors="replace").split())[-TOLD:]

"""A month's life after its end: sealed, exported, and retired by the rules (docs/ledger.md)."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, TextIO, cast

from casino.kernel.errors import ConfigurationError
from casino.wallet import repository_seals as repository
from casino.wallet.repository_seals import NotYet
from casino.wallet.sealed_file import Entry, MonthVerdict, verify_month
from casino.wallet.verify import verify_ledger

MANIFEST = ".manifest.json"


def month_of(text: str) -> date:
    """`2026-10` as the first of that month. Raises ValueError."""
    year, _, number = text.partition("-")
    if len(year) != 4 or len(number) != 2:
        raise ValueError("a month is written 2026-10")
    return date(int(year), int(number), 1)


def file_of(folder: Path, month: date) -> Path:
    """Where a month is exported to."""
    return folder / f"ledger-{month:%Y-%m}.jsonl.gz"


async def seal(connection: Any, month: date) -> tuple[str, str]:
    """Seal a month of a ledger that holds. Raises NotYet. `connection` is one of the wallet's."""
    if await repository.digest_of(connection, month) is None:
        reason = await repository.unsettled(connection, month)
        if reason is not None:
            raise NotYet(f"{month:%Y-%m} is not sealed: {reason}")
        report = await verify_ledger(connection, from_last_seal=True)
        if not report.ok:
            broken = ", ".join(one.invariant for one in report.breaks)
            raise NotYet(f"{month:%Y-%m} is not sealed: the ledger is broken ({broken})")
    return await repository.seal(connection, month)


async def export_month(connection: Any, month: date, folder: Path) -> MonthVerdict:
    """Write a sealed month to a file and its manifest beside it, verify the file, and record it where it holds.

    A file that is there is whole: it is written under another name first. One that is there already is not written
    again. Raises NotYet, OSError.
    """
    path = file_of(folder, month)
    if not path.exists():
        partial = path.with_name(path.name + ".partial")
        # No time and no name in it: the same month is the same file.
        with partial.open("wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as file:
            async for line in repository.month_lines(connection, month):
                file.write(line.encode() + b"\n")
        partial.replace(path)
    verdict, sha256 = verify_file(path)
    if await repository.digest_of(connection, month) != verdict.digest:
        verdict.faults.append("the file is of another seal than the database has")
    if not verdict.faults:
        manifest = {"file": path.name, "sha256": sha256, "bytes": path.stat().st_size} | verdict.as_json()
        path.with_name(path.name + MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")
        await repository.record_export(connection, month, bytes.fromhex(sha256), path.stat().st_size, path.name)
    return verdict


def verify_file(path: Path) -> tuple[MonthVerdict, str]:
    """Verify a file without a database; answers the verdict and the file's SHA-256."""
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    try:
        with open_file(path) as lines:
            verdict = verify_month(lines)
    except (EOFError, gzip.BadGzipFile, UnicodeDecodeError, OSError) as error:
        verdict = MonthVerdict(faults=[f"the file cannot be read to its end: {type(error).__name__}"])
    manifest = path.with_name(path.name + MANIFEST)
    if manifest.exists():
        try:
            told = json.loads(manifest.read_text())
            if (told["sha256"], told["digest"]) != (sha256, verdict.digest):
                verdict.faults.append("the file is another one than its manifest says")
        except (ValueError, KeyError, TypeError):
            verdict.faults.append("the manifest is none")
    return verdict, sha256


def open_file(path: Path) -> TextIO:
    """The lines of a file, compressed or not."""
    if path.suffix == ".gz":
        return cast(TextIO, gzip.open(path, "rt", encoding="utf-8"))
    return path.open(encoding="utf-8")


async def retire(connection: Any, path: Path, years: int | None, *, drop: bool) -> dict[str, Any]:
    """Detach a month, and drop it where `drop`; may be called again where it broke off. `connection` is the owner's.

    `years`: the rules' `record_retention_years`. Raises NotYet where the file does not hold, was not recorded when it
    was made, the retention is not over, a legal hold keeps the month, or an older one is still there.
    """
    verdict, sha256 = verify_file(path)
    if verdict.faults:
        raise NotYet(f"{path.name} does not hold: {verdict.faults[0]}")
    month = month_of(verdict.month)
    await repository.begin_retirement(connection, month, years, bytes.fromhex(sha256), verdict.digest)
    forgotten = await repository.forget(connection)
    await repository.detach(connection, month)
    if drop:
        await repository.drop(connection, month)
    return {"month": verdict.month, "forgotten": forgotten, "dropped": drop}


async def lay_out(connection: Any, path: Path, reader: str | None) -> str:
    """Lay an exported month out in a schema of its own, to be read; answers the schema. `connection` is the owner's."""
    verdict, _ = verify_file(path)
    if verdict.faults:
        raise NotYet(f"{path.name} does not hold: {verdict.faults[0]}")
    month = month_of(verdict.month)
    if await repository.digest_of(connection, month) != verdict.digest:
        raise NotYet(f"{path.name} is of another seal than the database has")
    with open_file(path) as lines:
        return await repository.lay_out(connection, month, _entries(lines), reader)


def _entries(lines: TextIO) -> Iterator[Entry]:
    for text in lines:
        line = json.loads(text)
        if "content" in line:
            yield Entry.parse(line)


async def seal_due(pool: Any, archive: Path | None) -> Mapping[str, Any]:
    """What the schedule does: seal every month that is over and settled, and export what has no file yet."""
    sealed, waiting, exported = [], None, []
    async with pool.acquire() as connection:
        try:
            while (month := await repository.next_to_seal(connection)) is not None:
                try:
                    await seal(connection, month)
                except NotYet as error:
                    waiting = str(error)
                    break
                sealed.append(f"{month:%Y-%m}")
            if archive is not None:
                for one in await repository.months(connection):
                    if one["state"] == "sealed" and not one["exports"]:
                        verdict = await export_month(connection, month_of(one["month"]), archive)
                        if verdict.faults:
                            raise ConfigurationError(f"the export of {one['month']} does not hold: {verdict.faults[0]}")
                        exported.append(one["month"])
        finally:
            if not connection.is_closed():
                await connection.execute("RESET statement_timeout; RESET idle_in_transaction_session_timeout")
    return {"sealed": sealed, "waiting": waiting, "exported": exported}

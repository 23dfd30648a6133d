"""Importing players and opening balances: judged whole before anything is written, resumed by line, undone whole."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Protocol, TextIO

from casino.kernel.errors import CasinoError
from casino.kernel.identity import new_id
from casino.pam import repository_import, repository_keys
from casino.pam.events import Event, ImportUndone, PlayerErased, PlayerRegistered
from casino.pam.fields import PROMPTS
from casino.pam.import_file import Conditions, Fault, ImportRow, read
from casino.pam.module import PlayerModule
from casino.pam.repository_import import Batch, Posting
from casino.pam.repository_lifecycle import lock_status, set_status
from casino.pam.service import require_possible_age
from casino.pam.status import Actor, Status

log = logging.getLogger(__name__)

CHUNK = 200
Progress = Callable[[str, int, int], None]
"""Told the phase, what is done of it, and of how much (bytes while judging, lines after)."""


class OpeningBalances(Protocol):
    """The ledger's side. Every call is idempotent by its reference, `import:<batch>:<line>`."""

    async def post(self, player_id: uuid.UUID, amount_minor: int, currency: str, reference: str) -> None:
        """Open the player's account where there is none, and put the balance in."""
        ...

    async def reverse(self, player_id: uuid.UUID, amount_minor: int, currency: str, reference: str) -> None:
        """Post the opposite of what stands under the reference; nothing where nothing stands."""
        ...

    async def total(self, reference_prefix: str) -> Mapping[str, int]:
        """What stands under references that begin so, by currency, minor units."""
        ...

    async def played_with(self, player_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
        """Those of the players whose account has moved in any other way."""
        ...


class ImportRefused(CasinoError):
    status, code = 409, "IMPORT_REFUSED"
    rule = "a file is imported once, and whole"


@dataclass(slots=True)
class Report:
    """What an import came to. `totals` is the file's sum by currency, `posted` the ledger's, in minor units."""

    file_sha256: str
    rows: int = 0
    faults: int = 0
    totals: dict[str, int] = field(default_factory=dict)
    batch_id: str | None = None
    imported: int = 0
    posted: dict[str, int] = field(default_factory=dict)
    state: str = "checked"


class Importer:
    def __init__(self, module: PlayerModule, balances: OpeningBalances | None) -> None:
        self._module = module
        self._balances = balances
        self._pool = module.repository.pool

    async def check(self, path: Path, report_fault: Callable[[Fault], None], progress: Progress) -> Report:
        """Judge the whole file and write nothing. Every fault is reported, addresses that are taken among them."""
        digest, size = await asyncio.to_thread(_digest, path)
        report = Report(file_sha256=digest.hex())
        totals: Counter[str] = Counter()
        begun = await repository_import.by_file(self._pool, digest)
        waiting: list[tuple[int, bytes]] = []

        async def look_up() -> None:
            taken = await repository_import.taken_addresses(self._pool, [index for _, index in waiting])
            # In a batch that was begun, they are its own.
            for line, index in waiting if begun is None else ():
                if index in taken:
                    report.faults += 1
                    report_fault(Fault(line, "email", "has an account already"))
            waiting.clear()

        with _lines(path) as (file, lines):
            for found in read(lines, self._conditions()):
                if isinstance(found, Fault):
                    report.faults += 1
                    report_fault(found)
                    continue
                report.rows += 1
                totals[found.currency] += found.amount_minor
                index = self._module.vault.indices(found.person)["email"]
                assert index is not None
                waiting.append((found.line, index))
                if len(waiting) >= CHUNK:
                    await look_up()
                    progress("check", min(file.buffer.tell(), size), size)
        await look_up()
        progress("check", size, size)
        report.totals = dict(totals)
        return report

    async def run(self, path: Path, checked: Report, progress: Progress, *, resume: bool = False) -> Report:
        """Import a file that was checked without a fault.

        Raises ImportRefused: the file was imported before, or begun before and `resume` is not set; it changed since
        it was checked; or what was posted is not, to the cent, what the file says.
        """
        batch = await self._begin(checked, resume)
        report = checked
        report.batch_id, report.state = str(batch.batch_id), "running"
        done = await repository_import.last_line(self._pool, batch.batch_id)
        await self._post(batch)
        chunk: list[ImportRow] = []
        imported, _ = await repository_import.sums(self._pool, batch.batch_id)
        with _lines(path) as (_, lines):
            for found in read(lines, self._conditions()):
                if isinstance(found, Fault):
                    raise ImportRefused("The file has changed since it was checked.")
                if found.line > done:
                    chunk.append(found)
                if len(chunk) >= CHUNK:
                    imported += await self._write(batch, chunk)
                    chunk = []
                    progress("import", imported, batch.rows_total)
        imported += await self._write(batch, chunk)
        progress("import", imported, batch.rows_total)
        digest, _ = await asyncio.to_thread(_digest, path)
        if digest.hex() != checked.file_sha256:
            raise ImportRefused("The file has changed since it was checked.")
        await self._reconcile(batch, report)
        await repository_import.end(self._pool, batch.batch_id, "done", self._module.clock.now())
        report.state = "done"
        log.info("players imported", extra={"batch": report.batch_id, "players": report.imported})
        return report

    async def undo(self, batch_id: uuid.UUID, progress: Progress) -> int:
        """Take a batch back: its balances reversed, its players erased; answers how many. May be called again.

        Raises ImportRefused when one of its players has played or deposited since: nothing is taken back then.
        """
        batch = await repository_import.by_id(self._pool, batch_id)
        if batch is None or batch.state == "undone":
            raise ImportRefused("There is no such batch to take back.")
        balances = self._ledger(batch.totals)
        async for chunk in self._standing(batch):
            if balances is not None and await balances.played_with([row.player_id for row in chunk]):
                raise ImportRefused("A player of the batch has played or deposited since; nothing was taken back.")
        undone = 0
        async for chunk in self._standing(batch):
            for row in chunk:
                if row.amount_minor and balances is not None:
                    reference = _reference(batch.batch_id, row.line)
                    await balances.reverse(row.player_id, row.amount_minor, row.currency, reference)
                await self._take_back(batch, row)
                undone += 1
            progress("undo", undone, batch.rows_total)
        await repository_import.end(self._pool, batch_id, "undone", self._module.clock.now())
        return undone

    async def _begin(self, checked: Report, resume: bool) -> Batch:
        if checked.faults:
            raise ImportRefused("A file with faults is not imported.", remedy="Correct it and check it again.")
        self._ledger(checked.totals)
        digest = bytes.fromhex(checked.file_sha256)
        batch = await repository_import.by_file(self._pool, digest)
        if batch is None:
            batch = Batch(new_id(), "running", checked.rows, checked.totals)
            await repository_import.begin(self._pool, batch, digest, self._module.clock.now())
        elif batch.state == "done":
            raise ImportRefused("The file was imported before.")
        elif not resume:
            raise ImportRefused("The import of this file was begun before.", remedy="Go on with it: --resume.")
        return batch

    def _ledger(self, totals: Mapping[str, int]) -> OpeningBalances | None:
        if self._balances is None and any(totals.values()):
            raise ImportRefused(
                "The file has balances, and the ledger here takes no opening balances.",
                rule="money enters the ledger through the ledger",
                remedy="Deploy a version whose ledger does.",
            )
        return self._balances

    async def _write(self, batch: Batch, chunk: list[ImportRow]) -> int:
        """Players and lines in one transaction, then their balances: a crash in between is made good by a resume."""
        if not chunk:
            return 0
        module, now = self._module, self._module.clock.now()
        ids = [new_id() for _ in chunk]
        people = await asyncio.gather(
            *(module.vault.seal_new(one, row.person) for one, row in zip(ids, chunk, strict=True))
        )
        async with module.repository.transaction() as connection:
            for player_id, row, person in zip(ids, chunk, people, strict=True):
                if not await module.repository.add(
                    connection,
                    player_id=player_id,
                    person=person,
                    password_hash=row.password_hash,
                    status=row.status,
                    registered_at=now,
                ):
                    raise ImportRefused(
                        f"The address on line {row.line} has got an account since the file was checked."
                    )
            events = [Event(one, now, PlayerRegistered(status=row.status, imported=True))
                      for one, row in zip(ids, chunk, strict=True)]  # fmt: skip
            await module.events.append(connection, *events)
            postings = [Posting(row.line, one, row.amount_minor, row.currency)
                        for one, row in zip(ids, chunk, strict=True)]  # fmt: skip
            await repository_import.add_rows(connection, batch.batch_id, postings)
        await self._post(batch)
        return len(chunk)

    async def _post(self, batch: Batch) -> None:
        while rows := await repository_import.unposted(self._pool, batch.batch_id, CHUNK):
            balances = self._ledger(batch.totals)
            assert balances is not None  # a batch with balances is not begun without
            for row in rows:
                reference = _reference(batch.batch_id, row.line)
                await balances.post(row.player_id, row.amount_minor, row.currency, reference)
            lines = [row.line for row in rows]
            await repository_import.mark_posted(self._pool, batch.batch_id, lines, self._module.clock.now())

    async def _reconcile(self, batch: Batch, report: Report) -> None:
        """The file, our lines and the ledger agree in every currency, to the cent."""
        report.imported, ours = await repository_import.sums(self._pool, batch.batch_id)
        ledger = dict(await self._balances.total(_reference(batch.batch_id, None))) if self._balances else {}
        report.posted = ledger
        for currency in {*report.totals, *ours, *ledger}:
            if not report.totals.get(currency, 0) == ours.get(currency, 0) == ledger.get(currency, 0):
                raise ImportRefused(
                    f"The sums in {currency} differ: file {report.totals.get(currency, 0)}, lines "
                    f"{ours.get(currency, 0)}, ledger {ledger.get(currency, 0)}.",
                    rule="an import is reconciled to the cent",
                    remedy="Find out why before anybody plays: the batch stays open.",
                )
        if report.imported != batch.rows_total:
            raise ImportRefused(f"{report.imported} lines were imported of {batch.rows_total}.")

    async def _take_back(self, batch: Batch, row: Posting) -> None:
        module, now = self._module, self._module.clock.now()
        async with module.repository.transaction() as connection:
            origin = await lock_status(connection, row.player_id)
            assert origin is not None
            if origin is not Status.CLOSED:
                await set_status(
                    connection, row.player_id, origin, Status.CLOSED,
                    actor=Actor.STAFF, actor_id=None, reason="import_undone", now=now,
                )  # fmt: skip
            await repository_keys.destroy_key(connection, row.player_id, now)
            undone = Event(row.player_id, now, ImportUndone(batch_id=batch.batch_id))
            await module.events.append(connection, undone, Event(row.player_id, now, PlayerErased()))
        module.vault.keys.forget(row.player_id)
        await module.sessions.revoke_all(row.player_id)

    async def _standing(self, batch: Batch) -> Any:
        after = 0
        while rows := await repository_import.standing(self._pool, batch.batch_id, after, CHUNK):
            yield rows
            after = rows[-1].line

    def _conditions(self) -> Conditions:
        rules, clock = self._module.rules.current, self._module.clock

        def check_age(born: date) -> None:
            try:
                require_possible_age(rules, clock, born)
            except CasinoError as refused:
                raise ValueError(f"is refused: {refused.rule}") from None

        required = tuple(name for name in self._module.accounts.required if name not in PROMPTS)
        return Conditions(rules.currency, required, check_age)


def _reference(batch_id: uuid.UUID, line: int | None) -> str:
    return f"import:{batch_id}:{line if line is not None else ''}"


def _digest(path: Path) -> tuple[bytes, int]:
    """SHA-256 and size."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").digest()
        return digest, file.tell()


@contextmanager
def _lines(path: Path) -> Iterator[tuple[TextIO, Iterator[str]]]:
    # What is no UTF-8 comes through as lone surrogates, so that its line can be named.
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        yield file, iter(lambda: file.readline(1 << 20), "")

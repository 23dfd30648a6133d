"""What the casino may still do, as a process knows it: read from the operator's file, brought to the ledger, shown.

The ledger binds, whoever wrote the record there and whatever this process knows. What it knows is for who is shown
something, and for `warnings`; what stakes nothing that the ledger would see asks the ledger by `require`.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from casino.compliance.api import Act, Operation, allows, closed, read_operation
from casino.kernel.clock import Clock
from casino.kernel.errors import ConfigurationError
from casino.kernel.metrics import OPERATION_BARRIER, OPERATION_REFUSED, OPERATION_REVISION
from casino.wallet.repository_operation import OperationRepository, Recorded

log = logging.getLogger(__name__)

WAITING_S = 0.25
"""How often it is looked whether transactions by an older record still run."""


class OperationInForce:
    """One process's view. `path`: CASINO_OPERATION; without it only the ledger is read."""

    def __init__(self, repository: OperationRepository, path: Path | None, clock: Clock) -> None:
        self.repository = repository
        self.recorded: Recorded | None = None
        """What binds in the ledger, as far as is known here; None: nothing was ever told, and all is allowed."""
        self.barrier_passed = 0
        """The revision up to which no transaction runs any more that may have judged by an older record."""
        self.fault: str | None = None
        """What is wrong with the file in place, for an operator's eyes."""
        self._path = path
        self._clock = clock
        self._read: Operation | None = None
        self._unusable = False
        self._awaited: int | None = None
        OPERATION_REVISION.set(0)
        OPERATION_BARRIER.set(0)
        OPERATION_REFUSED.set(0)

    @property
    def closed_here(self) -> bool:
        """True in a process that has a file, can use none of it, and never could: it opens no account, and takes no
        deposit and no stake. A repeat is answered as before, as by the ledger."""
        return self._unusable and self._read is None

    def may(self, act: Act) -> bool:
        """Whether an act is left, as far as is known here: for what is shown. `require` asks what binds."""
        if self.closed_here and act != "withdraw":
            return False
        return allows(self.recorded.operation if self.recorded else None, act, self._clock.now())

    async def leaves(self, act: Act) -> bool:
        """Whether an act is left, by the ledger's record and its clock."""
        return not (self.closed_here and act != "withdraw") and await self.repository.allows(act)

    async def require(self, act: Act) -> None:
        """Refuse an act that is not left, as `leaves` says. Raises what compliance's `closed` makes of it."""
        if not await self.leaves(act):
            raise closed(act)

    async def look(self) -> None:
        """Read the file, bring a newer record to the ledger, see what binds there. Raises what the database does."""
        fault, refused = await self._look_at_file()
        await self._look_at_ledger()
        if self._read is not None and self._revision() < self._read.revision:
            await self.repository.operate(self._read)
            await self._look_at_ledger()
        if fault is None and self._read is not None and self._revision() > self._read.revision:
            # As a rule the kubelet is late here, and another pod had the file before.
            fault = f"{self._path} has revision {self._read.revision}; the ledger has {self._revision()}, which binds"
        elif fault is None and self._read is not None and self.recorded and self.recorded.operation != self._read:
            fault, refused = f"{self._path} says of revision {self._revision()} what the ledger has otherwise", True
        if fault not in (None, self.fault):
            log.log(
                logging.ERROR if refused else logging.WARNING,
                "the file of what the casino may do is not in force",
                extra={"reason": fault, "revision": self._revision()},
            )
        self.fault = fault
        OPERATION_REFUSED.set(1 if refused else 0)

    async def watch(self, interval_s: float) -> None:
        """Look for ever; more often while older transactions are waited for."""
        while True:
            await asyncio.sleep(interval_s if self._awaited is None else min(WAITING_S, interval_s))
            try:
                await self.look()
            except Exception as error:
                log.warning("what the casino may do could not be looked at", extra={"error": type(error).__name__})

    async def _look_at_file(self) -> tuple[str | None, bool]:
        """What is wrong with the file, and whether that is a fault of its content."""
        if self._path is None:
            return None, False
        try:
            found = await asyncio.to_thread(read_operation, self._path)
        except ConfigurationError as error:
            self._unusable = True
            left = "this process is closed" if self.closed_here else "what binds in the ledger is left as it is"
            return f"{error}; {left}", True
        self._unusable = False
        if found is None:
            return f"{self._path} (CASINO_OPERATION) is not there; what the ledger has binds", False
        self._read = found
        return None, False

    async def _look_at_ledger(self) -> None:
        seen, known = await self.repository.seen(), self._revision()
        revision = seen.recorded.operation.revision if seen.recorded else 0
        if revision != known:
            self._awaited = await self.repository.mark()
            self.barrier_passed = min(self.barrier_passed, revision - 1)  # a database that was restored goes back
            told = seen.recorded.operation.model_dump(include={"state", "acts", "reason"}) if seen.recorded else {}
            log.warning(
                "what the casino may do has changed", extra={"revision": revision, "revision_before": known, **told}
            )
        self.recorded = seen.recorded
        if self._awaited is not None and seen.oldest >= self._awaited:
            self.barrier_passed, self._awaited = revision, None
        OPERATION_REVISION.set(revision)
        OPERATION_BARRIER.set(max(0, self.barrier_passed))

    def _revision(self) -> int:
        return self.recorded.operation.revision if self.recorded else 0
